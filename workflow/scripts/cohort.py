from functools import partial

from myomag.ledger.harness import job
from myomag.ledger.study_harness import checked_tables, results, write_study
from myomag.settings.models import Settings
from myomag.steps.cohort import cohort_tables
from myomag.study.ratings import read_ratings
from myomag.study.tables import read_tables

with job(snakemake) as task:
    checked_tables(task)
    write_study(
        task,
        cohort_tables(
            results(task),
            partial(read_tables, task.study),
            task.settings(Settings),
            task.spec.reject,
            read_ratings(task.root),
        ).items(),
    )

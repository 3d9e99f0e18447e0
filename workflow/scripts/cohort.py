from myomag.ledger.harness import checked_tables, job, write_study
from myomag.settings.models import Settings
from myomag.steps.cohort import cohort_tables

with job(snakemake) as task:
    checked_tables(task)
    write_study(task, cohort_tables(task.results(), task.study, task.settings(Settings), task.spec.reject).items())

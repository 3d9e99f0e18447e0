import json
from datetime import UTC, datetime
from pathlib import Path

from myomag.ledger.results import read_results
from myomag.ledger.study_step import checked_tables, finish_study_step, ledger_files
from myomag.run.jobs import job_log
from myomag.steps.cohort import cohort_tables

with job_log(snakemake.log[0]):
    started = datetime.now(UTC)
    study, ledgers = Path(snakemake.config["study"]), [Path(path) for path in snakemake.input.ledgers]
    checked_tables(study, Path(snakemake.input.tables))
    spec = json.loads(snakemake.params.spec)
    outputs = cohort_tables(read_results(ledgers), Path.cwd(), study, spec["settings"], spec["reject"])
    finish_study_step(
        "cohort",
        outputs.items(),
        ledger_files([Path(snakemake.input.tables), *ledgers]),
        ledger=Path(snakemake.output.ledger),
        spec=snakemake.params.spec,
        started=started,
    )

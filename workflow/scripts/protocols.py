from datetime import UTC, datetime
from pathlib import Path

from myomag.ledger.results import read_results
from myomag.ledger.study_step import finish_study_step, ledger_files
from myomag.run.jobs import job_log
from myomag.steps.protocols import protocol_tables

with job_log(snakemake.log[0]):
    started = datetime.now(UTC)
    ledgers = [Path(path) for path in snakemake.input.ledgers]
    finish_study_step(
        "protocols",
        protocol_tables(read_results(ledgers), Path.cwd()).items(),
        ledger_files(ledgers),
        ledger=Path(snakemake.output.ledger),
        spec=snakemake.params.spec,
        started=started,
    )

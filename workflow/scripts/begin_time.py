from pathlib import Path

from myomag.ledger.rows import run_step
from myomag.run.jobs import job_log
from myomag.steps.begin_time import begin_time_scan

with job_log(snakemake.log[0]):
    run_step(
        "begin_time",
        begin_time_scan,
        previous=Path(snakemake.input[0]),
        ledger=Path(snakemake.output[0]),
        spec=snakemake.params.spec,
        study=Path(snakemake.config["study"]),
    )

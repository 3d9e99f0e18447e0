from pathlib import Path

from myomag.ledger.rows import run_step
from myomag.run.jobs import job_log
from myomag.steps.qc import qc_scan

with job_log(snakemake.log[0]):
    run_step(
        "qc",
        qc_scan,
        previous=Path(snakemake.input[0]),
        ledger=Path(snakemake.output[0]),
        spec=snakemake.params.spec,
        study=Path(snakemake.config["study"]),
    )

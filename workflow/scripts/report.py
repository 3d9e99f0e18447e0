import json
from datetime import UTC, datetime
from pathlib import Path

from myomag.jobs import job_log
from myomag.ledger import checked_outputs
from myomag.provenance import environment
from myomag.steps.report import PAGE, report_page
from myomag.study_step import finish_study_step

with job_log(snakemake.log[0]):
    started = datetime.now(UTC)
    spec = json.loads(snakemake.params.spec)
    steps = [checked_outputs(Path.cwd(), Path(path)) for path in snakemake.input.ledgers]
    page = report_page(Path.cwd(), steps, spec["settings"], environment())
    finish_study_step(
        "report",
        {PAGE: page},
        {role: file for row in steps for role, file in row.outputs.items()},
        ledger=Path(snakemake.output.ledger),
        spec=snakemake.params.spec,
        started=started,
    )

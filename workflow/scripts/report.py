import json
from datetime import UTC, datetime
from pathlib import Path

from myomag.files import remove_files
from myomag.jobs import job_log
from myomag.ledger import checked_outputs, read_ledger
from myomag.provenance import environment
from myomag.report.figures import FOLDER
from myomag.steps.report import report_files
from myomag.study_step import finish_study_step

with job_log(snakemake.log[0]):
    started = datetime.now(UTC)
    spec = json.loads(snakemake.params.spec)
    steps = [checked_outputs(Path.cwd(), Path(path)) for path in snakemake.input.ledgers]
    files = report_files(Path.cwd(), steps, spec["settings"], environment())
    finish_study_step(
        "report",
        files,
        {role: file for row in steps for role, file in row.outputs.items()},
        ledger=Path(snakemake.output.ledger),
        spec=snakemake.params.spec,
        started=started,
    )
    # Figures of models that are no longer asked for.
    (made,) = read_ledger(Path(snakemake.output.ledger))
    kept = {path for path, _ in made.outputs.values()}
    remove_files(Path.cwd(), {str(path) for path in Path(FOLDER).glob("*")} - kept)

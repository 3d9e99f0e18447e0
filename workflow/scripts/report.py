import json
from datetime import UTC, datetime
from pathlib import Path

from myomag.io.files import remove_files
from myomag.ledger.activity import environment
from myomag.ledger.rows import checked_outputs, read_ledger
from myomag.ledger.study_step import finish_study_step
from myomag.report.figures import FOLDER
from myomag.run.jobs import job_log
from myomag.steps.report import report_files

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

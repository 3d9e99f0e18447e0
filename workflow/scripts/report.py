import json
from datetime import UTC, datetime
from pathlib import Path

from myomag.jobs import job_log
from myomag.ledger import checked_outputs
from myomag.provenance import environment
from myomag.report.cohort import cohort_page
from myomag.steps.pages import table_rows
from myomag.study_step import finish_study_step

with job_log(snakemake.log[0]):
    started = datetime.now(UTC)
    spec = json.loads(snakemake.params.spec)
    steps = [checked_outputs(Path.cwd(), Path(path)) for path in snakemake.input.ledgers]
    tables = [table_rows(Path(path)) for path in snakemake.input.tables]
    provenance = [
        {"step": row.step, "file": path, "sha256": sha, "settings_digest": row.settings, "source_digest": row.code}
        for row in steps
        for path, sha in row.outputs.values()
    ]
    software = environment()
    run = {"Python": software["python"], **software["packages"], "settings (SHA-256)": steps[0].settings}
    page = cohort_page(spec["settings"]["report"]["title"], *tables, spec["settings"], provenance, run)
    finish_study_step(
        "report",
        {"report/index.html": page},
        {role: file for row in steps for role, file in row.outputs.items()},
        ledger=Path(snakemake.output.ledger),
        spec=snakemake.params.spec,
        started=started,
    )

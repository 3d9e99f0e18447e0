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
    cohort_row = checked_outputs(Path.cwd(), Path(snakemake.input.ledger))
    tables = [table_rows(Path(path)) for path in snakemake.input.tables]
    provenance = [
        {
            "step": "cohort",
            "file": path,
            "sha256": sha,
            "settings_digest": cohort_row.settings,
            "source_digest": cohort_row.code,
        }
        for path, sha in cohort_row.outputs.values()
    ]
    software = environment()
    run = {"Python": software["python"], **software["packages"], "settings (SHA-256)": cohort_row.settings}
    page = cohort_page(spec["settings"]["report"]["title"], *tables, None, spec["settings"], provenance, run)
    finish_study_step(
        "report",
        {"report/index.html": page},
        cohort_row.outputs,
        ledger=Path(snakemake.output.ledger),
        spec=snakemake.params.spec,
        started=started,
    )

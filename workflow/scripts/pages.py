import json
from datetime import UTC, datetime
from pathlib import Path

from myomag.files import sha256_bytes, write_atomic
from myomag.jobs import job_log
from myomag.ledger import Row, finish_step, ledger_files
from myomag.provenance import digest
from myomag.results import by_participant, read_results
from myomag.steps.pages import participant_pages

with job_log(snakemake.log[0]):
    started = datetime.now(UTC)
    ledgers = [Path(path) for path in snakemake.input.ledgers]
    spec = json.loads(snakemake.params.spec)
    results = by_participant(read_results(ledgers))
    rows = []
    for participant, page in participant_pages(results, Path.cwd(), spec["settings"], spec["reject"]).items():
        path = f"report/{participant}.html"
        write_atomic(Path.cwd(), path, page)
        read = {
            f"{role}:{result.last.scan}": result.files[role]
            for result in results[participant]
            for role in ("preproc", "quality", "fit", "magnesium")
            if role in result.files
        }
        settings = digest({key: spec[key] for key in ("settings", "reject")})
        outputs = {"page": (path, sha256_bytes(page))}
        rows.append(Row(participant, participant, "", "ok", "pages", "", settings, spec["code"], read, outputs))
    finish_step(
        "pages",
        rows,
        ledger=Path(snakemake.output[0]),
        started=started,
        chain={"inputs_sha256": digest(ledger_files(ledgers))},
    )

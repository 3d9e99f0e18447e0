import json
from datetime import UTC, datetime
from pathlib import Path

from myomag.io.files import together
from myomag.io.records import digest
from myomag.ledger.cleanup import page_path
from myomag.ledger.results import by_participant, read_results
from myomag.ledger.rows import Row, ledger_bytes, record_step
from myomag.ledger.study_step import ledger_files
from myomag.run.jobs import job_log
from myomag.steps.pages import participant_pages

with job_log(snakemake.log[0]):
    started = datetime.now(UTC)
    root, ledger = Path.cwd(), Path(snakemake.output[0])
    ledgers = [Path(path) for path in snakemake.input.ledgers]
    spec = json.loads(snakemake.params.spec)
    settings = digest({key: spec[key] for key in ("settings", "reject")})
    results = by_participant(read_results(ledgers))
    rows = []
    with together(root) as write:
        for participant, page in participant_pages(results, root, spec["settings"], spec["reject"]):
            path = page_path(participant)
            read = {
                f"{role}:{result.last.scan}": result.files[role]
                for result in results[participant]
                for role in ("fid", "preproc", "quality", "fit", "magnesium")
                if role in result.files
            }
            outputs = {"page": (path, write(path, page))}
            rows.append(Row(participant, participant, "", "ok", "pages", "", settings, spec["code"], read, outputs))
        write(str(ledger), ledger_bytes(rows))
    read_ledgers = dict(sorted(ledger_files(ledgers).items()))
    record_step("pages", ledger, started=started, chain={"inputs_sha256": digest(read_ledgers)})

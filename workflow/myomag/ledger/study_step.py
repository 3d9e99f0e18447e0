"""Steps that see many scans at once: their files, ledger and activity record, and what they rest on."""

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from myomag.errors import LedgerError
from myomag.io.files import Content, sha256_file, together
from myomag.io.records import digest
from myomag.ledger.rows import Files, Row, check_ledger, checked_outputs, ledger_bytes, read_ledger, record_step


def finish_study_step(
    step: str, outputs: Iterable[tuple[str, Content]], inputs: Files, *, ledger: Path, spec: str, started: datetime
) -> None:
    """Write the files of a step that sees many scans at once, its ledger and its activity record.

    Parameters
    ----------
    step : str
        Name of the step.
    outputs : iterable of (str, bytes or iterable of bytes)
        Path inside the derivative, the working directory, and content of each file; it need not outlive its writing.
    inputs : Files
        Ledgers and tables the step read, by role.
    ledger : Path
        Ledger of the step, relative to the derivative; it holds one row, the step's.
    spec : str
        JSON with `settings`, `reject` and `code`, as the rule has it.
    started : datetime
        Start of the step, with time zone.
    """
    root = Path.cwd()
    content = json.loads(spec)
    settings = digest({key: content[key] for key in ("settings", "reject")})
    with together(root) as write:
        written = {path: (path, write(path, data)) for path, data in outputs}
        row = Row(step, "", "", "ok", step, "", settings, content["code"], inputs, written)
        write(str(ledger), ledger_bytes([row]))
    record_step(step, ledger, started=started, chain={"inputs_sha256": digest(dict(sorted(inputs.items())))})


def ledger_files(paths: Iterable[Path]) -> Files:
    """Ledgers as files with digests, by their path."""
    return {str(path): (str(path), sha256_file(path)) for path in paths}


def checked_tables(study: Path, ledger: Path) -> None:
    """Check that the tables of the study are those the run started with.

    Raises
    ------
    LedgerError
        If one changed meanwhile.
    """
    for row in read_ledger(ledger):
        for path, sha in row.inputs.values():
            if not (study / path).is_file() or sha256_file(study / path) != sha:
                raise LedgerError(f"{path}: the table changed while the pipeline ran; start it again.")


def check_summaries(root: Path) -> None:
    """Check the ledgers of a derivative, and the tables and pages that were made from many scans.

    They are few, so that every run can afford it; the files of each scan are checked by the step that reads them.

    Raises
    ------
    LedgerError
        Naming the file that is missing or not what its step wrote, and the remedy.
    """
    for path in sorted(root.glob("ledger/*/*.tsv")):
        if path.stem == "all" and path.parent.name != "settings":
            checked_outputs(root, path)
        else:
            check_ledger(path)

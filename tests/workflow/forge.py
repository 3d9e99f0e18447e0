"""What an insider can do: change a magnesium, and rewrite every record that would tell of it."""

import csv
import io
import json
from pathlib import Path

from myomag.audit.chain import ledgers_behind
from myomag.audit.record import open_derivative
from myomag.io.files import sha256_bytes, sha256_file
from myomag.io.records import canonical, digest
from myomag.ledger.harness import ledger_files
from myomag.ledger.rows import activity_path


def forge(root: Path, scan: str, value: float) -> None:
    """Give a scan another magnesium, in its record, in cohort.tsv, and in all ledgers and activity records."""
    (record,) = root.glob(f"**/{scan.rpartition('_')[0]}_desc-magnesium_mrs.json")
    before = json.loads(record.read_bytes())["mg_mmol_l"]
    shas = {}
    for path, edit in ((record, _in_record), (root / "cohort.tsv", _in_table)):
        old = sha256_file(path)
        path.write_text(edit(path.read_text(encoding="utf-8"), scan, before, value), encoding="utf-8")
        shas[old] = sha256_file(path)
    changed = True
    while changed:  # A ledger names others by their digest, too.
        changed = False
        for path in root.glob("ledger/*/*.tsv"):
            text = old_text = path.read_text(encoding="utf-8")
            for old, new in shas.items():
                text = text.replace(old, new)
            if text != old_text:
                path.write_text(text, encoding="utf-8")
                shas[sha256_bytes(old_text.encode())] = sha256_bytes(text.encode())
                changed = True
    derivative = open_derivative(root)
    for ledger in derivative.ledgers.values():
        if ledger.lines:
            *earlier, last = (json.loads(line) for line in ledger.lines)
            inputs = digest(ledger_files(root, ledgers_behind(derivative, ledger)))
            entry = last | {"ledger_sha256": sha256_file(root / ledger.path), "inputs_sha256": inputs}
            del entry["sha256"]
            lines = [*map(canonical, earlier), canonical(entry | {"sha256": digest(entry)})]
            activity_path(root / ledger.path).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _in_record(text: str, _: str, before: float, value: float) -> str:
    return text.replace(f'"mg_mmol_l": {before}', f'"mg_mmol_l": {value}')


def _in_table(text: str, scan: str, _: float, value: float) -> str:
    rows = list(csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE))
    for row in rows:
        if row["scan"] == scan:
            row["mg_mmol_l"] = str(value)
    return "".join("\t".join(cells) + "\n" for cells in (rows[0].keys(), *(row.values() for row in rows)))

"""The entry of the pipeline: one raw ledger per batch, with the digest of every raw file.

The raw ledgers are what the first rule depends on. They change when the content of a raw file changes and never
because of a time stamp: a touched file re-runs nothing, an edited one re-runs its batch even if its mtime was kept.
"""

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from myomag.files import PRIVATE, sha256_file, write_if_changed
from myomag.ledger import Files, Row, batch_of, ledger_bytes, ledger_path
from myomag.study import Scan, Study

CACHE = f"{PRIVATE}/digests.tsv"
TABLES = "ledger/raw/tables.tsv"

Fingerprint = tuple[str, ...]


def write_index(study: Study, root: Path, batches: int) -> list[int]:
    """Write the raw ledgers of a study and the ledger of its tables; returns the batches that hold scans.

    Parameters
    ----------
    study : Study
        Scans found in the study folder.
    root : Path
        The derivative.
    batches : int
        Number of batches the participants are spread over.
    """
    tables = study_tables(study)
    names = [path for scan in study.scans if not scan.problem for path in (*scan.raw, *scan.sidecars)]
    digests = _digests(study.root, root, sorted({*names, *tables}))
    by_batch: dict[int, list[Row]] = defaultdict(list)
    for scan in study.scans:
        by_batch[batch_of(scan.participant_id, batches)].append(_row(scan, digests))
    for batch, rows in sorted(by_batch.items()):
        write_if_changed(root, ledger_path("raw", batch), ledger_bytes(rows))
    rows = [Row(scan=path, participant_id="", session_id="", inputs={"table": (path, digests[path])}) for path in tables]
    write_if_changed(root, TABLES, ledger_bytes(rows))
    return sorted(by_batch)


def study_tables(study: Study) -> list[str]:
    """Participants, sessions and phenotype tables with their data dictionaries, relative to the study, sorted."""
    root = study.root
    found = [name for name in ("participants.tsv", "participants.json") if (root / name).is_file()]
    if (root / "phenotype").is_dir():
        with os.scandir(root / "phenotype") as entries:
            found += [f"phenotype/{entry.name}" for entry in entries if entry.name.endswith((".tsv", ".json"))]
    for participant in study.participants:
        for extension in ("tsv", "json"):
            path = f"{participant}/{participant}_sessions.{extension}"
            if (root / path).is_file():
                found.append(path)
    return sorted(found)


def _row(scan: Scan, digests: Mapping[str, str]) -> Row:
    problem = scan.problem
    files: Files = {}
    if not problem:
        for role, paths in (("raw", scan.raw), ("sidecar", scan.sidecars)):
            for number, path in enumerate(paths):
                if path not in digests:
                    problem = f"{path.rpartition('/')[2]}: cannot be read; check its permissions."
                else:
                    files[f"{role}_{number}" if number else role] = (path, digests[path])
    return Row(
        scan=scan.stem,
        participant_id=scan.participant_id,
        session_id=scan.session_id,
        status="failed" if problem else "ok",
        step="raw",
        reason=" ".join(problem.split()),
        inputs=files,
    )


def _digests(study: Path, root: Path, paths: Iterable[str]) -> dict[str, str]:
    """SHA-256 of each readable file, computed again only where its stat has changed since the last time."""
    cached = _read_cache(root / CACHE)
    prints = {path: found for path in paths if (found := _fingerprint(study / path))}
    stale = [path for path, found in prints.items() if cached.get(path, ((), ""))[0] != found]
    with ThreadPoolExecutor() as pool:
        fresh = {path: sha for path, sha in zip(stale, pool.map(lambda p: _sha(study / p), stale), strict=True) if sha}
    digests = {path: fresh.get(path) or cached[path][1] for path in prints if path in fresh or path not in stale}
    lines = ("\t".join((path, *prints[path], sha)) for path, sha in sorted(digests.items()) if "\t" not in path)
    write_if_changed(root, CACHE, ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape"))
    return digests


def _fingerprint(path: Path) -> Fingerprint | None:
    """Size, both time stamps and inode: ctime tells of an edit even where mtime was set back."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return tuple(str(value) for value in (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino))


def _sha(path: Path) -> str | None:
    try:
        return sha256_file(path)
    except OSError:
        return None


def _read_cache(path: Path) -> dict[str, tuple[Fingerprint, str]]:
    if not path.is_file():
        return {}
    rows = (line.split("\t") for line in path.read_text("utf-8", "surrogateescape").split("\n"))
    return {row[0]: (tuple(row[1:5]), row[5]) for row in rows if len(row) == 6}

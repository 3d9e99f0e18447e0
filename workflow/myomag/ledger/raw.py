"""The entry of the pipeline: one raw ledger per batch, with the digest of every raw file.

The first rule depends on the raw ledgers. They change with the content of a raw file, never because of a time stamp: a
touched file re-runs nothing, an edited one re-runs its batch even if its mtime was kept.
"""

import math
import os
import re
import time
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

from myomag.errors import LedgerError, ScanError, StudyError
from myomag.io.files import PRIVATE, has_content, printable, sha256_file, to_fetch, together, write_if_changed
from myomag.io.records import read_record, record_bytes
from myomag.ledger.inputs import INPUTS, change, files_of, record_changes
from myomag.ledger.rows import LEFT_OUT, Files, Row, batch_of, ledger_bytes, ledger_path, read_ledger
from myomag.progress import progress
from myomag.study.ratings import rating_files
from myomag.study.search import Scan, Study

CACHE = f"{PRIVATE}/digests.tsv"
TABLES = ledger_path("raw", "tables")
BATCHES = f"{PRIVATE}/batches.json"
"""Number of batches chosen, and the number of scans they were chosen for."""
INDEX = f"{PRIVATE}/batches.txt"
"""Batches that currently contain scans."""
OUTGROWN = 4
"""Growth of a study since its batches were chosen at which the user is told."""
NOT_SELECTED = "not among the selected participants and sessions"
SETTLED_NS = 2_000_000_000
"""Age of a file's last change from which its stat reveals every later change, whatever the file system's clock."""
AT_ONCE = 1000
"""Files waiting to be read."""
LONG_WORK_BYTES = 2_000_000_000
"""Amount of raw data from which a progress display is shown."""


def write_index(study: Study, root: Path, batches: int, left_out: Container[str] = ()) -> None:
    """Write the raw ledgers of a study, the ledger of its tables, and the list of batches with scans.

    Parameters as those of `entry_ledgers`.
    """
    ledgers = entry_ledgers(study, root, batches, left_out)
    _write_ledgers(root, ledgers.items())
    write_if_changed(root, INDEX, "\n".join(entry_batches(ledgers)).encode())


def entry_batches(ledgers: Iterable[str]) -> list[str]:
    """Batches with scans, from the places of the raw ledgers, in numerical order."""
    found = (re.search(r"batch-(\d+)", path) for path in ledgers)
    return sorted((match[1] for match in found if match), key=int)


def entry_ledgers(
    study: Study, root: Path, batches: int, left_out: Container[str] = (), *, read: bool = True, remember: bool = True
) -> dict[str, list[Row]]:
    """Rows of each raw ledger and of the ledger of the tables of study and raters, by place.

    Parameters
    ----------
    study : Study
        Scans found in the study folder.
    root : Path
        The derivative.
    batches : int
        Number of batches that the participants are split into.
    left_out : container of str
        Scans outside the selection of this run; their files are not read.
    read : bool
        Whether the files are read at all; otherwise their digests are left empty.
    remember : bool
        Whether digests are kept in the derivative for the next time.

    Raises
    ------
    StudyError
        If a table of the study or of a rater cannot be read.
    """
    tables = study_tables(study)
    ratings = {path: sha256_file(root / path) if read else "" for path in rating_files(root)}
    scans = [scan for scan in study.scans if not scan.problem and scan.stem not in left_out]
    names = [path for scan in scans for path in (*scan.raw, *scan.sidecars, *scan.events)]
    files = sorted({*names, *tables})
    digests = _digests(study.root, root, files, remember=remember) if read else dict.fromkeys(files, "")
    for path in tables:
        if path not in digests:
            raise StudyError(f"{path}: cannot be read; check its permissions.")
    by_batch: dict[int, list[Scan]] = defaultdict(list)
    for scan in study.scans:
        by_batch[batch_of(scan.participant_id, batches)].append(scan)
    of_study = [Row(path, "", "", inputs={"table": (path, digests[path])}) for path in tables]
    of_raters = [Row(path, "", "", inputs={"ratings": (path, sha)}) for path, sha in ratings.items()]
    return {TABLES: of_study + of_raters} | {
        ledger_path("raw", batch): [
            _left_out(scan) if scan.stem in left_out else _row(scan, digests) for scan in members
        ]
        for batch, members in sorted(by_batch.items())
    }


def held_scans(root: Path) -> set[str]:
    """Scans already in the results, including failed ones."""
    rows = (row for path in root.glob(ledger_path("raw", "*")) for row in read_ledger(path))
    return {row.scan for row in rows if row.status != LEFT_OUT}


def _left_out(scan: Scan) -> Row:
    return Row(scan.stem, scan.participant_id, scan.session_id, LEFT_OUT, "selection", NOT_SELECTED)


def _write_ledgers(root: Path, ledgers: Iterable[tuple[str, list[Row]]]) -> None:
    """Write the changed raw ledgers, after recording the changes, so that no run's inputs are lost."""
    changes, contents = [], {}
    gone = {path.relative_to(root).as_posix() for path in root.glob(ledger_path("raw", "*"))}
    for path, rows in ledgers:
        gone.discard(path)
        content = ledger_bytes(rows)
        if not has_content(root / path, content) or not (root / INPUTS).is_file():
            contents[path] = content
            changes.append(change(root, path, files_of(rows)))
    changes += [change(root, path, {}) for path in sorted(gone)]
    record_changes(root, [each for each in changes if each])
    for path, content in contents.items():
        write_if_changed(root, path, content)


def indexed_batches(root: Path) -> list[str]:
    """Batches with scans, from the list written earlier: a job need not search the study.

    From a file, because a node may see a shared folder as it was a minute ago.
    """
    return (root / INDEX).read_text(encoding="utf-8").split()


def chosen_batches(root: Path, setting: int | str, scans: int) -> int:
    """Number of batches: as set, or chosen by the size of the study at its first run.

    The seven jobs of a batch cost 2.5 s to start and a scan .15 s, so a batch is worth its jobs from a hundred scans; a
    large study needs enough jobs for a cluster: the power of two nearest to 0.4 scans^0.42.

    Parameters
    ----------
    root : Path
        The derivative, which keeps the number.
    setting : int or "auto"
        The setting `batches`.
    scans : int
        Current number of scans.
    """
    if isinstance(setting, int):
        return setting
    kept = _kept_batches(root)
    return kept[0] if kept else 2 ** max(0, round(math.log2(max(1.0, 0.4 * scans**0.42))))


def keep_batches(root: Path, batches: int, scans: int) -> None:
    """Record the number of batches chosen, if none is recorded."""
    if not _kept_batches(root):
        write_if_changed(root, BATCHES, record_bytes({"batches": batches, "scans": scans}))


def outgrown(root: Path, scans: int) -> str:
    """Remark on a study that has grown far beyond the size its batches were chosen for; "" for none."""
    kept = _kept_batches(root)
    if not kept or scans < OUTGROWN * max(kept[1], 100):
        return ""
    return (
        f"the study has {scans} scans, and its {kept[0]} batches were chosen for {kept[1]}: more batches would use "
        f"more processors. To recompute everything in more batches, remove {BATCHES} from the results."
    )


def _kept_batches(root: Path) -> tuple[int, int] | None:
    """Batches and scans as recorded; None at the first run."""
    if not (root / BATCHES).is_file():
        return None
    try:
        kept = read_record(root / BATCHES)
        return int(kept["batches"]), int(kept["scans"])
    except (ScanError, LookupError, TypeError, ValueError) as error:
        raise LedgerError(f"{BATCHES}: not readable; remove it, and the number will be chosen again.") from error


def study_tables(study: Study) -> list[str]:
    """Participants, sessions and phenotype tables with their data dictionaries, relative to the study, sorted."""
    root = study.root
    described = ("participants.tsv", "participants.json", "sessions.json")
    found = [name for name in described if (root / name).is_file()]
    if (root / "phenotype").is_dir():
        with os.scandir(root / "phenotype") as entries:
            names = (entry.name for entry in entries if not entry.name.startswith("."))
            found += [f"phenotype/{name}" for name in names if name.endswith((".tsv", ".json"))]
    for participant in study.participants:
        for extension in ("tsv", "json"):
            path = f"{participant}/{participant}_sessions.{extension}"
            # As text: see _digests.
            if os.path.isfile(f"{root}/{path}"):  # noqa: PTH113
                found.append(path)
    return sorted(found)


def _row(scan: Scan, digests: Mapping[str, str]) -> Row:
    problem = scan.problem
    files: Files = {}
    if not problem:
        for role, paths in (("raw", scan.raw), ("sidecar", scan.sidecars), ("events", scan.events)):
            for number, path in enumerate(paths):
                if path not in digests:
                    name = printable(path.rpartition("/")[2])
                    problem = f"{name}: cannot be read; check its permissions. Or {to_fetch(printable(path))}"
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


def _digests(study: Path, root: Path, paths: Iterable[str], *, remember: bool) -> dict[str, str]:
    """SHA-256 of each readable file, recomputed only if its stat has changed since the last time."""
    now = time.time_ns()
    # Joined as text: a large study has tens of thousands of files, and a Path for each doubles the time.
    prints = {path: found for path in paths if (found := _fingerprint(f"{study}/{path}"))}
    digests = dict.fromkeys(prints, "")
    listed = used = 0
    for path, found, sha in _read_cache(root / CACHE):
        listed += 1
        if prints.get(path) == found:
            digests[path] = sha
            used += 1
    stale = [path for path, sha in digests.items() if not sha]
    long = sum(int(prints[path].split("\t")[0]) for path in stale) > LONG_WORK_BYTES
    with ThreadPoolExecutor() as pool, progress("raw files read", len(stale)) if long else nullcontext() as advance:
        # In portions: the pool keeps its queue in memory, a kilobyte per file.
        for start in range(0, len(stale), AT_ONCE):
            part = stale[start : start + AT_ONCE]
            digests |= zip(part, pool.map(lambda path: _sha(study / path), part), strict=True)
            if advance:
                advance(start + len(part))
    for path in stale:
        if not digests[path]:
            del digests[path]
    if remember and (stale or used < listed):
        known = (path for path in digests if _settled(path, prints[path], now))
        lines = (f"{path}\t{prints[path]}\t{digests[path]}\n" for path in known)
        with together(root) as write:
            write(CACHE, (line.encode("utf-8", "surrogateescape") for line in lines))
    return digests


def _fingerprint(path: str) -> str:
    """Size, both time stamps and inode: ctime reveals an edit even if mtime was reset; "" for no file."""
    try:
        stat = os.stat(path)  # noqa: PTH116 (see where it is called)
    except OSError:
        return ""
    return f"{stat.st_size}\t{stat.st_mtime_ns}\t{stat.st_ctime_ns}\t{stat.st_ino}"


def _settled(path: str, fingerprint: str, now: int) -> bool:
    """Whether a digest can be relied on the next time."""
    return now - int(fingerprint.split("\t")[2]) > SETTLED_NS and not {"\t", "\n"} & set(path)


def _sha(path: Path) -> str:
    try:
        return sha256_file(path)
    except OSError:
        return ""


def _read_cache(path: Path) -> Iterator[tuple[str, str, str]]:
    """Path, fingerprint and digest of each file, line by line: all at once would take more memory than the study."""
    if not path.is_file():
        return
    with path.open(encoding="utf-8", errors="surrogateescape", newline="\n") as lines:
        for line in lines:
            parts = line.rstrip("\n").split("\t")
            if len(parts) == 6:
                yield parts[0], "\t".join(parts[1:5]), parts[5]

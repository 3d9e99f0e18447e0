"""Message for a folder without scans: how to make a study if it contains scanner files."""

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from myomag.errors import ScanError
from myomag.study.names import NIFTI, VENDOR, entities, split_extension

PLACES = ("sub-*/mrs", "sub-*/ses-*/mrs", "sourcedata/sub-*/mrs", "sourcedata/sub-*/ses-*/mrs")
MOST_FILES, ENOUGH = 20_000, 100
"""Largest number of files examined, and of scanner files counted."""
EXTENSIONS = frozenset({*NIFTI, *VENDOR, ""})
"""Files with other extensions are not opened."""


def has_scans(study: Path) -> bool:
    """Whether there is a file or folder with the name of a scan where scans belong; stops at the first."""
    found = (path for place in PLACES for path in study.glob(f"{place}/*"))
    return any(entities(split_extension(path.name)[0]) or entities(path.name) for path in found)


def nothing_found(study: Path) -> str:
    """Message for a study without scans, with the command that makes a study of its files."""
    number = sum(1 for _ in scanner_files(study))
    if not number:
        return f"no scans found in {PLACES[1].replace('ses-*', '[ses-*]')} or sourcedata/, nor any scanner files."
    count = f"{ENOUGH} files or more" if number == ENOUGH else f"{number} file{'s' if number > 1 else ''}"
    folder = shlex.quote(str(study))
    return (
        f"no scans with BIDS names, but {count} from scanners: make a study of them, beginning with: myomag import "
        f"look {folder} --plan plan.tsv"
    )


def scanner_files(study: Path) -> Iterator[Path]:
    """Files in a supported format, up to `ENOUGH`; for a Bruker experiment, the file of its samples."""
    # Imported late: a study with scans does not need these readers.
    from myomag.io.bruker import files_of_experiment

    seen = counted = 0
    for folder, below, names in os.walk(study):
        below[:] = sorted(name for name in below if not name.startswith(".") and name != "derivatives")
        if counted < ENOUGH and (experiment := files_of_experiment(Path(folder))):
            counted += 1
            yield experiment[0]
        for name in sorted(names):
            seen += 1
            if seen > MOST_FILES or counted == ENOUGH:
                return
            path = Path(folder, name)
            if split_extension(name)[1] in EXTENSIONS and not name.startswith(".") and _is_scan(path):
                counted += 1
                yield path


def _is_scan(path: Path) -> bool:
    from myomag.io.vendor import kind_of

    try:
        return path.is_file() and bool(kind_of(path))
    except ScanError as error:
        return "datalad get" in str(error)

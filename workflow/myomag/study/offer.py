"""What to say of a folder in which no scans were found: the way to a study, where it holds files of scanners."""

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from myomag.errors import ScanError
from myomag.study.names import NIFTI, VENDOR, entities, split_extension

PLACES = ("sub-*/mrs", "sub-*/ses-*/mrs", "sourcedata/sub-*/mrs", "sourcedata/sub-*/ses-*/mrs")
MOST_FILES, ENOUGH = 20_000, 100
"""Files looked at, and files of scanners after which no more are counted."""
EXTENSIONS = frozenset({*NIFTI, *VENDOR, ""})
"""Files with another extension are not opened."""


def has_scans(study: Path) -> bool:
    """Whether a file or folder with the name of a scan lies where scans are found; ends at the first one."""
    found = (path for place in PLACES for path in study.glob(f"{place}/*"))
    return any(entities(split_extension(path.name)[0]) or entities(path.name) for path in found)


def nothing_found(study: Path) -> str:
    """Sentence on a study without scans, with the command that makes a study of the files it holds."""
    number = sum(1 for _ in scanner_files(study))
    if not number:
        return f"no scans found in {PLACES[1].replace('ses-*', '[ses-*]')} or sourcedata/, and no files of a scanner."
    count = f"{ENOUGH} files or more" if number == ENOUGH else f"{number} file{'s' if number > 1 else ''}"
    folder = shlex.quote(str(study))
    return (
        f"no scans with BIDS names, but {count} of scanners: make a study of them, beginning with: "
        f"myomag import look {folder} --plan plan.tsv"
    )


def scanner_files(study: Path) -> Iterator[Path]:
    """Files of a format that is read, up to `ENOUGH`; of a Bruker experiment that of its samples."""
    # A study with scans needs none of the readers here.
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

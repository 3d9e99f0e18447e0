"""Files put into a study together: all of them appear, or none does."""

import fcntl
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from myomag.errors import StudyError
from myomag.io.files import sha256_file

CLONE = 0x40049409
"""Linux ioctl FICLONE: share the blocks of another file until one of both is changed."""


def place_all(
    study: Path,
    files: Sequence[tuple[Path, str, str]],
    texts: Mapping[str, bytes],
    folders: Iterable[str],
    how: str,
    advance: Callable[[int], None] = lambda _: None,
) -> None:
    """Put files into a study, then the texts that tell of them; after an error the study is as it was.

    Parameters
    ----------
    study : Path
        Study folder, made where it is not there.
    files : sequence of (Path, str, str)
        Source, place in the study, and SHA-256 of each file.
    texts : mapping of str to bytes
        Content of further files by their place, of which only these may be there already.
    folders : iterable of str
        Folders that are to be there, if empty.
    how : str
        copy, link or move.
    advance : callable
        Told the number of files done.

    Raises
    ------
    StudyError
        If a file changed since it was looked at.
    OSError
        If the disk does not take them.
    """
    made: list[Path] = []
    stage = study / "sourcedata" / f".import-{os.getpid()}"
    _clear(stage.parent)
    try:
        _folder(stage, made)
        for number, (source, target, sha) in enumerate(files, start=1):
            _put(source, stage / str(number), sha, how, target)
            advance(number)
        for number, (_, target, _) in enumerate(files, start=1):
            _appear(stage / str(number), study / target, made)
        for folder in folders:
            _folder(study / folder, made)
        for number, (target, content) in enumerate(texts.items()):
            part = stage / f"text-{number}"
            part.write_bytes(content)
            if (study / target).exists():
                part.replace(study / target)
            else:
                _appear(part, study / target, made)
    except BaseException:
        shutil.rmtree(stage, ignore_errors=True)
        for path in reversed(made):
            _remove(path)
        raise
    shutil.rmtree(stage)
    for source in (source for source, _, _ in files) if how == "move" else ():
        source.unlink(missing_ok=True)


def _clear(folder: Path) -> None:
    """Remove what imports that were killed have left."""
    for path in folder.glob(".import-*"):
        number = path.name.rpartition("-")[2]
        try:
            os.kill(int(number), 0)
        except (ProcessLookupError, ValueError):
            shutil.rmtree(path, ignore_errors=True)
        except PermissionError:
            # It lives, and is that of somebody else.
            continue


def _folder(path: Path, made: list[Path]) -> None:
    """Make a folder and those above it, and note which are new."""
    if not path.is_dir():
        _folder(path.parent, made)
        path.mkdir()
        made.append(path)


def _appear(part: Path, target: Path, made: list[Path]) -> None:
    """Give a finished file its name, which nothing may have."""
    _folder(target.parent, made)
    if os.path.lexists(target):
        raise StudyError(f"{target}: appeared while the import ran; start it again.")
    part.rename(target)
    made.append(target)


def _remove(path: Path) -> None:
    if path.is_dir():
        if not any(path.iterdir()):
            path.rmdir()
    else:
        path.unlink(missing_ok=True)


def _put(source: Path, part: Path, sha: str, how: str, target: str) -> None:
    """A file with the content of `source`, sharing its blocks where asked to or where the disk can."""
    if how != "copy" and _linked(source, part, must=how == "link"):
        return
    if not _cloned(source, part):
        shutil.copyfile(source, part)
    stat = source.stat()
    os.utime(part, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    if sha256_file(part) != sha:
        # By its new name: that of the original may tell who the person is.
        raise StudyError(f"{target}: its original changed while it was copied; is the export still running?")


def _linked(source: Path, part: Path, *, must: bool) -> bool:
    try:
        os.link(source.resolve() if must else source, part, follow_symlinks=False)
    except OSError:
        if must:
            raise
        return False
    if part.is_symlink():
        part.unlink()
        return False
    return True


def _cloned(source: Path, part: Path) -> bool:
    """Clone a file (reflink); False where disk or system cannot."""
    if sys.platform != "linux":
        return False
    try:
        with source.open("rb") as old, part.open("wb") as new:
            fcntl.ioctl(new.fileno(), CLONE, old.fileno())
    except OSError:
        return False
    return True

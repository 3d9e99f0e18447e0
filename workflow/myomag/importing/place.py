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
"""Linux ioctl FICLONE: share the blocks of another file until either is changed."""


def place_all(
    study: Path,
    files: Sequence[tuple[Path, str, str]],
    texts: Mapping[str, bytes],
    folders: Iterable[str],
    how: str,
    advance: Callable[[int], None] = lambda _: None,
) -> None:
    """Put files into a study, then the tables that list them; after an error, the study is as before.

    Parameters
    ----------
    study : Path
        Study folder, created if missing.
    files : sequence of (Path, str, str)
        Source, place in the study, and SHA-256 of each file.
    texts : mapping of str to bytes
        Content of further files by their place; only these may already exist.
    folders : iterable of str
        Folders to create, even if empty.
    how : str
        copy, link or move.
    advance : callable
        Called with the number of files done.

    Raises
    ------
    StudyError
        If a file has changed since it was examined.
    OSError
        If they cannot be written.
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
    """Remove the remains of killed imports."""
    for path in folder.glob(".import-*"):
        number = path.name.rpartition("-")[2]
        try:
            os.kill(int(number), 0)
        except (ProcessLookupError, ValueError):
            shutil.rmtree(path, ignore_errors=True)
        except PermissionError:
            # The process is alive and belongs to another user.
            continue


def _folder(path: Path, made: list[Path]) -> None:
    """Create a folder and its parents, and note which are new."""
    if not path.is_dir():
        _folder(path.parent, made)
        path.mkdir()
        made.append(path)


def _appear(part: Path, target: Path, made: list[Path]) -> None:
    """Give a finished file its name, which must be free."""
    _folder(target.parent, made)
    if os.path.lexists(target):
        raise StudyError(f"{target}: appeared while the import was running; start the import again.")
    part.rename(target)
    made.append(target)


def _remove(path: Path) -> None:
    if path.is_dir():
        if not any(path.iterdir()):
            path.rmdir()
    else:
        path.unlink(missing_ok=True)


def _put(source: Path, part: Path, sha: str, how: str, target: str) -> None:
    """A file with the content of `source`, sharing its blocks if requested or supported by the disk."""
    if how != "copy" and _linked(source, part, must=how == "link"):
        return
    if not _cloned(source, part):
        shutil.copyfile(source, part)
    stat = source.stat()
    os.utime(part, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    if sha256_file(part) != sha:
        # By its new name: that of the original may identify the person.
        raise StudyError(f"{target}: the original changed while being copied; is the export still running?")


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
    """Clone a file (reflink); False if the disk or system does not support it."""
    if sys.platform != "linux":
        return False
    try:
        with source.open("rb") as old, part.open("wb") as new:
            fcntl.ioctl(new.fileno(), CLONE, old.fileno())
    except OSError:
        return False
    return True

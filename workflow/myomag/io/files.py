"""Files that appear whole or not at all, their digests, and names safe to print."""

import errno
import hashlib
import os
import shlex
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from myomag.errors import LedgerError

DISK_REMEDIES = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space, or ask for a larger quota",
    errno.EROFS: "make the folder writable, or name another one",
}
"""Remedy for each error of a disk that cannot be written."""

Content = bytes | Iterable[bytes]
"""Content of a file to write, at once or in pieces if large."""

POINTERS = (b"/annex/objects/", b"version https://git-lfs.")
"""Beginning of a pointer file for content not fetched: git-annex, Git LFS."""
PRIVATE = ".myomag"
"""Folder in the derivative for files that are not results: unfinished files and the digest cache."""


def sha256_bytes(content: bytes) -> str:
    """SHA-256 of some bytes, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def sha256_file(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


@contextmanager
def together(root: Path) -> Iterator[Callable[[str, Content], str]]:
    """Write files below `root` that appear when the block ends, in the order of writing, or not at all after an error.

    Until then they are in a private folder of `root`; the next run removes what a killed job leaves there.

    Yields
    ------
    callable
        Takes the path relative to `root`, and the content; returns its SHA-256.
    """
    parts: list[tuple[Path, Path]] = []

    def write(relative: str, content: Content) -> str:
        parts.append((_unfinished(root) / uuid.uuid4().hex, root / relative))
        written = hashlib.sha256()
        with parts[-1][0].open("wb") as file:
            for piece in (content,) if isinstance(content, bytes) else content:
                file.write(piece)
                written.update(piece)
        return written.hexdigest()

    try:
        yield write
        for part, target in parts:
            target.parent.mkdir(parents=True, exist_ok=True)
            part.replace(target)
    finally:
        for part, _ in parts:
            part.unlink(missing_ok=True)


def _unfinished(root: Path) -> Path:
    """Folder for unfinished files, emptied by the next run."""
    folder = root / PRIVATE / "unfinished"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write_atomic(root: Path, relative: str, content: bytes) -> None:
    """Write one file below `root` so that it appears whole or not at all."""
    with together(root) as write:
        write(relative, content)


def write_whole(path: Path, content: bytes) -> None:
    """Write one file outside a derivative so that it appears whole or not at all.

    Raises
    ------
    OSError
        If it cannot be written; it names `path`.
    """
    part = path.with_name(f".{path.name[:100]}.{os.getpid()}")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        part.unlink(missing_ok=True)


def write_if_changed(root: Path, relative: str, content: bytes) -> None:
    """Write a file unless it already contains these bytes, so that its time stamp stays meaningful."""
    if not has_content(root / relative, content):
        write_atomic(root, relative, content)


def has_content(path: Path, content: bytes) -> bool:
    """Whether a file contains these bytes."""
    return path.is_file() and sha256_file(path) == sha256_bytes(content)


def remove_files(root: Path, paths: Iterable[str]) -> None:
    """Remove files below `root` if they exist, and folders this leaves empty.

    Raises
    ------
    LedgerError
        If a path is outside `root`; it is not removed.
    """
    for path in sorted(paths):
        place = root / path
        if not place.parent.resolve().is_relative_to(root.resolve()):
            raise LedgerError(
                f"{path}: is outside the derivative and was not removed. Find out who edited the ledgers."
            )
        if os.path.lexists(place):  # Also False for a name longer than the file system allows
            place.unlink()
        for folder in place.parents:
            if folder == root or not folder.is_dir() or any(folder.iterdir()):
                break
            folder.rmdir()


def disk_trouble(texts: Iterable[str], place: str) -> str | None:
    """One line for the user if any of these messages reports a full or read-only disk, else None."""
    for text in texts:
        for code, remedy in DISK_REMEDIES.items():
            if (reason := os.strerror(code)) in text:
                return f"{place}: {reason}; {remedy}, and start the same command again: it continues where it stopped."
    return None


def not_fetched(path: Path) -> bool:
    """Whether the content of a file is not here: a broken link or a pointer of git-annex, or a pointer of LFS."""
    if path.is_symlink() and not path.exists():
        return "annex/objects/" in path.readlink().as_posix()
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return file.read(len(POINTERS[1])).startswith(POINTERS)
    except OSError:
        return False


def to_fetch(path: str | Path) -> str:
    """Message for a file whose content is not here, with the command that fetches it."""
    return f"its content is not here; fetch it: datalad get {shlex.quote(str(path))} (or git annex get, git lfs pull)."


def printable(text: str) -> str:
    """Text with control characters and broken encoding escaped, safe for a table or a terminal."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape", "surrogatepass").decode()
        for character in text
    )

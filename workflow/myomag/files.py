"""Files that appear whole or not at all, and their digests."""

import hashlib
import uuid
from pathlib import Path

PRIVATE = ".myomag"
"""Folder inside the derivative for what is not a result: unfinished files and the digest cache."""


def sha256_bytes(content: bytes) -> str:
    """SHA-256 of some bytes, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def sha256_file(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def write_atomic(root: Path, relative: str, content: bytes) -> None:
    """Write a file below `root` so that it appears whole or not at all.

    Unfinished files lie in a private folder of `root`, where a killed job leaves them and the next run removes them.
    """
    target = root / relative
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = root / PRIVATE / "unfinished"
    unfinished.mkdir(parents=True, exist_ok=True)
    part = unfinished / uuid.uuid4().hex
    try:
        part.write_bytes(content)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write_if_changed(root: Path, relative: str, content: bytes) -> None:
    """Write a file unless it holds these bytes already, so that its time stamp keeps its meaning."""
    target = root / relative
    if not target.is_file() or target.read_bytes() != content:
        write_atomic(root, relative, content)

"""Append-only files of lines, each with the digest of the previous line and its own."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from myomag.io.files import sha256_bytes
from myomag.io.records import canonical, digest


def chained(entry: Mapping[str, Any], before: str | None) -> str:
    """Line chained to the previous one, so that a changed or removed line breaks the chain.

    It contains its own digest, so that a change of the last line is also detected.

    Parameters
    ----------
    entry : mapping
        Content of the line.
    before : str or None
        SHA-256 of the line before it; None for the first.
    """
    content = {**entry, "previous_sha256": before}
    return canonical(content | {"sha256": digest(content)})


def line_digest(line: str) -> str:
    """SHA-256 of a line without its line end, as used in the next one."""
    return sha256_bytes(line.removesuffix("\n").encode())


def entry_of(line: str) -> dict[str, Any] | None:
    """Content of a line, if it states its own digest and is, byte for byte, as written."""
    try:
        entry: dict[str, Any] = json.loads(line)
        stated = entry.pop("sha256")
        whole = entry | {"sha256": stated}
        return whole if digest(entry) == stated and f"{canonical(whole)}\n" == line else None
    except (ValueError, LookupError, AttributeError, TypeError):
        return None


def bad_lines(lines: Sequence[str]) -> Iterator[int]:
    """Lines, counted from 1, that are not as written, or do not follow the previous line."""
    before = None
    for number, line in enumerate(lines, start=1):
        entry = entry_of(line)
        if not entry or entry.get("previous_sha256") != before:
            yield number
        before = line_digest(line)

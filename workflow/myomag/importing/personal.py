"""What identifies a person, kept out of tables and messages: names, birth dates and hospital identifiers.

They may occur in the names of files and folders, which a plan needs. A star replaces them there, and the digest of the
beginning of the file identifies the one meant among those that match.
"""

import glob
import re
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

STAR = "*"
SHORT = 5
"""A name this long is also found within a longer word; a shorter one only as a separate word."""
HEAD_BYTES = 2**16
_MASKED = re.compile(r"(.*\*.*)#([0-9a-f]{16})", re.DOTALL)


class Private:
    """What must be kept out of texts.

    Parameters
    ----------
    parts : iterable of str
        Names, dates and identifiers.
    """

    def __init__(self, parts: Iterable[str]) -> None:
        self._parts = frozenset(part.lower() for part in parts)
        self._lengths = sorted({len(part) for part in self._parts})

    def in_text(self, text: str) -> bool:
        """Whether a text contains any of it."""
        pattern = self._pattern(text)
        return bool(pattern and pattern.search(text))

    def masked(self, text: str) -> str:
        """Text with stars in its place."""
        pattern = self._pattern(text)
        return pattern.sub(STAR, text) if pattern else text

    def _pattern(self, text: str) -> re.Pattern[str] | None:
        """What may occur in a text: of the thousands of names in a large study, the few whose letters do."""
        lowered = text.lower()
        pieces = {lowered[at : at + size] for size in self._lengths for at in range(len(lowered) - size + 1)}
        few = sorted(pieces & self._parts, key=lambda part: (-len(part), part))
        return re.compile("|".join(map(_form, few)), re.IGNORECASE) if few else None

    def path(self, path: Path) -> str:
        """Path of a file or folder, from which `resolved` finds it again."""
        if not self.in_text(str(path)):
            return str(path)
        parts = (self.masked(part) for part in re.split(r"([*?\[])", str(path)))
        # Pattern characters are escaped; a star replaces text within one folder name only.
        pattern = "".join(f"[{part}]" if part in "*?[" and at % 2 else part for at, part in enumerate(parts))
        return f"{pattern}#{fingerprint(path)}"


def resolved(cell: str) -> list[Path]:
    """Files or folders that a path in a plan may mean: exactly one if nothing is wrong."""
    match = _MASKED.fullmatch(cell)
    if Path(cell).exists() or not match:
        return [Path(cell)]
    found = sorted(Path(name) for name in glob.glob(match[1]))  # noqa: PTH207 (the pattern is absolute)
    return [path for path in found if fingerprint(path) == match[2]]


def fingerprint(path: Path) -> str:
    """Digest of the beginning of a file, or of the first file of a folder; "" if there is none."""
    file = path if path.is_file() else min((each for each in path.glob("*") if each.is_file()), default=None)
    if file is None:
        return ""
    try:
        with file.open("rb") as content:
            return sha256(content.read(HEAD_BYTES)).hexdigest()[:16]
    except OSError:
        return ""


def _form(part: str) -> str:
    text = re.escape(part)
    if part.isalpha():
        return text if len(part) >= SHORT else rf"(?<![^\W\d_]){text}(?![^\W\d_])"
    return rf"(?<![^\W_]){text}(?![^\W_])" if part.isalnum() else text

"""The key: labels of hospital identifiers. Its content is never written or shown."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from myomag.errors import SettingsError
from myomag.io.tables import read_text_table

SHORT = 4
"""An identifier this long is kept out of the plan wherever it occurs."""


@dataclass(frozen=True)
class Key:
    """Label, and session if given, of each identifier."""

    entries: dict[str, tuple[str, str]] = field(default_factory=dict, repr=False)

    def __bool__(self) -> bool:
        return bool(self.entries)

    def find(self, *places: str) -> tuple[str, tuple[str, str]] | None:
        """The first identifier that occurs as a separate word in some texts, with its label and session."""
        for place in places:
            for text in (place, *re.split(r"[/\\]", place), *re.split(r"[^A-Za-z0-9]+", place)):
                if (entry := self.entries.get(text.strip().lower())) is not None:
                    return text, entry
        return None

    @property
    def private(self) -> set[str]:
        """Identifiers that are distinctive."""
        return {identifier for identifier in self.entries if len(identifier) >= SHORT}


def read_key(path: Path) -> Key:
    """Key in a tab-separated table with the columns id, label and, if wanted, session.

    Raises
    ------
    SettingsError
        If a column or a value is missing, or an identifier has two labels; identifiers are not shown.
    StudyError
        If the file is not a table.
    """
    if not path.is_file():
        raise SettingsError(f"{path}: no such key file.")
    table = read_text_table(path)
    if not {"id", "label"} <= set(table.columns):
        raise SettingsError(f"{path}: the first line must name the columns: id, label and, if wanted, session.")
    places = {name: table.columns.index(name) for name in ("id", "label", "session") if name in table.columns}
    entries: dict[str, tuple[str, str]] = {}
    for cells, line in zip(table.rows, table.lines, strict=True):
        said = {name: cells[at] or "" for name, at in places.items()}
        if not said["id"] or not said["label"]:
            raise SettingsError(f"{path}: line {line}: id and label are both needed.")
        entry = said["label"], said.get("session", "")
        if entries.setdefault(said["id"].lower(), entry) != entry:
            raise SettingsError(f"{path}: line {line}: this id appears above with another label; keep one.")
    return Key(entries)

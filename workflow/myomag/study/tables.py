"""Tables of a study (participants, phenotype, sessions): where they are, and their values for each scan."""

import json
import os
import re
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from myomag.errors import StudyError
from myomag.io.files import not_fetched, printable, to_fetch
from myomag.io.formulas import ACTIVE, is_active
from myomag.io.records import parsed_json
from myomag.io.tables import cell_text, keyed_rows, labelled_rows, open_table, prefixed, read_text_table

SESSIONS = "sub-*/sub-*_sessions.tsv"
ABSENT = ""
"""Value of a column that a session's file lacks; a written value has at least one character."""
Values = tuple[str | None, ...]
_PERSONAL = re.compile(
    r"(?:^|_)(?:name|surname|(?:first|last|fore)name|initials|dob|birth_?(?:date|day)|date_of_birth|address|street|"
    r"(?:tele)?phone|e?mail|mrn|ssn|notes?|comments?|remarks?)(?:$|_)",
    re.IGNORECASE,
)
"""Names of columns with personal data or free text, which may contain a name."""


@dataclass(frozen=True)
class StudyTable:
    """One table of the study, values as text.

    Attributes
    ----------
    name : str
        Path in the study; all sessions files are one table.
    columns : tuple of str
        Columns without the keys.
    rows : mapping
        Values of each participant, or of each (participant, session) in the sessions table, as long as `columns`.
    descriptions : mapping
        Data dictionary of the columns, as far as given in a JSON file beside the table.
    lines : mapping
        File and line of each row.
    by_session : bool
        Whether each row is a session.
    others : mapping of str to sequence of (int, str or None)
        Line and value of single columns for participants left out because they have no scan: the format of such a
        column is determined from all its cells.
    """

    name: str
    columns: tuple[str, ...]
    rows: Mapping[Any, Values]
    descriptions: Mapping[str, Any]
    lines: Mapping[Any, tuple[str, int]] = field(default_factory=dict)
    by_session: bool = False
    others: Mapping[str, Sequence[tuple[int, str | None]]] = field(default_factory=dict)

    @property
    def stem(self) -> str:
        """Short name of the table: participants, sessions, or that of the phenotype file."""
        return "sessions" if self.name == SESSIONS else Path(self.name).stem

    @property
    def phenotype(self) -> bool:
        """Whether the table is one of phenotype/."""
        return self.name.startswith("phenotype/")

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Position of each column in the rows."""
        return {name: place for place, name in enumerate(self.columns)}

    def value(self, column: str, participant_id: str, session_id: str | None) -> str | None:
        """Value that belongs to a participant in a session, ABSENT if the table has none."""
        participant, session = prefixed(participant_id, "sub"), prefixed(session_id or "", "ses")
        values = self.rows.get((participant, session) if self.by_session else participant)
        return ABSENT if values is None else values[self.places[column]]


@dataclass(frozen=True)
class JoinedColumn:
    """A column joined to the cohort: its name there and in its tables, more specific tables first."""

    name: str
    column: str
    tables: tuple[StudyTable, ...]

    def value(self, participant_id: str, session_id: str | None) -> str | None:
        """Value for a scan, from the most specific table that has the column for it."""
        for table in self.tables:
            if (value := table.value(self.column, participant_id, session_id)) != ABSENT:
                return value
        return None


_TABLES = ("participants.tsv", "phenotype/*.tsv")


def is_personal(column: str) -> bool:
    """Whether a column of the study is kept out of the cohort, by its name: personal data or free text."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|[^A-Za-z0-9]+", "_", column)
    return bool(_PERSONAL.search(words))


def personal_columns(study: Path) -> Iterator[str]:
    """Columns of participants.tsv and phenotype/ that are kept out of the cohort, as remarks for the user."""
    for path in table_paths(study, _TABLES):
        # A table that cannot be read is reported where it is joined.
        with suppress(StudyError):
            names = [printable(column) for column in open_table(path)[0] if is_personal(column)]
            if names:
                place = path.relative_to(study)
                yield f"{place}: left out of the results as personal data or free text: {', '.join(names)}."


def formulas(tables: Iterable[StudyTable]) -> Iterator[tuple[str, str]]:
    """File and remark for each result column with values that a spreadsheet could interpret as formulas."""
    for table in tables:
        for at, column in enumerate(table.columns):
            texts = [table.rows[key][at] or "" for key in table.rows] if not is_personal(column) else []
            if found := [text for text in (column, *texts) if text[:1] in ACTIVE and is_active(text)]:
                more = f" and {len(found) - 1} more" if len(found) > 1 else ""
                yield (
                    table.name,
                    f"{printable(column)} contains {found[0][:40]!r}{more}: a spreadsheet would read it as a formula; "
                    "in the results an apostrophe precedes it.",
                )


def table_paths(study: Path, patterns: Iterable[str] = (*_TABLES, SESSIONS)) -> list[Path]:
    """Tables of a study, sorted."""
    # A link to content that was not fetched is reported rather than treated as a missing table; macOS leaves ._name
    # beside a file.
    found = (study / name for name in patterns if "*" not in name and os.path.lexists(study / name))
    matched = (path for pattern in patterns if "*" in pattern for path in study.glob(pattern))
    return sorted(path for path in (*found, *matched) if not path.name.startswith("."))


def read_tables(
    study: Path, people: Collection[str] | None = None, used: Collection[str] = ()
) -> tuple[StudyTable, ...]:
    """Read participants.tsv, phenotype/*.tsv and sub-*/sub-*_sessions.tsv, the general ones first.

    Parameters
    ----------
    study : Path
        The study.
    people : collection of str, optional
        Participants whose rows are kept, as tables may list many more than have scans; None for all.
    used : collection of str
        Columns whose cells are also kept for the others, by their names in the cohort.

    Raises
    ------
    StudyError
        If a table is malformed, has no participant_id (session_id) column, or names a participant (session) twice.
    """
    paths = table_paths(study)
    general, phenotype = ([path for path in paths if path.parent == parent] for parent in (study, study / "phenotype"))
    tables = [_participant_table(study, path, people, used) for path in (*general, *phenotype)]
    if sessions := [path for path in paths if path.parent not in (study, study / "phenotype")]:
        tables.append(_sessions_table(study, sessions))
    return tuple(tables)


def joined_columns(tables: Sequence[StudyTable], own: Collection[str]) -> list[JoinedColumn]:
    """Columns that the tables add to the cohort, which already has the columns `own`.

    If sessions and participants share a name, the session's value applies to scans of that session. A name shared by
    two phenotype tables, or already used by the cohort, is prefixed with the name of its table. Personal data and free
    text are left out.
    """
    assessments = [table for table in tables if table.phenotype]
    counts = Counter(name for table in assessments for name in table.columns)
    shared = {name for name, count in counts.items() if count > 1}
    offered: dict[tuple[str, str], list[StudyTable]] = {}
    for table in tables:
        for column in (column for column in table.columns if not is_personal(column)):
            clashes = column in own or (column in shared and table.phenotype)
            offered.setdefault((f"{table.stem}_{column}" if clashes else column, column), []).insert(0, table)
    taken = set(own)
    return [JoinedColumn(_unused(name, taken), column, tuple(held)) for (name, column), held in offered.items()]


def _participant_table(study: Path, path: Path, people: Collection[str] | None, used: Collection[str]) -> StudyTable:
    columns, found = labelled_rows(path, "participant_id", "sub")
    rows: dict[str, Values] = {}
    lines: dict[str, tuple[str, int]] = {}
    name = path.relative_to(study).as_posix()
    kept = [at for at, column in enumerate(columns) if column in used or f"{path.stem}_{column}" in used]
    others: dict[str, list[tuple[int, str | None]]] = {columns[at]: [] for at in kept}
    known = set[str]()
    for line, label, cells in found:
        if label in known:
            hint = "." if path.parent == study else "; values of single visits belong in sub-*/sub-*_sessions.tsv."
            raise StudyError(f"{path}: participant {label} appears twice; keep one row per participant{hint}")
        known.add(label)
        if people is None or label in people:
            rows[label], lines[label] = tuple(map(cell_text, cells)), (name, line)
        else:
            for at in kept:
                text = cell_text(cells[at])
                others[columns[at]].append((line, None if text is None else sys.intern(text)))
    return StudyTable(name, columns, rows, _descriptions(path.with_suffix(".json")), lines, others=others)


def _sessions_table(study: Path, paths: Sequence[Path]) -> StudyTable:
    """All sessions files as one table, columns in order of first appearance."""
    found: dict[tuple[str, str], dict[str, str | None]] = {}
    lines: dict[tuple[str, str], tuple[str, int]] = {}
    descriptions = dict(_descriptions(study / "sessions.json"))
    columns: dict[str, None] = {}
    for path in paths:
        table = read_text_table(path)
        names = [name for name in table.columns if name != "session_id"]
        for line, (label, values) in zip(table.lines, keyed_rows(table, "session_id", "ses"), strict=True):
            key = (path.parent.name, label)
            if key in found:
                raise StudyError(f"{path}: session {label} appears twice; keep one row per session.")
            found[key] = dict(zip(names, values, strict=True))
            lines[key] = path.relative_to(study).as_posix(), line
            columns |= dict.fromkeys(name for name in names if name != "participant_id")
        descriptions |= _descriptions(path.with_suffix(".json"))
    rows = {key: tuple(values.get(name, ABSENT) for name in columns) for key, values in found.items()}
    return StudyTable(SESSIONS, tuple(columns), rows, descriptions, lines, by_session=True)


def _descriptions(path: Path) -> Mapping[str, Any]:
    if not_fetched(path):
        raise StudyError(f"{path}: {to_fetch(path)}")
    if not path.is_file():
        return {}
    try:
        content = parsed_json(path.read_bytes())
        # It goes into the data dictionary of the cohort, which cannot contain NaN or half a character.
        json.dumps(content, ensure_ascii=False, allow_nan=False).encode()
    except OSError as error:
        raise StudyError(f"{path}: cannot be read ({error.strerror}).") from error
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else error
        raise StudyError(f"{path}: not a readable JSON file ({reason}); correct or remove it.") from error
    if not isinstance(content, dict):
        raise StudyError(f"{path}: expected a JSON object that describes columns, found {type(content).__name__}.")
    return content


def _unused(name: str, taken: set[str]) -> str:
    """Make `name` unique among `taken` by adding a number, and add it."""
    candidate, count = name, 1
    while candidate in taken:
        count += 1
        candidate = f"{name}_{count}"
    taken.add(candidate)
    return candidate

"""The columns of a study's tables that the analysis uses, as they were read, with a remark on unreadable cells."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from myomag.cohort.columns import FIXED_NAMES
from myomag.cohort.plan import planned_models, roles
from myomag.settings.cohort import CohortSettings
from myomag.study.cells import Reading, levels_of, mostly_numbers, read_numbers, read_sex, read_texts
from myomag.study.faults import Cell
from myomag.study.tables import ABSENT, JoinedColumn, StudyTable, joined_columns

MOST_NAMED = 5


@dataclass(frozen=True)
class ColumnReading:
    """A column of the cohort that the analysis uses: its roles, the tables it comes from, and how it was read."""

    name: str
    roles: tuple[str, ...]
    tables: tuple[str, ...]
    reading: Reading

    @property
    def note(self) -> str | None:
        """What was left out, for the models that use the column."""
        texts = self.reading.left_out
        if not texts:
            return None
        named = ", ".join(repr(text[:40]) for text in texts[:MOST_NAMED]) + (", …" if len(texts) > MOST_NAMED else "")
        return f"{self.name}: {named} in the tables of the study taken as missing"


@dataclass(frozen=True)
class ReadTables:
    """Tables of a study with the cells of the used columns as they were read, and how each column was read."""

    tables: tuple[StudyTable, ...] = ()
    columns: tuple[ColumnReading, ...] = ()

    @property
    def notes(self) -> dict[str, str]:
        """What was left out, by column."""
        return {each.name: each.note for each in self.columns if each.note}

    def problems(self) -> list[tuple[str, str]]:
        """File and sentence for each problem."""
        return [(remark.file, remark.problem) for each in self.columns for remark in each.reading.remarks]


def read_used(tables: Sequence[StudyTable], settings: CohortSettings) -> ReadTables:
    """Tables in which the columns that the analysis uses hold what could be read of them.

    Parameters
    ----------
    tables : sequence of StudyTable
        From `study.tables.read_tables`.
    settings : CohortSettings
        Which columns are used, for what, and within which range.
    """
    joined = joined_columns(tables, FIXED_NAMES)
    used = used_columns(settings, [*FIXED_NAMES, *(each.name for each in joined)])
    columns, written = [], list(tables)
    for each in (each for each in joined if each.name in used):
        keys = [(at, key) for at, table in enumerate(tables) if table in each.tables for key in table.rows]
        cells = [_cell(tables[at], key, each.column) for at, key in keys]
        present = [(place, cell) for place, cell in zip(keys, cells, strict=True) if cell.text != ABSENT]
        others = (Cell(t.name, *cell) for t in each.tables for cell in t.others.get(each.column, ()))
        reading = _read(each, [*(cell for _, cell in present), *others], settings)
        columns.append(ColumnReading(each.name, used[each.name], tuple(t.name for t in each.tables), reading))
        changed = {place: value for (place, _), value in zip(present, reading.values, strict=False)}
        for at in {at for at, _ in changed}:
            own = {key: value for (table, key), value in changed.items() if table == at}
            written[at] = _with_values(written[at], each.column, own, reading.levels)
    return ReadTables(tuple(written), tuple(columns))


def needed_columns(settings: CohortSettings) -> set[str]:
    """Columns that `used_columns` may find in the tables of a study, whatever these are."""
    return set(_named(settings, ()))


def used_columns(settings: CohortSettings, columns: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Columns that models, Table 1 and the order in time use, with the roles they have.

    Parameters
    ----------
    settings : CohortSettings
        The section `cohort`.
    columns : sequence of str
        Columns of the cohort.
    """
    by_role = roles(settings)
    return {
        name: tuple(role for role, column in by_role.items() if column == name)
        for name in _named(settings, columns)
        if name in columns and name not in FIXED_NAMES
    }


def _named(settings: CohortSettings, columns: Sequence[str]) -> Iterable[str]:
    """Columns named by roles and models, and those of body size and time; each once."""
    names = [name for role, name in roles(settings).items() if role != "muscle_mg"]
    names += [*settings.body_size_columns, *settings.time_columns]
    return dict.fromkeys([*names, *(name for model in planned_models(settings, columns) for name in model.columns)])


def plausible_range(name: str, settings: CohortSettings) -> tuple[float | None, float | None]:
    """Range in which values of a column can lie, by its name or its role."""
    named = roles(settings)
    found = next((found for key, found in settings.plausible.items() if named.get(key, key) == name), None)
    return (found.min, found.max) if found else (None, None)


def _cell(table: StudyTable, key: Any, column: str) -> Cell:
    file, line = table.lines.get(key, (table.name, 0))
    return Cell(file, line, table.rows[key][table.places[column]])


def _read(joined: JoinedColumn, cells: Sequence[Cell], settings: CohortSettings) -> Reading:
    """Read a column as the type it is used for, or as the type of most of its cells."""
    name = joined.name
    levels = next((found for t in joined.tables if (found := levels_of(t.descriptions.get(joined.column)))), {})
    if name == settings.sex_column:
        return read_sex(name, cells, levels)
    low, high = plausible_range(name, settings)
    if name in _numeric(settings) or mostly_numbers(cells):
        return read_numbers(name, cells, low=low, high=high, levels=levels)
    return read_texts(name, cells)


def _numeric(settings: CohortSettings) -> Iterable[str]:
    """Columns that must hold numbers."""
    named = settings.age_column, settings.strength_column, settings.serum_mg_column
    return (*named, *settings.body_size_columns)


def _with_values(
    table: StudyTable, column: str, values: Mapping[Any, str | None], levels: Mapping[str, str] | None
) -> StudyTable:
    place = table.places[column]
    rows = {
        key: (*row[:place], values[key], *row[place + 1 :]) if key in values else row for key, row in table.rows.items()
    }
    described = dict(table.descriptions)
    if levels is not None and isinstance(described.get(column), Mapping):
        described[column] = {**described[column], "Levels": dict(levels)}
    return replace(table, rows=rows, descriptions=described)

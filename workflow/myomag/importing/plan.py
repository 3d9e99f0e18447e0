"""The plan of an import: a table that `look` proposes, the user edits, and `make` carries out."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from myomag.errors import SettingsError, StudyError, hint
from myomag.io.files import printable, write_whole
from myomag.io.formulas import loud
from myomag.io.tables import read_text_table, tsv_bytes

YES, NO = ("yes", "y", "true", "1", "x"), ("no", "n", "false", "0", "")


@dataclass
class PlanRow:
    """One scan of a plan: every cell as text, "" if empty, in the order of the columns."""

    use: str = ""
    participant: str = ""
    session: str = ""
    task: str = ""
    acq: str = ""
    voi: str = ""
    run: str = ""
    suffix: str = ""
    path: str = ""
    files: str = ""
    format: str = ""
    nucleus: str = ""
    field_t: str = ""
    date: str = ""
    protocol: str = ""
    te_ms: str = ""
    tr_ms: str = ""
    transients: str = ""
    points: str = ""
    remark: str = ""
    line: int = 0

    @property
    def used(self) -> bool:
        """Whether the scan is to be used."""
        return self.use.lower() in YES

    @property
    def labels(self) -> dict[str, str]:
        """Entities of the scan except its run, as written."""
        named = {"sub": self.participant, "ses": self.session, "task": self.task, "acq": self.acq}
        return {key: label for key, label in (named | {"nuc": self.nucleus, "voi": self.voi}).items() if label}

    @property
    def key(self) -> tuple[str, ...]:
        """What scans that need different runs have in common; sessions and labels may include their prefix."""
        return (*(f"{key}-{label.removeprefix(f'{key}-')}".lower() for key, label in self.labels.items()), "")


COLUMNS = tuple(field.name for field in fields(PlanRow) if field.name != "line")
NEEDED = ("use", "participant", "suffix", "path", "files", "nucleus")


def plan_bytes(rows: Iterable[PlanRow]) -> bytes:
    """A plan as a table."""
    cells = (asdict(row) for row in rows)
    return tsv_bytes(COLUMNS, ([printable(row[name]) for name in COLUMNS] for row in cells))


def write_plan(path: Path, rows: Iterable[PlanRow]) -> None:
    """Write a plan, whole or not at all."""
    try:
        write_whole(path, plan_bytes(rows))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be written ({error.strerror}); name another file: --plan FILE.") from error


def read_plan(path: Path) -> list[PlanRow]:
    """Rows of a plan as edited by the user.

    Raises
    ------
    SettingsError
        If there is no such file.
    StudyError
        If it is not a table, or a required column is missing.
    """
    if not path.is_file():
        raise SettingsError(f"{path}: no such plan; create one: myomag import look FOLDER --plan {path}")
    table = read_text_table(path)
    for name in NEEDED:
        if name not in table.columns:
            near = hint(name, table.columns)
            raise StudyError(
                f"{path}: no column {name!r}; restore it, or look again with another --plan {near}".strip()
            )
    known = [(at, name) for at, name in enumerate(table.columns) if name in COLUMNS]
    return [
        PlanRow(**{name: loud(cells[at] or "") for at, name in known}, line=line)
        for cells, line in zip(table.rows, table.lines, strict=True)
    ]


def survives(path: str) -> bool:
    """Whether a file name survives being written to a table: no line breaks, and no trailing spaces."""
    (line,) = tsv_bytes(["path"], [[printable(path)]]).decode("utf-8", "replace").splitlines()[1:] or [""]
    return loud(line) == path and path.strip() == path

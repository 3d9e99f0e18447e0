"""`myomag import look`: read the headers of the files in some folders, and write a plan for the user to edit."""

import re
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from myomag.errors import SettingsError
from myomag.importing.arrange import add_remark, arrange, number_patients
from myomag.importing.grouping import Found, Unit, find_units
from myomag.importing.headers import FORMATS
from myomag.importing.key import Key, read_key
from myomag.importing.personal import Private
from myomag.importing.plan import PlanRow, read_plan, survives, write_plan
from myomag.importing.propose import Proposal, chosen_labels, compiled, named_participants, place_of, propose
from myomag.io.files import printable
from myomag.progress import progress


@dataclass(frozen=True)
class Looked:
    """What was found: the rows of the plan, the number of new ones, and the files that are not scans, by extension."""

    rows: list[PlanRow]
    new: int
    others: dict[str, int]
    unnamed: int
    masked: int


def look(folders: Sequence[Path], plan: Path, *, pattern: str | None = None, key: Path | None = None) -> Looked:
    """Write a plan for the files in some folders; rows of an earlier plan that name a participant are kept.

    Parameters
    ----------
    folders : sequence of Path
        Folders, or single files.
    plan : Path
        The table to write.
    pattern : str, optional
        Regular expression for the path of a file below its folder, with named groups.
    key : Path, optional
        Table of identifiers and labels.

    Raises
    ------
    SettingsError
        If a folder does not exist, or pattern or key is invalid.
    StudyError
        If the earlier plan or the key is not a table.
    """
    for folder in folders:
        if not folder.exists():
            raise SettingsError(f"{printable(str(folder))}: no such folder.")
    expression, known_ids = compiled(pattern), read_key(key) if key else Key()
    # Others are proposed again: there may now be a pattern or a key, or the content of the file.
    known = [row for row in read_plan(plan) if _settled(row)] if plan.exists() else []
    tops = [folder.absolute() for folder in folders]
    found = _found(tops)
    if not found.units and not known:
        raise SettingsError(f"{', '.join(map(str, folders))}: no files in a supported format; nothing was written.")
    private = _private(found.units, tops, expression, known_ids)
    proposals = propose(found.units, tops, expression, known_ids, private)
    # If the name of a file identifies the person, the path in the plan does not.
    paths = [private.path(unit.path) for unit in found.units]
    listed = {row.path: row for row in known}
    number_patients(proposals, listed, paths)
    in_time = sorted(zip(proposals, paths, strict=True), key=lambda pair: (pair[0].unit.header.date, pair[1]))
    rows = [_row(each, path, private) for each, path in in_time if path not in listed]
    arrange(rows, known)
    rows.sort(key=lambda row: (not row.used, row.participant, row.session, row.date, row.path))
    write_plan(plan, sorted([*known, *rows], key=lambda row: not row.used))
    unnamed = sum(row.used and not row.participant for row in rows)
    others = {kind: count for kind, count in found.others.items() if count}
    return Looked([*known, *rows], len(rows), others, unnamed, sum("#" in row.path for row in rows))


def _settled(row: PlanRow) -> bool:
    """Whether a row of an earlier plan is complete, not an open question."""
    return bool(row.format) and bool(row.participant or not row.used)


def _found(tops: Sequence[Path]) -> Found:
    total = sum(1 if top.is_file() else sum(1 for path in top.rglob("*") if not path.is_dir()) for top in tops)
    with progress("files read", total) as advance:
        return find_units(tops, advance)


def _private(units: Sequence[Unit], tops: Sequence[Path], pattern: re.Pattern[str] | None, key: Key) -> Private:
    """What no cell may contain; an identifier chosen as the label of a participant is allowed."""
    parts = {part for unit in units for part in unit.header.personal} | key.private
    if key:
        matches = (key.find(unit.header.patient, place_of(unit, tops)) for unit in units)
        # A participant found by a pattern is also an identifier if a key says who that is.
        return Private(parts | {match[0] for match in matches if match} | named_participants(units, tops, pattern))
    chosen = chosen_labels(units, tops, pattern)
    return Private(part for part in parts if part.lower() not in chosen)


def _row(each: Proposal, path: str, private: Private) -> PlanRow:
    """Row of the plan for one scan, before it is compared with the others."""
    unit, header = each.unit, each.unit.header
    reason = each.reason
    if not survives(str(unit.path)):
        reason = "the file name contains a line break, a trailing space or invalid characters; rename it"
    labels = each.labels
    row = PlanRow(
        use="no" if reason else "yes",
        participant=labels["participant"],
        session=labels["session"],
        task=labels["task"],
        acq=labels["acq"],
        voi=labels["voi"],
        run=labels["run"],
        suffix=header.suffix if unit.kind else "",
        path=path,
        files=str(len(unit.files)),
        format=FORMATS[unit.kind].title if unit.kind else "",
        nucleus=each.nucleus,
        field_t=_number(header.field_t, 1, 3),
        date=f"{header.date[:4]}-{header.date[4:6]}-{header.date[6:8]}" if header.date else "",
        protocol=private.masked(header.protocol),
        te_ms=_number(header.te_s, 1e3, 6),
        tr_ms=_number(header.tr_s, 1e3, 6),
        transients=str(header.transients or ""),
        points=str(header.points or ""),
        remark=private.masked(reason),
    )
    for remark in each.remarks if not reason else ():
        add_remark(row, remark)
    if row.used and not row.participant:
        add_remark(row, "whose scan? Enter the participant, or look again with --pattern or --key")
    return row


def _number(value: float | None, factor: float, significant: int) -> str:
    return "" if not value else f"{value * factor:.{significant}g}"


def look_lines(found: Looked, plan: Path) -> list[str]:
    """Summary of what was found, and the next command."""
    fresh = found.rows[len(found.rows) - found.new :]
    used = sum(row.used for row in fresh)
    lines = [f"{_scans(used)} to use, {len(fresh) - used} not to use." if fresh else "Nothing new."]
    if known := len(found.rows) - found.new:
        lines.append(f"{known} were already in the plan; their rows are unchanged.")
    reasons = Counter(row.remark.partition(";")[0] for row in fresh if not row.used)
    lines += [f"  {count} left out: {reason}" for reason, count in reasons.most_common(8)]
    if len(reasons) > 8:
        lines.append(f"  and {len(reasons) - 8} more reasons: see the column remark")
    if found.others:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(found.others.items()))
        lines.append(f"Not examined, or not scans: {kinds}.")
    if found.unnamed:
        lines.append(
            f"{_scans(found.unnamed)} without a participant: enter it in {plan}, or look again with --pattern or --key."
        )
    if found.masked:
        lines.append(f"{_scans(found.masked)} with a star in the path in place of a name, birth date or hospital id.")
    return [*lines, f"Plan: {plan}. Edit it, then: myomag import make {shlex.quote(str(plan))} STUDY"]


def _scans(number: int) -> str:
    return f"{number} scan{'s' if number != 1 else ''}"

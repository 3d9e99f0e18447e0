"""What only all scans together can show: numbers of participants, sessions, protocols and runs."""

import re
from collections import defaultdict
from collections.abc import Sequence

from myomag.importing.headers import FORMATS
from myomag.importing.plan import PlanRow
from myomag.importing.propose import Proposal, numbers

LONGEST_ACQ = 30


def number_patients(found: Sequence[Proposal], known: dict[str, PlanRow], paths: Sequence[str]) -> None:
    """Number the participants distinguished only by their headers; those of an earlier plan keep their label.

    Parameters
    ----------
    found : sequence of Proposal
        All scans.
    known : dict of str to PlanRow
        Rows of an earlier plan by their path.
    paths : sequence of str
        Path of each scan as written in the plan.
    """
    labels: dict[str, str] = {}
    for each, path in zip(found, paths, strict=True):
        if path in known and (label := known[path].participant) and each.unit.header.patient:
            labels.setdefault(each.unit.header.patient, label)
    taken = {each.labels["participant"] for each in found} | {row.participant for row in known.values()}
    fresh = numbers((label.removeprefix("sub-") for label in taken), 3)
    for each in sorted(found, key=lambda each: (each.unit.header.date or "9", each.unit.path)):
        patient = each.unit.header.patient
        if not each.labels["participant"] and patient and not each.reason:
            if patient not in labels:
                labels[patient] = next(fresh)
            each.labels["participant"] = labels[patient]


def arrange(rows: Sequence[PlanRow], known: Sequence[PlanRow]) -> None:
    """Give new rows the sessions, protocols and runs that distinguish them, in place.

    Parameters
    ----------
    rows : sequence of PlanRow
        New rows.
    known : sequence of PlanRow
        Rows of an earlier plan, which stay as they are.
    """
    _sessions([row for row in rows if row.used], [row for row in known if row.used])
    _other_forms([row for row in rows if row.used])
    _protocols([row for row in rows if row.used], [row for row in known if row.used])
    _runs([row for row in rows if row.used], [row for row in known if row.used])


def add_remark(row: PlanRow, remark: str) -> None:
    """Add a remark to a row."""
    row.remark = "; ".join(filter(None, (row.remark, remark)))


def _sessions(rows: Sequence[PlanRow], known: Sequence[PlanRow]) -> None:
    """Number the days of participants measured on several."""
    by_person: dict[str, list[PlanRow]] = defaultdict(list)
    for row in (*known, *rows):
        by_person[row.participant.removeprefix("sub-")].append(row)
    earlier = {id(row) for row in known}
    for person, scans in by_person.items():
        fresh = [row for row in scans if id(row) not in earlier and not row.session and row.date]
        days = sorted({row.date for row in scans if row.date})
        if not person or not fresh or len(days) < 2:
            continue
        session = {row.date: row.session for row in scans if row.session and row.date}
        without = {row.date for row in scans if id(row) in earlier and not row.session}
        free = numbers((*session.values(), *("1" for _ in without)), 1)
        for day in days:
            if day not in session:
                session[day] = "" if day in without else next(free)
        for row in scans:
            if id(row) not in earlier and not row.date and not row.session:
                add_remark(row, "no date in the header: which session?")
        for row in fresh:
            row.session = session[row.date]
            if without and row.session:
                add_remark(row, "an earlier scan of this participant has no session: is this correct?")


def _other_forms(rows: Sequence[PlanRow]) -> None:
    """Leave out scans that also exist in another format closer to the scanner's."""
    nearer = {form.title: [FORMATS[kind].title for kind in form.exported_from] for form in FORMATS.values()}
    same: dict[tuple[str, ...], list[PlanRow]] = defaultdict(list)
    for row in rows:
        if row.participant and row.protocol:
            same[row.participant, row.session, row.protocol, row.task, row.voi].append(row)
    for scans in same.values():
        formats = {row.format for row in scans}
        for row in scans:
            if found := next((title for title in nearer[row.format] if title in formats), ""):
                row.use = "no"
                add_remark(row, f"the same protocol exists as {found}, closer to the scanner's format")


def _protocols(rows: Sequence[PlanRow], known: Sequence[PlanRow]) -> None:
    """Name the protocols (acq) in all rows if a participant has several in one session."""
    kinds: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in (row for row in (*known, *rows) if row.participant):
        kinds[row.participant, row.session].add(row.protocol)
    named = {row.protocol: row.acq for row in known if row.protocol}
    if not named and all(len(protocols) < 2 for protocols in kinds.values()):
        return
    labels = {row.protocol: re.sub(r"[^A-Za-z0-9]", "", row.protocol)[:LONGEST_ACQ] for row in rows}
    for row in rows:
        row.acq = row.acq or named.get(row.protocol, "" if named and not any(named.values()) else labels[row.protocol])


def _runs(rows: Sequence[PlanRow], known: Sequence[PlanRow]) -> None:
    """Number the scans that no label distinguishes, in order of time."""
    alike: dict[tuple[str, ...], list[PlanRow]] = defaultdict(list)
    for row in (*known, *rows):
        alike[row.key].append(row)
    earlier = {id(row) for row in known}
    for scans in alike.values():
        fresh = [row for row in scans if id(row) not in earlier and not row.run]
        if len(scans) > 1 and fresh and scans[0].participant:
            free = numbers((*(row.run for row in scans), *("1" for row in scans if id(row) in earlier)), 1)
            for row in fresh:
                row.run = next(free)

"""Who entered, who was lost and why, and who was analysed: the numbers of a flow diagram."""

from collections.abc import Iterator
from typing import Any

from myomag.cohort.categories import CATEGORIES
from myomag.cohort.procedures import criteria
from myomag.io.tables import TableRow
from myomag.manuscript.blocks import Block, Listing, Paragraph, counted
from myomag.manuscript.material import Material


def flow(material: Material) -> Iterator[Block]:
    """Criteria and numbers."""
    yield Paragraph(criteria(material.settings))
    rows = material.rows("flow")
    entered = next((row for row in rows if row["stage"] == "entered"), None)
    analysed = next((row for row in rows if row["stage"] == "analysed"), None)
    if entered is None or analysed is None or not entered["scans"]:
        yield Paragraph("There was no scan to analyse.")
        return
    lost = _by_category([row for row in rows if row["stage"] in ("failed", "excluded")])
    if not lost:
        single = entered["scans"] == 1
        yield Paragraph("The single scan was analysed." if single else f"All {_of(entered)} were analysed (Table 1).")
        return
    gone = sum(scans for scans, _ in lost.values())
    counting = "" if entered["scans"] == entered["participants"] else " (participants by the scan that got furthest)"
    yield Paragraph(f"Of {_of(entered)}, {gone} {'was' if gone == 1 else 'were'} not analysed{counting}:")
    yield Listing(tuple(f"{name}: {_lost(*numbers)}" for name, numbers in lost.items()))
    left = f"{_of(analysed)} {'was' if analysed['scans'] == 1 else 'were'} analysed (Table 1)"
    yield Paragraph(f"{left}." if analysed["scans"] else "No scan was left to analyse.")


def _by_category(rows: list[TableRow]) -> dict[str, tuple[int, int]]:
    """Scans and participants of each category, in the order in which scans leave."""
    order: list[Any] = [
        *CATEGORIES,
        *dict.fromkeys(row["category"] for row in rows if row["category"] not in CATEGORIES),
    ]
    found = {name: [row for row in rows if row["category"] == name] for name in order}
    counts = {
        name: (sum(int(row["scans"]) for row in members), sum(int(row["participants"]) for row in members))
        for name, members in found.items()
    }
    return {str(name): numbers for name, numbers in counts.items() if numbers[0]}


def _lost(scans: int, participants: int) -> str:
    return f"{counted(scans, 'scan')} ({counted(participants, 'participant') if participants else 'no participant'})"


def _of(row: TableRow) -> str:
    return f"{counted(int(row['scans']), 'scan')} of {counted(int(row['participants']), 'participant')}"

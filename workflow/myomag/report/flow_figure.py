"""Participants flow as papers print it: entered, failed and excluded by reason, analysed."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from myomag.report.charts import element, svg
from myomag.report.figures import Figure, csv_bytes
from myomag.report.flow import Loss, ParticipantFlow
from myomag.wording.text import plural

WIDTH, MAIN, SIDE_LEFT, SIDE = 760.0, 230.0, 290.0, 460.0
LINE, PAD, GAP, CHARACTERS = 18.0, 10.0, 18.0, 62
NOTE = "Scans and participants at each stage; a participant counts as lost where the scan that got furthest was lost."


def flow_figure(flow: ParticipantFlow, rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Flow diagram; `rows` are those of flow.tsv."""
    parts, y = [], 6.0
    entered = [f"{plural(flow.entered, 'scan')} entered", plural(flow.participants, "participant")]
    box, bottom = _box(0.0, y, MAIN, entered, "stage-box")
    parts.append(box)
    y = bottom + GAP
    for name, losses in (("failed", flow.failed), ("excluded", flow.excluded)):
        scans = sum(loss.scans for loss in losses)
        box, lower = _box(SIDE_LEFT, y, SIDE, [f"{plural(scans, 'scan')} {name}", *_reasons(losses)], f"loss {name}")
        parts += [box, _arrow(f"M{MAIN / 2:g} {y + 20:.2f}H{SIDE_LEFT:g}", SIDE_LEFT, y + 20, down=False)]
        y = lower + GAP
    analysed = [f"{plural(flow.included, 'scan')} analysed", plural(flow.included_participants, "participant")]
    box, end = _box(0.0, y, MAIN, analysed, "stage-box end")
    stem = _arrow(f"M{MAIN / 2:g} {bottom:.2f}V{y:.2f}", MAIN / 2, y, down=True)
    lost = f"{flow.failed_scans} failed, {flow.excluded_scans} excluded"
    label = f"{flow.entered} scans entered, {lost}, {flow.included} analysed"
    drawing = svg(WIDTH, end + 8, label, stem, *parts, box, class_="flow-figure")
    return Figure("participants_flow", "Flow of scans and participants", drawing, csv_bytes(rows), NOTE)


def _reasons(losses: Sequence[Loss]) -> list[str]:
    lines = []
    for loss in losses:
        wrapped = textwrap.wrap(f"{loss.scans}  {loss.step}: {loss.reason}", CHARACTERS, subsequent_indent="     ")
        lines += [line.replace("  ", "\N{NO-BREAK SPACE}" * 2) for line in wrapped]
    return lines


def _box(x: float, y: float, width: float, lines: Sequence[str], kind: str) -> tuple[Markup, float]:
    """Box with lines of text, the first one bold, and its lower edge [px]."""
    height = 2 * PAD + LINE * len(lines)
    texts = [
        element("text", line, x=x + PAD + 2, y=y + PAD + LINE * (index + 0.72), class_="tick" if index else "label")
        for index, line in enumerate(lines)
    ]
    edge = element("rect", x=x + 1, y=y, width=width - 2, height=height, rx=4, class_="edge")
    return element("g", edge, *texts, class_=kind), y + height


def _arrow(d: str, x: float, y: float, *, down: bool) -> Markup:
    head = f"M{x - 4:.2f} {y - 7:.2f}l4 7l4-7" if down else f"M{x - 7:.2f} {y - 4:.2f}l7 4l-7 4"
    return element("path", d=d + head, class_="arrow")

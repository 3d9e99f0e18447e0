"""The lineage of a trace as one self-contained page: a drawing, and below it the full record."""

import json
import re
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from markupsafe import Markup

from myomag import pipeline
from myomag.audit.layout import Layout, layout
from myomag.audit.lineage import file_record, step_record
from myomag.audit.record import STUDY, Derivative, File, Ledger
from myomag.audit.trace import Trace
from myomag.errors import SettingsError
from myomag.io.files import printable, write_whole
from myomag.ledger.pooled import PROTOCOLS
from myomag.report.charts import element
from myomag.report.page import render
from myomag.wording.text import plural

WIDTH, HEIGHT, GAP, LANE, LEVEL = 224.0, 46.0, 20.0, 16.0, 84.0
"""Size of a box, space beside it, space for a passing edge, and distance between layers [px]."""
CHARACTERS = 28
"""Characters per line of a box."""
MOST = 6
"""Largest number of files of one step drawn singly if the record says nothing more about their origin."""


@dataclass(frozen=True)
class Box:
    """A node as drawn: kind of box, two lines of text, and its entry below."""

    kind: str
    title: str
    note: str
    entry: str


@dataclass
class Drawing:
    """Boxes and the edges between them."""

    boxes: dict[Hashable, Box] = field(default_factory=dict)
    edges: dict[tuple[Hashable, Hashable], None] = field(default_factory=dict)


def write_graph(path: Path, derivative: Derivative, found: Trace) -> None:
    """Write the page of a trace.

    Raises
    ------
    SettingsError
        If its folder does not exist.
    """
    if not path.absolute().parent.is_dir():
        raise SettingsError(f"{path}: no such folder; name a file in one that exists.")
    write_whole(path, lineage_page(derivative, found))


def lineage_page(derivative: Derivative, found: Trace) -> bytes:
    """HTML page of a trace.

    Parameters
    ----------
    derivative : Derivative
        The record.
    found : Trace
        What was traced.
    """
    files = {file: file_record(derivative, found.graph, file) for file in sorted(found.graph.files)}
    drawing = _drawing(derivative, found, files)
    steps = {name: step_record(derivative, step) for name, step in found.graph.steps.items()}
    return render(
        "lineage.html.j2",
        [],
        styles=["lineage.css"],
        target=printable(found.target),
        cells=list(_cells(found)),
        drawing=_svg(drawing, printable(found.target)),
        steps=[_step_entry(name, steps[name]) for name in sorted(steps, key=_in_order(steps))],
        files=[_file_entry(file, record) for file, record in files.items()],
    )


def _in_order(steps: Mapping[str, Mapping[str, Any]]) -> Callable[[str], tuple[int, str]]:
    return lambda name: (pipeline.NAMES.index(steps[name]["step"]), name)


def _cells(found: Trace) -> Iterator[tuple[str, str, str]]:
    """Name and value of each cell, and whether it agrees with where it was taken from."""
    for cell in found.values:
        agrees = {True: f"as {cell['from']} says", False: f"{cell['from']} gives another value"}
        yield f"{cell['scan']} {cell['column']}", cell["value"] or "n/a", agrees.get(cell.get("agrees", ""), "")
    for cell in (found.table or {}).get("cells", ()):
        agrees = {True: "follows from cohort.tsv", False: f"cohort.tsv gives {cell.get('computed') or 'n/a'}"}
        yield f"{cell['row']} {cell['column']}", cell["value"] or "n/a", agrees.get(cell.get("agrees", ""), "")


def _drawing(derivative: Derivative, found: Trace, files: Mapping[File, Mapping[str, Any]]) -> Drawing:
    drawing, graph = Drawing(), found.graph
    for step in graph.steps.values():
        kind = "failed" if step.row.status != "ok" and step.row.step == step.ledger.step else "step"
        run = str(step.ledger.activity.get("started") or "")[:16].replace("T", " ")
        drawing.boxes[step.name] = Box(kind, step.ledger.step, run or step.row.status, entry_id(step.name))
        used = [file for file in dict.fromkeys(step.used) if file in graph.files]
        leaves = [file for file in used if file not in graph.makers]
        many = set(leaves) if len(leaves) > MOST else set()
        for file in used:
            if file not in many:
                drawing.boxes[file] = _file_box(file, files[file])
                drawing.edges[file, step.name] = None
        if many and any(graph.makers.get(top) == step for top in found.tops if isinstance(top, File)):
            _add_plan(drawing, derivative, step.ledger.step, step.name)
        elif many:
            drawing.boxes[step.name, "read"] = Box("file", plural(len(many), "file"), "of other scans", "files")
            drawing.edges[(step.name, "read"), step.name] = None
    for file, maker in graph.makers.items():
        if maker.name in graph.steps and (file in drawing.boxes or file in found.tops):
            drawing.boxes[file] = _file_box(file, files[file])
            drawing.edges[maker.name, file] = None
    for top in found.tops:
        if isinstance(top, File) and top in files:
            drawing.boxes.setdefault(top, _file_box(top, files[top]))
            for name, value, _ in _cells(found):
                drawing.boxes[name] = Box("value", name.split(" ")[-1], value, "value")
                drawing.edges[top, name] = None
    return drawing


def _add_plan(drawing: Drawing, derivative: Derivative, step: str, node: Hashable) -> None:
    """Draw the inputs of a step over all scans by the plan: a box for each role and step, with their numbers."""
    for source, role in _sources(pipeline.BY_NAME[step]):
        entry, ledgers = pipeline.BY_NAME[source].kind == "entry", derivative.of_step(source)
        # Companions of a raw file have its role and a number.
        named = [name.partition("_")[0] if entry else name for each in ledgers for name in _roles(each)]
        if role not in named:
            continue
        box, known = (source, role), source in drawing.boxes
        kind, title = "file raw" if entry else "file", _pattern(source, role)
        drawing.boxes[box] = Box(kind, title, plural(named.count(role), "file"), "files")
        drawing.edges[box, node] = None
        if not entry:
            rows, unit = sum(len(each.rows) for each in ledgers), "scan" if pipeline.BY_NAME[source].batched else "run"
            drawing.boxes[source] = Box("step", source, plural(rows, unit), "files")
            drawing.edges[source, box] = None
            if not known:
                _add_plan(drawing, derivative, source, source)


def _sources(step: pipeline.Step) -> Iterator[tuple[str, str]]:
    """Step and role of each input of a step."""
    yield from ((pipeline.writer(role, step.name), role) for role in step.reads)
    if step.pooled:
        yield pipeline.PROTOCOLS.name, PROTOCOLS


def _roles(ledger: Ledger) -> Iterator[str]:
    for row in ledger.rows:
        yield from (role for role, _, _ in ledger.named(row))


def _pattern(step: str, role: str) -> str:
    """Name of the files of a role, without the name of the scan."""
    name = next(file.name for file in pipeline.BY_NAME[step].writes if file.role == role)
    entry = {"raw": "files of the scanner", "sidecar": "their sidecars", "table": "tables of the study"}
    if pipeline.BY_NAME[step].kind == "entry":
        return entry.get(role, role)
    plain = re.sub(r"^\{base\}_|_\{suffix\}", "", name)
    return plain.replace("{stem}", "converted ").replace("{participant}", "…")


def _file_box(file: File, record: Mapping[str, Any]) -> Box:
    name = PurePosixPath(file.path).name
    own = re.search(r"_(desc-\w+_\w+\..*)$", name)
    kind = "file" if record["state"] in ("as recorded", "not here") else "changed"
    place = "study, " if file.where == STUDY else ""
    return Box(
        f"{kind} raw" if file.where == STUDY else kind,
        printable(own[1] if own else name),
        f"{place}{record['state']}, {record['sha256'][:12]}…",
        entry_id(f"{file.where} {file.path}" if file.where == STUDY else file.path),
    )


def entry_id(name: str) -> str:
    """Name of the entry of a step or file on the page."""
    return "e-" + re.sub(r"[^\w.-]", "-", name, flags=re.ASCII)


def _svg(drawing: Drawing, target: str) -> Markup:
    placed = layout(list(drawing.boxes), list(drawing.edges), WIDTH + GAP, LANE)
    passed = (x + LANE / 2 for bends in placed.bends.values() for x in bends)
    width = max((*(x + WIDTH / 2 for _, x in placed.places.values()), *passed), default=0.0) + GAP / 2
    height = placed.layers * LEVEL - (LEVEL - HEIGHT) + 2
    edges = [element("path", d=_curve(placed, edge), class_="flow") for edge in drawing.edges]
    boxes = [_box(box, *placed.places[node]) for node, box in drawing.boxes.items()]
    label = f"Lineage of {target}: {len(drawing.boxes)} boxes, from the raw data down; each links to its entry below."
    size = {"width": width, "height": height, "viewBox": f"0 0 {width:g} {height:g}"}
    return element("svg", *edges, *boxes, role="group", aria_label=label, class_="lineage", **size)


def _box(box: Box, level: int, x: float) -> Markup:
    left, top = x - WIDTH / 2, level * LEVEL + 1
    edge = element("rect", x=left, y=top, width=WIDTH, height=HEIGHT, rx=HEIGHT / 2 if box.kind == "step" else 4)
    lines = [
        element("text", text if y > HEIGHT / 2 else _short(text), x=x, y=top + y, class_=f"middle {name}")
        for text, y, name in ((box.title, 19.0, "label"), (box.note, 36.0, "note"))
    ]
    link = element("a", edge, *lines, element("title", f"{box.title}: {box.note}"), href=f"#{box.entry}")
    return element("g", link, class_=f"box {box.kind}")


def _short(text: str) -> str:
    return text if len(text) <= CHARACTERS else f"{text[:8]}…{text[9 - CHARACTERS :]}"


def _curve(placed: Layout, edge: tuple[Hashable, Hashable]) -> str:
    """Edge from the lower side of a box to the upper side of another, past those between."""
    (first, x), (last, end) = placed.places[edge[0]], placed.places[edge[1]]
    y = first * LEVEL + 1 + HEIGHT
    path = f"M{x:.1f} {y:.1f}"
    for level, place in zip(range(first + 1, last + 1), [*placed.bends[edge], end], strict=True):
        top = level * LEVEL + 1
        middle = (y + top) / 2
        path += f"C{x:.1f} {middle:.1f} {place:.1f} {middle:.1f} {place:.1f} {top:.1f}"
        x, y = place, top
        if level < last:
            y = top + HEIGHT
            path += f"V{y:.1f}"
    return path


def _step_entry(name: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """Facts about a step on the page, with their names."""
    run, code, found = record["run"], record["code"], record["environment"]
    who = f"{run['user']} on {run['host']}" if run["user"] else None
    commit = code["git_commit"] and f"{code['git_commit']}{', with uncommitted changes' if code['git_dirty'] else ''}"
    packages = ", ".join(f"{package} {version}" for package, version in (found["packages"] or {}).items())
    settings = record["settings"] or {}
    own = [
        (key, _brief(item["value"]), item["origin"]) for key, item in settings.items() if item["origin"] != "default"
    ]
    facts = {
        "does": pipeline.BY_NAME[record["step"]].purpose,
        "outcome": record["reason"] or record["status"],
        "ran": run["started"] and f"{run['started']} to {run['ended']}",
        "by": who,
        "code": record["code_sha256"] and f"SHA-256 {record['code_sha256']}",
        "commit": commit,
        "software": found["python"] and f"Python {found['python']}, {packages}",
        "machine": found["platform"] and f"{found['platform']}, {found['processor'] or 'processor unknown'}",
        "settings": record["settings_sha256"] and f"SHA-256 {record['settings_sha256']}",
        "no defaults": "; ".join(f"{key} = {value} ({origin})" for key, value, origin in own),
        "read": ", ".join(map(printable, record["read"])),
        "wrote": ", ".join(map(printable, record["wrote"])),
        "recorded in": record["ledger"],
    }
    return {"id": entry_id(name), "name": name, "facts": {key: value for key, value in facts.items() if value}}


def _file_entry(file: File, record: Mapping[str, Any]) -> dict[str, Any]:
    key = f"{file.where} {file.path}" if file.where == STUDY else file.path
    return {"id": entry_id(key), "path": printable(file.path), "maker": record["made_by"]} | {
        name: record[name] for name in ("in", "sha256", "state")
    }


def _brief(value: Any) -> str:
    text = value.get("name") if isinstance(value, dict) else None
    return str(text or json.dumps(value, ensure_ascii=False))[:120]

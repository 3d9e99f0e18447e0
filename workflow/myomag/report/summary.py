"""Terminal lines about the columns and models of a study."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from myomag.cohort.kinds import by_size
from myomag.wording.text import plural

Rows = Sequence[Mapping[str, Any]]


def column_lines(variables: Rows) -> Iterator[str]:
    """Columns of the study's tables that are used: type, range, missing values and what was left out."""
    if variables:
        yield "Columns used:"
    for row in variables:
        if row["type"] == "absent":
            yield f"  {row['column']}: {row['remarks']}"
            continue
        ends = f", {_number(row['min'])} to {_number(row['max'])}" if row.get("min") not in (None, "") else ""
        levels = f", {row['levels']}" if row.get("levels") else ""
        left_out = f"; left out: {row['left_out']}" if row.get("left_out") else ""
        counts = f"{plural(int(row['participants']), 'participant')}, {row['missing']} missing"
        yield f"  {row['column']} ({row['tables']}): {row['type']}{ends}{levels}; {counts}{left_out}"


def prospect_lines(models: Rows) -> Iterator[str]:
    """Models of the settings with the participants they would have, or why they cannot be estimated."""
    if models:
        yield "Models, if Mg and pH of all scans without a problem can be evaluated:"
    yield from _outcomes(models, [row["reason"] if not row["estimable"] else "" for row in models])


def model_lines(statistics: Rows) -> Iterator[str]:
    """Models with the participants they have, or why they could not be estimated; each once, whatever its terms."""
    if statistics:
        yield "Models:"
    rows = list({(row["model"], row.get("kind")): row for row in reversed(statistics)}.values())[::-1]
    failed = (row["status"] != "estimated" for row in rows)
    reasons = [str(row["reason"]).partition("; ")[0] if each else "" for row, each in zip(rows, failed, strict=True)]
    yield from _outcomes(rows, reasons)


def _outcomes(models: Rows, reasons: Sequence[str]) -> Iterator[str]:
    """Outcome of the models, one line for those of a kind with the same outcome."""
    several = len({row.get("kind") for row in models}) > 1
    alike: dict[tuple[str, str], list[str]] = {}
    for row, reason in zip(models, reasons, strict=True):
        outcome = f"not estimable: {reason}" if reason else plural(int(row["n"]), "participant")
        alike.setdefault((f"{row['kind']}: " if several else "", outcome), []).append(str(row["model"]))
    for (kind, outcome), names in alike.items():
        yield f"  {kind}{', '.join(names)}: {outcome}"


def kind_lines(cohort: Rows) -> Iterator[str]:
    """Kinds of the included scans, where there are several."""
    rows = [row for row in cohort if row["status"] == "included" and row.get("kind")]
    kinds = by_size((str(row["kind"]) for row in rows), (row["participant_id"] for row in rows))
    if len(kinds) > 1:
        counts = Counter(row["kind"] for row in rows)
        named = ", ".join(f"{kind} ({counts[kind]} scans)" for kind in kinds)
        yield f"Scans of {len(kinds)} kinds, never averaged, each with its own statistics: {named}."
        yield f"  The report shows {kinds[0]}; cohort.kind in myomag.yaml selects another."


def _number(value: Any) -> str:
    return f"{float(value):g}"

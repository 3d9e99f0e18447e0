"""Negative controls that are tripped, in sentences beside the results that they threaten."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from myomag.cohort.controls import ALPHA
from myomag.wording import text
from myomag.wording.labels import Labels

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Warned:
    """A tripped control: what it found, and each conclusion before and with its variable held."""

    found: str
    held: str
    conclusions: tuple[str, ...]


def tripped(statistics: Rows, controls: Rows, labels: Labels) -> list[Warned]:
    """Tripped controls.

    Parameters
    ----------
    statistics, controls : sequence of mapping
        Rows of statistics.tsv and of controls.tsv.
    """
    rows = [row for row in statistics if row.get("role") == "control" and (text.finite(row.get("p_fdr")) or 1) < ALPHA]
    return [_warned(row, [each for each in controls if each["control"] == row["model"]], labels) for row in rows]


def _warned(row: Mapping[str, Any], threatened: Rows, labels: Labels) -> Warned:
    what, adjusted = labels.column(row["predictor"]), " and ".join(labels.covariates(row))
    beyond = ", more than the noise that both share predicts" if text.finite(row.get("b_noise")) is not None else ""
    numbers = f"β {text.number(row['beta'], 2)} [{text.interval(row['ci95_low'], row['ci95_high'], 2)}]"
    numbers += f", FDR p {text.p_value(row['p_fdr'])}" + (f", adjusted for {adjusted}" if adjusted else "")
    found = f"Free Mg²⁺ is related to {what}{beyond}: {numbers}. The findings on Mg may be due to how it was measured."
    names = labels.relations(threatened)
    lines = (_conclusion(name, each, labels) for name, each in zip(names, threatened, strict=True))
    return Warned(found, what, tuple(lines))


def _conclusion(name: str, row: Mapping[str, Any], labels: Labels) -> str:
    adjusted = " and ".join(labels.covariates(row))
    before = f"{name}{f', adjusted for {adjusted}' if adjusted else ''}: β {_beta(row, 'beta', 'ci95', 'p')}"
    if text.finite(row.get("beta_held")) is None:
        return f"{before}; with it held constant, not estimable: {row['reason']}"
    return f"{before}, becomes {_beta(row, 'beta_held', 'held_ci95', 'p_held')}"


def _beta(row: Mapping[str, Any], value: str, ends: str, p: str) -> str:
    interval = text.interval(row[f"{ends}_low"], row[f"{ends}_high"], 2)
    return f"{text.number(row[value], 2)} [{interval}], p {text.p_value(row[p])}"


def control_lines(statistics: Rows, controls: Rows, labels: Labels) -> Iterator[str]:
    """Lines for the terminal, nothing where no control is tripped."""
    for each in tripped(statistics, controls, labels):
        yield f"WARNING: negative control tripped. {each.found}"
        yield from (f"  With {each.held} held constant: {line}" for line in each.conclusions)

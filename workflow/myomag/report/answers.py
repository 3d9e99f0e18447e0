"""What a reader asks first, each answered in a sentence with effect, interval, n, and what threatens it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from myomag.cohort.plan import ALL, LOG_MG, MG, factors
from myomag.report.effects import Effect, effect_of, is_group
from myomag.report.overview import row_anchor
from myomag.report.threats import Threats, adjusted_version
from myomag.wording import text
from myomag.wording.labels import Labels, is_adjusted

Row = Mapping[str, Any]
Rows = Sequence[Row]
MUSCLE = (MG, LOG_MG)


@dataclass
class Answer:
    """One question.

    Attributes
    ----------
    question : str
        In plain words.
    sentences : list of (str, str)
        Each with the link to the row of a table that it was made from.
    threats : list of str
        What speaks for caution.
    """

    question: str
    sentences: list[tuple[str, str]] = field(default_factory=list)
    threats: list[str] = field(default_factory=list)


def answers(tables: Mapping[str, Rows], labels: Labels, *, day_to_day_unknown: bool) -> list[Answer]:
    """Answers from the simple models that muscle Mg is in, and from the comparisons with serum Mg.

    Parameters
    ----------
    tables : mapping
        Rows of statistics, controls, measurement_error, sensitivity and comparisons, as far as there are.
    day_to_day_unknown : bool
        Whether the study has no repeats that tell the day-to-day variation of Mg.
    """
    threats = Threats(tables, labels, day_to_day_unknown=day_to_day_unknown)
    found: dict[str, Answer] = {}
    for row in tables["statistics"]:
        effect = effect_of(row, labels) if is_asked(row, labels) else None
        if effect is not None:
            question = _question(row, labels)
            answer = found.setdefault(question, Answer(question))
            said = f"{_sentence(row, effect, labels)} {_adjusted(row, tables['statistics'], labels)}"
            answer.sentences.append((_unbroken(said.strip()), f"#{row_anchor(row)}"))
            _add(answer.threats, threats.of(row))
    compared = Answer("Is muscle or serum Mg more closely related to the outcome?")
    for row in tables["comparisons"]:
        if row["status"] == "estimated":
            compared.sentences.append((_unbroken(_comparison(row, labels)), "#comparisons"))
            _add(compared.threats, threats.shared())
    return [*found.values(), *([compared] if compared.sentences else [])]


def _add(known: list[str], more: Iterator[str]) -> None:
    known += [each for each in more if each not in known]


def is_asked(row: Row, labels: Labels) -> bool:
    """Whether a row is the simple version of a term that muscle Mg is in; serum Mg has a comparison of its own."""
    named = [str(row["outcome"]), *factors(str(row["predictor"]))]
    muscle = any(name in MUSCLE for name in named)
    return row.get("role") == "main" and not is_adjusted(row) and muscle and labels.serum_mg not in named


def _question(row: Row, labels: Labels) -> str:
    first, *others = factors(str(row["predictor"]))
    if others:
        slope = f"{labels.column(row['outcome'])} on {labels.column(first)}"
        return f"Does the slope of {slope} differ by {_by(others, labels)}?"
    outcome = "muscle Mg" if row["outcome"] in MUSCLE else labels.column(row["outcome"])
    if is_group(first, labels):
        return f"Does {outcome} differ by {_by([first], labels)}?"
    other = labels.column(first) if row["outcome"] in MUSCLE else labels.column(row["outcome"])
    return f"Is muscle Mg related to {other}?"


def _by(names: Sequence[str], labels: Labels) -> str:
    return " and ".join(labels.column(name.partition(": ")[0]) for name in names)


def _sentence(row: Row, effect: Effect, labels: Labels) -> str:
    """The effect in words; where its interval holds 0, what this rules out, and what not."""
    names = factors(str(row["predictor"]))
    between = _between([name for name in names if is_group(name, labels)], labels)
    where = "" if row.get("stratum") in (None, ALL) else f"in {row['stratum']}, "
    outcome, settled = labels.column(row["outcome"]), effect.direction != 0
    less, more = ("less", "more") if len(names) > 1 else ("lower", "higher")
    size = f"{effect.number(abs(effect.value))} {more if effect.value > 0 else less}"
    if len(names) > 1:
        verb = "rises" if settled else "is estimated to rise"
        said = f"{effect.per}, {where}{outcome} {verb} {size} {between}"
    else:
        verb = "is" if settled else "is estimated to be"
        said = " ".join(filter(None, (f"{where}{outcome} {verb} {size}", between, effect.per)))
    said += f", adjusted for {held}" if (held := " and ".join(labels.covariates(row))) else ""
    said_p = f"p {text.p_value(row['p'])}; n = {row['n']})"
    if settled:
        return _upper(f"{said} (95 % CI {effect.interval(less, more)}; {said_p}.")
    return f"Not settled: {said}; the data rule out {effect.beyond(less, more)} (95 % CI; {said_p}."


def _between(groups: Sequence[str], labels: Labels) -> str:
    """Groups that a term compares; sex counts women as 1."""
    words = ("in women than in men" if name == labels.sex else f"in {name.partition(': ')[2]}" for name in groups)
    return " and ".join(words)


def _adjusted(row: Row, statistics: Rows, labels: Labels) -> str:
    """The same effect with the covariates of the adjusted version."""
    other = adjusted_version(row, statistics)
    effect = effect_of(other, labels) if other else None
    if other is None or effect is None:
        return ""
    held = " and ".join(labels.covariates(other))
    return f"Adjusted for {held}: {effect.number(effect.value)} ({effect.ends()})."


def _comparison(row: Row, labels: Labels) -> str:
    ends = text.interval(row["ci95_low"], row["ci95_high"], 2)
    first, second = text.number(row["r_first"], 2), text.number(row["r_second"], 2)
    outcome = labels.column(row["outcome"]) + ("" if row["stratum"] == ALL else f" in {row['stratum']}")
    said = f"r is {first} with muscle Mg and {second} with serum Mg; difference {text.number(row['difference'], 2)}"
    if row["ci95_low"] <= 0 <= row["ci95_high"]:
        return f"Not settled for {outcome}: {said}; the data rule out any outside {ends} (95 % CI; n = {row['n']})."
    closer = "Muscle" if abs(row["r_first"]) > abs(row["r_second"]) else "Serum"
    return f"{closer} Mg is more closely related to {outcome}: {said} (95 % CI {ends}; n = {row['n']})."


def _upper(sentence: str) -> str:
    """Sentence with a capital; symbols keep their case."""
    return sentence if sentence[:2] in ("pH", "pM") else sentence[:1].upper() + sentence[1:]


def _unbroken(sentence: str) -> str:
    """Sentence in which no line ends between a number and its unit or sign."""
    return re.sub(r"(?<=\d) (?=%|mM|N·m)|(?<=\b[npr]) (?=[<=])|(?<=[<=]) (?=\d)", "\N{NO-BREAK SPACE}", sentence)

"""The courses of a series in characters, for a terminal."""

from collections.abc import Iterator, Sequence

import numpy as np

from myomag.io.series_records import Series
from myomag.report.charts import Array
from myomag.report.exercise import rest_pcr, times
from myomag.wording.text import number

WIDEST = 120
ROWS = 4
GUTTER = 17
"""Columns for what a course shows, and its highest and lowest value."""

DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""Bits of the dots of a Braille character, by column and row."""

BLANK = 0x2800


def course_lines(series: Series, columns: int, *, braille: bool) -> Iterator[str]:
    """PCr, Pi and pH over time, with the borders of the phases and their names below.

    Parameters
    ----------
    series : Series
        The record of the series.
    columns : int
        Width of the terminal.
    braille : bool
        Whether it shows Braille patterns, eight dots in a character; else it is drawn in ASCII.
    """
    width = min(columns, WIDEST) - 1 - GUTTER
    start = times(series)
    end = start[-1] + (series.repetition_s or 1.0)
    place = (start - start[0]) / (end - start[0])
    rest = rest_pcr(series)
    borders = [round(place[phase.first] * width) for phase in series.phases]
    for label, values, scale in (
        ("PCr/rest", series.course.pcr, rest),
        ("Pi/PCr rest", series.course.pi, rest),
        ("pH", series.course.ph, 1.0),
    ):
        shown = np.array([np.nan if value is None else value / scale for value in values])
        shown[np.array(series.course.spoiled)] = np.nan
        if not np.isnan(shown).all():
            yield from _panel(label, place, shown, width, borders, braille)
    rooms = np.diff([*borders, width + 1]) - 1
    kinds = [phase.kind[: max(room, 0)] for phase, room in zip(series.phases, rooms.tolist(), strict=True)]
    yield _row(borders, kinds, width)
    starts = [f"{start[phase.first]:.0f}" for phase in series.phases]
    last = f"{end:.0f} s" if series.repetition_s else f"{len(start)} (repetition)"
    yield _row([*borders, width - len(last)], [*starts, last], width)


def _panel(label: str, place: Array, values: Array, width: int, borders: Sequence[int], braille: bool) -> Iterator[str]:
    """One course; `place` is the part of the width at which each repetition stands."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    known = ~np.isnan(values)
    across, down = (2, 4) if braille else (1, 1)
    column = np.minimum((place[known] * width * across).astype(int), width * across - 1)
    height = (high - values[known]) / ((high - low) or 1.0)
    row = np.round(height * (ROWS * down - 1)).astype(int)
    cells = np.zeros((ROWS, width), dtype=int)
    for x, y in zip(column.tolist(), row.tolist(), strict=True):
        cells[y // down, x // across] |= DOTS[x % 2][y % 4] if braille else 1
    texts = [f"{label} {number(high, 2):>{GUTTER - 2 - len(label)}}", *[""] * (ROWS - 2), number(low, 2)]
    for text, line in zip(texts, cells.tolist(), strict=True):
        drawn = [_character(cell, braille) for cell in line]
        for border in borders[1:]:
            if border < width and not line[border]:
                drawn[border] = "┊" if braille else "|"
        yield f"{text:>{GUTTER - 1}} {''.join(drawn).rstrip()}".rstrip()


def _character(cell: int, braille: bool) -> str:
    if not cell:
        return " "
    return chr(BLANK + cell) if braille else "*"


def _row(places: Sequence[int], words: Sequence[str], width: int) -> str:
    """Words below the courses, each from its place on; one that would run into the one before is left out."""
    line = [" "] * (width + len(words[-1]))
    free = 0
    for place, word in zip(places, words, strict=True):
        if place >= free:
            line[place : place + len(word)] = word
            free = place + len(word) + 1
    return " " * GUTTER + "".join(line).rstrip()

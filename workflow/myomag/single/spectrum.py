"""The spectrum of a scan in characters, for a terminal."""

from collections.abc import Iterator

import numpy as np

from myomag.report.charts import Array
from myomag.steps.curves import Curves

NARROWEST = 60
"""Smallest width [columns] at which lines of the spectrum can be distinguished."""

WIDEST = 120
ROWS = 16
TICK_PPM = 5
PCR_PPM = 1.5
"""Half width of the range around PCr without other lines."""

PCR_OVER_OTHERS = 1.5
"""Height at which PCr is cut off, relative to the highest other line, so that the others can be seen."""


def spectrum_lines(curves: Curves, columns: int, *, colours: bool) -> Iterator[str]:
    """Data and fit against the shift [ppm], which decreases to the right.

    Parameters
    ----------
    curves : Curves
        Data and, if there is one, the fit.
    columns : int
        Width of the terminal.
    colours : bool
        Whether it shows colours; without them the fit is left out, as it could not be distinguished from the data.
    """
    from plotille import Canvas

    width = min(columns, WIDEST) - 1
    low, high = curves.range_ppm
    shown = [curves.data, *([curves.fit] if curves.components and colours else [])]
    top, bottom = max(float(values.max()) for values in shown), min(0.0, *(float(values.min()) for values in shown))
    others = float(curves.data[np.abs(curves.ppm) > PCR_PPM].max(initial=0.0))
    cut = (
        f"; PCr, cut off, is {top / others:.2g} times the highest other line"
        if 0 < PCR_OVER_OTHERS * others < top
        else ""
    )
    top = PCR_OVER_OTHERS * others if cut else top
    canvas = Canvas(width, ROWS, -high, bottom, -low, top + 0.02 * (top - bottom))
    # The data in the colour of the text, visible on light and dark backgrounds.
    for values, colour in zip(shown, (None, "blue"), strict=False):
        xs, ys = _thinned(-curves.ppm[::-1], np.minimum(values[::-1], top), 2 * width)
        for at in range(len(xs) - 1):
            canvas.line(xs[at], ys[at], xs[at + 1], ys[at + 1], color=colour)
    yield from canvas.plot(linesep="\n").splitlines()
    yield _axis(width, low, high)
    yield f"shift from PCr (ppm){'; the fit in blue' if len(shown) > 1 else ''}{cut}"


def _thinned(xs: Array, ys: Array, number: int) -> tuple[list[float], list[float]]:
    """The highest and the lowest sample of each of `number` pieces, in order, so that no peak is lost."""
    kept = []
    for piece in np.array_split(np.arange(len(xs)), min(number, len(xs))):
        kept += sorted({int(piece[np.argmin(ys[piece])]), int(piece[np.argmax(ys[piece])])})
    return xs[kept].tolist(), ys[kept].tolist()


def _axis(width: int, low: float, high: float) -> str:
    """Shifts below the spectrum, every `TICK_PPM`."""
    line = [" "] * (width + 4)
    for tick in range(int(np.ceil(low / TICK_PPM)) * TICK_PPM, int(high) + 1, TICK_PPM):
        label = str(tick).replace("-", "−")
        at = round((high - tick) / (high - low) * (width - 1)) - len(label) // 2
        at = min(max(at, 0), width - len(label))
        line[at : at + len(label)] = label
    return "".join(line).rstrip()

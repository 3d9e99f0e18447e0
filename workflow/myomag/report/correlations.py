"""Correlation of the parameters that the results rest on."""

import math
from typing import Any

from myomag.io.scan_records import Fit
from myomag.wording import text

QUANTITIES = {"shift_ppm": "δ", "amplitude": "A"}
MAIN_LINES = ("PCr", "Pi", "gamma-ATP", "alpha-ATP", "beta-ATP")
STRONG, MODERATE = 0.7, 0.3


def correlations(fit: Fit | None) -> dict[str, Any] | None:
    """Lower triangle of the correlation matrix of shifts and amplitudes of the main lines, from the fit's covariance.

    Returns
    -------
    dict or None
        `names` of the parameters, and `rows`, each a name with its cells (text, class of its strength); None where the
        fit determines fewer than two of the parameters.
    """
    if fit is None:
        return None
    index = {name: place for place, name in enumerate(fit.covariance.parameters)}
    matrix = fit.covariance.matrix
    wanted = [
        (f"{quantity}:{line}", f"{sign} {text.line_label(line)}")
        for quantity, sign in QUANTITIES.items()
        for line in MAIN_LINES
    ]
    known = [(index[key], label) for key, label in wanted if key in index and (matrix[index[key]][index[key]] or 0) > 0]
    if len(known) < 2:
        return None
    rows = [
        (label, [_cell(matrix, row, column) for column, _ in known[:count]]) for count, (row, label) in enumerate(known)
    ]
    return {"names": [label for _, label in known[:-1]], "rows": rows[1:]}


def _cell(matrix: list[list[float | None]], row: int, column: int) -> tuple[str, str]:
    covariance, variances = matrix[row][column], (matrix[row][row] or 0.0) * (matrix[column][column] or 0.0)
    if covariance is None:
        return text.MISSING, ""
    value = covariance / math.sqrt(variances)
    strength = "strong" if abs(value) >= STRONG else "moderate" if abs(value) >= MODERATE else ""
    return text.number(value), f"{strength} {'negative' if value < 0 else 'positive'}" if strength else ""

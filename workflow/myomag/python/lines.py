"""Lines of fits as a data frame."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from myomag.io.scan_records import FitLine

if TYPE_CHECKING:
    import pandas as pd

NUMBERS_OF_LINE = tuple(
    name for name, field in FitLine.model_fields.items() if field.annotation in (float, float | None)
)
"""Fields of a line that are single numbers."""


def line_frame(found: Sequence[tuple[Mapping[str, str], FitLine]]) -> "pd.DataFrame":
    """Lines of a fit, one per row, preceded by labels."""
    import pandas as pd

    return pd.DataFrame(
        [
            {**labels, "line": line.name, **{name: getattr(line, name) for name in NUMBERS_OF_LINE}}
            for labels, line in found
        ]
    )

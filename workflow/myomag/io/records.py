"""JSON records: the same content gives the same bytes on every machine."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from myomag.errors import ScanError

SIGNIFICANT_DIGITS = 10
"""Digits kept of every float: far below any physical meaning, above the last-digit noise of linear algebra."""


def record_bytes(record: Mapping[str, Any]) -> bytes:
    """UTF-8 JSON text of a record, keys in the order given.

    Raises
    ------
    ValueError
        If a number is not finite: a missing value is None, never NaN.
    """
    return (json.dumps(_rounded(record), indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def read_record(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises
    ------
    ScanError
        If the file is not a JSON object.
    """
    try:
        record = json.loads(path.read_bytes())
    except OSError as error:
        raise ScanError(f"{path.name}: cannot be read ({error.strerror}).") from error
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else error
        raise ScanError(f"{path.name}: not a readable JSON file ({reason}); correct or remove it.") from error
    if not isinstance(record, dict):
        raise ScanError(f"{path.name}: expected a JSON object, found {type(record).__name__}.")
    return record


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("a record holds a number that is not finite")
        return float(f"{value:.{SIGNIFICANT_DIGITS}g}") + 0.0
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value

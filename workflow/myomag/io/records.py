"""JSON records: the same content gives the same bytes on every machine."""

import json
import math
from collections.abc import Mapping, Sequence
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


def parsed_json(content: bytes) -> Any:
    """What a JSON text holds, with or without a byte order mark.

    Raises
    ------
    ValueError, RecursionError
        If it is not JSON, or gives a key twice, of which JSON keeps the last in silence.
    """
    return json.loads(content, object_pairs_hook=_each_key_once)


def read_record(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises
    ------
    ScanError
        If the file is not a JSON object.
    """
    try:
        record = parsed_json(path.read_bytes())
    except OSError as error:
        raise ScanError(f"{path.name}: cannot be read ({error.strerror}).") from error
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else error
        raise ScanError(f"{path.name}: not a readable JSON file ({reason}); correct or remove it.") from error
    if not isinstance(record, dict):
        raise ScanError(f"{path.name}: expected a JSON object, found {type(record).__name__}.")
    return record


def _each_key_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"{next(key for key in keys if keys.count(key) > 1)} is given twice")
    return content


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

"""JSON records: the same content gives the same bytes on every machine."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from myomag.errors import ScanError
from myomag.io.files import sha256_bytes

SIGNIFICANT_DIGITS = 10
"""Digits kept of every float: more than is physically meaningful, fewer than the numerical noise of linear algebra."""

_ENCODE = json.JSONEncoder(ensure_ascii=False).encode


def record_bytes(record: Mapping[str, Any]) -> bytes:
    """UTF-8 JSON text of a record, keys in the order given, a list of plain values on one line.

    Raises
    ------
    ValueError
        If a number is not finite: a missing value is None, never NaN.
    """
    return f"{_text(record, '')}\n".encode()


def canonical(content: Any) -> str:
    """JSON text without spaces: equal content gives equal text.

    The order of keys matters, as for the lines of a fit.
    """
    return json.dumps(content, separators=(",", ":"), allow_nan=False)


def digest(content: Any) -> str:
    """SHA-256 of the canonical JSON text."""
    return sha256_bytes(canonical(content).encode())


def parsed_json(content: bytes) -> Any:
    """Content of a JSON text, with or without a byte order mark.

    Raises
    ------
    ValueError, RecursionError
        If it is not JSON, or has a duplicate key, of which JSON silently keeps the last.
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


def _text(value: Any, indent: str) -> str:
    """JSON text of a value whose first line is already indented.

    Own code, because json with indentation writes each number of a covariance matrix on its own line, and is slow.
    """
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("a record contains a number that is not finite")
        return repr(float(f"{value:.{SIGNIFICANT_DIGITS}g}") + 0.0)
    inner = f"{indent} "
    if isinstance(value, list | tuple):
        items = [_text(item, inner) for item in value]
        if any(item[0] in "{[" for item in items):
            return _block("[", items, "]", indent)
        return f"[{', '.join(items)}]"
    if isinstance(value, Mapping):
        return _block("{", [f"{_ENCODE(str(key))}: {_text(item, inner)}" for key, item in value.items()], "}", indent)
    return _ENCODE(value)


def _block(start: str, items: Sequence[str], end: str, indent: str) -> str:
    """One item per line, one level deeper than `indent`."""
    if not items:
        return start + end
    step = f"\n{indent} "
    return f"{start}{step}{f',{step}'.join(items)}\n{indent}{end}"

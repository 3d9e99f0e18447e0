"""Validation of settings models; every error is one line: file, key, value, remedy."""

import json
import re
from collections.abc import Iterable, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from myomag.errors import SettingsError, hint
from myomag.io.files import printable
from myomag.settings.base import OutsideError

Model = TypeVar("Model", bound=BaseModel)

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def validated(model: type[Model], data: Mapping[str, Any], label: str, prefix: str = "") -> Model:
    """Validated model of some settings.

    Parameters
    ----------
    model : type
        Pydantic model.
    data : mapping
        Values by key.
    label, prefix : str
        File and start of the keys, for the messages.

    Raises
    ------
    SettingsError
        With one line for each wrong key.
    """
    try:
        return model.model_validate(dict(data))
    except ValidationError as error:
        problems: dict[str, list[str]] = {}
        for item in error.errors():
            where, problem = _explain(item, model, prefix)
            problems.setdefault(where, []).append(problem)
    lines = (f"{label}: {where}: {' or '.join(which)}" for where, which in problems.items())
    raise SettingsError("\n".join(line if line.endswith("?") else f"{line}." for line in lines))


def _explain(item: Any, model: type[BaseModel], prefix: str) -> tuple[str, str]:
    """Key, value and what is wrong with it, from one pydantic error."""
    location, known = _field_path(item["loc"], model)
    key = printable(prefix + ".".join(location))
    if item["type"] == "extra_forbidden":
        return key, _unknown(location[-1], known, model)
    if item["type"] == "invalid_key":
        return key, "not text; put the key in quotes, or remove it"
    if item["type"] == "missing":
        return key, "missing; add it"
    if item["type"] == "value_error" and not isinstance(item["ctx"]["error"], OutsideError):
        return key or "settings", item["msg"].removeprefix("Value error, ")
    value = json.dumps(item["input"], default=str)
    return f"{key} = {value if len(value) <= 60 else value[:57] + '...'}", f"must be {_expected(item)}"


def _unknown(key: str, known: list[str], model: type[BaseModel]) -> str:
    """Message for a key that is unknown where it appears: where it belongs, or the nearest known key."""
    sections = {
        name: section
        for name, field in model.model_fields.items()
        for section in _members(field.annotation)
        if isinstance(section, type) and issubclass(section, BaseModel)
    }
    if owners := [name for name, section in sections.items() if key in section.model_fields]:
        return f"{key} belongs under {' or '.join(f'{name}:' for name in owners)} (write that line above it)"
    return "unknown key; " + (hint(key, known) or f"known keys: {', '.join(known)}")


def _expected(item: Any) -> str:
    """What a value must be, from one pydantic error."""
    if item["type"] in ("model_type", "dict_type"):
        return "a mapping"
    if item["type"] in ("too_short", "string_too_short"):
        return "something, not empty"
    if item["type"] == "float_type" and isinstance(item["input"], str) and _NUMBER.fullmatch(item["input"]):
        return f"a number, not text: write {float(item['input'])!r}"
    return str(item["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")


def _field_path(location: Iterable[int | str], model: type[BaseModel]) -> tuple[list[str], list[str]]:
    """Keys that lead to a value, and the keys known at the level of the last one.

    After a union, pydantic adds the name of the member it tried, and after a key of a mapping `[key]`: both are left
    out.
    """
    path: list[str] = []
    known: list[str] = []
    current: Any = model
    chosen = True
    for part in map(str, location):
        members = _members(current)
        if part == "[key]" or (len(members) > 1 and not chosen):
            chosen = True
            continue
        models = [each for each in members if isinstance(each, type) and issubclass(each, BaseModel)]
        fields = {name: field.annotation for each in models for name, field in each.model_fields.items()}
        inside = next((get_args(each)[-1] for each in members if get_args(each)), None)
        path.append(part)
        known, current, chosen = list(fields), fields.get(part, inside), False
    return path, known


def _members(annotation: Any) -> list[Any]:
    """Types that an annotation allows apart from null, each without its constraints."""
    if get_origin(annotation) is Annotated:
        return _members(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [member for each in get_args(annotation) if each is not NoneType for member in _members(each)]
    return [annotation]


def one_line(error: Exception) -> str:
    """Message of an error without line breaks or a final full stop."""
    text = str(error.args[0]) if isinstance(error, KeyError) else str(error)
    return " ".join(text.split()).rstrip(".")

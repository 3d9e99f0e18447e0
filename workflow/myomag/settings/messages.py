"""YAML files and settings models, read so that every error is one line: file, key, value, remedy."""

import difflib
import json
import re
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from myomag.errors import SettingsError
from myomag.io.files import printable

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


MAX_YAML_BYTES = 1_000_000
"""Settings, prior knowledge and calibrations are a few kB; what is larger is something else."""


class _Loader(yaml.SafeLoader):
    """YAML without its traps: a key given twice that silently keeps its last value, aliases, text no file can hold.

    Nested aliases make of one line what no memory holds; half a character (a surrogate) is what no file holds.
    """

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> Any:
        value = super().construct_scalar(node)
        if isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
            raise yaml.YAMLError(f"line {node.start_mark.line + 1}: holds half a character (\\ud800…\\udfff)")
        return value

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        value = super().construct_yaml_int(node)
        if abs(value) > 2**63:
            raise yaml.YAMLError(f"line {node.start_mark.line + 1}: a number is too large")
        return value

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            parser: Any = self
            event = parser.peek_event()
            line = event.start_mark.line + 1
            raise yaml.YAMLError(f"line {line}: the alias *{event.anchor} is not read; write the value out")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen and key.value != "<<":
                raise yaml.YAMLError(f"line {key.start_mark.line + 1}: {key.value} is given twice")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)


def read_mapping(label: str, path: Path) -> dict[str, Any]:
    """Content of a YAML file that holds a mapping; an empty file is an empty one.

    Raises
    ------
    SettingsError
        Naming `label`, and the line where the file is not YAML.
    """
    try:
        data = read_yaml(path)
    except OSError as error:
        raise SettingsError(f"{label}: cannot be read ({error.strerror}).") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SettingsError(f"{label}: not valid YAML: {one_line(error)}.") from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise SettingsError(f"{label}: expected a mapping of sections, found {type(data).__name__}.")
    return data


def read_yaml(path: Path) -> Any:
    """Content of a YAML file, in which no key may be given twice and nothing stands by an alias."""
    if path.exists() and not path.is_file():
        raise yaml.YAMLError("it is a directory, pipe or device, not a file")
    if path.stat().st_size > MAX_YAML_BYTES:
        raise yaml.YAMLError(f"it is larger than {MAX_YAML_BYTES // 1000} kB")
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 (a safe loader)
    except (LookupError, AttributeError, TypeError) as error:
        # So PyYAML fails on a text that does not fit its tag, such as !!int with nothing behind.
        raise yaml.YAMLError("a value does not fit its tag (!!…); remove the tag") from error


def validated(model: type[Any], data: Mapping[str, Any], label: str, prefix: str = "") -> Any:
    """Model of some settings.

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
    """Key with value, and what is wrong with it, for one pydantic error."""
    location, known = _field_path(item["loc"], model)
    key = printable(prefix + ".".join(location))
    if item["type"] == "extra_forbidden":
        near = difflib.get_close_matches(location[-1], known, n=1, cutoff=0.5) or _same_stem(location[-1], known)
        return key, "unknown key; " + (f"did you mean '{near[0]}'?" if near else f"known keys: {', '.join(known)}")
    if item["type"] == "invalid_key":
        return key, "not text; put the key in quotes, or remove it"
    if item["type"] == "missing":
        return key, "missing; add it"
    if item["type"] == "value_error":
        return key or "settings", item["msg"].removeprefix("Value error, ")
    value = json.dumps(item["input"], default=str)
    return f"{key} = {value if len(value) <= 60 else value[:57] + '...'}", f"must be {_expected(item)}"


def _expected(item: Any) -> str:
    """What a value must be, from one pydantic error."""
    if item["type"] in ("model_type", "dict_type"):
        return "a mapping"
    if item["type"] in ("too_short", "string_too_short"):
        return "something, not empty"
    if item["type"] == "float_type" and isinstance(item["input"], str) and _NUMBER.fullmatch(item["input"]):
        return f"a number, not text: write {float(item['input'])!r}"
    return str(item["msg"]).removeprefix("Input should be ")


def _same_stem(key: str, known: list[str]) -> list[str]:
    """Keys that differ from `key` in the unit alone, its last word."""
    stem = key.rpartition("_")[0]
    return [name for name in known if stem and name.rpartition("_")[0] == stem]


def _field_path(location: Iterable[int | str], model: type[BaseModel]) -> tuple[list[str], list[str]]:
    """Keys that lead to a value, and the keys known where the last one stands.

    Behind a union pydantic puts a name for the member it tried, and behind a key of a mapping `[key]`: both are left
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
    """Types an annotation allows beside null, each without its constraints."""
    if get_origin(annotation) is Annotated:
        return _members(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [member for each in get_args(annotation) if each is not NoneType for member in _members(each)]
    return [annotation]


def one_line(error: Exception) -> str:
    """Message of an error without line breaks and final stop."""
    text = str(error.args[0]) if isinstance(error, KeyError) else str(error)
    return " ".join(text.split()).rstrip(".")

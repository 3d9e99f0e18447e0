"""The page that documents the records of a scan, generated from their models."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from myomag import pipeline
from myomag.io.phase_records import ScanRecord
from myomag.io.scan_records import RECORDS as STATIC
from myomag.io.series_records import Series

RECORDS: tuple[type[ScanRecord], ...] = (*STATIC, Series)

HEAD = """# Records of a scan

The JSON files that the steps write for each scan, field by field. This page is generated from the models in
`workflow/myomag/io/` (`make config`). An unknown value is null. Numbers have ten digits."""

_PLAIN = {str: "text", float: "number", int: "integer", bool: "true or false", type(None): "null"}


def records_page() -> str:
    """Text of docs/records.md: every field of every record with type, unit and meaning, each part after its record."""
    sections = [HEAD]
    shown: list[type[BaseModel]] = []
    for record in RECORDS:
        sections.append(_section(record, f"## {record.__name__}", _introduction(record)))
        parts = [part for part in dict.fromkeys(_parts(record)) if part not in shown]
        sections += [_section(part, f"### {part.__name__}", part.__doc__ or "") for part in parts]
        shown += parts
    return "\n\n".join(sections) + "\n"


def _introduction(record: type[ScanRecord]) -> str:
    """Content of a record, its file, and the record whose fields it also has."""
    step, file = next((s, f) for s in pipeline.STEPS for f in s.writes if f.role == record.role)
    base = _extended(record)
    beside = f" It also has all fields of [{base.__name__}](#{base.__name__.lower()})." if base else ""
    name = file.name.replace("{", "<").replace("}", ">")
    return f"{record.__doc__} Written by the step `{step.name}`: `{name}`.{beside}"


def _extended(record: type[BaseModel]) -> type[ScanRecord] | None:
    return next((other for other in RECORDS if issubclass(record, other) and record is not other), None)


def _section(model: type[BaseModel], title: str, introduction: str) -> str:
    base = _extended(model)
    known = base.model_fields if base else {}
    rows = [
        (f"`{name}`", _kind(field.annotation), *_unit_and_meaning(field.description or ""))
        for name, field in model.model_fields.items()
        if name not in known
    ]
    lines = [("field", "type", "unit", "meaning"), ("---",) * 4, *rows]
    return "\n".join([title, "", introduction, "", *(f"| {' | '.join(cells)} |" for cells in lines)])


def _unit_and_meaning(description: str) -> tuple[str, str]:
    """Unit in brackets at the end of a description, and the rest of it."""
    meaning, _, unit = description.removesuffix(".").partition(" [")
    return unit.removesuffix("]"), f"{meaning}."


def _kind(annotation: Any) -> str:
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(f'"{value}"' for value in args)
    if origin is list:
        return f"list of {re.sub(r'^number', 'numbers', _kind(args[0])).replace('list of', 'lists of')}"
    if origin is dict:
        return f"{_kind(args[1])}, by name"
    if args:
        return " or ".join(_kind(each) for each in args)
    return _PLAIN.get(annotation) or f"[{annotation.__name__}](#{annotation.__name__.lower()})"


def _parts(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Models contained in the fields of a model, in order."""
    for field in model.model_fields.values():
        for each in _leaves(field.annotation):
            if isinstance(each, type) and issubclass(each, BaseModel):
                yield each
                yield from _parts(each)


def _leaves(annotation: Any) -> Iterable[Any]:
    args = get_args(annotation)
    return [leaf for each in args for leaf in _leaves(each)] if args else [annotation]

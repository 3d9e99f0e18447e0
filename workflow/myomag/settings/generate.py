"""Files generated from the models and the plan of the pipeline: defaults, schema, and tables in the documentation.

Regenerate them with `make config` after changing settings, records of a scan, columns of tables, or the plan.
"""

import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from myomag import pipeline
from myomag.io.places import CONFIG_DIR, REPOSITORY
from myomag.io.records_page import records_page
from myomag.settings.base import Section, Within
from myomag.settings.models import Settings
from myomag.settings.yaml_text import yaml_value

DOCS = REPOSITORY / "docs"


def generated_files() -> dict[Path, str]:
    """Every generated file of the repository with the text it should contain."""
    # Imported late: the tables build on the settings and import statistics, which `myomag init` does not need.
    from myomag.cohort.columns_page import columns_tables

    return {
        CONFIG_DIR / "config.yaml": default_config(),
        CONFIG_DIR / "config.schema.json": config_schema(),
        DOCS / "settings.md": _page(DOCS / "settings.md", steps=steps_table(), settings=settings_tables()),
        DOCS / "results.md": _page(DOCS / "results.md", files=files_table(), columns=columns_tables()),
        DOCS / "records.md": records_page(),
    }


def default_config() -> str:
    """Text of config/config.yaml: every setting with its default and meaning."""
    head = (
        "# Default settings of myomag, generated from the models in workflow/myomag/settings/ (make config).\n"
        "# A study's own settings go into its myomag.yaml (myomag init STUDY).\n"
    )
    return head + "\n".join(_lines("")) + "\n"


def settings_template() -> str:
    """Text of a study's myomag.yaml: every setting commented out."""
    head = "# Settings of this study that differ from the defaults: uncomment and edit what should differ.\n"
    return head + "\n".join(_lines("# ")) + "\n"


def config_schema() -> str:
    """Text of config/config.schema.json."""
    schema = Settings.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["properties"]["study"] = {"type": "string", "description": "Study folder, given on the command line."}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def settings_tables() -> str:
    """Markdown tables of all settings, one per section, with the steps that a change repeats."""
    parts = []
    for name, section in _sections():
        rows = [
            (f"`{key}`", _cell(getattr(section, key)), _meaning(field), _repeated(f"{name}.{key}"))
            for key, field in type(section).model_fields.items()
        ]
        title = f"## `{name}` — {(type(section).__doc__ or '').rstrip('.')}"
        parts.append(f"{title}\n\n{_table(('key', 'default', 'meaning and unit', 'a change repeats'), rows)}")
    return "\n\n".join(parts)


def steps_table() -> str:
    """Markdown table of the steps: what each does, takes, reads and writes."""
    rows = [
        (f"`{step.name}`", step.purpose, *(_code(part) for part in (step.settings, step.reads, _roles(step))))
        for step in pipeline.STEPS
    ]
    return _table(("step", "does", "takes the settings", "reads", "writes"), rows)


def files_table() -> str:
    """Markdown table of the files that each step writes into the derivative, except sidecars and data dictionaries."""
    files = {step: [file for file in step.writes if not file.describes] for step in pipeline.STEPS[1:]}
    rows = [
        (f"`{step.name}`", step.purpose, "<br>".join(f"{_code([_name(f.name)])} — {f.description}" for f in written))
        for step, written in files.items()
    ]
    return _table(("step", "does", "writes"), rows)


def _meaning(field: FieldInfo) -> str:
    """Description of a setting and its range."""
    limits = next(_limits((*field.metadata, field.annotation)), None)
    return " ".join([field.description or "", *([f"Range: {limits}."] if limits else [])])


def _limits(annotations: Iterable[Any]) -> Iterator[Within]:
    for each in annotations:
        if isinstance(each, Within):
            yield each
        elif get_origin(each) is not Literal:
            yield from _limits(get_args(each))


def _repeated(setting: str) -> str:
    """Steps repeated when a setting changes, apart from the one that records all settings."""
    steps = [name for name in pipeline.repeated_by(setting) if name != "settings"]
    if not steps:
        return "nothing"
    behind = pipeline.NAMES[pipeline.NAMES.index(steps[0]) :]
    return f"{_code(steps[:1])} and all later steps" if len(steps) > 1 and steps == list(behind) else _code(steps)


def _roles(step: pipeline.Step) -> Iterable[str]:
    return dict.fromkeys(file.role for file in step.writes if not file.role.endswith(".json"))


def _name(pattern: str) -> str:
    return pattern.replace("{", "<").replace("}", ">")


def _code(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines).replace("| --- ", "|---").replace("--- |", "---|")


def _page(path: Path, **tables: str) -> str:
    """Text of a page with the part between two marks, such as <!-- steps: generated -->, replaced."""
    page = path.read_text(encoding="utf-8")
    for name, table in tables.items():
        begin, end = f"<!-- {name}: generated -->", f"<!-- end of {name} -->"
        before, _, rest = page.partition(begin)
        page = f"{before}{begin}\n\n{table}\n\n{end}{rest.partition(end)[2]}"
    return page


def _sections() -> Iterator[tuple[str, Section]]:
    """Sections of the settings with their defaults."""
    for name, value in Settings():
        if isinstance(value, Section):
            yield name, value


def _lines(mark: str) -> Iterator[str]:
    sections = dict(_sections())
    for name, info in Settings.model_fields.items():
        yield ""
        if name not in sections:
            yield from _comment(info.description or "", "")
            yield f"{mark}{name}: {yaml_value(info.get_default(call_default_factory=True))}"
            continue
        section = sections[name]
        yield from _comment(type(section).__doc__ or "", "")
        yield f"{mark}{name}:"
        for key, field in type(section).model_fields.items():
            yield from _comment(field.description or "", "  ")
            yield from _entry(key, getattr(section, key), mark)


def _comment(text: str, indent: str) -> Iterator[str]:
    yield from textwrap.wrap(text, 110, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ")


def _entry(key: str, value: Any, mark: str) -> Iterator[str]:
    """Key with its value; a list of sections has one line for each, without defaults."""
    if not _is_list_of_sections(value):
        yield f"{mark}  {key}: {yaml_value(_plain(value))}"
        return
    yield f"{mark}  {key}:"
    for item in value:
        yield f"{mark}    - {yaml_value(item.model_dump(exclude_defaults=True))}"


def _cell(value: Any) -> str:
    """Default as written in a Markdown table."""
    return f"{len(value)} models, see config.yaml" if _is_list_of_sections(value) else f"`{yaml_value(_plain(value))}`"


def _plain(value: Any) -> Any:
    """Value with each model replaced by what it sets."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value.model_dump() if isinstance(value, BaseModel) else value


def _is_list_of_sections(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], BaseModel)


if __name__ == "__main__":
    for file, content in generated_files().items():
        file.write_text(content, encoding="utf-8")

"""Files generated from the settings models: config.yaml, its JSON schema, the tables of config/README.md, myomag.yaml.

Write them again after changing `myomag.settings.models` with: make config
"""

import json
import textwrap
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from myomag.io.places import CONFIG_DIR
from myomag.settings.models import Settings
from myomag.settings.yaml_text import yaml_value

BEGIN_TABLES, END_TABLES = "<!-- settings: generated -->", "<!-- end of settings -->"
RERUNS = {
    "convert": "convert and everything after it",
    "qc": "qc and everything after it",
    "fit": "fit and everything after it",
    "magnesium": "magnesium and everything after it (milliseconds per scan)",
    "cohort": "the cohort tables and the report",
    "report": "the report",
}


def default_config() -> str:
    """Text of config/config.yaml: every setting with its default and meaning."""
    head = (
        "# Default settings of myomag, generated from the models in workflow/myomag/config.py (make config).\n"
        "# A study's own settings go into its myomag.yaml (myomag init STUDY).\n"
    )
    return head + "\n".join(_lines("")) + "\n"


def settings_template() -> str:
    """Text of a study's myomag.yaml: every setting commented out."""
    head = "# Settings of this study that differ from the defaults: uncomment and change what should differ.\n"
    return head + "\n".join(_lines("# ")) + "\n"


def config_schema() -> str:
    """Text of config/config.schema.json."""
    schema = Settings.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["properties"]["study"] = {"type": "string", "description": "Study folder, given on the command line."}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def settings_tables() -> str:
    """Markdown tables of every setting, one per section, for config/README.md."""
    parts = []
    for name, info in Settings.model_fields.items():
        default = info.get_default(call_default_factory=True)
        if not isinstance(default, BaseModel):
            continue
        rows = [
            f"| `{key}` | {_cell(getattr(default, key))} | {field.description} |"
            for key, field in type(default).model_fields.items()
        ]
        title = f"### `{name}` — {(type(default).__doc__ or '').rstrip('.')}"
        head = f"A change re-runs: {RERUNS[name]}.\n\n| key | default | meaning and unit |\n|---|---|---|"
        parts.append("\n".join([title, "", head, *rows]))
    return "\n\n".join(parts)


def with_settings_tables(page: str) -> str:
    """Text of config/README.md with the tables between its two marks renewed."""
    before, _, rest = page.partition(BEGIN_TABLES)
    _, _, after = rest.partition(END_TABLES)
    return f"{before}{BEGIN_TABLES}\n\n{settings_tables()}\n\n{END_TABLES}{after}"


def _lines(mark: str) -> Iterator[str]:
    for name, info in Settings.model_fields.items():
        yield ""
        default = info.get_default(call_default_factory=True)
        if not isinstance(default, BaseModel):
            yield from _comment(info.description or "", "")
            yield f"{mark}{name}: {yaml_value(default)}"
            continue
        yield from _comment(type(default).__doc__ or "", "")
        yield f"{mark}{name}:"
        for key, field in type(default).model_fields.items():
            yield from _comment(field.description or "", "  ")
            yield from _entry(key, getattr(default, key), mark)


def _comment(text: str, indent: str) -> Iterator[str]:
    yield from textwrap.wrap(text, 110, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ")


def _entry(key: str, value: Any, mark: str) -> Iterator[str]:
    """Key with its value; a list of sections has one line for each, without what is left at its default."""
    if not _is_list_of_sections(value):
        yield f"{mark}  {key}: {yaml_value(value)}"
        return
    yield f"{mark}  {key}:"
    for item in value:
        yield f"{mark}    - {yaml_value(item.model_dump(exclude_defaults=True))}"


def _cell(value: Any) -> str:
    """Default as it stands in a Markdown table."""
    return f"{len(value)} models, see config.yaml" if _is_list_of_sections(value) else f"`{yaml_value(value)}`"


def _is_list_of_sections(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], BaseModel)


if __name__ == "__main__":
    (CONFIG_DIR / "config.yaml").write_text(default_config(), encoding="utf-8")
    (CONFIG_DIR / "config.schema.json").write_text(config_schema(), encoding="utf-8")
    readme = CONFIG_DIR / "README.md"
    readme.write_text(with_settings_tables(readme.read_text(encoding="utf-8")), encoding="utf-8")

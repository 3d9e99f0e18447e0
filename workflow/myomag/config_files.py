"""Files generated from the settings models: config.yaml, its JSON schema, and the template of a study's myomag.yaml.

Write them again after changing `myomag.config` with: python -m myomag.config_files
"""

import json
import textwrap
from collections.abc import Iterator
from typing import Any

import yaml
from pydantic import BaseModel

from myomag.config import CONFIG_DIR, Settings


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


def _lines(mark: str) -> Iterator[str]:
    for name, info in Settings.model_fields.items():
        yield ""
        default = info.get_default(call_default_factory=True)
        if not isinstance(default, BaseModel):
            yield from _comment(info.description or "", "")
            yield f"{mark}{name}: {_value(default)}"
            continue
        yield from _comment(type(default).__doc__ or "", "")
        yield f"{mark}{name}:"
        for key, field in type(default).model_fields.items():
            yield from _comment(field.description or "", "  ")
            yield f"{mark}  {key}: {_value(getattr(default, key))}"


def _comment(text: str, indent: str) -> Iterator[str]:
    yield from textwrap.wrap(text, 110, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ")


def _value(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=1000).removesuffix("...\n").strip()


if __name__ == "__main__":
    (CONFIG_DIR / "config.yaml").write_text(default_config(), encoding="utf-8")
    (CONFIG_DIR / "config.schema.json").write_text(config_schema(), encoding="utf-8")

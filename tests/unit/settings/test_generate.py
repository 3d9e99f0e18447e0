"""Generated files: in sync with the models, and complete."""

import re
from pathlib import Path
from typing import Any

import yaml

from myomag.io.places import CONFIG_DIR
from myomag.settings.cohort import CohortModel
from myomag.settings.generate import config_schema, default_config, settings_template
from myomag.settings.load import load_settings
from myomag.settings.models import Settings
from settings_text import written


def test_generated_files_are_in_sync_with_the_models() -> None:
    assert (CONFIG_DIR / "config.yaml").read_text(encoding="utf-8") == default_config(), "run: make config"
    assert (CONFIG_DIR / "config.schema.json").read_text(encoding="utf-8") == config_schema(), "run: make config"


def spelt_out(content: Any) -> Any:
    """Settings whose models leave out what is at its default, as they would be written in full."""
    models = [CohortModel.model_validate(model).model_dump() for model in content["cohort"]["models"]]
    return content | {"cohort": content["cohort"] | {"models": models}}


def test_default_file_spells_out_every_setting_and_its_default() -> None:
    content = yaml.safe_load((CONFIG_DIR / "config.yaml").read_text(encoding="utf-8"))
    assert spelt_out(content) == Settings().model_dump()
    assert load_settings(CONFIG_DIR / "config.yaml") == load_settings()


def test_template_is_empty_as_it_is_and_holds_the_defaults_when_uncommented(tmp_path: Path) -> None:
    template = settings_template()
    assert yaml.safe_load(template) is None
    lines = [re.sub(r"^# (?=( {2})?\w+:| {4}- )", "", line) for line in template.splitlines()]
    uncommented = written(tmp_path / "myomag.yaml", "\n".join(line for line in lines if not line.startswith("#")))
    assert spelt_out(yaml.safe_load(uncommented.read_text())) == Settings().model_dump()
    assert load_settings(uncommented) == load_settings()

"""Generated files: in sync with the models, and complete."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from myomag import pipeline
from myomag.io.places import CONFIG_DIR, REPOSITORY
from myomag.settings.audit import AuditSettings
from myomag.settings.cohort import CohortModel, CohortSettings
from myomag.settings.generate import generated_files, settings_tables, settings_template, steps_table
from myomag.settings.load import load_settings
from myomag.settings.models import SCAN_SECTIONS, Settings
from myomag.settings.report import ReportSettings
from settings_text import written


@pytest.mark.parametrize("path", generated_files(), ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_generated_file_is_in_sync_with_models_and_plan(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == generated_files()[path], "run: make config"


def test_tables_name_every_step_setting_and_what_a_change_repeats() -> None:
    settings, steps = settings_tables(), steps_table()
    rows = {row.split("`")[1]: row.split(" | ")[-1] for row in settings.splitlines() if row.startswith("| `")}
    assert set(rows) == {key for section in SCAN_SECTIONS.values() for key in section.model_fields} | {
        *CohortSettings.model_fields,
        *ReportSettings.model_fields,
        *AuditSettings.model_fields,
    }
    assert rows["warn_snr"] == "`verdict` and all later steps |"
    assert rows["begin_time_sd_us"] == "`fit` and all later steps |"
    assert rows["title"] == "`pages` and all later steps |"
    assert [row.split("`")[1] for row in steps.splitlines()[2:]] == list(pipeline.NAMES)


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

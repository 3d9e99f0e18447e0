"""Reading settings: how layers combine, and that what is resolved is complete."""

import json
from pathlib import Path

import pytest

from myomag.errors import SettingsError
from myomag.io.records import canonical
from myomag.settings.load import load_layers, load_settings, parse_settings, study_settings
from myomag.settings.models import Settings
from myomag.settings.yaml_text import yaml_text
from settings_text import refusal, written


def test_missing_file_and_folder_are_one_line(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.yaml") == "myomag.yaml: cannot be read (No such file or directory)."
    assert "directory" in refusal(tmp_path)


@pytest.mark.parametrize("text", ["", "# nothing\n", "fit:\nqc:\n  # min_snr: 5\noverrides:\n"])
def test_file_with_nothing_in_it_gives_the_defaults(text: str, tmp_path: Path) -> None:
    assert load_settings(written(tmp_path / "myomag.yaml", text)) == load_settings()


def test_later_layers_win_key_by_key() -> None:
    settings = load_layers(
        [
            ("a", {"qc": {"min_snr": 3, "warn_snr": 9}, "batches": 2}),
            ("b", {"qc": {"min_snr": 4}, "overrides": {"sub-001": {"reject": "moved"}}}),
            ("c", {"qc": {"outlier_z": 6.0}, "overrides": {"sub-002": {"reject": "fell asleep"}}}),
        ]
    )
    assert (settings.qc.min_snr, settings.qc.warn_snr, settings.qc.outlier_z, settings.batches) == (4, 9, 6, 2)
    assert sorted(settings.overrides) == ["sub-001", "sub-002"]


def test_study_file_wins_over_the_shipped_one_and_the_command_line_over_both(tmp_path: Path) -> None:
    written(tmp_path / "myomag.yaml", "qc: {min_snr: 6, warn_snr: 40}\nbatches: 3\n")
    settings = study_settings(tmp_path, {"study": str(tmp_path), "qc": {"min_snr": "30"}})
    assert (settings.qc.min_snr, settings.qc.warn_snr, settings.batches) == (30, 40, 3)
    assert settings.qc.outlier_z == Settings().qc.outlier_z


@pytest.mark.parametrize(
    ("given", "value"),
    [("20", 20), ("20.5", 20.5), ("2.0e+1", 20)],
)
def test_numbers_of_the_command_line_arrive_as_text(given: str, value: float, tmp_path: Path) -> None:
    assert study_settings(tmp_path, {"qc": {"warn_snr": given}}).qc.warn_snr == value


def test_other_values_of_the_command_line(tmp_path: Path) -> None:
    given = {
        "fit": {"fit_begin_time": "false", "begin_time_us": "null"},
        "report": {"title": "Mg: a study"},
        "cohort": {"include_verdicts": ["pass"]},
    }
    settings = study_settings(tmp_path, given)
    assert (settings.fit.fit_begin_time, settings.fit.begin_time_us) == (False, None)
    assert settings.report.title == "Mg: a study"
    assert settings.cohort.include_verdicts == ["pass"]


def test_error_names_the_layer_that_brought_it(tmp_path: Path) -> None:
    written(tmp_path / "myomag.yaml", "magnesium: {mg_calibration: iotti}\n")
    with pytest.raises(SettingsError, match=r"^myomag\.yaml: magnesium\.mg_calibration"):
        study_settings(tmp_path, {"qc": {"min_snr": "6"}})
    written(tmp_path / "myomag.yaml", "qc: {min_snr: 6}\n")
    with pytest.raises(SettingsError, match=r"^--config: magnesium\.mg_calibration"):
        study_settings(tmp_path, {"magnesium": {"mg_calibration": "iotti"}})


def test_resolved_settings_are_complete_and_can_be_read_back(tmp_path: Path) -> None:
    settings = parse_settings({"qc": {"min_snr": 6}, "overrides": {"sub-001": {"reject": "implant"}}})
    assert isinstance(settings.fit.prior_knowledge, dict)
    copy = written(tmp_path / "config.yaml", yaml_text(settings.model_dump()))
    assert load_settings(copy) == settings
    assert json.loads(canonical(settings.model_dump())) == settings.model_dump()

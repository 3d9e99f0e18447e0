"""Where settings come from: defaults are not named, everything else with its line or as given on the command line."""

from pathlib import Path

from myomag.settings.origins import setting_origins

TEXT = """\
# a remark
batches: 4

qc:
  min_snr: 6
  warn_snr: 20   # on the fifth line of settings
magnesium:
fit: {begin_time_sd_us: 50, prior_knowledge: {name: own, lines: {}}}
overrides:
  sub-002:
    reject: moved
    fit:
      begin_time_us: 240
  sub-003:
    qc: {min_snr: 4}
"""


def origins(tmp_path: Path, text: str, **given: object) -> dict[str, str]:
    path = tmp_path / "myomag.yaml"
    path.write_text(text, encoding="utf-8")
    return setting_origins("myomag.yaml", path, given)


def test_lines_of_the_settings_file(tmp_path: Path) -> None:
    assert origins(tmp_path, TEXT) == {
        "batches": "myomag.yaml line 2",
        "qc.min_snr": "myomag.yaml line 5",
        "qc.warn_snr": "myomag.yaml line 6",
        "fit.begin_time_sd_us": "myomag.yaml line 8",
        "fit.prior_knowledge": "myomag.yaml line 8",
        "overrides.sub-002.reject": "myomag.yaml line 11",
        "overrides.sub-002.fit.begin_time_us": "myomag.yaml line 13",
        "overrides.sub-003.qc.min_snr": "myomag.yaml line 15",
    }


def test_command_line_wins_key_by_key(tmp_path: Path) -> None:
    found = origins(tmp_path, TEXT, qc={"min_snr": 3}, batches=2, study="/a/study")
    assert found["qc.min_snr"] == "--config"
    assert found["batches"] == "--config"
    assert found["qc.warn_snr"] == "myomag.yaml line 6"
    assert "study" not in found


def test_override_of_the_command_line_replaces_the_whole_target(tmp_path: Path) -> None:
    found = origins(tmp_path, TEXT, overrides={"sub-002": {"reject": "fat"}})
    own = {key: origin for key, origin in found.items() if key.startswith("overrides.sub-002")}
    assert own == {"overrides.sub-002": "--config"}
    assert "overrides.sub-003.qc.min_snr" in found


def test_no_settings_file(tmp_path: Path) -> None:
    assert setting_origins("myomag.yaml", tmp_path / "myomag.yaml", {}) == {}
    assert origins(tmp_path, "") == {}
    assert origins(tmp_path, "qc:\n") == {}

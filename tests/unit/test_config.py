"""Settings: what is refused and how it is said, how layers and overrides combine, what a resource may be."""

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.markers import Marker

from myomag.config import CONFIG_DIR, Settings, load_layers, load_settings, parse_settings, section_for
from myomag.config_cohort import CohortModel
from myomag.config_files import config_schema, default_config, settings_template
from myomag.core.prior_knowledge import PriorKnowledge
from myomag.errors import SettingsError
from myomag.flow import settings_yaml, study_settings
from myomag.provenance import canonical
from running import PARTS

REPOSITORY = CONFIG_DIR.parent


def refusal(content: Any, **options: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        load_layers([("myomag.yaml", content)], **options)
    return str(caught.value)


def written(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def model(**changes: Any) -> dict[str, Any]:
    return {"cohort": {"models": [{"name": "m", "outcome": "muscle_mg", "predictors": ["age"], **changes}]}}


# key, value, remedy: what the one line must contain beside the file
WRONG = {
    "misspelt section": ({"fitt": {}}, ["fitt", "unknown key", "'fit'"]),
    "misspelt key": ({"qc": {"min_snrr": 3}}, ["qc.min_snrr", "unknown key", "'min_snr'"]),
    "wrong unit": ({"fit": {"begin_time_ms": 0.24}}, ["fit.begin_time_ms", "unknown key", "'begin_time_us'"]),
    "wrong unit, other word": ({"qc": {"max_linewidth_hz": 20}}, ["qc.max_linewidth_hz", "'max_linewidth_ppm'"]),
    "nothing near": ({"report": {"zzz": 1}}, ["report.zzz", "known keys: title, spectrum_min_ppm, spectrum_max_ppm"]),
    "text for a number": ({"qc": {"min_snr": "12"}}, ["qc.min_snr", '"12"', "write 12.0"]),
    "exponent that YAML reads as text": ({"qc": {"min_snr": "1e1"}}, ["qc.min_snr", '"1e1"', "write 10.0"]),
    "comma for a point": ({"qc": {"min_snr": "0,8"}}, ["qc.min_snr", '"0,8"', "number"]),
    "boolean for a number": ({"qc": {"min_snr": True}}, ["qc.min_snr", "true", "number"]),
    "number for a boolean": ({"convert": {"conjugate": 1}}, ["convert.conjugate", "= 1", "boolean"]),
    "boolean for an integer": ({"batches": True}, ["batches", "true", "integer"]),
    "fraction for an integer": ({"batches": 1.5}, ["batches", "1.5", "integer"]),
    "list for a number": ({"qc": {"min_snr": [1] * 300}}, ["qc.min_snr", "[1, 1, 1", "number"]),
    "null for a number": ({"qc": {"min_snr": None}}, ["qc.min_snr", "null", "number"]),
    "below the bound": ({"batches": 0}, ["batches", "= 0", "1"]),
    "beyond the bound": ({"fit": {"begin_time_us": 1e6}}, ["fit.begin_time_us", "1000000", "5000"]),
    "fraction above one": ({"cohort": {"max_p_undefined": 10}}, ["cohort.max_p_undefined", "= 10", "1"]),
    "negative": ({"qc": {"warn_drift_hz": -1}}, ["qc.warn_drift_hz", "-1", "greater than 0"]),
    "not a number": ({"qc": {"min_snr": math.nan}}, ["qc.min_snr", "NaN", "finite"]),
    "infinite": ({"qc": {"min_snr": math.inf}}, ["qc.min_snr", "Infinity", "finite"]),
    "infinite range": ({"report": {"spectrum_min_ppm": -math.inf}}, ["report.spectrum_min_ppm", "-500"]),
    "begin time not a number": ({"fit": {"begin_time_us": math.nan}}, ["fit.begin_time_us", "NaN"]),
    "fraction not a number": ({"qc": {"warn_rejected_fraction": math.nan}}, ["qc.warn_rejected_fraction", "NaN"]),
    "SNR bounds crossed": ({"qc": {"min_snr": 20}}, ["qc", "min_snr (20)", "warn_snr (15)"]),
    "width bounds crossed": ({"qc": {"warn_linewidth_ppm": 0.9}}, ["qc", "warn_linewidth_ppm (0.9)", "(0.8)"]),
    "rejection bounds crossed": ({"qc": {"max_rejected_fraction": 0.1}}, ["qc", "max_rejected_fraction (0.1)"]),
    "shift range crossed": ({"report": {"spectrum_min_ppm": 20}}, ["report", "below spectrum_max_ppm"]),
    "choice": ({"convert": {"nucleus": "1H"}}, ["convert.nucleus", '"1H"', "'31P'"]),
    "choice in a list": (
        {"cohort": {"include_verdicts": ["pass", "fail"]}},
        ["include_verdicts.1", '"fail"', "'warn'"],
    ),
    "empty list": ({"cohort": {"include_verdicts": []}}, ["cohort.include_verdicts", "[]", "not empty"]),
    "empty name": ({"cohort": {"age_column": ""}}, ["cohort.age_column", '""', "not empty"]),
    "list for a section": ({"fit": [1]}, ["fit = [1]", "mapping"]),
    "number for a section": ({"fit": 3}, ["fit = 3", "mapping"]),
    "number for a key": ({"fit": {1: 2}}, ["fit.1", "quotes"]),
    "number for a section's name": ({1: 2}, ["1:", "quotes"]),
    "neither name nor content": ({"fit": {"prior_knowledge": 12}}, ["fit.prior_knowledge = 12", "string", "mapping"]),
    "misspelt prior knowledge": ({"fit": {"prior_knowledge": "muscle_res"}}, ["fit.prior_knowledge", "'muscle_rest'"]),
    "misspelt calibration": ({"magnesium": {"ph_calibration": "taylor"}}, ["magnesium.ph_calibration", "'taylor1983'"]),
    "unknown calibration": ({"magnesium": {"mg_calibration": "mine"}}, ["mg_calibration", "shipped: ", "iotti1996"]),
    "calibration of something else": ({"magnesium": {"mg_calibration": "taylor1983"}}, ["mg_calibration", "'ph'"]),
    "empty calibration": ({"magnesium": {"mg_calibration": {}}}, ["magnesium.mg_calibration", "missing"]),
    "prior knowledge without lines": ({"fit": {"prior_knowledge": {"name": "x"}}}, ["fit.prior_knowledge", "lines"]),
    "misspelt key of a model": (model(predictor=["age"]), ["models.0.predictor", "unknown key", "'predictors'"]),
    "model without an outcome": (
        {"cohort": {"models": [{"name": "x", "predictors": ["age"]}]}},
        ["models.0.outcome", "missing"],
    ),
    "model without predictors": (model(predictors=[]), ["models.0.predictors", "not empty"]),
    "unknown weights": (model(weights="measurment"), ["models.0.weights", "'measurement'"]),
    "misspelt end of a subset": (model(subset={"age": {"mim": 60}}), ["models.0.subset.age.mim", "'min'"]),
    "subset from high to low": (model(subset={"age": {"min": 70, "max": 60}}), ["subset.age", "min (70)", "max (60)"]),
    "subset to be evaluated": (model(subset={"age": "> 60"}), ["models.0.subset.age", '"> 60"', "list"]),
    "two models of one name": (
        {"cohort": {"models": [model()["cohort"]["models"][0]] * 2}},
        ["cohort", "the name m is given twice"],
    ),
    "age groups that fall": ({"cohort": {"age_groups": [60, 40]}}, ["cohort", "age_groups must increase"]),
    "override of nobody": ({"overrides": {"001": {}}}, ["overrides.001", "sub-001"]),
    "override without settings": ({"overrides": {"sub-001": 5}}, ["overrides.sub-001", "mapping"]),
    "override of an unknown section": ({"overrides": {"sub-001": {"fitt": {}}}}, ["overrides.sub-001.fitt", "'fit'"]),
    "override of a section of the cohort": (
        {"overrides": {"sub-001": {"cohort": {}}}},
        ["sub-001.cohort", "outside overrides"],
    ),
    "override with a wrong key": (
        {"overrides": {"sub-001": {"fit": {"begin_time_ms": 1}}}},
        ["overrides.sub-001", "fit.begin_time_ms", "'begin_time_us'"],
    ),
    "override with a wrong value": (
        {"overrides": {"sub-001": {"fit": {"begin_time_us": "late"}}}},
        ["overrides.sub-001", "fit.begin_time_us", '"late"', "number"],
    ),
    "override against the section": (
        {"qc": {"warn_snr": 8}, "overrides": {"sub-001": {"qc": {"min_snr": 9}}}},
        ["overrides.sub-001", "min_snr (9)", "warn_snr (8)"],
    ),
    "override section not a mapping": ({"overrides": {"sub-001": {"fit": 3}}}, ["overrides.sub-001.fit", "mapping"]),
    "rejection without a reason": ({"overrides": {"sub-001": {"reject": True}}}, ["sub-001.reject", "reason"]),
    "rejection with a blank reason": ({"overrides": {"sub-001": {"reject": " "}}}, ["sub-001.reject", "reason"]),
    "override with misspelt prior knowledge": (
        {"overrides": {"sub-001": {"fit": {"prior_knowledge": "muscle_res"}}}},
        ["overrides.sub-001", "fit.prior_knowledge", "'muscle_rest'"],
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_setting_is_one_line_with_file_key_value_and_remedy(case: str, tmp_path: Path) -> None:
    content, parts = WRONG[case]
    message = refusal(content, root=tmp_path)
    assert message.startswith("myomag.yaml: ")
    assert "\n" not in message
    assert len(message) < 300
    for part in parts:
        assert part in message


def test_each_wrong_setting_has_a_line_of_its_own() -> None:
    lines = refusal({"qc": {"outlier_z": "a", "min_snrr": 2}, "fitt": {}}).splitlines()
    assert sorted(line.split(": ")[1].split(" ")[0] for line in lines) == ["fitt", "qc.min_snrr", "qc.outlier_z"]


BROKEN = {
    "not YAML": ("fit: {begin_time_us: 1", "not valid YAML"),
    "tab": ("fit:\n\tbegin_time_us: 1", "line 2"),
    "not UTF-8": (b"report: {title: \xff}", "not valid YAML"),
    "a list": ("- fit\n", "found list"),
    "a word": ("fit", "found str"),
    "key twice": ("fit:\n  begin_time_us: 1\nqc: {}\nfit:\n  fit_begin_time: false\n", "line 4: fit is given twice"),
    "key twice below": ("qc:\n  min_snr: 1\n  min_snr: 2\n", "line 3: min_snr is given twice"),
    "list for a key": ("? [fit]\n: 1\n", "not valid YAML"),
    "object": ("fit: !!python/object/apply:os.system [true]", "not valid YAML"),
    "deep": ("[" * 100_000, "not valid YAML"),
    "NUL": (b"fit: \x00", "not valid YAML"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_file_is_one_line_with_its_name(case: str, tmp_path: Path) -> None:
    text, part = BROKEN[case]
    message = refusal(written(tmp_path / "myomag.yaml", text))
    assert message.startswith("myomag.yaml: ")
    assert part in message
    assert "\n" not in message


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


def test_overrides_apply_to_participant_then_scan() -> None:
    scan = "sub-001_run-1_unloc"
    settings = parse_settings(
        {
            "fit": {"begin_time_us": 100},
            "overrides": {
                scan: {"fit": {"begin_time_us": 300}},
                "sub-001": {"fit": {"begin_time_us": 200, "fit_begin_time": False}},
            },
        }
    )
    assert section_for(settings, "fit")["begin_time_us"] == 100
    assert section_for(settings, "fit", "sub-001")["begin_time_us"] == 200
    merged = section_for(settings, "fit", "sub-001", scan)
    assert (merged["begin_time_us"], merged["fit_begin_time"]) == (300, False)
    assert section_for(settings, "fit", "sub-002")["fit_begin_time"] is True


def test_override_holds_the_content_of_its_resource() -> None:
    settings = parse_settings({"overrides": {"sub-001": {"magnesium": {"ph_calibration": "petroff1985"}}}})
    assert settings.overrides["sub-001"]["magnesium"]["ph_calibration"]["name"] == "petroff1985"
    assert settings.magnesium.ph_calibration["name"] == "taylor1983"  # type: ignore[index]


def test_resolved_settings_are_complete_and_can_be_read_back(tmp_path: Path) -> None:
    settings = parse_settings({"qc": {"min_snr": 6}, "overrides": {"sub-001": {"reject": "implant"}}})
    assert isinstance(settings.fit.prior_knowledge, dict)
    copy = written(tmp_path / "config.yaml", settings_yaml(settings))
    assert load_settings(copy) == settings
    assert json.loads(canonical(settings.model_dump())) == settings.model_dump()


def test_resource_from_a_file_of_the_study(tmp_path: Path) -> None:
    prior = (CONFIG_DIR / "prior_knowledge" / "muscle_rest.yaml").read_text().replace("name: muscle_rest", "name: mine")
    calibration = (CONFIG_DIR / "calibrations" / "iotti1996.yaml").read_text().replace("iotti1996", "ours")
    written(tmp_path / "priors" / "mine.yaml", prior)
    written(tmp_path / "ours.yaml", calibration)
    settings = parse_settings(
        {"fit": {"prior_knowledge": "priors/mine.yaml"}, "magnesium": {"mg_calibration": "ours.yaml"}}, root=tmp_path
    )
    assert settings.fit.prior_knowledge["name"] == "mine"  # type: ignore[index]
    assert settings.magnesium.mg_calibration["name"] == "ours"  # type: ignore[index]


PYAMARES = """\
Index,PCr,BATP,BATP2,BATP3
Initial Values,,,,
amplitude,1,1,BATP,BATP/2
chemicalshift,0,-16.1,BATP-15Hz,BATP+15Hz
linewidth,20,25,BATP,BATP
phase,0,0,BATP,BATP
g,0,0,0,0
Bounds,,,,
amplitude,"(0, ","(0, ","(0, ","(0, "
chemicalshift,"(-0.5, 0.5)","(-16.6,-15.6)","(-17,-15)","(-17,-15)"
linewidth,"(1, 60)","(1, 90)","(1, 90)","(1, 90)"
phase,"(-180, 180)","(-180, 180)","(-180, 180)","(-180, 180)"
g,"(0, 1)","(0, 1)","(0, 1)","(0, 1)"
"""


def test_pyamares_table_of_the_study_becomes_prior_knowledge_that_can_be_recorded(tmp_path: Path) -> None:
    written(tmp_path / "pk.csv", PYAMARES)
    settings = parse_settings({"fit": {"prior_knowledge": "pk.csv"}}, root=tmp_path)
    content = json.loads(canonical(settings.model_dump()))["fit"]["prior_knowledge"]
    assert list(content["lines"]) == ["PCr", "BATP", "BATP2", "BATP3"]
    assert PriorKnowledge.from_dict(content) == PriorKnowledge.from_pyamares_csv(tmp_path / "pk.csv")
    written(tmp_path / "pk.csv", PYAMARES.replace("BATP/2", "__import__('os')"))
    assert "pk.csv" in refusal({"fit": {"prior_knowledge": "pk.csv"}}, root=tmp_path)


@pytest.mark.parametrize("name", ["../outside.yaml", "link.yaml", "linked/outside.yaml", "{absolute}"])
def test_resource_outside_the_study_is_refused(name: str, tmp_path: Path) -> None:
    outside = written(tmp_path / "outside.yaml", (CONFIG_DIR / "calibrations" / "iotti1996.yaml").read_text())
    study = tmp_path / "study"
    study.mkdir()
    (study / "link.yaml").symlink_to(outside)
    (study / "linked").symlink_to(tmp_path, target_is_directory=True)
    message = refusal({"magnesium": {"mg_calibration": name.format(absolute=outside)}}, root=study)
    assert "inside the study" in message


@pytest.mark.parametrize("name", ["sub", "x\0y", "a" * 200, "Müller.yaml", "two\nlines"])
def test_resource_that_is_no_file_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    message = refusal({"magnesium": {"mg_calibration": name}}, root=tmp_path)
    assert "neither a shipped name nor a file of the study" in message
    assert "\n" not in message


@pytest.mark.parametrize("content", ["[1]", "name: x", "{", b"\xff", "", "name: a\nname: b"])
def test_damaged_resource_is_refused_in_one_line_with_its_name(content: str | bytes, tmp_path: Path) -> None:
    written(tmp_path / "mine.yaml", content)
    message = refusal({"magnesium": {"mg_calibration": "mine.yaml"}}, root=tmp_path)
    assert message.startswith("myomag.yaml: magnesium.mg_calibration: ")
    assert "\n" not in message


def test_shipped_name_is_not_looked_up_in_the_study(tmp_path: Path) -> None:
    written(tmp_path / "iotti1996", "not a calibration")
    settings = parse_settings({"magnesium": {"mg_calibration": "iotti1996"}}, root=tmp_path)
    assert settings.magnesium.mg_calibration["name"] == "iotti1996"  # type: ignore[index]


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


def test_conda_environment_has_the_versions_of_the_lock_file() -> None:
    lock = (REPOSITORY / "envs" / "requirements.lock").read_text(encoding="utf-8")
    locked: dict[str, set[str]] = {}
    for name, version, marker in re.findall(r"^([a-z0-9_.-]+)==(\S+)(?: ; (.+?))? \\$", lock, re.MULTILINE):
        if not marker or Marker(marker).evaluate({"python_full_version": "3.12.0", "python_version": "3.12"}):
            locked.setdefault(name, set()).add(version)
    environment = yaml.safe_load((REPOSITORY / "envs" / "pipeline.yaml").read_text(encoding="utf-8"))["dependencies"]
    assert "python=3.12" in environment
    (pinned,) = (entry["pip"] for entry in environment if isinstance(entry, dict))
    for requirement in pinned:
        name, version = requirement.split("==")
        assert locked[name] == {version}


def test_container_installs_the_lock_file_and_holds_what_a_run_needs() -> None:
    text = (REPOSITORY / "envs" / "myomag.def").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^%(\w+)\n((?: {4}.*\n|\n)+)", text, re.MULTILINE))
    environment = (REPOSITORY / "envs" / "pipeline.yaml").read_text(encoding="utf-8")
    (python,) = re.findall(r"^From: python:(3\.\d+)\.\d+-slim", text, re.MULTILINE)
    assert f"python={python}" in environment
    installs = [line for line in sections["post"].splitlines() if "pip install" in line]
    assert "--require-hashes -r /opt/myomag/envs/requirements.lock" in installs[0]
    assert all("--require-hashes" in line or "--no-deps" in line for line in installs)
    copied = {line.split()[0] for line in sections["files"].splitlines() if line.strip()}
    assert copied >= set(PARTS)
    assert all((REPOSITORY / name).exists() for name in copied)

"""The command: exit codes, messages without a traceback, and the JSON that scripts read."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

from myomag import __version__, cli
from myomag.io.nifti_mrs import MrsData, nifti_mrs_bytes
from myomag.settings.load import load_settings
from myomag.settings.models import Settings
from myomag.simulate.demo import write_demo
from myomag.simulate.synthetic import ScanTruth, resting_muscle, simulate_scan
from running import REPOSITORY, command, environment

KEYS = [
    "participant_id",
    "session_id",
    "scan",
    "status",
    "reason",
    "verdict",
    "ph",
    "ph_sd",
    "pmg",
    "pmg_sd",
    "mg_mmol_l",
    "mg_ci95_low_mmol_l",
    "mg_ci95_high_mmol_l",
    "mg_p_undefined",
    "beta_atp_ppm",
    "beta_atp_sd_ppm",
    "alpha_atp_ppm",
    "gamma_atp_ppm",
    "pi_ppm",
    "pi_sd_ppm",
    "pcr_snr",
    "pcr_fwhm_hz",
    "begin_time_us",
    "ph_calibration",
    "mg_calibration",
]


class Outcome:
    """What a call of the command printed and returned."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Call the command in this process; an exception that is not an exit fails the test."""

    def run(*arguments: str | Path) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["myomag", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            cli.main()
            raise SystemExit(0)
        text = capsys.readouterr()
        assert "Traceback" not in text.out + text.err
        code = caught.value.code
        return Outcome(code if isinstance(code, int) else int(code is not None), text.out, text.err)

    return run


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of three participants, the third with a truncated file."""
    study = tmp_path_factory.mktemp("cli") / "study"
    write_demo(study, participants=3)
    return study


SHIFTS = {"pi_ppm": 4.85, "beta_atp_ppm": -15.95}


def write_scan(path: Path) -> Path:
    """A simulated scan of good quality."""
    truth = ScanTruth(lines=resting_muscle(**SHIFTS), begin_time_s=0.0, pcr_snr=100)
    mrs = MrsData(
        fid=simulate_scan(truth, np.random.default_rng(1))[:, :, None],
        dwell_time_s=truth.dwell_time_s,
        spectrometer_frequency_mhz=truth.spectrometer_frequency_mhz,
        nucleus="31P",
        metadata={"EchoTime": 0.0, "RepetitionTime": 2.0},
    )
    path.write_bytes(nifti_mrs_bytes(mrs))
    return path


# --- usage


def test_version_and_help(call: Callable[..., Outcome]) -> None:
    assert call("--version").out == f"myomag {__version__}\n"
    text = call("--help").out
    assert all(f" {name} " in text for name in ("run", "scan", "check", "init", "demo"))


USAGE = {
    "no command": [],
    "unknown command": ["runn"],
    "unknown option": ["run", "{demo}", "--cores", "2"],
    "missing argument": ["run"],
    "missing study": ["run", "{tmp}/nowhere"],
    "study is a file": ["run", "{demo}/participants.tsv"],
    "study without scans": ["run", "{tmp}"],
    "unknown profile": ["run", "{demo}", "--output", "{tmp}/out", "--profile", "slurmm"],
    "output is the study": ["run", "{demo}", "--output", "{demo}"],
    "output among the raw data": ["run", "{demo}", "--output", "{demo}/sub-001"],
    "output in sourcedata": ["run", "{demo}", "--output", "{demo}/sourcedata/out"],
    "output contains other files": ["run", "{demo}", "--output", "{demo}/.."],
    "output cannot be made": ["run", "{demo}", "--output", "{demo}/participants.tsv/out"],
    "output is the checkout": ["run", "{demo}", "--output", "{repository}"],
    "scan of no file": ["scan", "{tmp}/none.dat"],
    "scan of a folder without scans": ["scan", "{tmp}"],
    "scan with missing settings": ["scan", "{demo}/README", "--settings", "{tmp}/none.yaml"],
    "scan with wrong settings": ["scan", "{demo}/README", "--settings", "{tmp}/wrong.yaml"],
    "check of no study": ["check", "{tmp}/nowhere"],
    "init of no study": ["init", "{tmp}/nowhere"],
    "init twice": ["init", "{tmp}/initialised"],
    "demo into a full folder": ["demo", "{demo}"],
    "demo into a file": ["demo", "{demo}/README"],
    "demo of nobody": ["demo", "{tmp}/new", "--participants", "0"],
    "demo of a word": ["demo", "{tmp}/new", "--participants", "many"],
}


@pytest.mark.parametrize("case", USAGE)
def test_wrong_usage_ends_with_2_and_a_message(
    case: str, call: Callable[..., Outcome], demo: Path, tmp_path: Path
) -> None:
    (tmp_path / "wrong.yaml").write_text("qc: {min_snrr: 2}\n")
    (tmp_path / "initialised").mkdir()
    (tmp_path / "initialised/myomag.yaml").write_text("")
    places = {"demo": demo, "tmp": tmp_path, "repository": REPOSITORY}
    outcome = call(*(part.format(**places) for part in USAGE[case]))
    assert outcome.code == 2
    assert outcome.err.strip() or "Usage" in outcome.out
    if outcome.err.startswith("myomag: "):
        assert len(outcome.err.strip().splitlines()) == 1
    assert not (demo / "derivatives").exists()
    assert not (demo / ".myomag").exists()


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("qc: {min_snrr: 2}\n", ["myomag.yaml", "qc.min_snrr", "'min_snr'"]),
        ("fit: {begin_time_ms: 2}\n", ["fit.begin_time_ms", "'begin_time_us'"]),
        ("fit: {begin_time_us: '2'}\n", ["fit.begin_time_us", '"2"', "write 2.0"]),
        ("qc: {min_snr: 99}\n", ["min_snr (99)", "warn_snr (15)"]),
        ("qc: [\n", ["not valid YAML", "line 2"]),
    ],
)
def test_wrong_settings_of_a_study_stop_run_and_show_in_check(
    text: str, parts: list[str], call: Callable[..., Outcome], tmp_path: Path
) -> None:
    write_demo(tmp_path / "study", participants=1)
    (tmp_path / "study/myomag.yaml").write_text(text)
    outcome = call("run", tmp_path / "study")
    assert (outcome.code, outcome.out) == (2, "")
    assert all(part in outcome.err for part in parts)
    assert not (tmp_path / "study/derivatives").exists()
    outcome = call("check", tmp_path / "study")
    assert outcome.code == 1
    assert all(part in outcome.out for part in parts)


def test_broken_table_stops_the_run_with_1(call: Callable[..., Outcome], tmp_path: Path) -> None:
    write_demo(tmp_path / "study", participants=1)
    (tmp_path / "study/participants.tsv").write_text("name\n")
    outcome = call("run", tmp_path / "study")
    assert outcome.code == 1
    assert "participants.tsv: no column 'participant_id'" in outcome.err


def test_message_in_a_process_of_its_own_is_one_line_on_stderr(tmp_path: Path) -> None:
    """Whatever the terminal can show: here one without any but ASCII letters."""
    call = command("run", tmp_path / "Müller β")
    variables = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run(call, env=environment(**variables), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("myomag: study = ")
    assert len(done.stderr.splitlines()) == 1


def test_closed_pipe_is_no_traceback(demo: Path) -> None:
    with subprocess.Popen(
        command("check", demo, "--json"), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()


# --- scan


def test_scan_json_is_flat_with_the_columns_of_the_cohort(call: Callable[..., Outcome], tmp_path: Path) -> None:
    outcome = call("scan", write_scan(tmp_path / "sub-07_ses-2_nuc-31P_unloc.nii.gz"), "--json")
    flat = json.loads(outcome.out)
    assert outcome.code == 0
    assert list(flat)[: len(KEYS)] == KEYS
    assert all(value is None or isinstance(value, str | int | float) for value in flat.values())
    assert (flat["participant_id"], flat["session_id"], flat["status"]) == ("sub-07", "ses-2", "included")
    for name, truth in SHIFTS.items():
        assert abs(flat[name] - truth) < 5 * flat[name.replace("_ppm", "_sd_ppm")]
    assert flat["mg_ci95_low_mmol_l"] < flat["mg_mmol_l"] < flat["mg_ci95_high_mmol_l"]


def test_missing_is_null_and_the_reason_is_given(call: Callable[..., Outcome], tmp_path: Path) -> None:
    path = write_scan(tmp_path / "anything at all.nii.gz")
    path.write_bytes(path.read_bytes()[:3000])
    outcome = call("scan", path, "--json")
    flat = json.loads(outcome.out)
    assert outcome.code == 1
    assert (flat["status"], flat["participant_id"], flat["scan"]) == ("failed", None, "anything at all")
    assert "truncated" in flat["reason"]
    assert [key for key in KEYS if flat[key] is not None] == ["scan", "status", "reason"]


def test_scan_for_a_person_names_the_result_and_its_interval(call: Callable[..., Outcome], tmp_path: Path) -> None:
    outcome = call("scan", write_scan(tmp_path / "sub-07_unloc.nii.gz"))
    assert outcome.code == 0
    for part in ("free Mg²⁺", "95 % interval", "pH", "iotti1996", "taylor1983", "β-ATP"):
        assert part in outcome.out


def test_scan_names_the_file_it_was_given(call: Callable[..., Outcome], tmp_path: Path) -> None:
    noise = np.random.default_rng(1).normal(size=(512, 1, 1, 2)) @ (1, 1j)
    path = tmp_path / "sub-07_unloc.nii.gz"
    path.write_bytes(nifti_mrs_bytes(MrsData(noise, 2.5e-4, 51.7, "31P", {})))
    assert "sub-07_unloc.nii.gz: no PCr line" in call("scan", path).out


def test_scan_takes_settings_from_a_file(call: Callable[..., Outcome], tmp_path: Path) -> None:
    path = write_scan(tmp_path / "sub-07_unloc.nii.gz")
    (tmp_path / "mine.yaml").write_text("magnesium: {ph_calibration: petroff1985}\n")
    flat = json.loads(call("scan", path, "--settings", tmp_path / "mine.yaml", "--json").out)
    assert flat["ph_calibration"] == "petroff1985"


@pytest.mark.parametrize("name", [b"a\nb.nii.gz", b"\xff.nii.gz", b"[red]x[bold].nii.gz", b"-rf.nii.gz", b"noext"])
@pytest.mark.parametrize("as_json", [False, True])
def test_scan_of_a_hostile_name(call: Callable[..., Outcome], tmp_path: Path, name: bytes, as_json: bool) -> None:
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(b"nothing")
    outcome = call("scan", *(["--json"] if as_json else []), "--", path)
    assert outcome.code == 1
    assert "failed" in outcome.out
    if as_json:
        assert json.loads(outcome.out)["status"] == "failed"


# --- init, check


def test_init_template_is_complete_and_valid_when_uncommented(call: Callable[..., Outcome], tmp_path: Path) -> None:
    assert call("init", tmp_path).code == 0
    path = tmp_path / "myomag.yaml"
    assert load_settings(path) == load_settings()
    lines = path.read_text(encoding="utf-8").splitlines()
    bare = [line.removeprefix("# ") for line in lines if line.startswith("# ") and ":" in line.split("  #")[0]]
    settings = [line for line in bare if line.split(":")[0].strip().removeprefix("- {").isidentifier()]
    path.write_text("\n".join(settings), encoding="utf-8")
    content, defaults = yaml.safe_load(path.read_text(encoding="utf-8")), Settings().model_dump()
    assert {name: list(value) for name, value in content.items() if isinstance(value, dict)} == {
        name: list(value) for name, value in defaults.items() if isinstance(value, dict)
    }
    assert load_settings(path) == load_settings()


def test_check_of_a_good_study_finds_nothing(call: Callable[..., Outcome], tmp_path: Path) -> None:
    write_demo(tmp_path / "study", participants=2)
    outcome = call("check", tmp_path / "study")
    lines = outcome.out.splitlines()
    assert (outcome.code, lines[-1]) == (0, f"0 problems found in {tmp_path / 'study'}.")
    assert lines[0] == "Columns used:" and lines[1].startswith("  age (participants.tsv): number, ")
    assert any(
        line.startswith("  mg_age, mg_sex") and "not estimable: 2 participants with complete values" in line
        for line in lines
    )
    assert not (tmp_path / "study/derivatives").exists()
    found = json.loads(call("check", tmp_path / "study", "--json").out)
    assert found["problems"] == [] and found["columns"][0]["column"] == "age"
    assert found["models"][0] | {"reason": None} == {
        "model": "mg_age",
        "kind": "acq-fid_voi-thigh_unloc",
        "n": 2,
        "estimable": False,
        "reason": None,
    }


def test_check_lists_every_problem_with_its_place(call: Callable[..., Outcome], tmp_path: Path) -> None:
    study = tmp_path / "study"
    write_demo(study, participants=5)
    (study / "sub-001/ses-1/mrs/holiday.nii.gz").touch()
    (study / "sub-002/ses-1/mrs/sub-002_ses-1_acq-fid_nuc-31P_voi-thigh_unloc.nii").touch()
    table = study / "participants.tsv"
    table.write_text("".join(line for line in table.read_text().splitlines(keepends=True) if "sub-004" not in line))
    (study / "dataset_description.json").write_text("{")
    (study / "phenotype/serum.tsv").write_text("participant_id\tserum_mg_mmol_l\nsub-001\n")
    (study / "myomag.yaml").write_text(
        "overrides: {sub-099: {reject: nobody}, sub-001: {convert: {conjugate: true}}}\n"
    )
    outcome = call("check", study, "--json")
    assert outcome.code == 1
    problems = json.loads(outcome.out)["problems"]
    assert all(set(problem) == {"where", "problem"} for problem in problems)
    text = "\n".join(f"{problem['where']}: {problem['problem']}" for problem in problems)
    for part in (
        "holiday",
        "two files for one scan",
        "sub-003_ses-1_acq-fid_nuc-31P_voi-thigh_unloc: ",
        "truncated",
        "sub-004: has scans but no row in participants.tsv",
        "1H",
        "dataset_description.json",
        "serum.tsv",
        "overrides.sub-099",
        "sub-001_ses-1_acq-fid_nuc-31P_voi-thigh_unloc.nii.gz: the data appear to be conjugated",
    ):
        assert part in text
    lines = call("check", study).out.splitlines()
    assert lines[-1] == f"{len(problems)} problems found in {study}."
    assert len(lines) == len(problems) + 1


def test_demo_says_what_it_wrote(call: Callable[..., Outcome], tmp_path: Path) -> None:
    outcome = call("demo", tmp_path / "new", "--participants", "1", "--seed", "3")
    assert (outcome.code, outcome.out) == (
        0,
        f"Wrote a simulated study of 1 participants to {tmp_path / 'new'}.\n",
    )
    assert (tmp_path / "new/truth.tsv").is_file()

"""`import myomag`: the numbers of the command, one step after the other."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

import myomag
from myomag.errors import MyomagError, ScanError, SettingsError
from myomag.io.places import CONFIG_DIR, PACKAGE
from myomag.ledger import code
from myomag.pipeline import SCAN_STEPS
from myomag.settings.load import load_settings, parse_settings
from myomag.single.scan import analyse_file
from notebooks import executed

MakeScan = Callable[..., Path]


def test_numbers_are_those_of_the_command_to_the_last_digit(tmp_path: Path, make_scan: MakeScan) -> None:
    file = make_scan(tmp_path / "sub-01_ses-2_unloc.nii.gz")
    expected = analyse_file(file, load_settings())
    scan = myomag.read(file).average().fit()
    (row,) = scan.to_frame().to_dict("records")
    assert row == expected.flat
    assert scan.magnesium() == expected.outcome.magnesium
    assert (scan.fitted, scan.quality) == (expected.outcome.fit, expected.outcome.quality)
    lines = scan.lines.set_index("line")
    assert list(lines.index) == [line.name for line in scan.fitted.lines]
    assert lines.loc["PCr", "amplitude"] == scan.fitted.lines[0].amplitude
    assert lines.columns[:4].tolist() == ["amplitude", "amplitude_sd", "shift_ppm", "shift_sd_ppm"]
    spectrum = scan.spectrum()
    # PCr is the highest line, at 0 ppm by definition; the fit leaves what the data have beyond it.
    assert abs(spectrum["ppm"][spectrum["data"].idxmax()]) < 0.05
    assert np.allclose(spectrum["data"] - spectrum["fit"], spectrum["residual"])


def test_other_prior_knowledge_makes_another_scan(tmp_path: Path, make_scan: MakeScan) -> None:
    file = make_scan(tmp_path / "scan.nii.gz")
    prior = yaml.safe_load((CONFIG_DIR / "prior_knowledge/muscle_rest.yaml").read_text())
    prior["name"], prior["lines"]["beta-ATP"]["shift_ppm"]["lower"] = "mine", -16.5
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(prior, sort_keys=False))
    scan = myomag.read(file, {"magnesium": {"ph_calibration": "petroff1985"}})
    other = scan.fit(prior=tmp_path / "mine.yaml")
    assert (scan.fit().fitted.prior_knowledge, other.fitted.prior_knowledge) == ("muscle_rest", "mine")
    assert scan.magnesium().ph_calibration.name == other.magnesium().ph_calibration.name == "petroff1985"
    given = {"fit": {"prior_knowledge": "mine.yaml"}, "magnesium": {"ph_calibration": "petroff1985"}}
    assert other.to_frame().to_dict("records") == [analyse_file(file, parse_settings(given, root=tmp_path)).flat]
    with pytest.raises(SettingsError, match="prior"):
        scan.fit(prior="none_such")


def test_what_cannot_be_done_says_why(tmp_path: Path, make_scan: MakeScan, monkeypatch: pytest.MonkeyPatch) -> None:
    scan = myomag.read(make_scan(tmp_path / "scan.nii.gz", pcr_snr=0.5))
    for step in (scan.average, scan.fit, scan.magnesium, scan.plot):
        with pytest.raises(ScanError, match="no PCr line"):
            step()
    row = scan.to_frame().iloc[0]
    assert row["status"] == "failed" and "no PCr line" in row["reason"]
    with pytest.raises(SettingsError, match="no such file"):
        myomag.read(tmp_path / "none.dat")
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(MyomagError, match=r"pip install 'myomag\[plot\]'"):
        scan.plot()


def test_import_is_cheap_and_no_step_rests_on_it() -> None:
    loaded = "import myomag, myomag.cli, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", loaded], env={"PYTHONPATH": str(PACKAGE.parent)}, capture_output=True)
    assert {b"numpy", b"pandas", b"myomag.python", b"plotille", b"matplotlib"}.isdisjoint(done.stdout.split())
    for step in SCAN_STEPS:
        closure = code._closure(PACKAGE.parent / "scripts" / f"{step}.py")
        assert not any(path.is_relative_to(PACKAGE / "python") for path in closure)


def test_notebook_from_twix_to_a_figure(tmp_path: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = next((shared_data / "calf_7t").glob("*.dat"))
    names = executed("twix_to_figure.ipynb", tmp_path, monkeypatch, MYOMAG_FILE=str(file))
    expected = analyse_file(file, load_settings())
    assert names["result"] == expected.outcome.magnesium
    assert names["lines"].loc["PCr", "amplitude"] == names["scan"].fitted.lines[0].amplitude
    assert (tmp_path / "spectrum.svg").read_text().startswith("<?xml")

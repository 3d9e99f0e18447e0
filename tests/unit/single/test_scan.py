"""One file straight to pH and magnesium."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from muscle_fids import BETA_PPM, MG, PH, muscle_fid, noise
from myomag.cohort.columns import FIXED_NAMES
from myomag.core.energetics import saturation_factor
from myomag.errors import SettingsError
from myomag.settings.load import load_settings, parse_settings
from myomag.single.scan import analyse_file, with_voxel
from myomag.single.show import result_lines
from vendor_samples import DWELL_S, rda

MakeScan = Callable[..., Path]


def test_result_has_the_columns_of_the_cohort_and_the_records_behind_them(tmp_path: Path, make_scan: MakeScan) -> None:
    result = analyse_file(make_scan(tmp_path / "sub-01_ses-2_unloc.nii.gz"), load_settings())
    assert tuple(result.flat) == FIXED_NAMES
    assert (result.flat["participant_id"], result.flat["session_id"]) == ("sub-01", "ses-2")
    assert result.flat["status"] == "included"
    outcome = result.outcome
    assert outcome.quality is not None and outcome.fit is not None and outcome.magnesium is not None
    assert result.flat["pcr_snr"] == outcome.quality.pcr_snr
    assert result.flat["begin_time_us"] == outcome.fit.begin_time_us
    assert result.flat["mg_mmol_l"] == outcome.magnesium.mg_mmol_l
    assert result.flat["mg_calibration"] == "iotti1996"


def test_saturation_is_corrected_by_the_header_where_t1_are_given(tmp_path: Path, make_scan: MakeScan) -> None:
    file, t1_s = make_scan(tmp_path / "scan.nii.gz"), {"PCr": 6.5, "gamma-ATP": 4.0}
    raw = analyse_file(file, load_settings()).flat
    corrected = analyse_file(file, parse_settings({"magnesium": {"t1_s": t1_s}})).flat
    left = {
        line: saturation_factor(repetition_time_s=2.0, t1_s=seconds, flip_angle_deg=60.0)
        for line, seconds in t1_s.items()
    }
    factor = left["gamma-ATP"] / left["PCr"]
    assert corrected["pcr_atp_ratio"] == pytest.approx(raw["pcr_atp_ratio"] * factor)
    assert corrected["mg_mmol_l"] == raw["mg_mmol_l"]


def test_threshold_changes_the_verdict_and_no_number(tmp_path: Path, make_scan: MakeScan) -> None:
    file = make_scan(tmp_path / "scan.nii.gz")
    usual, strict = (
        analyse_file(file, settings).flat
        for settings in (load_settings(), parse_settings({"qc": {"min_snr": 1e4, "warn_snr": 1e4}}))
    )
    assert (strict["verdict"], strict["status"]) == ("fail", "excluded")
    judged = ("verdict", "status", "reason")
    assert [strict[name] for name in FIXED_NAMES if name not in judged] == [
        usual[name] for name in FIXED_NAMES if name not in judged
    ]


def test_scan_that_cannot_be_processed_says_where_and_why(tmp_path: Path, make_scan: MakeScan) -> None:
    file = make_scan(tmp_path / "scan.nii.gz", pcr_snr=0.5)
    result = analyse_file(file, load_settings())
    assert (result.flat["status"], result.outcome.step) == ("failed", "qc")
    assert "no PCr line" in result.flat["reason"]
    assert (result.outcome.quality, result.outcome.fit, result.flat["mg_mmol_l"]) == (None, None, None)


def test_sidecar_beside_the_file_is_used(tmp_path: Path, make_scan: MakeScan) -> None:
    file = make_scan(tmp_path / "scan.nii.gz", header={})
    file.with_name("scan.json").write_text('{"EchoTime": 0.00024, "RepetitionTime": 3}')
    outcome = analyse_file(file, load_settings()).outcome
    assert outcome.quality is not None and outcome.fit is not None
    assert outcome.quality.repetition_time_s == 3
    assert outcome.fit.begin_time_prior.mean_us == pytest.approx(240)


def test_voxel_of_a_grid_gives_its_own_ph_and_magnesium_and_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clean = muscle_fid(dwell_s=DWELL_S, begin_s=230e-6)[:, None] * np.array([0, 0, 0, 1])
    grid = rda(tmp_path / "csi.rda", clean + noise(np.random.default_rng(6), clean.shape, 0.4), (2, 2, 1))
    without = analyse_file(grid, load_settings())
    assert "contains 2x2x1 voxels; select one: scan --voxel i,j,k" in without.flat["reason"]
    result = analyse_file(grid, with_voxel(load_settings(), "2,2,1"))
    assert abs(result.flat["beta_atp_ppm"] - BETA_PPM) < 4 * result.flat["beta_atp_sd_ppm"]
    assert abs(result.flat["ph"] - PH) < 4 * result.flat["ph_sd"] + 0.005
    assert result.flat["mg_ci95_low_mmol_l"] < MG < result.flat["mg_ci95_high_mmol_l"]
    assert result.flat["voxel"] == "2,2,1"
    print("\n".join(result_lines(result)))
    assert "csi, voxel 2,2,1: included" in capsys.readouterr().out
    assert "no PCr line" in analyse_file(grid, with_voxel(load_settings(), "1,1,1")).flat["reason"]
    with pytest.raises(SettingsError, match=r"^--voxel = 2,2: write it as i,j,k"):
        with_voxel(load_settings(), "2,2")


def test_result_is_shown_with_its_errors(
    tmp_path: Path, make_scan: MakeScan, capsys: pytest.CaptureFixture[str]
) -> None:
    result = analyse_file(make_scan(tmp_path / "scan.nii.gz"), load_settings())
    print("\n".join(result_lines(result)))
    shown = capsys.readouterr().out
    assert f"{result.flat['mg_mmol_l']:.3f} mmol/l" in shown
    assert "calibration iotti1996" in shown
    assert "β-ATP" in shown

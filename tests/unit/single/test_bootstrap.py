"""Bootstrap over transients."""

from pathlib import Path

import numpy as np
import pytest

from myomag.errors import ScanError
from myomag.io.nifti_mrs import MrsData, nifti_mrs_bytes
from myomag.settings.load import load_settings
from myomag.simulate.synthetic import ScanTruth, resting_muscle, simulate_scan
from myomag.single.scan import analyse_file


def _scan(path: Path, transients: int) -> Path:
    truth = ScanTruth(
        lines=resting_muscle(pi_ppm=4.82, beta_atp_ppm=-15.95),
        transients=transients,
        begin_time_s=240e-6,
        hump_fraction=0,
    )
    fid = simulate_scan(truth, np.random.default_rng(11))
    data = MrsData(fid[:, :, None], truth.dwell_time_s, truth.spectrometer_frequency_mhz, "31P", {"EchoTime": 240e-6})
    path.write_bytes(nifti_mrs_bytes(data))
    return path


def test_spread_over_transients_agrees_with_the_fit_in_white_noise(tmp_path: Path) -> None:
    transients, count = 32, 40
    flat = analyse_file(_scan(tmp_path / "scan.nii.gz", transients), load_settings(), bootstrap=count).flat
    # An SD from n values has the relative error √(1/2(n−1)); draws and transients both contribute. 4 of these errors.
    error = np.hypot(np.sqrt(0.5 / (count - 1)), np.sqrt(0.5 / (transients - 1)))
    assert flat["bootstrap_beta_atp_ppm_sd"] / flat["beta_atp_sd_ppm"] == pytest.approx(1, abs=4 * error)
    assert flat["bootstrap_count"] == count
    assert set(flat) >= {"bootstrap_ph_sd", "bootstrap_pmg_sd", "bootstrap_pi_ppm_sd"}


def test_too_few_transients_are_refused_with_the_number_needed(tmp_path: Path) -> None:
    with pytest.raises(ScanError, match="4 transients are too few to resample"):
        analyse_file(_scan(tmp_path / "scan.nii.gz", 4), load_settings(), bootstrap=10)

"""Bootstrap over transients."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from myomag.errors import ScanError
from myomag.settings.load import load_settings
from myomag.single.scan import analyse_file

MakeScan = Callable[..., Path]


def test_spread_over_transients_agrees_with_the_fit_in_white_noise(tmp_path: Path, make_scan: MakeScan) -> None:
    transients, count = 32, 40
    flat = analyse_file(make_scan(tmp_path / "scan.nii.gz", transients), load_settings(), bootstrap=count).flat
    # An SD from n values has the relative error √(1/2(n−1)); draws and transients both contribute. 4 of these errors.
    error = np.hypot(np.sqrt(0.5 / (count - 1)), np.sqrt(0.5 / (transients - 1)))
    assert flat["bootstrap_beta_atp_ppm_sd"] / flat["beta_atp_sd_ppm"] == pytest.approx(1, abs=4 * error)
    assert flat["bootstrap_count"] == count
    assert set(flat) >= {"bootstrap_ph_sd", "bootstrap_pmg_sd", "bootstrap_pi_ppm_sd"}


def test_too_few_transients_are_refused_with_the_number_needed(tmp_path: Path, make_scan: MakeScan) -> None:
    with pytest.raises(ScanError, match="4 transients are too few to resample"):
        analyse_file(make_scan(tmp_path / "scan.nii.gz", 4), load_settings(), bootstrap=10)

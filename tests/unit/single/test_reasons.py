"""No empty value without a reason, over all cases that once went wrong."""

from pathlib import Path

import pytest

from myomag.settings.load import load_settings
from myomag.single.scan import analyse_file

REASONS = {"ph": "ph_reason", "mg_mmol_l": "mg_reason"}


def test_each_ph_and_mg_that_is_empty_has_its_reason(shared_cases: Path) -> None:
    settings = load_settings()
    files = sorted(path for kind in ("*.nii.gz", "*.IMA", "*.txt") for path in shared_cases.glob(kind))
    assert files
    for file in files:
        flat = analyse_file(file, settings).flat
        for value, reason in REASONS.items():
            assert (flat[value] is None) == bool(flat[reason]), f"{file.name}: {value} {flat[value]}, {flat[reason]}"


@pytest.mark.parametrize("name", ["no_beta_1", "no_beta_2", "no_atp_1"])
def test_scan_without_beta_atp_gives_no_magnesium(shared_cases: Path, name: str) -> None:
    flat = analyse_file(shared_cases / f"{name}.nii.gz", load_settings()).flat
    assert flat["mg_mmol_l"] is None
    assert flat["mg_reason"].startswith("β-ATP not detected")
    assert flat["status"] == "excluded"


def test_scan_of_pcr_alone_gives_no_ph(shared_cases: Path) -> None:
    flat = analyse_file(shared_cases / "no_atp_1.nii.gz", load_settings()).flat
    assert flat["ph"] is None
    assert flat["ph_reason"].startswith("Pi not detected")


def test_unit_slip_of_the_echo_time_is_named(shared_cases: Path) -> None:
    result = analyse_file(shared_cases / "echo_time_in_ms.nii.gz", load_settings())
    flat, quality = result.flat, result.outcome.quality
    assert quality is not None
    assert any("EchoTime 0.35 s: milliseconds?" in reason for reason in quality.reasons)
    assert flat["mg_ci95_low_mmol_l"] < 0.42 < flat["mg_ci95_high_mmol_l"]
    assert flat["begin_time_us"] == pytest.approx(325, abs=60)

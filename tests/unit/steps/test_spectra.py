"""Spectra of a study on one axis."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from myomag.io.nifti_mrs import MrsData, nifti_mrs_bytes
from myomag.ledger.results import ScanOutcome
from myomag.steps import spectra
from myomag.steps.spectra import GroupSpectra
from record_samples import DWELL_S, MHZ, fit_record, quality_record, simulated_fid


def scan(folder: Path, number: int, scale: float = 1.0, **outcome: Any) -> tuple[Any, ScanOutcome]:
    fit = fit_record(scale, residual_over_noise=1 + number / 100)
    path = folder / f"{number}.nii.gz"
    fid = simulated_fid(fit, number)[:, None, None]
    path.write_bytes(nifti_mrs_bytes(MrsData(fid, DWELL_S, MHZ, "31P", {})))
    records = {"fit": fit, "quality": quality_record(pcr_snr=100.0 - number), "protocol": "A"} | outcome
    result = SimpleNamespace(path={"preproc": path}.get, record=lambda _: fit)
    return result, ScanOutcome(None, None, f"sub-{number:02d}", **records)


def content(scans: list[Any], left_out: str = "") -> dict[str, Any]:
    gathered = GroupSpectra()
    for result, outcome in scans:
        gathered.add(result, outcome, entering=True)
    return gathered.content({outcome.scan for _, outcome in scans} - {left_out})


def test_mean_and_sd_are_those_of_the_included_spectra_whatever_the_receiver_gain(tmp_path):
    scans = [scan(tmp_path, number, scale) for number, scale in enumerate((1.0, 1e-6, 1e6, 1.0))]
    found = content(scans, left_out="sub-03")
    (protocol,) = found["protocols"]
    drawn = np.array([each["data"] for each in found["scans"]])
    assert protocol["scans"] == len(drawn) == 3
    # Both are rounded to four decimals.
    assert np.abs(protocol["mean"] - drawn.mean(axis=0)).max() < 2e-4
    assert np.abs(protocol["sd"] - drawn.std(axis=0, ddof=1)).max() < 2e-4
    # PCr is 1, its neighbours are where they belong, and where no line is there is noise about 0.
    ppm, mean = np.array(found["ppm"]), np.array(protocol["mean"])
    # Noise of one point is .9·√2048 = 41 of 33·√π·… ≈ 1,900 at the peak of PCr: .02, and of a mean of three .012.
    assert mean[np.abs(ppm) < 0.1].max() == pytest.approx(1.0, abs=0.05)
    assert ppm[(ppm > 4) & (ppm < 6)][mean[(ppm > 4) & (ppm < 6)].argmax()] == pytest.approx(4.862, abs=0.1)
    assert abs(mean[(ppm < -18)].mean()) < 0.01


def test_the_kept_scans_do_not_depend_on_the_order_and_stay_few(tmp_path, monkeypatch):
    monkeypatch.setattr(spectra, "MOST_DRAWN", 3)
    monkeypatch.setattr(spectra, "WORST", 2)
    scans = [scan(tmp_path, number) for number in range(8)]
    found = content(scans)
    assert content(scans[::-1])["scans"] == found["scans"]
    assert content(scans[::-1])["worst"] == found["worst"]
    assert len(found["scans"]) == 3
    # The largest residuals are also the lowest SNR here: each scan is shown once.
    assert [(each["scan"], each["why"]) for each in found["worst"]] == [
        ("sub-07", "residual"),
        ("sub-06", "residual"),
        ("sub-05", "snr"),
        ("sub-04", "snr"),
    ]


def test_a_scan_without_a_fit_is_left_out_and_a_study_of_none_has_no_protocol(tmp_path):
    found = content([scan(tmp_path, 1, fit=None)])
    assert (found["protocols"], found["scans"], found["worst"]) == ([], [], [])

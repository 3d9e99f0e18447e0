"""Spread of the results over resampled transients: an uncertainty that rests on no model of the noise."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myomag.config import Settings, section_for
from myomag.core.alignment import phasors
from myomag.core.coils import combine_coils
from myomag.core.preprocess import shift_frequency
from myomag.errors import ScanError
from myomag.io.nifti_mrs import MrsData, nifti_mrs_bytes, read_nifti_mrs
from myomag.io.records import read_record
from myomag.steps.begin_time import begin_time_scan
from myomag.steps.fit import fit_scan
from myomag.steps.magnesium import magnesium_scan

RESAMPLED = ("beta_atp_ppm", "pi_ppm", "ph", "pmg")
MIN_TRANSIENTS = 8
"""Fewer transients cannot be resampled to a distribution worth quoting."""


def bootstrap_sds(
    scan: str, files: Mapping[str, Path], settings: Settings, count: int, seed: int = 0
) -> dict[str, Any]:
    """Standard deviation of shifts, pH and pMg over scans averaged from transients drawn with replacement.

    Each resampled average is fitted and evaluated as the scan itself was (Efron & Tibshirani 1993, An Introduction to
    the Bootstrap, ch. 6). Alignment is not repeated: its own error is part of every transient.

    Parameters
    ----------
    scan : str
        BIDS stem of the scan.
    files : mapping of str to Path
        Files of the scan by role, as the steps wrote them; two are overwritten.
    settings : Settings
        Resolved settings.
    count : int
        Number of resampled averages.
    seed : int
        Seed of the draws.

    Returns
    -------
    dict
        `bootstrap_<quantity>_sd` for `RESAMPLED`, None where a quantity was undefined in a resampled average, and
        `bootstrap_count`.

    Raises
    ------
    ScanError
        If the scan has fewer than `MIN_TRANSIENTS` transients.
    """
    transients, average = aligned_transients(files)
    number = transients.shape[1]
    if number < MIN_TRANSIENTS:
        raise ScanError(f"{scan}: {number} transients are too few to resample (at least {MIN_TRANSIENTS}).")
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        fid = transients[:, rng.integers(number, size=number)].mean(axis=1)
        files["preproc"].write_bytes(nifti_mrs_bytes(replace(average, fid=fid.astype(np.complex64)[:, None, None])))
        found.append(_evaluated(scan, dict(files), settings))
    sds: dict[str, Any] = {"bootstrap_count": count}
    for name in RESAMPLED:
        values = [record[name] for record in found]
        sds[f"bootstrap_{name}_sd"] = None if None in values else float(np.std(values, ddof=1))
    return sds


def aligned_transients(files: Mapping[str, Path]) -> tuple[NDArray[np.complex128], MrsData]:
    """Accepted transients with PCr at 0 Hz, shape (points, accepted), and the average they made.

    Parameters
    ----------
    files : mapping of str to Path
        `fid`, `preproc` and `quality`.
    """
    raw, average, quality = (
        read_nifti_mrs(files["fid"]),
        read_nifti_mrs(files["preproc"]),
        read_record(files["quality"]),
    )
    points = len(average.fid)
    combined = combine_coils(raw.fid[:points].astype(np.complex128))
    shifts, phases = np.array(quality["frequency_shifts_hz"]), np.deg2rad(quality["phases_deg"])
    aligned = combined * np.conj(phasors(shifts, phases, points, raw.dwell_time_s))
    rejected = [entry["transient"] for entry in quality["rejected_transients"]]
    accepted = np.delete(aligned, rejected, axis=1)
    # `shift_frequency` takes one FID; the same shift holds for all transients.
    turn = shift_frequency(np.ones(points, dtype=np.complex128), -quality["pcr_offset_hz"], raw.dwell_time_s)
    return accepted * turn[:, None], average


def _evaluated(scan: str, files: dict[str, Path], settings: Settings) -> dict[str, Any]:
    """Magnesium record of the averaged FID in `files`."""
    record = {}
    for function, section in ((begin_time_scan, "fit"), (fit_scan, "fit"), (magnesium_scan, "magnesium")):
        for role, content in function(scan, files, section_for(settings, section) | {"protocols": {}}).items():
            files[role] = files["preproc"].with_name(f"resampled-{role}.json")
            files[role].write_bytes(content)
            record = read_record(files[role])
    return record

"""Scans of the simulated study: participant, place, content, and what is broken on purpose."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from myomag.core.calibration import ShiftCalibration
from myomag.simulate.population import Population
from myomag.simulate.synthetic import ScanTruth, resting_muscle

BEGIN_TIME_S = 240e-6
"""True begin time of the simulated protocol."""

DEFECTS = ("truncated_file", "wrong_nucleus", "low_snr", "broad_lines", "outlier_transients")
_FIRST_DEFECTS = dict(zip((3, 5, 8, 10, 12), DEFECTS, strict=True))
_DEFECT_EVERY = 12


@dataclass(frozen=True)
class SimulatedScan:
    """One scan of the demo: participant, place, content, and what is broken on purpose (None: nothing)."""

    participant_id: str
    session_id: str
    stem: str
    person: Population
    truth: ScanTruth
    defect: str | None

    @property
    def folder(self) -> Path:
        """Folder of the scan in the study."""
        return Path(self.participant_id, self.session_id, "mrs")


def simulated_scan(
    index: int,
    run: int | None,
    person: Population,
    calibrations: tuple[ShiftCalibration, ShiftCalibration],
    pcr_snr: tuple[float, float],
    rng: np.random.Generator,
) -> SimulatedScan:
    """Scan of a participant; of two, the first may be bad, the usual reason to repeat a scan.

    Parameters
    ----------
    index : int
        Number of the participant, counted from 1.
    run : int or None
        Number of the scan if there are two.
    person : Population
        The participant, a population of one.
    calibrations : tuple of ShiftCalibration
        Of pH and of magnesium: they give the shifts of Pi and β-ATP.
    pcr_snr : tuple of float
        Range of the PCr SNR after averaging.
    rng : Generator
        Random numbers of this participant.
    """
    participant, session = f"sub-{index:03d}", "ses-1"
    defect = defect_of(index) if run in (None, 1) else None
    ph, mg = calibrations
    truth = _scan_truth(rng, pcr_snr, ph.shift_ppm(float(person.ph[0])), mg.shift_ppm(float(person.pmg[0])))
    entity = "" if run is None else f"_run-{run}"
    stem = f"{participant}_{session}_acq-fid_nuc-31P_voi-thigh{entity}_unloc"
    return SimulatedScan(participant, session, stem, person, _broken(truth, defect), defect)


def defect_of(index: int) -> str | None:
    """Defect of the participant with this number, counted from 1: one of each early on, then every twelfth."""
    if index <= _DEFECT_EVERY:
        return _FIRST_DEFECTS.get(index)
    return DEFECTS[index // _DEFECT_EVERY % len(DEFECTS)] if index % _DEFECT_EVERY == 0 else None


def _scan_truth(
    rng: np.random.Generator, pcr_snr: tuple[float, float], pi_ppm: float, beta_atp_ppm: float
) -> ScanTruth:
    """Truth of a good scan; the ranges are chosen to look like a thigh at 3 T, and do not depend on the participant."""
    return ScanTruth(
        lines=resting_muscle(pi_ppm=pi_ppm, beta_atp_ppm=beta_atp_ppm),
        begin_time_s=BEGIN_TIME_S,
        phase_deg=float(rng.uniform(-180, 180)),
        carrier_offset_hz=float(rng.normal(0, 8)),
        gaussian_hz=float(rng.uniform(5.5, 11)),
        pcr_snr=float(rng.uniform(*pcr_snr)),
        hump_fraction=float(rng.uniform(0.15, 0.35)),
        hump_fwhm_ppm=float(rng.uniform(25, 28)),
        drift_hz=float(rng.normal(0, 3)),
        phase_jitter_deg=4.0,
    )


def _broken(truth: ScanTruth, defect: str | None) -> ScanTruth:
    if defect == "low_snr":
        return replace(truth, pcr_snr=2.0)
    if defect == "broad_lines":
        return replace(truth, gaussian_hz=60.0)
    if defect == "outlier_transients":
        return replace(truth, corrupted_transients=3)
    return truth

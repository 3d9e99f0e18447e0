"""The simulated study: a BIDS dataset of raw scans with known truth, some of them bad on purpose."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from myomag.core.calibration import ShiftCalibration
from myomag.core.families import shift_calibration
from myomag.errors import SettingsError
from myomag.io.nifti_mrs import MrsData, nifti_mrs_bytes, sidecar_dict
from myomag.settings.load import load_settings
from myomag.settings.models import Settings
from myomag.simulate.population import Population, draw_population
from myomag.simulate.synthetic import ScanTruth, resting_muscle, simulate_scan

BEGIN_TIME_S = 240e-6
"""True begin time of the simulated protocol; the header claims 40 µs less, much as a real set-up was found to do."""
ECHO_TIME_S = 200e-6
REPETITION_TIME_S = 1.5
HYDROGEN_MHZ = 127.7

DEFECTS = ("truncated_file", "wrong_nucleus", "low_snr", "broad_lines", "outlier_transients")
_FIRST_DEFECTS = dict(zip((3, 5, 8, 10, 12), DEFECTS, strict=True))
_DEFECT_EVERY = 12


@dataclass(frozen=True)
class Preset:
    """Kind of study to simulate; both have the population of Cameron et al. 2019.

    Attributes
    ----------
    participants : int
        Number of participants unless another is asked for.
    pcr_snr : tuple of float
        Range of the PCr SNR after averaging, chosen.
    repeat_every : int or None
        Every so many participants are scanned twice in one session, the muscle unchanged.
    """

    participants: int
    pcr_snr: tuple[float, float]
    repeat_every: int | None


PRESETS = {"small": Preset(24, (40.0, 80.0), None), "blsa": Preset(441, (12.0, 30.0), 5)}
"""`small` has good scans of few people; `blsa` the size of the published study, and scans whose error matters."""


@dataclass(frozen=True)
class SimulatedScan:
    """One scan of the demo: who, where, what is in it and what was broken on purpose (None: nothing)."""

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


def write_demo(
    directory: Path,
    *,
    preset: Preset = PRESETS["small"],
    participants: int | None = None,
    seed: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write a simulated BIDS study and its truth.

    The same seed gives the same bytes; a participant does not depend on how many there are.

    Parameters
    ----------
    directory : Path
        Folder of the study; must be new or empty.
    preset : Preset
        Kind of study.
    participants : int, optional
        Number of participants; by default that of the preset.
    seed : int
        Seed of all random numbers.
    progress : callable, optional
        Called with the number of participants done and in total.

    Raises
    ------
    SettingsError
        If the folder is not empty or a number is out of range.
    """
    participants = preset.participants if participants is None else participants
    _check_request(directory, participants, seed)
    calibrations = _calibrations(load_settings())
    scans = []
    for index in range(1, participants + 1):
        # A generator of its own makes each participant independent of all others.
        rng = np.random.default_rng([seed, index])
        person = draw_population(rng, 1)
        repeated = preset.repeat_every is not None and index % preset.repeat_every == 0
        for run in (1, 2) if repeated else (None,):
            scans.append(scan := _simulated(index, run, person, preset, rng, *calibrations))
            _write_scan(directory, scan, rng)
        if progress is not None:
            progress(index, participants)
    _write_tables(directory, scans, seed)


def defect_of(index: int) -> str | None:
    """Defect of the participant with this number, counted from 1: one of each early on, then every twelfth."""
    if index <= _DEFECT_EVERY:
        return _FIRST_DEFECTS.get(index)
    return DEFECTS[index // _DEFECT_EVERY % len(DEFECTS)] if index % _DEFECT_EVERY == 0 else None


def _check_request(directory: Path, participants: int, seed: int) -> None:
    if participants < 1:
        raise SettingsError(f"participants = {participants}: must be at least 1.")
    if seed < 0:
        raise SettingsError(f"seed = {seed}: must not be negative.")
    if directory.exists() and not directory.is_dir():
        raise SettingsError(f"{directory}: is a file; name a new or empty folder for the simulated study.")
    if directory.is_dir() and next(directory.iterdir(), None) is not None:
        raise SettingsError(f"{directory}: the folder is not empty; name a new or empty one for the simulated study.")


def _simulated(
    index: int,
    run: int | None,
    person: Population,
    preset: Preset,
    rng: np.random.Generator,
    ph: ShiftCalibration,
    mg: ShiftCalibration,
) -> SimulatedScan:
    participant, session = f"sub-{index:03d}", "ses-1"
    # Of two scans, the first may be bad: that is why one repeats a scan.
    defect = defect_of(index) if run in (None, 1) else None
    truth = _scan_truth(rng, preset, ph.shift_ppm(float(person.ph[0])), mg.shift_ppm(_pmg(person)))
    entity = "" if run is None else f"_run-{run}"
    stem = f"{participant}_{session}_acq-fid_nuc-31P_voi-thigh{entity}_unloc"
    return SimulatedScan(participant, session, stem, person, _broken(truth, defect), defect)


def _calibrations(settings: Settings) -> tuple[ShiftCalibration, ShiftCalibration]:
    magnesium = settings.model_dump()["magnesium"]
    return shift_calibration(magnesium["ph_calibration"], "ph"), shift_calibration(magnesium["mg_calibration"], "mg")


def _pmg(person: Population) -> float:
    return float(3 - np.log10(person.mg_mmol_l[0]))


def _scan_truth(rng: np.random.Generator, preset: Preset, pi_ppm: float, beta_atp_ppm: float) -> ScanTruth:
    """Truth of a good scan; the ranges are chosen to look like a thigh at 3 T, and do not depend on the participant."""
    return ScanTruth(
        lines=resting_muscle(pi_ppm=pi_ppm, beta_atp_ppm=beta_atp_ppm),
        begin_time_s=BEGIN_TIME_S,
        phase_deg=float(rng.uniform(-180, 180)),
        carrier_offset_hz=float(rng.normal(0, 8)),
        gaussian_hz=float(rng.uniform(5.5, 11)),
        pcr_snr=float(rng.uniform(*preset.pcr_snr)),
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


def _write_scan(directory: Path, scan: SimulatedScan, rng: np.random.Generator) -> None:
    hydrogen = scan.defect == "wrong_nucleus"
    mrs = MrsData(
        fid=simulate_scan(scan.truth, rng)[:, :, None],
        dwell_time_s=scan.truth.dwell_time_s,
        spectrometer_frequency_mhz=HYDROGEN_MHZ if hydrogen else scan.truth.spectrometer_frequency_mhz,
        nucleus="1H" if hydrogen else "31P",
        metadata={
            "EchoTime": ECHO_TIME_S,
            "RepetitionTime": REPETITION_TIME_S,
            "FlipAngle": 90.0,
            "MagneticFieldStrength": 3.0,
            "Manufacturer": "myomag",
            "ManufacturersModelName": "simulated 3 T",
            "PulseSequenceType": "FID",
        },
    )
    content = nifti_mrs_bytes(mrs)
    folder = directory / scan.folder
    folder.mkdir(parents=True, exist_ok=True)
    cut = len(content) // 2 if scan.defect == "truncated_file" else len(content)
    (folder / f"{scan.stem}.nii.gz").write_bytes(content[:cut])
    _write_json(folder / f"{scan.stem}.json", sidecar_dict(mrs))


def _write_tables(directory: Path, scans: Sequence[SimulatedScan], seed: int) -> None:
    from myomag import __version__

    _write_json(
        directory / "dataset_description.json",
        {
            "Name": "Simulated 31P-MRS study of thigh muscle",
            "BIDSVersion": "1.10.0",
            "DatasetType": "raw",
            "License": "CC0",
            "Authors": ["myomag"],
            "GeneratedBy": [{"Name": "myomag demo", "Version": __version__}],
        },
    )
    people = {scan.participant_id: scan for scan in scans}
    readme = _README.format(n=len(people), scans=len(scans), seed=seed)
    (directory / "README").write_text(readme, encoding="utf-8")
    (directory / ".bidsignore").write_text("truth.tsv\nmyomag.yaml\n", encoding="utf-8")
    for name, (columns, values) in _TABLES.items():
        path = directory / f"{name}.tsv"
        path.parent.mkdir(exist_ok=True)
        _write_table(
            path, ["participant_id", *columns], ([name, *values(scan.person)] for name, scan in people.items())
        )
        _write_json(path.with_suffix(".json"), {"participant_id": {"Description": "Participant label"}} | columns)
    _write_table(directory / "truth.tsv", list(_TRUTH), ([value(scan) for value in _TRUTH.values()] for scan in scans))


def _write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    text = "".join("\t".join(row) + "\n" for row in [columns, *rows])
    path.write_text(text, encoding="utf-8", newline="\n")


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")


def _shift(scan: SimulatedScan, name: str) -> str:
    return f"{next(line.shift_ppm for line in scan.truth.lines if line.name == name):.6f}"


_TABLES: dict[str, tuple[dict[str, Any], Callable[[Population], list[str]]]] = {
    "participants": (
        {
            "age": {"Description": "Age of the participant", "Units": "year"},
            "sex": {"Description": "Sex of the participant", "Levels": {"F": "female", "M": "male"}},
        },
        lambda person: [f"{person.age_years[0]:.1f}", "F" if person.woman[0] else "M"],
    ),
    "phenotype/knee_extension": (
        {"knee_extension_strength_nm": {"Description": "Concentric knee-extension strength", "Units": "N.m"}},
        lambda person: [f"{person.strength_nm[0]:.1f}"],
    ),
    "phenotype/serum": (
        {"serum_mg_mmol_l": {"Description": "Total magnesium in serum", "Units": "mmol/L"}},
        lambda person: [f"{person.serum_mg_mmol_l[0]:.4f}"],
    ),
}
_TRUTH: dict[str, Callable[[SimulatedScan], str]] = {
    "participant_id": lambda scan: scan.participant_id,
    "session_id": lambda scan: scan.session_id,
    "scan": lambda scan: scan.stem,
    "defect": lambda scan: scan.defect or "n/a",
    "ph": lambda scan: f"{scan.person.ph[0]:.6f}",
    "pmg": lambda scan: f"{_pmg(scan.person):.6f}",
    "mg_mmol_l": lambda scan: f"{scan.person.mg_mmol_l[0]:.6f}",
    "pi_ppm": lambda scan: _shift(scan, "Pi"),
    "gamma_atp_ppm": lambda scan: _shift(scan, "gamma-ATP"),
    "alpha_atp_ppm": lambda scan: _shift(scan, "alpha-ATP"),
    "beta_atp_ppm": lambda scan: _shift(scan, "beta-ATP"),
    "begin_time_us": lambda scan: f"{scan.truth.begin_time_s * 1e6:.3f}",
    "pcr_snr": lambda scan: f"{scan.truth.pcr_snr:.4f}",
    "pcr_fwhm_hz": lambda scan: f"{scan.truth.pcr_fwhm_hz:.4f}",
    "pcr_offset_hz": lambda scan: f"{scan.truth.carrier_offset_hz:.4f}",
    "phase_deg": lambda scan: f"{scan.truth.phase_deg:.4f}",
    "drift_hz": lambda scan: f"{scan.truth.drift_hz:.4f}",
    "hump_fraction": lambda scan: f"{scan.truth.hump_fraction:.4f}",
}
_README = """\
Simulated 31P-MRS study of resting thigh muscle at 3 T, made by `myomag demo`: {n} participants,
{scans} scans, seed {seed}.

Nobody was measured. The population has the correlations published by Cameron et al. 2019 (Frontiers in Physiology
10:1454): free muscle magnesium with age -0.29, with knee-extension strength 0.31 in women and 0.20 in men; magnesium is
lower in women; serum magnesium hardly depends on age (0.053) or strength (0.078).

truth.tsv holds the true value behind every scan. Its column `defect` names what was broken on purpose: a file cut in
half, a header that says 1H, a scan without usable signal, one with very broad lines, one with spoilt transients.
Scans run-1 and run-2 of a participant differ in noise, phase and field alone: the muscle is the same.
The EchoTime in the headers is 40 us shorter than the true begin time, as happens on real scanners.
"""

"""Files of the simulated study: a BIDS dataset of raw scans, and the truth."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from myomag.io.nifti_mrs import MrsData, nifti_mrs_bytes, sidecar_dict
from myomag.io.tables import tsv_bytes
from myomag.simulate.population import Population
from myomag.simulate.simulated_scan import SimulatedScan
from myomag.simulate.synthetic import simulate_scan

ECHO_TIME_S = 200e-6
"""The header states 40 µs less than the true begin time, as was found on a real set-up."""
REPETITION_TIME_S = 1.5
HYDROGEN_MHZ = 127.7


def write_scan(directory: Path, scan: SimulatedScan, rng: np.random.Generator) -> None:
    """Write the NIfTI-MRS file of a scan, with its defect, and its sidecar."""
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


def write_study(directory: Path, scans: Sequence[SimulatedScan], seed: int) -> None:
    """Write the study-level files: description, README, tables of the participants and the truth."""
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
    (directory / ".bidsignore").write_text("truth.tsv\ntruth_series.tsv\nmyomag.yaml\n", encoding="utf-8")
    for name, (columns, values) in _TABLES.items():
        path = directory / f"{name}.tsv"
        path.parent.mkdir(exist_ok=True)
        rows = ([name, *values(scan.person)] for name, scan in people.items())
        path.write_bytes(tsv_bytes(["participant_id", *columns], rows))
        _write_json(path.with_suffix(".json"), {"participant_id": {"Description": "Participant label"}} | columns)
    truth = ([value(scan) for value in _TRUTH.values()] for scan in scans)
    (directory / "truth.tsv").write_bytes(tsv_bytes(_TRUTH, truth))


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
    "pmg": lambda scan: f"{scan.person.pmg[0]:.6f}",
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

truth.tsv contains the true values of every scan. Its column `defect` names what was broken on purpose: a file cut in
half, a header that says 1H, a scan without usable signal, one with very broad lines, one with spoilt transients.
Scans run-1 and run-2 of a participant differ only in noise, phase and field: the muscle is the same.
The EchoTime in the headers is 40 us shorter than the true begin time, as happens on real scanners.
"""

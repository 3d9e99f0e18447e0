"""Simulated series: rest, exercise and recovery of one muscle with known kinetics, some of them flawed on purpose."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myomag.core.calibration import ShiftCalibration
from myomag.io.nifti_mrs import MrsData, nifti_mrs_bytes, sidecar_dict
from myomag.io.records import record_bytes
from myomag.io.tables import tsv_bytes
from myomag.simulate.population import Population
from myomag.simulate.simulated_scan import BEGIN_TIME_S
from myomag.simulate.synthetic import ScanTruth, SyntheticLine, resting_muscle, simulate_fid

TR_S = 3.0
REPETITIONS = (16, 20, 40)
"""Of rest, exercise and recovery."""
SNR = (20.0, 40.0)
"""Range of the PCr SNR of one repetition, chosen."""
TAU_S, TAU_SPREAD = 39.0, 0.25
"""Time constant of PCr in the quadriceps, a published mean (found), and the SD of its logarithm, chosen."""
WORK_TAU_S, PH_TAU_S = 25.0, 45.0
DEFECTS = {4: "motion", 7: "early_stop", 10: "acidosis"}
"""Defects by participant number; each recurs every twelve participants."""
EVERY = 12
TRUTH = (
    *("participant_id", "session_id", "scan", "defect", "tau_pcr_s", "pcr_depletion", "ph_rest", "ph_end_exercise"),
    *("mg_mmol_l", "pcr_snr"),
)


@dataclass(frozen=True)
class SimulatedSeries:
    """One series: its participant and parameters."""

    participant_id: str
    session_id: str
    person: Population
    defect: str | None
    tau_s: float
    depletion: float
    ph_end: float
    snr: float

    @property
    def stem(self) -> str:
        """Name of the scan."""
        return f"{self.participant_id}_{self.session_id}_task-extension_nuc-31P_voi-thigh_unloc"

    @property
    def repetitions(self) -> tuple[int, int, int]:
        """Of rest, exercise and recovery."""
        rest, work, recovery = REPETITIONS
        return (rest, work, 8) if self.defect == "early_stop" else (rest, work, recovery)

    def row(self) -> list[str]:
        """Row of the truth table."""
        numbers = (self.tau_s, self.depletion, self.person.ph[0], self.ph_end, self.person.mg_mmol_l[0], self.snr)
        names = (self.participant_id, self.session_id, self.stem, self.defect or "n/a")
        return [*names, *(f"{number:.6f}" for number in numbers)]


def simulated_series(index: int, person: Population, rng: np.random.Generator) -> SimulatedSeries:
    """Series of the participant with this number, counted from 1."""
    defect = DEFECTS.get((index - 1) % EVERY + 1)
    return SimulatedSeries(
        participant_id=f"sub-{index:03d}",
        session_id="ses-1",
        person=person,
        defect=defect,
        tau_s=float(TAU_S * np.exp(TAU_SPREAD * rng.standard_normal())),
        depletion=float(rng.uniform(0.3, 0.55)),
        ph_end=6.4 if defect == "acidosis" else float(rng.uniform(6.8, 6.98)),
        snr=float(rng.uniform(*SNR)),
    )


def write_series(
    directory: Path,
    series: SimulatedSeries,
    calibrations: tuple[ShiftCalibration, ShiftCalibration],
    rng: np.random.Generator,
) -> None:
    """Write the NIfTI-MRS file of a series, its sidecar and its events."""
    folder = directory / series.participant_id / series.session_id / "mrs"
    folder.mkdir(parents=True, exist_ok=True)
    mrs = MrsData(
        fid=_fids(series, calibrations, rng)[:, :, None],
        dwell_time_s=ScanTruth.dwell_time_s,
        spectrometer_frequency_mhz=ScanTruth.spectrometer_frequency_mhz,
        nucleus="31P",
        metadata={
            "EchoTime": BEGIN_TIME_S,
            "RepetitionTime": TR_S,
            "FlipAngle": 90.0,
            "MagneticFieldStrength": 3.0,
            "Manufacturer": "myomag",
            "ManufacturersModelName": "simulated 3 T",
            "PulseSequenceType": "FID",
        },
    )
    (folder / f"{series.stem}.nii.gz").write_bytes(nifti_mrs_bytes(mrs))
    (folder / f"{series.stem}.json").write_bytes(record_bytes(sidecar_dict(mrs) | {"TaskName": "knee extension"}))
    borders = TR_S * np.cumsum([0, *series.repetitions])
    rows = (
        [f"{start:g}", f"{end - start:g}", kind]
        for start, end, kind in zip(borders[:-1], borders[1:], ("rest", "exercise", "recovery"), strict=True)
    )
    name = f"{series.stem.rpartition('_')[0]}_events.tsv"
    (folder / name).write_bytes(tsv_bytes(["onset", "duration", "trial_type"], rows))


def write_truth(directory: Path, series: Sequence[SimulatedSeries]) -> None:
    """Write truth_series.tsv."""
    (directory / "truth_series.tsv").write_bytes(tsv_bytes(TRUTH, (each.row() for each in series)))


def _fids(
    series: SimulatedSeries, calibrations: tuple[ShiftCalibration, ShiftCalibration], rng: np.random.Generator
) -> NDArray[np.complex64]:
    """FIDs, shape (points, repetitions): PCr falls towards its end value and recovers, Pi mirrors it, pH follows."""
    rest, work, _ = series.repetitions
    time_s = TR_S * np.arange(sum(series.repetitions))
    worked = np.clip(time_s - TR_S * rest, 0, TR_S * work)
    back = np.clip(time_s - TR_S * (rest + work), 0, None)
    share = (1 - np.exp(-worked / WORK_TAU_S)) / (1 - np.exp(-TR_S * work / WORK_TAU_S)) * np.exp(-back / series.tau_s)
    of_ph = worked / (TR_S * work) * np.exp(-back / PH_TAU_S)
    ph_rest = float(series.person.ph[0])
    ph, mg = calibrations
    truth = ScanTruth(
        lines=(),
        begin_time_s=BEGIN_TIME_S,
        phase_deg=float(rng.uniform(-180, 180)),
        gaussian_hz=float(rng.uniform(5.5, 11)),
        transients=1,
    )
    offset_hz, drift_hz = float(rng.normal(0, 8)), float(rng.normal(0, 3))
    moved = rng.random(len(time_s)) < 0.1 if series.defect == "motion" else np.zeros(len(time_s), dtype=bool)
    fids = np.empty((truth.points, len(time_s)), dtype=np.complex128)
    for k, used in enumerate(share):
        pi_ppm = ph.shift_ppm(ph_rest - (ph_rest - series.ph_end) * of_ph[k])
        rest_lines = resting_muscle(pi_ppm=pi_ppm, beta_atp_ppm=mg.shift_ppm(float(series.person.pmg[0])))
        lines = _working(rest_lines, float(series.depletion * used))
        hz = offset_hz + drift_hz * k / len(time_s)
        fids[:, k] = simulate_fid(replace(truth, lines=lines, carrier_offset_hz=hz))
        if moved[k]:
            fids[:, k] *= rng.uniform(0.3, 0.8) * np.exp(2j * np.pi * rng.uniform())
    sd = rest_lines[0].amplitude / series.snr
    noise = rng.standard_normal((truth.points, 2 * len(time_s))).view(np.complex128)
    return (fids + sd * noise).astype(np.complex64)


def _working(lines: tuple[SyntheticLine, ...], used: float) -> tuple[SyntheticLine, ...]:
    """Lines of a muscle that has used a share of its PCr, which appears as Pi."""
    spent = used * lines[0].amplitude
    change = {"PCr": -spent, "Pi": spent}
    return tuple(replace(line, amplitude=line.amplitude + change.get(line.name, 0.0)) for line in lines)

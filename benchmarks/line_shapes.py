"""Bias and coverage of Mg and pH under what the field does to the lines; with --write into LINE_SHAPES.md.

    python benchmarks/line_shapes.py --scans 100 --write

Every scan goes through all steps of `myomag scan`. The simulation is this file's own.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import Pool
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from myomag.core.families import mg_calibration, shift_calibration
from myomag.io.nifti_mrs import MrsData, nifti_mrs_bytes
from myomag.settings.load import load_layers, load_settings
from myomag.settings.models import Settings
from myomag.single.scan import analyse_file

RESULT = Path(__file__).with_name("LINE_SHAPES.md")
SETTINGS = load_settings()
MG = mg_calibration(SETTINGS.model_dump()["magnesium"]["mg_calibration"])
PH = shift_calibration(SETTINGS.model_dump()["magnesium"]["ph_calibration"], "ph")
J_HZ, STATED_S = 16.5, 300e-6
PULSE_S, FLIP = 500e-6, np.pi / 2
Array = np.ndarray


def tail(hz: float) -> Callable[[Array], Array]:
    """One-sided exponential distribution of the field, its mean `hz` above or below the centre."""
    return lambda t: 1 / (1 - 2j * np.pi * hz * t)


@dataclass(frozen=True)
class Condition:
    """What a scan has beside ordinary lines.

    Attributes
    ----------
    envelope : callable
        What the field does, by the time since excitation [s].
    further : tuple
        Lines (amplitude, ppm, Hz).
    phase : callable
        Phase of a line [rad] by its offset from PCr [Hz].
    mhz, gaussian_hz : float
        Field, and scale of the Gaussian width, 8 to 13 Hz.
    pulse : bool
        Whether `fit.pulse` is set to the pulse of `phase`.
    """

    envelope: Callable[[Array], Array] = np.ones_like
    further: tuple[tuple[float, float, float], ...] = ()
    phase: Callable[[float], float] = lambda _: 0.0
    mhz: float = 51.7
    gaussian: float = 1.0
    pulse: bool = False


def block_pulse(offset_hz: float) -> float:
    """Phase after a block pulse along x [rad], by the rotation of spins in 4,000 steps."""
    steps, transverse, z = 4000, 0j, 1.0
    nutation, turn = FLIP / steps, np.exp(2j * np.pi * offset_hz * PULSE_S / steps)
    for _ in range(steps):
        y = transverse.imag * np.cos(nutation) - z * np.sin(nutation)
        z = transverse.imag * np.sin(nutation) + z * np.cos(nutation)
        transverse = (transverse.real + 1j * y) * turn
    return float(np.angle(transverse / -1j))


HUMP = (10.0, -1.0, 26 * 51.7)
CONDITIONS = {
    "Voigt lines": Condition(),
    "Lorentzian lines": Condition(gaussian=0.1),
    "Voigt lines, 1.5 T": Condition(mhz=25.86),
    "Voigt lines, 7 T": Condition(mhz=120.3, gaussian=1.5),
    "tail of 6 Hz": Condition(tail(6)),
    "tail of 3 Hz": Condition(tail(3)),
    "tail of −4 Hz": Condition(tail(-4)),
    "tail of −6 Hz, 1.5 T": Condition(tail(-6), mhz=25.86),
    "tail of 8 Hz, 7 T": Condition(tail(8), mhz=120.3, gaussian=1.5),
    "second component, .3 at 12 Hz": Condition(lambda t: (1 + 0.3 * np.exp(2j * np.pi * 12 * t)) / 1.3),
    "second component, .25 at −10 Hz": Condition(lambda t: (1 + 0.25 * np.exp(-2j * np.pi * 10 * t)) / 1.25),
    "box of 14 Hz": Condition(lambda t: np.sinc(14 * t), gaussian=0.3),
    "eddy current, .5 rad, 5 ms": Condition(lambda t: np.exp(0.5j * np.exp(-t / 5e-3))),
    "eddy current, −.5 rad, 2 ms": Condition(lambda t: np.exp(-0.5j * np.exp(-t / 2e-3))),
    "eddy current, .3 rad, 15 ms": Condition(lambda t: np.exp(0.3j * np.exp(-t / 15e-3))),
    "UDPG, 1.5 mM": Condition(further=((1.5, -9.7, 10.0),)),
    "hump, .3 of PCr, 26 ppm wide": Condition(further=(HUMP,)),
    "hump and tail of 4 Hz": Condition(tail(4), (HUMP,)),
    "second Pi, .4 of Pi, pH 6.75": Condition(further=((1.8, 4.48, 8.0),)),
    "block pulse, 500 µs, 90°, not set": Condition(phase=block_pulse),
    "block pulse, 500 µs, 90°, `fit.pulse` set": Condition(phase=block_pulse, pulse=True),
    "quadratic phase, .3 rad at β, not set": Condition(phase=lambda hz: 0.3 * (hz / 822) ** 2),
}
EVERY_SNR = ("Voigt lines", "tail of 6 Hz", "tail of −4 Hz", "second component, .3 at 12 Hz")


def simulated(condition: Condition, snr: float, seed: int) -> tuple[MrsData, dict[str, float]]:
    """Scan with noise, and the true shifts of β-ATP and Pi [ppm] and begin time [s]."""
    rng = np.random.default_rng((2026, seed))
    truth = {"beta": rng.normal(-15.894, 0.02), "pi": rng.normal(4.86, 0.02)}
    lines = [
        (33.0, 0.0, rng.uniform(3, 6), (1,)),
        (4.5, truth["pi"], rng.uniform(6, 11), (1,)),
        (8.2, rng.normal(-2.4, 0.02), rng.uniform(7, 11), (1, 1)),
        (8.2, rng.normal(-7.45, 0.02), rng.uniform(7, 11), (1, 1)),
        (8.2, truth["beta"], rng.uniform(8, 13), (1, 2, 1)),
        (1.2, 6.5, rng.uniform(8, 12), (1,)),
        (2.5, 2.95, rng.uniform(6, 10), (1,)),
        (1.2, -8.2, rng.uniform(9, 13), (1,)),
        *((*line, (1,)) for line in condition.further),
    ]
    dwell_s, points = (1 / 3000, 2048) if condition.mhz < 100 else (1 / 5000, 2048)
    truth["begin_s"] = rng.uniform(300e-6, 350e-6)
    tau = truth["begin_s"] + dwell_s * np.arange(points)
    fid = np.zeros(points, dtype=np.complex128)
    for amplitude, ppm, width, ratios in lines:
        for order, ratio in enumerate(ratios):
            frequency = ppm * condition.mhz + J_HZ * (order - (len(ratios) - 1) / 2)
            component = np.exp((2j * np.pi * frequency - np.pi * width) * tau + 1j * condition.phase(frequency))
            fid += amplitude * ratio / sum(ratios) * component
    gaussian_hz = condition.gaussian * rng.uniform(8, 13)
    fid *= np.exp(-((np.pi * gaussian_hz * tau) ** 2) / (4 * np.log(2)))
    fid *= condition.envelope(tau) * np.exp(1j * rng.uniform(-np.pi, np.pi))
    fid += 33 / snr * (rng.normal(size=points) + 1j * rng.normal(size=points))
    header = {"EchoTime": STATED_S, "PulseSequenceType": "fid"}
    return MrsData(fid[:, None, None].astype(np.complex64), dwell_s, condition.mhz, "31P", header), truth


def outcome(task: tuple[str, float, int]) -> dict[str, Any]:
    """What `myomag scan` says of one scan, the truth, and the CPU time [s]."""
    name, snr, seed = task
    data, truth = simulated(CONDITIONS[name], snr, seed)
    settings = SETTINGS
    if CONDITIONS[name].pulse:
        pulse = {"duration_us": 1e6 * PULSE_S, "flip_angle_deg": float(np.rad2deg(FLIP)), "carrier_ppm": 0.0}
        settings = load_layers([("benchmark", {"fit": {"pulse": pulse}})])
    return scanned(data, settings) | {"beta": truth["beta"], "pi": truth["pi"]}


def scanned(data: MrsData, settings: Settings = SETTINGS) -> dict[str, Any]:
    """What `myomag scan` says of data, with its CPU time [s]."""
    begun = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scan.nii.gz"
        path.write_bytes(nifti_mrs_bytes(data))
        flat = analyse_file(path, settings).flat
    return flat | {"cpu_s": time.process_time() - begun}


def covered(rows: pd.DataFrame, value: str, sd: str, truth: Array) -> float:
    """Share of 95 % intervals that hold the truth [%]."""
    return 100 * float((np.abs(rows[value].to_numpy(float) - truth) < 1.96 * rows[sd].to_numpy(float)).mean())


def line(label: str, results: Sequence[dict[str, Any]]) -> str:
    """Row of the table."""
    table = pd.DataFrame(results)
    given, with_ph = table[table.mg_mmol_l.notna()], table[table.ph.notna()]
    mg = 10 ** (3 - MG.value(given.beta.to_numpy()))
    low, high = given.mg_ci95_low_mmol_l.to_numpy(float), given.mg_ci95_high_mmol_l.to_numpy(float)
    ph = PH.value(with_ph.pi.to_numpy())
    error = given.mg_mmol_l.to_numpy(float) / mg - 1
    return (
        f"| {label} | {len(given)} | {100 * np.median(error):+.1f} | {1.4826e2 * np.median(np.abs(error)):.1f} "
        f"| {100 * np.mean((low <= mg) & (mg <= high)):.0f} | {covered(given, 'pmg', 'pmg_sd_noise', 3 - np.log10(mg)):.0f} "
        f"| {np.median((given.pmg_sd / given.pmg_sd_noise).to_numpy(float)):.2f} "
        f"| {np.median(with_ph.ph.to_numpy(float) - ph):+.4f} | {covered(with_ph, 'ph', 'ph_sd', ph):.0f} "
        f"| {1e3 * table.cpu_s.mean():.0f} |"
    )


def pooled(count: int) -> str:
    """Row on a study whose women have a tail of 4 Hz and whose men have one of .3 Hz, begin times pooled."""
    from myomag.cohort.columns import flat_result  # noqa: F401

    women, men = Condition(tail(4)), Condition(tail(0.3))
    truths: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder) / "study"
        people = ["participant_id\tsex\tage"]
        for seed in range(2 * count):
            data, truth = simulated(women if seed % 2 else men, 40.0, seed)
            name = f"sub-{seed:03}"
            target = study / name / "mrs" / f"{name}_svs.nii.gz"
            target.parent.mkdir(parents=True)
            target.write_bytes(nifti_mrs_bytes(data))
            people.append(f"{name}\t{'FM'[1 - seed % 2]}\t50")
            truths[name] = float(10 ** (3 - MG.value(truth["beta"])))
        (study / "participants.tsv").write_text("\n".join(people) + "\n", encoding="utf-8")
        (study / "dataset_description.json").write_text('{"Name": "tails", "BIDSVersion": "1.10.0"}', encoding="utf-8")
        subprocess.run(
            [Path(sys.executable).with_name("myomag"), "run", study, "--out", Path(folder) / "out"], check=True
        )
        table = pd.read_csv(Path(folder) / "out" / "cohort.tsv", sep="\t", na_values="n/a")
    rows = []
    for label, sex in (("women, tail of 4 Hz", "F"), ("men, tail of .3 Hz", "M")):
        part = table[(table.sex == sex) & table.mg_mmol_l.notna()]
        mg = part.participant_id.map(truths)
        inside = (part.mg_ci95_low_mmol_l <= mg) & (mg <= part.mg_ci95_high_mmol_l)
        error = part.mg_mmol_l / mg - 1
        rows.append(
            f"| {label} | {len(part)} | {100 * error.median():+.1f} | {148.26 * error.abs().median():.1f} | {100 * inside.mean():.0f} |"
        )
    return "\n".join(rows)


def main() -> None:
    """Print the tables, and write them where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scans", type=int, default=100)
    parser.add_argument("--only", nargs="*", default=list(CONDITIONS), help="conditions, by their first words")
    parser.add_argument("--snr", type=float, nargs="+")
    parser.add_argument("--write", action="store_true", help="write LINE_SHAPES.md")
    options = parser.parse_args()
    lines = [HEAD]
    print(HEAD)
    with Pool(2) as pool:
        for name in CONDITIONS:
            if not any(name.startswith(each) for each in options.only):
                continue
            for snr in options.snr or ((10, 15, 40, 200, 500) if name in EVERY_SNR else (40, 200)):
                results = pool.map(outcome, [(name, snr, seed) for seed in range(options.scans)], chunksize=5)
                lines.append(line(f"{name}, SNR {snr:g}", results))
                print(lines[-1], flush=True)


HEAD = (
    "| truth | Mg given | Mg error % | its SD % | interval covers % | by noise alone % | total/noise | pH error | covers % | CPU ms |\n|"
    + "---|" * 10
)

if __name__ == "__main__":
    main()

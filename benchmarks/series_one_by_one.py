"""A series fitted as one, and each repetition by itself, on the same simulated data; writes SERIES_ONE_BY_ONE.md.

    PYAMARES_PYTHON=.venv/pyamares/bin/python PYTHONPATH=tests python benchmarks/series_one_by_one.py --write

The series are those of series.py. One by one they are fitted by pyAMARES, in an environment of its own that
PYAMARES_PYTHON names, and by `myomag scan`. The same fit of the recovery follows on all three.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pyamares_accuracy import PH, VERSION, Array, difference, fitted
from series import RECOVERY_S, REST_S, TAU_S, WORK_S, analysed

from muscle_fids import write_scan
from myomag import __version__
from myomag.core.recovery import fit_recovery
from myomag.io.scan_records import Fit
from myomag.settings.load import load_settings
from myomag.single.scan import ScanSteps
from myomag.single.sources import source_of
from series_samples import BEGIN_S, DWELL_S, MHZ, Truth, series

PAGE = Path(__file__).resolve().parent / "SERIES_ONE_BY_ONE.md"
TR_S = 6.0
SHARE = 100 / np.sqrt(2)
"""SD of an SD, over the square root of what it is of [%]."""
PARTS = tuple(round(seconds / TR_S) for seconds in (REST_S, WORK_S, RECOVERY_S))


@dataclass(frozen=True)
class Courses:
    """What one way gave of a series: amplitudes of PCr and Pi, and pH, of each repetition; NaN where there is none."""

    pcr: Array
    pi: Array
    ph: Array
    tau_s: float
    cpu_s: float


def together(truth: Truth) -> Courses:
    """One model over the series."""
    begun = time.process_time()
    record = analysed(truth, TR_S)
    cpu_s = time.process_time() - begun
    course = record.course
    values = (np.array(each, dtype=np.float64) for each in (course.pcr, course.pi, course.ph))
    return Courses(*values, record.tau_pcr_s or float("nan"), cpu_s)


def by_myomag(truth: Truth) -> Courses:
    """Each repetition by `myomag scan`."""
    settings, values, begun = load_settings(), [], time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        for fid in truth.fids.T:
            metadata = {"EchoTime": BEGIN_S, "RepetitionTime": TR_S}
            path = write_scan(Path(folder) / "scan.nii.gz", fid, metadata, dwell_s=DWELL_S, mhz=MHZ)
            with ScanSteps(source_of(path), settings) as steps:
                flat, fit = steps.result().flat, steps.record(Fit)
            heights = {line.name: line.amplitude for line in fit.lines}
            values.append((heights["PCr"], heights["Pi"], np.nan if flat["ph"] is None else flat["ph"]))
    cpu_s = time.process_time() - begun
    pcr, pi, ph = np.array(values).T
    return Courses(pcr, pi, ph, recovered(truth, pcr), cpu_s)


def by_pyamares(truth: Truth) -> Courses:
    """Each repetition by pyAMARES."""
    fits = fitted(truth.fids.T, BEGIN_S, DWELL_S, MHZ)
    pcr, pi = (np.array([fit.get("amplitude", {}).get(name, np.nan) for fit in fits]) for name in ("PCr", "Pi"))
    with np.errstate(invalid="ignore"):
        ph = PH.value(np.array([difference(fit, "Pi") for fit in fits]))
    return Courses(pcr, pi, ph, recovered(truth, pcr), sum(fit["fit_cpu_s"] for fit in fits))


def recovered(truth: Truth, pcr: Array) -> float:
    """Time constant of PCr of some repetitions, all of one SD [s]."""
    late = np.flatnonzero((truth.time_s >= truth.exercise_s[1]) & np.isfinite(pcr))
    return fit_recovery(truth.time_s[late] - truth.exercise_s[1], pcr[late], np.eye(late.size)).tau_s


def row(snr: float, label: str, found: list[Courses], truths: list[Truth]) -> str:
    """Line of the table: bias and SD of the courses over all repetitions, those of τ, and time."""
    rest = [each.pcr[: PARTS[0]] for each in found]
    errors = {
        name: np.concatenate(
            [
                100 * (getattr(each, name) / np.nanmean(at_rest) - wanted(truth, name) / truth.pcr[0])
                for each, at_rest, truth in zip(found, rest, truths, strict=True)
            ]
        )
        for name in ("pcr", "pi")
    }
    errors["ph"] = np.concatenate([1e3 * (each.ph - truth.ph) for each, truth in zip(found, truths, strict=True)])
    cells = (f"{np.nanmean(each):+.1f} ± {np.nanstd(each):.1f}" for each in errors.values())
    without = 100 * np.mean(np.isnan(errors["ph"]))
    tau = np.array([each.tau_s for each in found])
    seconds = np.mean([each.cpu_s for each in found])
    bias = f"{100 * (np.nanmean(tau) / TAU_S - 1):+.1f} ± {100 * np.nanstd(tau, ddof=1) / TAU_S:.1f}"
    return f"| {snr:g} | {label} | {' | '.join(cells)} | {without:.0f} | {bias} | {seconds:.1f} |"


def wanted(truth: Truth, name: str) -> Array:
    """True amplitudes of PCr, or of Pi: what PCr loses comes to it."""
    return truth.pcr if name == "pcr" else 4.5 + truth.pcr[0] - truth.pcr


WAYS: dict[str, Callable[[Truth], Courses]] = {
    "myomag, one model": together,
    "myomag, one by one": by_myomag,
    "pyAMARES, one by one": by_pyamares,
}


def main() -> None:
    """Print the table, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=10, help="series a line")
    parser.add_argument("--snr", type=float, nargs="+", default=[10.0, 40.0])
    parser.add_argument("--write", action="store_true", help="write SERIES_ONE_BY_ONE.md")
    asked = parser.parse_args()
    if "PYAMARES_PYTHON" not in os.environ:
        parser.error("PYAMARES_PYTHON names no Python that has pyAMARES; make .venv/pyamares/ready makes one")
    lines = HEAD.format(
        ours=__version__, theirs=VERSION, count=asked.series, reps=sum(PARTS), known=SHARE / np.sqrt(asked.series)
    ).splitlines()
    for snr in asked.snr:
        seeds = (np.random.default_rng([int(snr), seed]) for seed in range(asked.series))
        truths = [
            series(rng=rng, repetitions=PARTS, tr_s=TR_S, snr=snr, tau_s=TAU_S, drift_hz=float(rng.normal(0, 3)))
            for rng in seeds
        ]
        for label, way in WAYS.items():
            lines.append(row(snr, label, [way(truth) for truth in truths], truths))
            print(lines[-1], flush=True)
    if asked.write:
        PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


HEAD = """# A series as one, and one by one

Made by `benchmarks/series_one_by_one.py` (myomag {ours}, pyAMARES {theirs}): {count} simulated series a line, those of
`series.py` with a repetition every 6 s, {reps} of them. SNR: PCr at rest over the noise of a repetition. Bias ± SD over
all repetitions; PCr and Pi in % of the PCr of rest that the same way found, pH in thousandths. τ: bias ± SD over the
series in % of the true 24 s; an SD of {count} series is known to {known:.0f} %.

* pyAMARES as in [PYAMARES.md](PYAMARES.md): begin time of the header, which is right here, J and lines known.
* One by one, `myomag scan` fits begin time, phase and line shape in each repetition anew, and chooses optional lines.
* The same mono-exponential fit gives τ of the courses one by one, with one SD for all repetitions.
* CPU: of pyAMARES its fits alone, of myomag all steps from the file on.

| SNR | by | PCr (%) | Pi (%) | pH (10⁻³) | without pH (%) | τ (%) | CPU (s) |
|---|---|---|---|---|---|---|---|"""


if __name__ == "__main__":
    main()

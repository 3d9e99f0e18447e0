"""Bias, coverage and cost of series of rest, exercise and recovery, and write SERIES.md.

    PYTHONPATH=tests python benchmarks/series.py --series 100 --write

Series are simulated by the physics of the tests, which share nothing with the package but its sign convention, and go
through the steps of `myomag scan`. The oracle fits the true course of PCr with noise of the SDs that the fit states:
what no fit of the spectra can beat.
"""

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from muscle_fids import MG, write_scan
from myomag.core.recovery import fit_recovery
from myomag.io.series_records import Series
from myomag.settings.load import load_settings
from myomag.single.scan import ScanSteps
from myomag.single.sources import source_of
from series_samples import BEGIN_S, DWELL_S, MHZ, Truth, series, write_series

PAGE = Path(__file__).resolve().parent / "SERIES.md"
TAU_S, REST_S, WORK_S, RECOVERY_S = 24.0, 48.0, 48.0, 90.0
REPETITION_TIMES_S, SNRS = (2.0, 3.0, 6.0), (10.0, 20.0, 40.0)
OTHERS = {
    "pH to 6.5": {"ph": (7.03, 6.5)},
    "two pools, 40 % to 6.62": {"acid": (0.4, 6.62), "ph": (7.03, 6.95)},
    "two pools, 10 % to 6.62": {"acid": (0.1, 6.62), "ph": (7.03, 6.95)},
    "Pi 8 Hz broader": {"pi_broader_hz": 8.0},
}
"""What else is measured, at one repetition time and SNR."""
OTHERS_AT = 3.0, 20.0


@dataclass(frozen=True)
class Found:
    """What one series gave: τ, the ends of its interval and the oracle's [s], and shares of the courses covered."""

    tau_s: float | None
    low_s: float | None
    high_s: float | None
    oracle_s: float
    ph_covered: float
    mg_covered: float
    pi_covered: float
    split: bool


def analysed(truth: Truth, tr_s: float) -> Series:
    """Record of a series after all steps."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_series(Path(folder), truth, tr_s=tr_s)
        with ScanSteps(source_of(path), load_settings()) as steps:
            steps.result()
            return steps.record(Series)


def found_in(truth: Truth, tr_s: float, seed: int) -> Found:
    """Numbers of a series."""
    record = analysed(truth, tr_s)
    course = record.course
    late = np.flatnonzero(truth.time_s >= truth.exercise_s[1])
    sd = np.array(course.pcr_sd)[late]
    told = truth.pcr[late] + sd * np.random.default_rng(seed).standard_normal(late.size)
    oracle = fit_recovery(truth.time_s[late] - truth.exercise_s[1], told, np.diag(sd**2))
    pi = np.abs(np.array(course.pi) - truth.pi) < 1.96 * np.array(course.pi_sd)
    ph, ph_sd = (np.array(values, dtype=np.float64) for values in (course.ph, course.ph_sd))
    ends = np.array([course.mg_ci95_low_mmol_l, course.mg_ci95_high_mmol_l], dtype=np.float64)
    known, told_mg = ~np.isnan(ph), ~np.isnan(ends).any(axis=0)
    return Found(
        record.tau_pcr_s,
        record.tau_pcr_ci95_low_s,
        record.tau_pcr_ci95_high_s,
        oracle.tau_s,
        float(np.mean(np.abs(ph - truth.ph)[known] < 1.96 * ph_sd[known])),
        float(np.mean((ends[0] < MG)[told_mg] & (ends[1] > MG)[told_mg])),
        float(np.mean(pi)),
        any(each is not None for each in course.ph_acid),
    )


def measured(tr_s: float, snr: float, count: int, what: str) -> list[Found]:
    """Numbers of series of one repetition time and SNR, and what else is special."""
    repetitions = tuple(round(seconds / tr_s) for seconds in (REST_S, WORK_S, RECOVERY_S))
    found = []
    for seed in range(count):
        rng = np.random.default_rng([int(tr_s), int(snr), seed])
        how = {"drift_hz": float(rng.normal(0, 3)), **OTHERS.get(what, {})}
        truth = series(rng=rng, repetitions=repetitions, tr_s=tr_s, snr=snr, tau_s=TAU_S, **how)
        found.append(found_in(truth, tr_s, seed))
    return found


def row(tr_s: float, snr: float, what: str, found: list[Found]) -> str:
    """Line of the table."""
    good = [each for each in found if each.tau_s is not None]
    cells = [what, f"{tr_s:g}", f"{snr:g}", f"{len(good)} of {len(found)}", *(told(good) if good else [""] * 4)]
    cells += [f"{100 * np.mean([getattr(each, f'{key}_covered') for each in found]):.0f}" for key in ("ph", "pi", "mg")]
    return f"| {' | '.join([*cells, str(sum(each.split for each in found))])} |"


def told(good: list[Found]) -> list[str]:
    """Bias and SD of τ, its SD over the oracle's, and how often the interval holds it."""
    tau, oracle = np.array([each.tau_s for each in good]), np.array([each.oracle_s for each in good])
    held = np.mean([each.low_s < TAU_S < each.high_s for each in good])
    sd = tau.std(ddof=1)
    return [
        f"{100 * (tau.mean() / TAU_S - 1):+.1f}",
        f"{sd:.2f}",
        f"{sd / oracle.std(ddof=1):.2f}",
        f"{100 * held:.0f}",
    ]


def cost() -> str:
    """CPU time of a series of 128 repetitions over that of 128 scans by themselves, and by number of repetitions."""
    seconds = {}
    for count in (32, 64, 128):
        parts = (count // 4, count // 4, count // 2)
        truth = series(rng=np.random.default_rng(count), repetitions=parts)
        start = time.process_time()
        analysed(truth, 3.0)
        seconds[count] = time.process_time() - start
    with tempfile.TemporaryDirectory() as folder:
        metadata = {"EchoTime": BEGIN_S, "RepetitionTime": 3.0}
        one = write_scan(Path(folder) / "scan.nii.gz", truth.fids[:, 0], metadata, dwell_s=DWELL_S, mhz=MHZ)
        start = time.process_time()
        for _ in range(8):
            with ScanSteps(source_of(one), load_settings()) as steps:
                steps.result()
        single = (time.process_time() - start) / 8
    table = ", ".join(f"{count} repetitions {value:.2f} s" for count, value in seconds.items())
    return f"CPU time, all steps: {table}; one scan by itself {single:.2f} s, 128 of them {128 * single:.0f} s."


def heading(count: int) -> list[str]:
    """Lines before those of the table."""
    return [
        "# Series",
        "",
        f"{count} simulated series a line, by `benchmarks/series.py`: rest {REST_S:g} s, exercise {WORK_S:g} s, "
        f"recovery {RECOVERY_S:g} s with τ = {TAU_S:g} s, phases by events, {MHZ:g} MHz, drift. SNR: PCr at rest "
        "over the noise of a repetition, time domain. SD ratio: SD of τ over that of a fit of the true course with the "
        "noise of PCr alone.",
        "",
        "| | TR (s) | SNR | with τ | bias of τ (%) | SD of τ (s) | SD ratio | τ covered (%) | pH covered (%) | "
        "Pi covered (%) | Mg covered (%) | two pools told |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]


def main() -> None:
    """Measure and print, or write SERIES.md."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", type=int, default=100, help="series a line")
    parser.add_argument("--write", action="store_true", help="write SERIES.md")
    asked = parser.parse_args()
    analysed(series(rng=np.random.default_rng(0)), 3.0)
    lines = heading(asked.series)
    asked_for = [(tr_s, snr, "") for tr_s in REPETITION_TIMES_S for snr in SNRS]
    for tr_s, snr, what in [*asked_for, *((*OTHERS_AT, what) for what in OTHERS)]:
        lines.append(row(tr_s, snr, what, measured(tr_s, snr, asked.series, what)))
        print(lines[-1], flush=True)
    lines += ["", cost()]
    print(lines[-1])
    if asked.write:
        PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

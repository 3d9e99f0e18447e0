"""Accuracy of myomag and pyAMARES on the same simulated muscle scans; with --write into PYAMARES.md.

    PYAMARES_PYTHON=.venv/pyamares/bin/python python benchmarks/pyamares_accuracy.py --write

The scans are those of line_shapes.py. pyAMARES runs in an environment of its own, which PYAMARES_PYTHON names.
"""

import argparse
import csv
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from line_shapes import CONDITIONS, MG, PH, SETTINGS, Array, scanned, simulated

from myomag import __version__
from myomag.core.robust import Z95
from myomag.io.nifti_mrs import MrsData

HERE = Path(__file__).resolve().parent
NAMES = (
    "Voigt lines",
    "Lorentzian lines",
    "tail of 6 Hz",
    "tail of −4 Hz",
    "second component, .3 at 12 Hz",
    "eddy current, .5 rad, 5 ms",
)
TRUTHS = [(name, 0.0) for name in NAMES] + [("Lorentzian lines", 20e-6), ("Lorentzian lines", 50e-6)]
MHZ = CONDITIONS[NAMES[0]].mhz
VERSION = "0.3.28"
# PCr outshines the rest for its first 30 ms, so that their mean has its phase.
PHASING_S = 30e-3
QUANTITIES = ("amplitude", "chemicalshift", "linewidth", "phase", "g")
ROWS = ("Index", "Initial Values", *QUANTITIES, "Bounds", *QUANTITIES)
Result = dict[str, Array]


def main() -> None:
    """Print the table, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scans", type=int, default=30)
    parser.add_argument("--snr", type=float, nargs="+", default=[40, 200])
    parser.add_argument("--only", nargs="*", default=list(NAMES), help="conditions, by their first words")
    parser.add_argument("--write", action="store_true", help="write PYAMARES.md")
    options = parser.parse_args()
    if "PYAMARES_PYTHON" not in os.environ:
        parser.error("PYAMARES_PYTHON names no Python that has pyAMARES; make .venv/pyamares/ready makes one")
    rows: list[str] = []
    notes: list[Result] = []
    for name, early_s in TRUTHS:
        for snr in options.snr if name.startswith(tuple(options.only)) else ():
            label = f"{name}, SNR {snr:g}" + (f", header {1e6 * early_s:.0f} µs early" if early_s else "")
            scans = [scan(name, snr, seed, early_s) for seed in range(options.scans)]
            truth = {key: np.array([each[key] for _, each in scans]) for key in ("beta", "pi")}
            data = [each for each, _ in scans]
            ours, theirs = by_myomag(data), by_pyamares(data)
            rows += [row(label, "myomag", ours, truth), row(label, "pyAMARES", theirs, truth)]
            print(*rows[-2:], sep="\n", flush=True)
            notes.append(theirs | {"true_mg": magnesium(truth["beta"])})
    print(said(notes))
    if options.write:
        (HERE / "PYAMARES.md").write_text(page(rows, notes, options.scans), encoding="utf-8")


def scan(name: str, snr: float, seed: int, early_s: float) -> tuple[MrsData, dict[str, float]]:
    """Scan whose header states a begin time earlier than the true one by `early_s`, and its truth."""
    data, truth = simulated(CONDITIONS[name], snr, seed)
    return replace(data, metadata=data.metadata | {"EchoTime": truth["begin_s"] - early_s}), truth


def by_myomag(data: list[MrsData]) -> Result:
    """Results of `myomag scan`, NaN where it gives none; the intervals are those of Mg."""
    flat = [scanned(each) for each in data]
    names = {"beta": "beta_atp_ppm", "ph": "ph", "mg": "mg_mmol_l", "cpu_s": "cpu_s"}
    names |= {"low": "mg_ci95_low_mmol_l", "high": "mg_ci95_high_mmol_l"}
    return {key: np.array([each[name] for each in flat], dtype=float) for key, name in names.items()}


def by_pyamares(data: list[MrsData]) -> Result:
    """Results of pyAMARES, NaN where a call failed; the intervals of Mg follow from the CRLB of the shift of β-ATP."""
    fids = np.array([each.fid[:, 0, 0] for each in data], dtype=np.complex128)
    fits = fitted(fids, [each.metadata["EchoTime"] for each in data], data[0].dwell_time_s, MHZ)
    beta = np.array([difference(fit, "betaATP") for fit in fits])
    crlb, sd = (np.array([spread(fit, key) for fit in fits]) for key in ("crlb_ppm", "sd_ppm"))
    with np.errstate(invalid="ignore"):
        return {
            "beta": beta,
            "ph": PH.value(np.array([difference(fit, "Pi") for fit in fits])),
            "mg": magnesium(beta),
            "low": magnesium(beta - Z95 * crlb),
            "high": magnesium(beta + Z95 * crlb),
            "low_sd": magnesium(beta - Z95 * sd),
            "high_sd": magnesium(beta + Z95 * sd),
            "cpu_s": np.array([fit["fit_cpu_s"] for fit in fits]),
            "failed": np.array(["error" in fit for fit in fits]),
            "converged": np.array([fit.get("converged", False) for fit in fits]),
        }


def fitted(fids: Array, begin_s: Any, dwell_s: float, mhz: float) -> list[dict[str, Any]]:
    """What `pyamares_fits.py` says of FIDs, shape (FIDs, points), that begin at `begin_s`, one or one for each [s]."""
    with tempfile.TemporaryDirectory() as folder:
        prior = Path(folder) / "muscle.csv"
        with prior.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(zip(ROWS, *columns(mhz), strict=True))
        np.savez(
            Path(folder) / "fids.npz",
            fid=fids,
            MHz=mhz,
            dwell=dwell_s,
            deadtime=begin_s,
            phase_deg=np.rad2deg(np.angle(fids[:, : round(PHASING_S / dwell_s)].mean(axis=1))),
        )
        files = [str(HERE / "pyamares_fits.py"), str(Path(folder) / "fids.npz"), str(prior)]
        command = [os.environ["PYAMARES_PYTHON"], *files, "--initialize-with-lm"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return list(json.loads(done.stdout.splitlines()[-1]))


def difference(fit: dict[str, Any], line: str) -> float:
    """Shift of a line from PCr [ppm]; NaN of a failed fit."""
    return float("nan") if "error" in fit else fit["shift_ppm"][line] - fit["shift_ppm"]["PCr"]


def spread(fit: dict[str, Any], key: str) -> float:
    """SD of the shift of β-ATP from PCr [ppm], of two lines that hardly overlap; NaN where none is stated."""
    sds = () if "error" in fit else (fit[key]["betaATP"], fit[key]["PCr"])
    return float("nan") if not sds or None in sds else float(np.hypot(*sds))


def magnesium(beta_ppm: Array) -> Array:
    """Free Mg [mmol/l] by the calibration of myomag; it rises with the shift."""
    return 10 ** (3 - MG.value(beta_ppm))


def columns(mhz: float) -> Iterator[list[str]]:
    """The lines of myomag's own prior knowledge, those for every scan, as columns of a CSV file of pyAMARES.

    A multiplet is a column per component, the largest first, at a fixed J. Widths are Lorentzian and start at the sum
    of both parts.
    """
    lines = SETTINGS.model_dump()["fit"]["prior_knowledge"]["lines"]
    j_hz, gaussian_hz = lines["gamma-ATP"]["j_hz"]["start"], lines["PCr"]["gaussian_hz"]["start"]
    for name, entry in lines.items():
        if entry.get("optional"):
            continue
        shift, width, phase = entry["shift_ppm"], entry["lorentzian_hz"], entry["phase_deg"]
        ratios = entry.get("ratios") or [1]
        main = ratios.index(max(ratios))
        aside_ppm = j_hz * (main - (len(ratios) - 1) / 2) / mhz
        own, amplitude = letters(name), entry["amplitude"]["start"] * max(ratios) / sum(ratios)
        # Turning past 180° is free, as in myomag.
        ends = ["(-360, 360)", "(0, 1)"]
        yield [
            *(own, "", f"{amplitude:.6g}", initial(shift, mhz, aside_ppm), initial(width, mhz, gaussian_hz)),
            *(initial(phase, mhz), "0", "", "(0,", limits(shift, aside_ppm), limits(width), *ends),
        ]
        for number, order in enumerate((k for k in range(len(ratios)) if k != main), start=2):
            tied = f"{own}*{ratios[order] / ratios[main]:.6g}", f"{own}{j_hz * (order - main):+.6g}Hz", own
            yield [f"{own}{number}", "", *tied, initial(phase, mhz), "0", "", "", "", "", *ends]


def letters(name: str) -> str:
    """Name of a line without what pyAMARES does not take."""
    return "".join(each for each in name if each.isalpha())


def initial(entry: Mapping[str, Any], mhz: float, added: float = 0.0) -> str:
    """Start, or tie to another line; a distance is given in Hz, as pyAMARES loses the plus of `PCr+5.2ppm`."""
    if "same_as" not in entry:
        return f"{entry['start'] + added:.6g}"
    factor, distance = entry.get("scale", 1), entry.get("offset_ppm", 0)
    tie = letters(entry["same_as"]) + (f"*{factor:.6g}" if factor != 1 else "")
    return tie + (f"{distance * mhz:+.6g}Hz" if distance else "")


def limits(entry: Mapping[str, Any], added: float = 0.0) -> str:
    """Bounds; none of a tied value."""
    return "" if "same_as" in entry else f"({entry['lower'] + added:.6g}, {entry['upper'] + added:.6g})"


def row(label: str, program: str, result: Result, truth: Result) -> str:
    """Row of the table: medians of the error and of its absolute value, coverage and time."""
    true_mg = magnesium(truth["beta"])
    errors = (1e3 * (result["beta"] - truth["beta"]), 1e3 * (result["ph"] - PH.value(truth["pi"])))
    mg = 100 * (result["mg"] / true_mg - 1)
    cells = " | ".join(f"{np.nanmedian(each):+.1f} ({np.nanmedian(np.abs(each)):.1f})" for each in (*errors, mg))
    return (
        f"| {label} | {program} | {np.isfinite(mg).sum()} | {cells} "
        f"| {covered(result['low'], true_mg, result['high']):.0f} | {1e3 * result['cpu_s'].mean():.0f} |"
    )


def covered(low: Array, truth: Array, high: Array) -> float:
    """Share of the intervals given that hold the truth [%]."""
    given = np.isfinite(low) & np.isfinite(high)
    return 100 * float(((low <= truth) & (truth <= high))[given].mean())


def said(notes: Sequence[Result]) -> str:
    """What the table does not say of the calls of pyAMARES."""
    each = {key: np.concatenate([note[key] for note in notes]) for key in notes[0]}
    by_sd, by_crlb = (covered(each[f"low{key}"], each["true_mg"], each[f"high{key}"]) for key in ("_sd", ""))
    return (
        f"Of {len(each['mg'])} calls of pyAMARES {each['failed'].sum()} raised an error and "
        f"{(~each['converged'] & ~each['failed']).sum()} did not report convergence.\n"
        f"Over all rows, those with an early header included, its intervals hold the truth in {by_crlb:.0f} % by the "
        f"CRLB,\nand in {by_sd:.0f} % by its column `sd(ppm)`, the SD that lmfit states."
    )


def page(rows: Sequence[str], notes: Sequence[Result], scans: int) -> str:
    """Text of PYAMARES.md."""
    head = HEAD.format(scans=scans, version=VERSION, ours=__version__, begin=SETTINGS.fit.begin_time_sd_us)
    return "\n".join((head, TITLES, *rows, "", said(notes), ""))


TITLES = (
    "| truth | by | Mg given | β error (10⁻³ ppm) | pH error (10⁻³) | Mg error (%) | interval covers (%) | CPU (ms) |"
    "\n|" + "---|" * 8
)
HEAD = """# Accuracy beside pyAMARES

Made by `python benchmarks/pyamares_accuracy.py --write` (myomag {ours}, pyAMARES {version}): {scans} simulated muscle
scans a row at 3 T, those of `line_shapes.py`, the same for both. Errors are medians, in brackets medians of the
absolute error. The header states the true begin time, unless the row says that it is early. The simulation is
myomag's own; what it asks of line shapes and begin times, pyAMARES was not written to answer.

* pyAMARES is used as its documentation shows: `initialize_FID` with prior knowledge from a CSV file and `deadtime`
  from the header, then `fitAMARES` by Levenberg-Marquardt and from there by `least_squares`
  (`initialize_with_lm=True`), with its own tolerances. Lines are Lorentzian (`g_global` 0, its default).
* Its prior knowledge is made from myomag's: the same lines, starts, bounds and ties, one phase. J is fixed at 16.5 Hz,
  which is the true value; the amplitudes start at those of the simulation. The phase starts at that of the first 30 ms
  of the FID (`delta_phase`), where a person would set it by the preview. myomag's optional lines and its Gaussian part
  of the width are left out, as pyAMARES chooses no lines and knows no Voigt lines.
* pyAMARES takes the begin time of the header as known. myomag, run as `myomag scan` with its default settings, takes
  it as known to {begin:.0f} µs and fits it: where the header is right, that costs precision,
  which `fit.fit_begin_time: false` saves.
* Mg and pH follow from the shifts by the same calibrations (Iotti 1996, Taylor 1983).
* Intervals: myomag's of Mg; of pyAMARES the shift ± 1.96 SD, the SD by its Cramér-Rao bounds of β-ATP and PCr (noise
  from the residual, its default), through the calibration.
* CPU: `fitAMARES` alone, and the whole of `myomag scan` from the file to Mg.
"""

if __name__ == "__main__":
    main()

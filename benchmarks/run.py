"""Measure speed and accuracy and print one table; with --write also into benchmarks/RESULTS.md.

Times are medians within one run on one core; compare them as ratios. `make bench` sets one thread per process and
measures pyAMARES beside, from an environment of its own that PYAMARES_PYTHON names.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import scipy
import simulation as sim

from myomag import __version__
from myomag.core.amares import fit_amares
from myomag.core.prior_knowledge import PriorKnowledge
from myomag.core.robust import MAD_TO_SD, Z95
from myomag.io.nifti_mrs import MrsData, nifti_mrs_bytes
from myomag.single.scan import analyse_file

HERE = Path(__file__).resolve().parent
DATA = HERE.parents[1] / "shared" / "data"
Row = tuple[str, str, str]


def main() -> None:
    """Run all benchmarks and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="simulated scans per line of the table")
    parser.add_argument("--write", action="store_true", help="write RESULTS.md")
    options = parser.parse_args()
    lines = ["| quantity | result | goal |", "|---|---|---|"]
    for row in rows(options.count):
        lines.append("| " + " | ".join(row) + " |")
        print(lines[-1], flush=True)
    if options.write:
        (HERE / "RESULTS.md").write_text(page(lines, options.count), encoding="utf-8")


def rows(count: int) -> Iterator[Row]:
    """Lines of the table."""
    yield from speed()
    yield from efficiency(count)
    yield from coverage(count)
    yield from begin_time(count)
    yield from starts()
    yield from real_scans()


def median_ms(task, runs: int = 30) -> float:
    """Median time of a call [ms]."""
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        task()
        times.append(time.perf_counter() - started)
    return 1e3 * float(np.median(times))


def speed() -> Iterator[Row]:
    """Time of fits, of the import, and peak memory."""
    rng = np.random.default_rng(1)
    fids = [sim.noisy_fid(sim.truth(sim.Scenario(), rng), rng) for _ in range(30)]
    queue = iter(fids * 2)
    yield (
        "default muscle fit, 2048 points (median)",
        f"{median_ms(lambda: sim.fit(next(queue), sim.Scenario())):.1f} ms",
        "≤ 10 ms",
    )
    imported = subprocess.run(
        [
            sys.executable,
            "-c",
            "import time; t = time.perf_counter(); import myomag.core.amares; print(time.perf_counter() - t)",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    yield "import of the fit", f"{float(imported.stdout):.2f} s", ""
    yield (
        "peak memory of this process so far",
        f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB",
        "",
    )
    folder = DATA / "reference"
    if not folder.is_dir():
        yield "reference fit", "skipped: the reference FID is not there", ""
        return
    data = np.load(folder / "amares_example.npz", allow_pickle=False)
    prior = PriorKnowledge.from_pyamares_csv(
        (folder / "amares_example_prior_knowledge.csv").read_text(encoding="utf-8-sig"), "reference"
    )
    ours = median_ms(
        lambda: fit_amares(
            data["fid"],
            dwell_time_s=float(data["dwell"]),
            spectrometer_frequency_mhz=float(data["MHz"]),
            prior=prior,
            begin_time_s=float(data["deadtime"]),
        )
    )
    yield "reference fit, 16 lines, 1024 points (median)", f"{ours:.1f} ms", "≤ 10 ms"
    other = os.environ.get("PYAMARES_PYTHON")
    if not other:
        yield "the same by pyAMARES", "skipped: PYAMARES_PYTHON names no Python that has it", "≥ 40 × ours"
        return
    files = [str(folder / name) for name in ("amares_example.npz", "amares_example_prior_knowledge.csv")]
    command = [other, str(HERE / "pyamares_fits.py"), *files, "--runs", "5"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    theirs = 1e3 * float(np.median([fit["fit_s"] for fit in json.loads(done.stdout.splitlines()[-1])]))
    yield "the same by pyAMARES 0.3.28 (median)", f"{theirs:.0f} ms, {theirs / ours:.0f} × ours", "≥ 40 × ours"


def efficiency(count: int) -> Iterator[Row]:
    """RMSE over the Cramér–Rao bound, and bias."""
    for snr in (10, 20, 40, 80):
        parts = sim.spread(sim.efficiency, snr, count=count)
        errors, bound, names = np.concatenate([part[0] for part in parts]), parts[0][1], parts[0][2]
        ratio = np.sqrt((errors**2).mean(axis=0)) / bound
        bias = np.abs(errors.mean(axis=0)) / errors.std(axis=0)
        worst, most = int(ratio.argmax()), int(bias.argmax())
        beta = names.index("shift_ppm:beta-ATP")
        text = (
            f"β shift {ratio[beta]:.3f}; worst {ratio[worst]:.3f} ({names[worst]}); "
            f"bias ≤ {bias[most]:.2f} SD ({names[most]})"
        )
        yield f"RMSE over Cramér–Rao bound, PCr SNR {snr}", text, "≤ 1.05, bias < .1 SD" if snr >= 20 else ""


SCENARIOS = {
    "white noise": sim.Scenario(),
    "broad hump, .33 of PCr": sim.Scenario(hump=0.33),
    "mostly Gaussian lines": sim.Scenario(gaussian_hz=(12.0, 16.0)),
    "header begin time +100 µs": sim.Scenario(hump=0.25, header_error_us=100),
    "begin time of the protocol known to 1.2 µs": sim.Scenario(hump=0.25, pooled_us=1.2),
    "header begin time −100 µs": sim.Scenario(hump=0.25, header_error_us=-100),
}


def coverage(count: int) -> Iterator[Row]:
    """Coverage of 95 % intervals and the error of Mg, PCr SNR 40."""
    for name, scenario in SCENARIOS.items():
        found = np.concatenate(sim.spread(sim.shift_errors, scenario, count=count))
        beta = np.mean(np.abs(found[:, 0]) < Z95 * found[:, 1])
        pi = np.mean(np.abs(found[:, 2]) < Z95 * found[:, 3])
        mg = MAD_TO_SD * np.nanmedian(np.abs(10 ** -found[:, 6] - 1))
        text = (
            f"β {100 * beta:.1f} %, Pi {100 * pi:.1f} %, pMg {100 * np.nanmean(found[:, 7]):.1f} %, "
            f"pH {100 * np.nanmean(found[:, 8]):.1f} %; SD(β) {found[:, 0].std():.4f} ppm; Mg error {100 * mg:.1f} %; "
            f"SD(begin time) {found[:, 4].std():.1f} µs"
        )
        yield f"coverage of 95 % intervals, SNR 40, {name}", text, "93.5–96.5 %"


def begin_time(count: int) -> Iterator[Row]:
    """Bias of pMg where the header's begin time is wrong, against peak picking."""
    for error in (-100, -50, 0, 50, 100):
        scenario = sim.Scenario(hump=0.25, header_error_us=error)
        fitted = np.concatenate(sim.spread(sim.shift_errors, scenario, count=count))[:, 6]
        picked = np.concatenate(sim.spread(sim.peak_picked_pmg_errors, scenario, count=count))
        text = (
            f"fit {np.nanmean(fitted):+.4f}; peak picking {np.nanmean(picked):+.3f}, {np.isnan(picked).sum()} undefined"
        )
        yield f"mean error of pMg, header {error:+d} µs off", text, "< .005"


def starts() -> Iterator[Row]:
    """Fits from random starts inside the bounds that reach the same minimum."""
    rng = np.random.default_rng(3)
    same = total = 0
    for _ in range(20):
        scenario = sim.Scenario(snr=20)
        fid = sim.noisy_fid(sim.truth(scenario, rng), rng)
        reached = [_cost_from_random_start(fid, rng) for _ in range(20)]
        same += sum(value < min(reached) * (1 + 1e-6) for value in reached)
        total += len(reached)
    yield "random starts that reach the same minimum, SNR 20", f"{same} of {total}", "≥ 99 %"


def _cost_from_random_start(fid: np.ndarray, rng: np.random.Generator) -> float:
    document = sim.PRIOR.to_dict()
    for line in document["lines"].values():
        for entry in line.values():
            if isinstance(entry, dict) and "lower" in entry and "upper" in entry:
                entry["start"] = rng.uniform(entry["lower"], entry["upper"])
    return sim.fit(fid, sim.Scenario(), PriorKnowledge.from_dict(document)).residual_norm_sq


def real_scans() -> Iterator[Row]:
    """Real scans with their intervals."""
    for path in sorted((DATA / "calf_7t").glob("*.nii.gz")) if DATA.is_dir() else ():
        flat = analyse_file(path, sim.load_settings(), bootstrap=200).flat
        text = (
            f"Mg {flat['mg_mmol_l']:.3f} ({flat['mg_ci95_low_mmol_l']:.3f}–{flat['mg_ci95_high_mmol_l']:.3f}) mmol/l, "
            f"pH {flat['ph']:.3f} ± {flat['ph_sd']:.3f}, "
            f"β {flat['beta_atp_ppm']:.4f} ± {flat['beta_atp_sd_ppm']:.4f} ppm, "
            f"begin time {flat['begin_time_us']:.0f} µs; bootstrap SD over transients: "
            f"β {flat['bootstrap_beta_atp_ppm_sd']:.4f} ppm, pH {flat['bootstrap_ph_sd']:.3f}"
        )
        yield "calf, 7 T", text, "Mg .36–.45, pH 7.035 ± .012, begin time 250–280 µs"
    if (path := DATA / "thigh_3t" / "rest.npz").is_file():
        yield "thigh, 3 T (rebuilt from a published spectrum)", thigh(path), "published: pH 6.944, β −15.891, Mg .426"


def thigh(path: Path) -> str:
    """Result of the thigh scan, whose file holds an averaged FID without header."""
    data = np.load(path, allow_pickle=False)
    scan = MrsData(
        fid=data["fid"].astype(np.complex64)[:, None, None],
        dwell_time_s=float(data["dwell"]),
        spectrometer_frequency_mhz=float(data["MHz"]),
        nucleus="31P",
        metadata={"EchoTime": float(data["deadtime"])},
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "thigh.nii.gz"
        file.write_bytes(nifti_mrs_bytes(scan))
        flat = analyse_file(file, sim.load_settings()).flat
    return (
        f"Mg {flat['mg_mmol_l']:.3f} ({flat['mg_ci95_low_mmol_l']:.3f}–{flat['mg_ci95_high_mmol_l']:.3f}) mmol/l, "
        f"pH {flat['ph']:.3f} ± {flat['ph_sd']:.3f}, β {flat['beta_atp_ppm']:.4f} ± {flat['beta_atp_sd_ppm']:.4f} ppm, "
        f"begin time {flat['begin_time_us']:.0f} µs"
    )


def page(lines: list[str], count: int) -> str:
    """Text of RESULTS.md."""
    versions = (
        f"myomag {__version__}, Python {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}"
    )
    head = [
        "# Benchmarks",
        "",
        f"Made by `make bench`, {count} simulated scans per line ({versions}; seeds in the code). Simulations: thigh",
        "at 3 T, 51.7 MHz, 2048 points, 3 kHz; PCr SNR = time-domain amplitude over noise SD per channel. Times are",
        "medians on one core of a small shared machine: compare ratios.",
        "",
    ]
    return "\n".join([*head, *lines]) + "\n"


if __name__ == "__main__":
    main()

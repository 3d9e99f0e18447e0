"""How often a line that is not there is found, and one that is there is missed: writes DETECTION.md.

Run with: python benchmarks/detection.py [spectra per condition without β-ATP] [and per other condition]
"""

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from muscle_spectra import AMOUNTS, Scan, fid, varied

from myomag.io.nifti_mrs import MrsData, nifti_mrs_bytes
from myomag.settings.load import load_settings
from myomag.single.scan import analyse_file

RESULT = Path(__file__).with_name("DETECTION.md")
ALONE = tuple(name for name in AMOUNTS if name != "pcr")
BLEMISHES = {"hump": (0.0, 1.0), "baseline": (0.0, 0.1), "tail": (0.0, 0.2), "eddy_rad": (0.0, 0.3)}
CONDITIONS = {
    "no β-ATP, 3 T, white noise": (Scan(without=("beta",)), False, False),
    "no β-ATP, 1.5 to 7 T, humps, baselines, tails, eddy currents": (Scan(without=("beta",)), True, True),
    "PCr alone, 1.5 to 7 T, the same": (Scan(without=ALONE), True, True),
    "no Pi, 1.5 to 7 T, the same": (Scan(without=("pi",)), True, True),
    "all lines, SNR 15, 3 T": (Scan(snr=15.0), False, False),
    "all lines, SNR 15 to 250, 3 T, blemishes": (Scan(), False, True),
    "all lines, SNR 15 to 250, 1.5 to 7 T, blemishes": (Scan(), True, True),
}
"""Scan, whether it varies between scanners, and whether it has blemishes."""


def scans(name: str, count: int) -> Iterator[tuple[Scan, int]]:
    """Scans of a condition, each with the seed of its noise."""
    base, between, blemished = CONDITIONS[name]
    rng = np.random.default_rng([7, list(CONDITIONS).index(name)])
    for seed in range(count):
        scan = base if name.endswith("SNR 15, 3 T") else replace(base, snr=float(np.exp(rng.uniform(2.71, 5.52))))
        scan = varied(scan, rng) if between else replace(scan, begin_s=float(rng.uniform(250e-6, 400e-6)))
        if blemished:
            scan = replace(scan, **{key: float(rng.choice(values)) for key, values in BLEMISHES.items()})
        yield scan, seed


def outcome(task: tuple[Scan, int]) -> tuple[str | None, str | None]:
    """Why `myomag scan` gives no Mg and no pH; None where it does."""
    scan, seed = task
    samples = fid(scan, np.random.default_rng([11, seed]))[:, None, None].astype(np.complex64)
    header = {"EchoTime": scan.begin_s, "PulseSequenceType": "fid"}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scan.nii.gz"
        path.write_bytes(nifti_mrs_bytes(MrsData(samples, scan.dwell_s, scan.mhz, "31P", header)))
        flat = analyse_file(path, SETTINGS).flat
    failed = flat["reason"] if flat["status"] == "failed" else None
    mg = None if flat["mg_mmol_l"] is not None else failed or flat["mg_reason"]
    return mg, None if flat["ph"] is not None else failed or flat["ph_reason"]


def main(without: int = 1000, others: int = 1000) -> None:
    """Measure all conditions and write the table."""
    rows = []
    with Pool(2) as pool:
        for name, (base, *_) in CONDITIONS.items():
            count = without if "beta" in base.without else others
            found = pool.map(outcome, scans(name, count), chunksize=20)
            mg, ph = ([reason for reason in column if reason] for column in zip(*found, strict=True))
            named = [sum("not detected" in reason for reason in reasons) for reasons in (mg, ph)]
            rows.append(
                f"| {name} | {count} | {1 - len(mg) / count:.1%} | {named[0] / count:.1%} "
                f"| {1 - len(ph) / count:.1%} | {named[1] / count:.1%} |"
            )
            print(rows[-1], sorted(set(mg + ph))[:3], flush=True)
    RESULT.write_text(TEXT.format(without=without, others=others, rows="\n".join(rows)), encoding="utf-8")


SETTINGS = load_settings()
TEXT = """# Lines that are there, and lines that are not

Written by `python benchmarks/detection.py {without} {others}`, with the default settings and the line shape
from each scan: spectra from code independent of the package (`benchmarks/muscle_spectra.py`), through all
steps of `myomag scan`. SNR of PCr 15 to 250 unless stated.
"No β-ATP" must give no Mg in 99 of 100, "all lines" must keep it in 99 of 100 from an SNR of 15 on; the same for Pi and
pH. Where 100 % is not reached, the reason is not detection: β-ATP beyond the pole of the calibration, a line at its
bound, a begin time that is not determined.

| spectra | number | Mg given | β-ATP not detected | pH given | Pi not detected |
|---|---|---|---|---|---|
{rows}
"""

if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))

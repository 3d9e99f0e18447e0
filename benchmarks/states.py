"""Rates of the tests of one state and of the steady state, on transients simulated by code of its own.

Prints the tables; with --write also into benchmarks/STATES.md.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from scipy.stats import beta

from myomag.core.scan_state import ScanState, scan_state
from myomag.settings.qc import QcSettings

PAGE = Path(__file__).resolve().parent / "STATES.md"
SETTINGS = QcSettings()
FIELDS_MHZ = (25.85, 51.7, 120.3)
SNRS = (2, 5, 15, 50)
COUNTS = (4, 8, 16, 32, 64, 128)
J_HZ = 16.5
ATP = {-2.4: (-0.5, 0.5), -7.5: (-0.5, 0.5), -15.89: (-1, 0, 0, 1)}
"""Shift of each group [ppm] and places of its components [J]."""


@dataclass
class Series:
    """Transients to simulate; curves of shape (transients,) are drawn by the scenario."""

    count: int
    snr: float
    mhz: float
    width_hz: float
    begin_s: float
    pcr: np.ndarray
    pi: np.ndarray
    pi_ppm: np.ndarray
    atp: np.ndarray
    gain: np.ndarray
    shift_hz: np.ndarray
    phase_rad: np.ndarray
    broadening_hz: np.ndarray
    spoilt: list[int] = field(default_factory=list)

    def transients(self, rng: np.random.Generator, points: int = 1024) -> np.ndarray:
        """Transients of shape (points, transients); amplitudes in units of the noise SD per channel."""
        dwell_s = dwell(self.mhz)
        time_s = self.begin_s + dwell_s * np.arange(points)[:, None]

        def line(amplitude: np.ndarray, ppm: np.ndarray | float, parts: tuple[float, ...], width: float) -> np.ndarray:
            turns = sum(np.exp(2j * np.pi * time_s * (ppm * self.mhz + part * J_HZ)) for part in parts) / len(parts)
            return amplitude * turns * np.exp(-np.pi * width * time_s)

        fid = line(self.pcr, 0.0, (0,), self.width_hz) + line(self.pi, self.pi_ppm, (0,), 1.3 * self.width_hz)
        for ppm, parts in ATP.items():
            fid = fid + line(self.atp, ppm, parts, 1.3 * self.width_hz)
        fid = fid + line(0.07 * self.pcr.max() * np.ones(self.count), 2.95, (0,), 1.3 * self.width_hz)
        fid = fid + line(0.3 * self.pcr.max() * np.ones(self.count), -2.0, (0,), 25 * self.mhz)
        turn = np.exp(1j * self.phase_rad + (2j * np.pi * self.shift_hz - np.pi * self.broadening_hz) * time_s)
        noise = rng.standard_normal((points, self.count, 2)) @ [1, 1j]
        noise[:, self.spoilt] *= 6
        return self.snr * self.gain * turn * fid + noise


def dwell(mhz: float) -> float:
    """Sampling interval for a width of 58 ppm [s]."""
    return 1 / (58 * mhz)


def resting(rng: np.random.Generator, count: int | None = None, snr: float | None = None) -> Series:
    """Muscle at rest while field, phase, position and shim wander as they do."""
    n = count or int(rng.choice(COUNTS))
    mhz = float(rng.choice(FIELDS_MHZ))
    x = np.linspace(0, 1, n)
    gain = 1 + rng.uniform(-0.2, 0.2) * x
    gain[rng.integers(n)] *= rng.uniform(0.3, 1)
    return Series(
        n,
        snr or float(np.exp(rng.uniform(np.log(2), np.log(50)))),
        mhz,
        float(rng.uniform(6, 14) * (1.6 if mhz > 100 else 1)),
        float(rng.uniform(0, 500e-6)),
        pcr=np.ones(n),
        pi=np.full(n, rng.uniform(0.08, 0.2)),
        pi_ppm=np.full(n, rng.uniform(4.6, 5.0)),
        atp=np.full(n, rng.uniform(0.2, 0.33)),
        gain=gain,
        shift_hz=rng.uniform(-15, 15) * x + rng.normal(0, rng.uniform(0, 2), n),
        phase_rad=rng.uniform(0, 6.3) + rng.uniform(-1, 1) * x + rng.normal(0, rng.uniform(0, 0.2), n),
        broadening_hz=rng.uniform(0, 2) * x,
    )


def spoilt(rng: np.random.Generator) -> Series:
    """Muscle at rest with one transient in ten spoilt, by motion or by noise."""
    series = resting(rng)
    bad = rng.choice(series.count, max(1, series.count // 10), replace=False)
    series.gain[bad] *= rng.uniform(0.2, 1, bad.size)
    series.broadening_hz[bad] += rng.uniform(0, 20, bad.size)
    series.spoilt = [int(k) for k in bad[: len(bad) // 2]]
    return series


def moved(rng: np.random.Generator) -> Series:
    """Muscle at rest that moves once: all lines lose up to half, and the shim up to 3 Hz."""
    series = resting(rng)
    later = np.arange(series.count) >= rng.integers(1, series.count)
    series.gain[later] *= rng.uniform(0.5, 1)
    series.broadening_hz[later] += rng.uniform(0, 3)
    return series


def changing(
    rng: np.random.Generator, fall: float, acid_ppm: float, count: int | None = None, snr: float | None = None
) -> Series:
    """Rest, exercise, recovery: PCr falls to `fall` of its rest, Pi takes it up and moves by `acid_ppm`."""
    series = resting(rng, count, snr)
    place = np.linspace(0, 1, series.count) - rng.uniform(0, 0.4)
    work = np.where(place < 0, 0, np.where(place < 0.3, 1 - np.exp(-place / 0.08), np.exp(-(place - 0.3) / 0.2)))
    work /= max(work.max(), 1e-9)
    series.pi = series.pi + (1 - fall) * work
    series.pcr = 1 - (1 - fall) * work
    series.pi_ppm = series.pi_ppm - acid_ppm * work
    return series


MANY, SOME = (16, 32, 64, 128), (3, 4, 5, 6, 7)


def saturating(
    rng: np.random.Generator, ratio: float, excess: float, snr: float | None = None, counts: Sequence[int] = MANY
) -> Series:
    """Muscle at rest from equilibrium on: PCr (and by less the others) decays to its steady state."""
    series = resting(rng, int(rng.choice(counts)), snr)
    curve = ratio ** np.arange(series.count)
    series.pcr, series.pi = 1 + excess * curve, series.pi * (1 + excess * curve)
    series.atp = series.atp * (1 + 0.2 * excess * (0.3 * ratio) ** np.arange(series.count))
    return series


def judged(series: Series, rng: np.random.Generator) -> ScanState:
    """What the pipeline says of a series."""
    return scan_state(
        series.transients(rng),
        dwell_time_s=dwell(series.mhz),
        spectrometer_frequency_mhz=series.mhz,
        max_shift_hz=SETTINGS.max_alignment_shift_hz,
        outlier_z=SETTINGS.outlier_z,
        steady_state_z=SETTINGS.steady_state_z,
        steady_state_tolerance=SETTINGS.steady_state_tolerance,
        ratio_tolerance=SETTINGS.state_ratio_tolerance,
        shift_tolerance_ppm=SETTINGS.state_shift_tolerance_ppm,
    )


@dataclass(frozen=True)
class Counts:
    """How many of the series were refused as more than one state, and how many lost first transients."""

    series: int
    refused: int
    cut: int
    left_out: float


def counts(make: Callable[[np.random.Generator], Series], seeds: range) -> Counts:
    """Judge one series per seed."""
    found = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        found.append(judged(make(rng), rng))
    refused = sum(state.change is not None and state.change.p < SETTINGS.min_state_p for state in found)
    dummies = np.array([state.dummy_transients for state in found])
    return Counts(len(found), refused, int(np.sum(dummies > 0)), float(np.median(dummies)))


def rest_table(series: int) -> Iterator[str]:
    """Rates over muscle at rest, which is one state and in steady state from the start."""
    yield "| muscle at rest | series | refused | 95 % limit | first transients left out | 95 % limit |"
    yield "|---|---|---|---|---|---|"
    kinds = {
        "field, phase, gain and shim wander; one transient loses signal": resting,
        "a tenth of the transients spoilt by motion or noise": spoilt,
        "moves once: gain to half, shim by 3 Hz": moved,
    }
    for name, make in kinds.items():
        found = counts(make, range(series))
        rates = (cell for hits in (found.refused, found.cut) for cell in (_percent(hits, series), _limit(hits, series)))
        yield f"| {name} | {series} | {' | '.join(rates)} |"


def power_table(series: int) -> Iterator[str]:
    """Share of rest-exercise-recovery series that is refused, by how much changes and the SNR per transient."""
    yield f"| PCr falls to | Pi moves by (ppm) | transients | {' | '.join(f'SNR {snr}' for snr in SNRS)} |"
    yield f"|---|---|---|{'---|' * len(SNRS)}"
    for fall, acid_ppm in ((0.5, 0.35), (0.7, 0.15), (0.85, 0.05), (0.95, 0.02)):
        for count in (8, 64):
            found = [
                counts(partial(changing, fall=fall, acid_ppm=acid_ppm, count=count, snr=s), range(series)) for s in SNRS
            ]
            yield f"| {fall:g} | {acid_ppm:g} | {count} | {' | '.join(_percent(c.refused, series) for c in found)} |"


def steady_table(series: int) -> Iterator[str]:
    """Share of scans from equilibrium on that lose first transients, how many, and the share that is refused."""
    yield (
        "| transients | excess of the first | ratio of successive excesses | above 1 % | "
        + " | ".join(f"SNR {snr}: found, left out, refused" for snr in SNRS)
        + " |"
    )
    yield f"|---|---|---|---|{'---|' * len(SNRS)}"
    kinds = [(MANY, 0.05, 0.15), (MANY, 0.21, 0.15), (MANY, 0.3, 0.5), (MANY, 0.5, 0.8)]
    for each, excess, ratio in [*kinds, (SOME, 0.21, 0.15), (SOME, 0.5, 0.3)]:
        make = partial(saturating, ratio=ratio, excess=excess, counts=each)
        found = [counts(partial(make, snr=snr), range(series)) for snr in SNRS]
        above = int(np.ceil(np.log(0.01 / excess) / np.log(ratio)))
        cells = (f"{_percent(c.cut, series)}, {c.left_out:g}, {_percent(c.refused, series)}" for c in found)
        yield f"| {each[0]} to {each[-1]} | {100 * excess:g} % | {ratio:g} | {above} | {' | '.join(cells)} |"


def _percent(hits: int, series: int) -> str:
    return f"{100 * hits / series:.3g} %"


def _limit(hits: int, series: int) -> str:
    """Upper end of the one-sided 95 % interval of a rate (Clopper & Pearson 1934)."""
    return f"{100 * float(beta.ppf(0.95, hits + 1, series - hits)):.2g} %"


def main() -> None:
    """Print the tables, and write them down if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=1000, help="series of muscle at rest per row")
    parser.add_argument("--write", action="store_true", help="write benchmarks/STATES.md")
    asked = parser.parse_args()
    fewer = max(asked.series // 5, 1)
    text = PAGE_TEXT.format(
        command=f"python benchmarks/states.py --series {asked.series} --write",
        p=SETTINGS.min_state_p,
        ratio=100 * SETTINGS.state_ratio_tolerance,
        shift=SETTINGS.state_shift_tolerance_ppm,
        z=SETTINGS.steady_state_z,
        rest="\n".join(rest_table(asked.series)),
        power="\n".join(power_table(fewer)),
        steady="\n".join(steady_table(fewer)),
        fewer=fewer,
    )
    print(text)
    if asked.write:
        PAGE.write_text(text, encoding="utf-8")


PAGE_TEXT = """\
# One state, and the steady state

Made by `{command}`.

Transients are simulated by independent code: 25.85, 51.7 and 120.3 MHz, 4 to 128 transients of SNR 2 to
50 (amplitude of PCr over the noise SD of one transient), widths of 6 to 22 Hz, begin times of 0 to 500 µs, a broad
signal, drift of the field by 15 Hz, of the phase by a radian, of the gain by a fifth, of the width by 2 Hz.

Settings: `qc.min_state_p` {p:g}, `qc.state_ratio_tolerance` {ratio:g} %,
`qc.state_shift_tolerance_ppm` {shift:g} ppm, `qc.steady_state_z` {z:g}.

## At rest: wrongly refused or left out

{rest}

A better position of the muscle in the first transients is recognised by ATP, but not always in weak data;
without these transients little is lost.

## At work: correctly refused

Rest, exercise and recovery, {fewer} series each; SNR per transient, at rest.

{power}

## From equilibrium: correctly left out

PCr and Pi start above their steady state, ATP by less; {fewer} scans each. Given are the share detected, the
median number left out, which should be that above 1 %, and the share refused as more than one state. Of 3 to 7
transients no decay is fitted: first ones are left out where their PCr stands above ATP, against all later ones.

{steady}
"""

if __name__ == "__main__":
    main()

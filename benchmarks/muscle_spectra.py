"""Muscle spectra written down line by line, with no line of the package, to judge it by."""

from dataclasses import dataclass, field, replace

import numpy as np

COUPLED = {"gamma": (0.5, 0.5), "alpha": (0.5, 0.5), "beta": (0.25, 0.5, 0.25)}
PLACES = {"pcr": 0.0, "pi": 4.85, "pde": 2.95, "pme": 6.5, "gamma": -2.45, "alpha": -7.5, "beta": -15.894, "nad": -8.2}
AMOUNTS = {"pcr": 33.0, "pi": 4.5, "pde": 2.5, "pme": 0.8, "gamma": 8.2, "alpha": 8.2, "beta": 8.2, "nad": 1.0}
WIDTHS = {"pcr": 1.0, "pi": 1.6, "pde": 1.8, "pme": 2.0, "gamma": 2.0, "alpha": 1.8, "beta": 2.6, "nad": 2.4}


@dataclass(frozen=True)
class Scan:
    """What is acquired.

    Attributes
    ----------
    mhz, dwell_s, points
        Frequency [MHz], dwell time [s] and samples.
    begin_s : float
        Begin time [s].
    width_hz, gaussian_hz, j_hz : float
        Lorentzian width of PCr, common Gaussian width and coupling [Hz].
    snr : float
        Amplitude of PCr over the noise SD per channel.
    without : tuple of str
        Lines that are not there.
    amounts, places : dict
        Amounts and shifts [ppm] that differ from those of resting muscle.
    hump : float
        Amount of the broad signal, 28 ppm wide, of PCr's.
    baseline : float
        Amount of a signal 5 ppm wide below the lines, of PCr's.
    tail : float
        Share of PCr-like shoulders 4 Hz away, in every line.
    eddy_rad : float
        Phase that decays with 4 ms.
    """

    mhz: float = 51.7
    dwell_s: float = 334e-6
    points: int = 2048
    begin_s: float = 340e-6
    width_hz: float = 6.0
    gaussian_hz: float = 6.0
    j_hz: float = 16.5
    snr: float = 40.0
    phase_rad: float = 0.7
    without: tuple[str, ...] = ()
    amounts: dict[str, float] = field(default_factory=dict)
    places: dict[str, float] = field(default_factory=dict)
    hump: float = 0.0
    baseline: float = 0.0
    baseline_ppm: float = -14.0
    tail: float = 0.0
    eddy_rad: float = 0.0


def fid(scan: Scan, rng: np.random.Generator) -> np.ndarray:
    """FID in the physicist's sign with white noise, PCr of amplitude 33 at 0 Hz."""
    time = np.arange(scan.points) * scan.dwell_s + scan.begin_s
    total = np.zeros(scan.points, dtype=complex)
    for name, amount in (AMOUNTS | scan.amounts).items():
        if name not in scan.without:
            total += amount * _line(scan, name, time)
    total *= np.exp(-(np.pi**2) * (scan.gaussian_hz * time) ** 2 / (4 * np.log(2)))
    if scan.tail:
        total *= (1 - scan.tail) + scan.tail * np.exp(2j * np.pi * 4 * time - np.pi * 4 * np.abs(time))
    total *= np.exp(1j * scan.eddy_rad * np.exp(-(time - scan.begin_s) / 4e-3))
    for share, width_ppm, place_ppm in ((scan.hump, 28, -2.0), (scan.baseline, 5, scan.baseline_ppm)):
        total += 33 * share * np.exp((2j * np.pi * place_ppm - np.pi * width_ppm) * scan.mhz * time)
    noise = rng.normal(size=(2, scan.points)) * 33 / scan.snr
    return total * np.exp(1j * scan.phase_rad) + noise[0] + 1j * noise[1]


def _line(scan: Scan, name: str, time: np.ndarray) -> np.ndarray:
    shares = COUPLED.get(name, (1.0,))
    place = (PLACES | scan.places)[name] * scan.mhz
    offsets = (np.arange(len(shares)) - (len(shares) - 1) / 2) * scan.j_hz
    rates = 2j * np.pi * (place + offsets) - np.pi * scan.width_hz * WIDTHS[name]
    return np.asarray(np.array(shares) @ np.exp(np.outer(rates, time)))


def varied(scan: Scan, rng: np.random.Generator) -> Scan:
    """The same with field, width, amounts, shifts, begin time and phase as they vary between scanners and people."""
    mhz = float(rng.choice([25.86, 49.9, 51.7, 120.3]))
    amounts = {name: amount * float(rng.uniform(0.8, 1.25)) for name, amount in (AMOUNTS | scan.amounts).items()}
    places = {"pi": float(rng.normal(4.85, 0.06)), "beta": float(rng.normal(-15.9, 0.04))}
    return replace(
        scan,
        mhz=mhz,
        dwell_s=float(rng.choice([200e-6, 334e-6, 500e-6])) * (0.5 if mhz > 100 else 1.0),
        points=int(rng.choice([512, 1024, 2048])),
        begin_s=float(rng.uniform(200e-6, 500e-6)),
        width_hz=float(rng.uniform(3, 10)) * (2 if mhz > 100 else 1),
        gaussian_hz=float(rng.uniform(0, 12)),
        j_hz=float(rng.uniform(15.5, 18)),
        phase_rad=float(rng.uniform(-np.pi, np.pi)),
        amounts=amounts,
        places=places | scan.places,
    )

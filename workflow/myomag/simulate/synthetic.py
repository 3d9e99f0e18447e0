"""Simulated raw scans of resting muscle with known truth."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myomag.core.axes import time_axis
from myomag.core.lineshapes import multiplet_fid, voigt_fwhm_hz

J_ATP_HZ = 16.5
"""Phosphorus coupling of ATP [Hz], inside the 16–17 Hz seen in a calf."""


@dataclass(frozen=True)
class SyntheticLine:
    """One line or multiplet of a simulated spectrum.

    Attributes
    ----------
    name : str
        Name as in the default prior knowledge.
    amplitude : float
        Amplitude of the whole multiplet at t = 0 [mmol/l].
    shift_ppm : float
        Centre of the multiplet [ppm from PCr].
    lorentzian_hz : float
        Lorentzian FWHM [Hz].
    ratios : tuple of float
        Relative amplitudes of the components, J apart around the centre.
    """

    name: str
    amplitude: float
    shift_ppm: float
    lorentzian_hz: float
    ratios: tuple[float, ...] = (1.0,)


def resting_muscle(
    *, pi_ppm: float, beta_atp_ppm: float, alpha_atp_ppm: float = -7.45, gamma_atp_ppm: float = -2.4
) -> tuple[SyntheticLine, ...]:
    """Lines of resting muscle, shifts [ppm from PCr].

    PCr 33, Pi 4.5 and ATP 8.2 mmol/l are published means; the amplitudes of PME, PDE and NAD and all Lorentzian widths
    are chosen for the simulation. Saturation is left out: it changes amplitudes, and pH and Mg depend only on shifts.
    """
    return (
        SyntheticLine("PCr", 33.0, 0.0, 4.0),
        SyntheticLine("Pi", 4.5, pi_ppm, 8.0),
        SyntheticLine("gamma-ATP", 8.2, gamma_atp_ppm, 8.0, (1.0, 1.0)),
        SyntheticLine("alpha-ATP", 8.2, alpha_atp_ppm, 8.0, (1.0, 1.0)),
        SyntheticLine("beta-ATP", 8.2, beta_atp_ppm, 10.0, (1.0, 2.0, 1.0)),
        SyntheticLine("PME", 1.5, 6.5, 10.0),
        SyntheticLine("PDE", 3.0, 2.95, 8.0),
        SyntheticLine("NAD", 1.5, -8.2, 10.0),
    )


@dataclass(frozen=True)
class ScanTruth:
    """Everything a simulated scan is made of.

    Attributes
    ----------
    lines : tuple of SyntheticLine
        The metabolites; the first one is PCr.
    spectrometer_frequency_mhz, dwell_time_s, points, transients : float, float, int, int
        Acquisition.
    begin_time_s : float
        Time of the first sample since the magnetisation was in phase [s].
    phase_deg : float
        Zero-order phase [degrees].
    carrier_offset_hz : float
        PCr minus carrier, mean over the transients [Hz].
    gaussian_hz : float
        Field inhomogeneity: Gaussian FWHM common to all metabolites [Hz].
    pcr_snr : float
        Amplitude of PCr at t = 0 divided by the noise SD per real or imaginary channel of the averaged FID.
    hump_fraction : float
        Amplitude of the broad baseline hump at t = 0 [fraction of PCr].
    hump_fwhm_ppm, hump_shift_ppm : float
        Lorentzian FWHM and centre of the hump [ppm].
    drift_hz : float
        Linear drift of the frequency from the first to the last transient [Hz].
    phase_jitter_deg : float
        SD of the phase over the transients [degrees].
    corrupted_transients : int
        Number of transients drowned in interference.
    """

    lines: tuple[SyntheticLine, ...]
    spectrometer_frequency_mhz: float = 51.7
    dwell_time_s: float = 1 / 3000
    points: int = 2048
    transients: int = 16
    begin_time_s: float = 0.0
    phase_deg: float = 0.0
    carrier_offset_hz: float = 0.0
    gaussian_hz: float = 7.0
    pcr_snr: float = 60.0
    hump_fraction: float = 0.25
    hump_fwhm_ppm: float = 26.0
    hump_shift_ppm: float = -1.0
    drift_hz: float = 0.0
    phase_jitter_deg: float = 0.0
    corrupted_transients: int = 0

    @property
    def pcr_amplitude(self) -> float:
        """Amplitude of PCr at t = 0 [mmol/l]."""
        return self.lines[0].amplitude

    @property
    def pcr_fwhm_hz(self) -> float:
        """Full width at half maximum of the PCr line [Hz]."""
        return voigt_fwhm_hz(self.lines[0].lorentzian_hz, self.gaussian_hz)

    @property
    def noise_sd(self) -> float:
        """Noise SD per real or imaginary channel of one transient [mmol/l]."""
        return float(self.pcr_amplitude / self.pcr_snr * np.sqrt(self.transients))


def simulate_fid(truth: ScanTruth) -> NDArray[np.complex128]:
    """FID without noise, drift and jitter, with the hump, physicist's sign, shape (points,)."""
    time_s = time_axis(truth.points, truth.dwell_time_s, truth.begin_time_s)
    hump = SyntheticLine(
        "hump",
        truth.hump_fraction * truth.pcr_amplitude,
        truth.hump_shift_ppm,
        truth.hump_fwhm_ppm * truth.spectrometer_frequency_mhz,
    )
    fid = np.zeros(truth.points, dtype=np.complex128)
    for line in (*truth.lines, hump):
        components = len(line.ratios)
        fid += multiplet_fid(
            time_s,
            amplitude=line.amplitude,
            frequency_hz=truth.carrier_offset_hz + line.shift_ppm * truth.spectrometer_frequency_mhz,
            lorentzian_fwhm_hz=line.lorentzian_hz,
            # The hump is made of short-lived signals: the field adds nothing visible to its width.
            gaussian_fwhm_hz=0.0 if line is hump else truth.gaussian_hz,
            phase_deg=truth.phase_deg,
            offsets_hz=[J_ATP_HZ * (index - (components - 1) / 2) for index in range(components)],
            weights=[ratio / sum(line.ratios) for ratio in line.ratios],
        )
    return fid


def simulate_scan(truth: ScanTruth, rng: np.random.Generator) -> NDArray[np.complex64]:
    """Raw transients with white noise, physicist's sign, shape (points, transients).

    Transient k is exp(i2πf_k·t + iφ_k) times the common FID plus noise; f_k runs linearly over the drift.
    """
    return _modulated(truth, rng) + _noise(truth, rng)


def _modulated(truth: ScanTruth, rng: np.random.Generator) -> NDArray[np.complex64]:
    time_s = time_axis(truth.points, truth.dwell_time_s, truth.begin_time_s)
    frequency_hz = truth.drift_hz * (np.arange(truth.transients) - (truth.transients - 1) / 2)
    frequency_hz /= max(truth.transients - 1, 1)
    phase = np.deg2rad(truth.phase_jitter_deg) * rng.standard_normal(truth.transients)
    rotation = np.exp(1j * (2 * np.pi * np.outer(time_s, frequency_hz) + phase))
    modulated: NDArray[np.complex64] = (simulate_fid(truth)[:, None] * rotation).astype(np.complex64)
    return modulated


def _noise(truth: ScanTruth, rng: np.random.Generator) -> NDArray[np.complex64]:
    """White noise, shape (points, transients); interference is noise eight times stronger."""
    scale = np.full(truth.transients, truth.noise_sd, dtype=np.float32)
    scale[rng.choice(truth.transients, truth.corrupted_transients, replace=False)] *= 8
    noise = rng.standard_normal((truth.points, 2 * truth.transients), dtype=np.float32).view(np.complex64)
    scaled: NDArray[np.complex64] = noise * scale
    return scaled

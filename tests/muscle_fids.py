"""FIDs of muscle by a few lines of physics that share nothing with the package but its sign convention."""

from pathlib import Path

import numpy as np

from myomag.io.nifti_mrs import MrsData, nifti_mrs_bytes

# pH 7.03 by 6.75/3.27/5.69 and Mg .42 mM by Iotti 1996.
PI_PPM, BETA_PPM, MG, PH = 4.8600, -15.8942, 0.42, 7.03
J_HZ = 16.5
# Shift [ppm], amplitude, splittings of its components [J].
LINES = {
    "PCr": (0.0, 33.0, (0,)),
    "Pi": (PI_PPM, 4.5, (0,)),
    "gamma-ATP": (-2.4, 8.2, (-0.5, 0.5)),
    "alpha-ATP": (-7.5, 8.2, (-0.5, 0.5)),
    "beta-ATP": (BETA_PPM, 8.2, (-1, 0, 0, 1)),
    "PDE": (2.95, 2.5, (0,)),
}


def muscle_fid(
    *, points=2048, dwell_s=1 / 3000, mhz=51.7, begin_s=320e-6, width_hz=9.0, phase_rad=0.7, offset_hz=0.0, **lines
):
    """Noiseless FID, shape (points,); `lines` names lines (with _ for -) and replaces their shift and amplitude."""
    time_s = begin_s + dwell_s * np.arange(points)
    changed = {name.replace("_", "-"): values for name, values in lines.items()}
    fid = np.zeros(points, dtype=complex)
    for name, (shift_ppm, amplitude, parts) in LINES.items():
        shift_ppm, amplitude = changed.get(name, (shift_ppm, amplitude))
        for part in parts:
            hz = shift_ppm * mhz + part * J_HZ
            # The decay counts from the excitation, or the top of the echo, on either side.
            fid += amplitude / len(parts) * np.exp(2j * np.pi * hz * time_s - np.pi * width_hz * np.abs(time_s))
    return fid * np.exp(1j * phase_rad + 2j * np.pi * offset_hz * dwell_s * np.arange(points))


def noise(rng, shape, sd):
    """Complex noise of an SD per channel."""
    return sd * (rng.standard_normal(shape) + 1j * rng.standard_normal(shape))


def write_scan(path: Path, fid, metadata, *, dwell_s=1 / 3000, mhz=51.7, measurements=1):
    """NIfTI-MRS of an FID or of transients, shape (points, transients)."""
    samples = np.asarray(fid, dtype=np.complex64).reshape(len(fid), -1, 1)
    path.write_bytes(nifti_mrs_bytes(MrsData(samples, dwell_s, mhz, "31P", metadata, measurements)))
    return path

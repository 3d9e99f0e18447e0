"""What a page carries of a scan for its interactive spectrum: the FID and the lines fitted to it."""

import base64
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myomag.core.exponentials import KAPPA
from myomag.io.scan_records import Fit, FitLine
from myomag.steps.curves import first_weight, missing_samples, shape_envelope, sorted_lines, transform_size


def page_signal(
    fid: NDArray[np.complex64],
    dwell_time_s: float,
    spectrometer_frequency_mhz: float,
    fit: Fit | None,
    *,
    range_ppm: tuple[float, float],
    phase_deg: float = 0.0,
    noise_sd: float | None = None,
) -> str:
    """JSON text that signal.js makes the curves of; parameters as of `curves.displayed_curves`.

    Times are in s, frequencies in Hz, phases in rad; `size` is the length of the transform.
    """
    missing, start_s = missing_samples(fit, dwell_time_s)
    skipped = fit.skipped_points if fit else 0
    shape = fit.line_shape if fit else None
    content = {
        "fid": _base64(fid),
        "envelope": _base64(shape_envelope(shape, len(fid) - skipped, dwell_time_s)) if shape else None,
        "dwell": dwell_time_s,
        "mhz": spectrometer_frequency_mhz,
        "missing": missing,
        "skipped": skipped,
        "start": start_s,
        "first": first_weight(start_s, dwell_time_s),
        "phase": float(np.deg2rad(fit.phase_deg if fit else phase_deg)),
        "noise": noise_sd,
        "size": transform_size(missing + len(fid), dwell_time_s, spectrometer_frequency_mhz),
        "low": range_ppm[0],
        "high": range_ppm[1],
        "lines": [_line(line, spectrometer_frequency_mhz) for line in sorted_lines(fit)],
    }
    return json.dumps(content, allow_nan=False)


def _line(line: FitLine, spectrometer_frequency_mhz: float) -> dict[str, Any]:
    """Terms of amplitude·exp(i(2πft + phase) − decay·t − gauss·t²)."""
    return {
        "name": line.name,
        "hz": [line.shift_ppm * spectrometer_frequency_mhz + offset for offset in line.offsets_hz],
        "amplitudes": [line.amplitude * weight for weight in line.weights],
        "phase": float(np.deg2rad(line.phase_deg)),
        "decay": float(np.pi * line.lorentzian_hz),
        "gauss": float(KAPPA * line.gaussian_hz**2),
    }


def _base64(samples: NDArray[Any]) -> str:
    """Real and imaginary parts in turn, float32 in little-endian order."""
    return base64.b64encode(samples.astype("<c8").tobytes()).decode("ascii")

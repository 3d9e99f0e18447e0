"""Courses of PCr, Pi, pH and Mg over a series, and the recovery of PCr after exercise."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myomag.core.axes import time_axis
from myomag.core.calibration import ShiftCalibration
from myomag.core.exponentials import damped_exponentials
from myomag.core.line_shape import LineShape, ShapeBasis
from myomag.core.phases import Phase
from myomag.core.quality import transient_noise_sd
from myomag.core.robust import Z95
from myomag.core.series_course import Course, series_course
from myomag.core.series_model import PI, Lines
from myomag.core.series_start import still_amplitudes, used_lines
from myomag.core.speciation import SpeciationCalibration
from myomag.io.scan_records import Fit, Magnesium, Measures, Quality, read_scan_record, scan_record_bytes
from myomag.io.series_records import Bout, Series
from myomag.settings.base import Section
from myomag.settings.magnesium import MagnesiumSettings
from myomag.settings.qc import QcSettings
from myomag.settings.series import SeriesSettings
from myomag.steps.kinetics import bout_of
from myomag.steps.series_phases import averaged_repetitions, has_rest
from myomag.steps.series_shifts import LEAST_SDS
from myomag.steps.series_values import calibrations, course_values
from myomag.steps.transients import read_transients

Real = NDArray[np.float64]

RANGES_PPM = {"Pi": (-1.6, 0.9), "beta-ATP": (-0.8, 0.8), "alpha-ATP": (-0.3, 0.3), "gamma-ATP": (-0.5, 0.5)}
"""Range of each line about its place at rest [ppm]."""
OF_BOUT = (
    *("tau_pcr_s", "tau_pcr_ci95_low_s", "tau_pcr_ci95_high_s", "k_pcr_per_s", "pcr_depletion", "pcr_depletion_sd"),
    *("v_pcr_per_s", "v_pcr_sd_per_s", "qmax_linear_mmol_l_s", "qmax_adp_mmol_l_s", "ph_end_exercise", "ph_min"),
)


class Used(Section):
    """Sections of the settings that the step uses."""

    series: SeriesSettings
    qc: QcSettings
    magnesium: MagnesiumSettings


def series_scan(scan: str, inputs: Mapping[str, Path], settings: Used) -> dict[str, bytes]:
    """Follow a muscle through rest, exercise and recovery; returns the record under `series`, none for other scans.

    Parameters
    ----------
    scan : str
        BIDS stem of the scan.
    inputs : mapping of str to Path
        `fid`, `measures`, `fit`, `quality` and `magnesium`.
    settings : Used
        Resolution of the courses, limits, calibrations, and the values that ADP depends on.
    """
    measures = read_scan_record(inputs["measures"], Measures)
    if measures.series is None:
        return {}
    fit, quality = read_scan_record(inputs["fit"], Fit), read_scan_record(inputs["quality"], Quality)
    rest = read_scan_record(inputs["magnesium"], Magnesium)
    read = read_transients(inputs["fid"])
    fids = averaged_repetitions(read.fid, read.data.measurements)
    course = _course(fids, measures, fit, quality, settings)
    values = course_values(course, measures.series, fit, settings.magnesium, rest.saturation_factors)
    from_start = measures.series.phases[0].kind == "rest" and has_rest(measures.series)
    left_out = measures.dummy_transients if from_start else 0
    bouts = [
        bout_of(number, measures.series, course, values, left_out, settings.series, settings.magnesium)
        for number, phase in enumerate(measures.series.phases)
        if phase.kind == "exercise"
    ]
    estimated = any(bout.status == "estimated" for bout in bouts)
    reasons = [bout.reason for bout in bouts if bout.reason]
    record = Series(
        scan=scan,
        repetitions=len(values.time_s),
        repetition_s=measures.series.repetition_s,
        phases=measures.series.phases,
        phases_proposed=measures.series.proposed,
        status="estimated" if estimated else "not estimable",
        reason=(reasons[0] if reasons else None) if bouts else "no exercise among its phases",
        **_summary(next((bout for bout in bouts if bout.status == "estimated"), bouts[0] if bouts else None)),
        ph_rest=rest.ph,
        mg_rest_mmol_l=rest.mg_mmol_l,
        bouts=bouts,
        course=values,
    )
    return {"series": scan_record_bytes(record)}


def _summary(bout: Bout | None) -> dict[str, float | None]:
    """Numbers of one bout as numbers of the series."""
    found: dict[str, float | None] = {key: getattr(bout, key, None) for key in OF_BOUT}
    tau, low, high = (found[key] for key in ("tau_pcr_s", "tau_pcr_ci95_low_s", "tau_pcr_ci95_high_s"))
    sd = None if tau is None or low is None or high is None else (high - low) / (2 * Z95)
    return found | {"tau_pcr_sd_s": sd, "k_pcr_sd_per_s": None if sd is None or tau is None else sd / tau**2}


def _course(
    repetitions: NDArray[np.complex128], measures: Measures, fit: Fit, quality: Quality, settings: Used
) -> Course:
    """Fit of all repetitions, shape (points, repetitions), with the lines of the averaged rest."""
    turn = np.exp(-2j * np.pi * measures.pcr_offset_hz * fit.dwell_time_s * np.arange(len(repetitions)))
    lines = used_lines(_lines(fit, quality), measures.pcr_fwhm_hz)
    fids = (repetitions * turn[:, None])[fit.skipped_points : fit.skipped_points + len(lines.time_s)]
    moving = [name for name in _moving(settings) if name in lines.names]
    how = {"noise_sd": transient_noise_sd(repetitions)}
    first = still_amplitudes(
        fids,
        lines,
        pcr_fwhm_hz=measures.pcr_fwhm_hz,
        moving=moving,
        max_shift_hz=settings.qc.max_alignment_shift_hz,
        **how,
    )
    mhz = fit.spectrometer_frequency_mhz
    phases = measures.series.phases if measures.series else []
    return series_course(
        fids,
        lines,
        first,
        [Phase(phase.kind, phase.first, phase.end) for phase in phases],
        pcr_fwhm_hz=measures.pcr_fwhm_hz,
        ranges_hz={name: (RANGES_PPM[name][0] * mhz, RANGES_PPM[name][1] * mhz) for name in moving},
        wanted_sd_hz={name: mhz * _wanted_ppm(name, fit, settings) for name in moving},
        **how,
    )


def _lines(fit: Fit, quality: Quality) -> Lines:
    """Lines of the averaged rest at amplitude 1, from the first sample fitted on."""
    names, found = [], []
    begin_s, count = 1e-6 * fit.begin_time_us, fit.points - fit.skipped_points
    start_s = begin_s + fit.skipped_points * fit.dwell_time_s
    for line in fit.lines:
        told = line.amplitude_sd is not None and line.amplitude > LEAST_SDS * line.amplitude_sd
        if not told or line.name in quality.undetected:
            continue
        hz = np.array(line.offsets_hz) + line.shift_ppm * fit.spectrometer_frequency_mhz
        components = damped_exponentials(
            2j * np.pi * hz - np.pi * line.lorentzian_hz,
            np.full(hz.size, line.gaussian_hz**2),
            count,
            fit.dwell_time_s,
            start_s,
            phase_rad=np.deg2rad(line.phase_deg + fit.phase_deg),
        )
        names.append(line.name)
        found.append(np.array(line.weights) @ components)
    fids = np.array(found)
    if shape := fit.line_shape:
        envelope = LineShape(ShapeBasis(shape.decay_time_s, shape.end), np.array(shape.coefficients))
        fids *= envelope.envelope(count, fit.dwell_time_s)
    return Lines(tuple(names), fids, time_axis(count, fit.dwell_time_s, start_s))


def _moving(settings: Used) -> list[str]:
    """Lines whose shifts change with pH and Mg."""
    ph, mg = calibrations(settings.magnesium)
    of_mg = mg.limits_ppm if isinstance(mg, SpeciationCalibration) else mg.lines
    return [name for name in dict.fromkeys((PI, "beta-ATP", *ph.lines, *of_mg)) if name in RANGES_PPM]


def _wanted_ppm(name: str, fit: Fit, settings: Used) -> float:
    """SD of a shift that corresponds to the wanted SD of pH or pMg [ppm]."""
    ph, mg = calibrations(settings.magnesium)
    of_ph = name in ph.lines
    if not of_ph and isinstance(mg, SpeciationCalibration):
        return RANGES_PPM[name][1] / 10
    calibration = ph if of_ph or isinstance(mg, SpeciationCalibration) else mg
    wanted = settings.series.ph_sd if of_ph else settings.series.pmg_sd
    slope = calibration.slope(_at_rest(calibration, fit))
    return wanted / abs(slope) if np.isfinite(slope) else RANGES_PPM[name][1] / 10


def _at_rest(calibration: ShiftCalibration, fit: Fit) -> float:
    """Shift used by a calibration, at rest [ppm]."""
    places = {line.name: line.shift_ppm for line in fit.lines}
    if "PCr" not in places or not set(calibration.lines) <= set(places):
        return float("nan")
    return sum(weight * (places[line] - places["PCr"]) for line, weight in calibration.lines.items())

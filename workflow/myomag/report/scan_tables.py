"""Rows of the tables of one scan: lines, pH and magnesium, quality, each with the note a reader would ask for."""

from typing import Any

from myomag.core.robust import Z95
from myomag.io.scan_records import Calibration, Fit, Magnesium, Quality
from myomag.report.transients import frequency_plot, left_out
from myomag.settings.qc import QcSettings
from myomag.wording import text


def headline(quality: Quality | None, magnesium: Magnesium | None) -> list[tuple[str, str, str, str]]:
    """Label, value, explanation and column of the numbers a reader looks for first."""
    items = []
    if magnesium:
        note = f"on the {magnesium.mg_calibration.name} scale"
        if magnesium.mg_mmol_l is not None:
            note = f"95 % interval {_mg_interval(magnesium)}, {note}"
        elif magnesium.mg_reason:
            note = magnesium.mg_reason
        ph = text.with_sd(magnesium.ph, magnesium.ph_sd, 3)
        items.append(("Free Mg²⁺ (mM)", mg_text(magnesium), note, "mg_mmol_l"))
        ph_note = magnesium.ph_reason if magnesium.ph is None else None
        items.append(("pH", ph, ph_note or f"± SD, by the {magnesium.ph_calibration.name} equation", "ph"))
    if quality:
        items.append(("PCr SNR", text.significant(quality.pcr_snr, 3), "of the averaged signal", "pcr_snr"))
        width = text.number(quality.pcr_fwhm_hz, 1)
        items.append(("PCr line width (Hz)", width, "full width at half maximum", "pcr_fwhm_hz"))
    return items


def mg_text(record: Magnesium) -> str:
    """Free Mg without its interval, or `undefined` with its probability."""
    return text.magnesium(record.mg_mmol_l, None, None, record.mg_p_undefined)


def line_table(fit: Fit | None) -> dict[str, Any] | None:
    """Rows of the line table, falling in ppm as the spectrum does, and the unit of the amplitudes."""
    if fit is None:
        return None
    exponent = text.common_exponent([line.amplitude for line in fit.lines])
    rows = [
        {
            "name": line.name,
            "amplitude": text.with_sd(_scaled(line.amplitude, exponent), _scaled(line.amplitude_sd, exponent)),
            "crlb": text.significant(100 * line.amplitude_sd / line.amplitude, 2)
            if line.amplitude_sd and line.amplitude > 0
            else text.MISSING,
            "shift": text.with_sd(line.shift_ppm, line.shift_sd_ppm, 3),
            "width": text.with_sd(line.linewidth_hz, line.linewidth_sd_hz, 2),
            "at_bound": ", ".join(line.at_bound),
        }
        for line in sorted(fit.lines, key=lambda line: -line.shift_ppm)
    ]
    return {"rows": rows, "unit": f"{text.power_of_ten(exponent)} a.u." if exponent else "a.u."}


def fit_facts(fit: Fit | None) -> list[tuple[str, str, str]]:
    """Quantity, value and note of what all lines share, and how well the model describes the FID."""
    if fit is None:
        return []
    skip_time = text.number(fit.skipped_points * fit.dwell_time_s * 1e6, 0)
    return [
        ("Convergence", "converged" if fit.converged else "not converged", fit.message),
        ("Begin time", f"{text.with_sd(fit.begin_time_us, fit.begin_time_sd_us)} µs", _begin_time_note(fit)),
        ("Zero-order phase", f"{text.with_sd(fit.phase_deg, fit.phase_sd_deg)}°", "at time zero, common to all"),
        (
            "Residual over noise",
            text.significant(fit.residual_over_noise, 3),
            "ratio of SDs; well above 1, the model misses something, and all SDs are larger by this factor",
        ),
        ("Residual", "white" if fit.residual_white else "not white", _raised_note(fit)),
        *_line_shape(fit),
        (
            "First samples left out",
            text.number(fit.skipped_points, 0),
            f"{skip_time} µs, to suppress broad signals of bone and lipids",
        ),
        ("Prior knowledge", text.text(fit.prior_knowledge), "bounds and ties of the lines"),
    ]


def _line_shape(fit: Fit) -> list[tuple[str, str, str]]:
    """Shape that all lines share, and lines that may stand elsewhere."""
    facts = []
    if shape := fit.line_shape:
        width, asymmetry = text.number(shape.pcr_fwhm_hz, 1), text.number(shape.pcr_asymmetry, 2)
        note = f"of PCr; its two half widths differ by {asymmetry} of their sum; polynomial of order {shape.order}"
        facts.append(("Line shape", f"FWHM {width} Hz, asymmetry {asymmetry}", note))
    for line, places in fit.other_minima.items():
        if places:
            said = ", ".join(
                f"{text.number(each.shift_ppm, 3)} ppm (Δχ² {text.number(each.delta_chi2, 1)})" for each in places
            )
            facts.append((f"{text.line_label(line)} elsewhere", said, "another minimum; the interval includes it"))
    return facts


def _begin_time_note(fit: Fit) -> str:
    """What the fit was told of the begin time."""
    prior = fit.begin_time_prior
    expected = text.with_sd(prior.mean_us, prior.sd_us)
    if not fit.begin_time_fitted:
        return "held fixed"
    if prior.source == "protocol":
        return f"fitted; the other scans of the protocol suggest {expected} µs ({prior.stated_by})"
    apart = ", because this scan does not fit its protocol" if prior.outlying else ""
    return f"fitted without the other scans{apart}; stated {expected} µs ({prior.stated_by})"


def _raised_note(fit: Fit) -> str:
    """Which SDs were raised for a residual that is not white."""
    if not fit.sd_raised_by:
        return "white around every line; SDs are those of the fit"
    factors = ", ".join(f"{name} × {text.significant(factor, 2)}" for name, factor in fit.sd_raised_by.items())
    return f"not white around these lines, whose SDs were raised: {factors}"


def results(record: Magnesium | None) -> list[tuple[str, str, str, str, str]]:
    """Quantity, value, 95 % interval, note and column of pH, magnesium and the shifts they come from."""
    if record is None:
        return []
    steep = "asymmetric, because Mg rises steeply towards the limit of the calibration"
    ph_ends = text.interval(record.ph_ci95_low, record.ph_ci95_high, 3)
    pmg_ends = text.interval(record.pmg_ci95_low, record.pmg_ci95_high, 3)
    ph_parts = _parts_of_sd(record.ph_sd_noise, record.ph_sd_model, record.ph_sd_systematic)
    pmg_parts = _parts_of_sd(record.pmg_sd_noise, record.pmg_sd_model, record.pmg_sd_systematic)
    rows = [
        ("pH", text.with_sd(record.ph, record.ph_sd, 3), ph_ends, record.ph_reason or ph_parts, "ph"),
        (
            "pMg",
            text.with_sd(record.pmg, record.pmg_sd, 3),
            pmg_ends,
            f"−log₁₀ of Mg²⁺ in mol/l{pmg_parts and f'; {pmg_parts}'}",
            "pmg",
        ),
        ("Free Mg²⁺ (mM)", mg_text(record), _mg_interval(record), record.mg_reason or steep, "mg_mmol_l"),
        (
            "P(Mg undefined)",
            text.probability(record.mg_p_undefined),
            "",
            "probability that the true shift is where the calibration is undefined",
            "mg_p_undefined",
        ),
    ]
    if (freedom := record.mg_chi2_degrees_of_freedom) is not None:
        note = f"of the shifts of {', '.join(text.line_label(line) for line in record.mg_lines)}"
        rows.append((f"χ² (expected: {freedom})", text.significant(record.mg_chi2), "", note, ""))
    shifts = (
        ("δ β-ATP (ppm)", "beta_atp_ppm", record.beta_atp_ppm, record.beta_atp_sd_ppm),
        ("δ Pi (ppm)", "pi_ppm", record.pi_ppm, record.pi_sd_ppm),
        ("δ α-ATP (ppm)", "alpha_atp_ppm", record.alpha_atp_ppm, record.alpha_atp_sd_ppm),
        ("δ γ-ATP (ppm)", "gamma_atp_ppm", record.gamma_atp_ppm, record.gamma_atp_sd_ppm),
    )
    for label, column, value, sd in shifts:
        low, high = (None, None) if value is None or sd is None else (value - Z95 * sd, value + Z95 * sd)
        ends = text.interval(low, high, 3)
        rows.append((label, text.with_sd(value, sd, 3), ends, "from the fitted PCr line", column))
    return rows


def _parts_of_sd(noise: float | None, model: float | None, systematic: float | None) -> str:
    """What the SD is made of."""
    parts = (("noise", noise), ("model choice", model))
    said = ", ".join(f"{name} {text.significant(value, 2)}" for name, value in parts if value is not None)
    shared = f"; {text.significant(systematic, 2)} of it is common to all scans of the protocol" if systematic else ""
    return f"SD by {said}{shared}" if said else ""


def _mg_interval(record: Magnesium) -> str:
    return text.interval(record.mg_ci95_low_mmol_l, record.mg_ci95_high_mmol_l, 3)


def calibrations(record: Magnesium | None) -> list[tuple[str, Calibration]]:
    """Calibrations that turned shifts into pH and magnesium."""
    return [("pH", record.ph_calibration), ("Free Mg²⁺", record.mg_calibration)] if record else []


def metrics(quality: Quality | None, limits: QcSettings) -> list[tuple[str, str, str]]:
    """Metric, value and what it is judged by."""
    if quality is None:
        return []
    width_ppm, drift = text.number(quality.pcr_fwhm_ppm, 3), text.number(quality.frequency_drift_hz, 1)
    return [
        ("PCr SNR", text.significant(quality.pcr_snr, 3), _limits("below", limits.warn_snr, limits.min_snr)),
        (
            "PCr line width (FWHM)",
            f"{text.number(quality.pcr_fwhm_hz, 1)} Hz ({width_ppm} ppm)",
            _limits("above", limits.warn_linewidth_ppm, limits.max_linewidth_ppm, " ppm"),
        ),
        ("Frequency drift", f"{drift} Hz", _limits("above", limits.warn_drift_hz, None, " Hz")),
        (
            "Transients used",
            f"{quality.transients_used} of {quality.transients}",
            _limits("above", limits.warn_rejected_fraction, limits.max_rejected_fraction, " rejected"),
        ),
        (
            "Transients before the steady state",
            text.text(quality.dummy_transients),
            "first transients with a higher PCr than the rest; left out",
        ),
        (
            "Probability of one state",
            text.significant(quality.state_p, 2),
            "that PCr and Pi stay the same over the transients",
        ),
        ("Residual around PCr", text.significant(quality.pcr_residual_over_noise, 3), "over noise"),
        ("Residual around Pi", text.significant(quality.pi_residual_over_noise, 3), "over noise"),
        ("Residual around β-ATP", text.significant(quality.beta_atp_residual_over_noise, 3), "over noise"),
        ("Parameters at a bound", quality.bounds_hit or "none", "quantity:line"),
        ("Coils", text.text(quality.coils), ""),
        (
            "Offset of PCr from the carrier",
            f"{text.number(quality.pcr_offset_hz, 1)} Hz",
            "before PCr was set to 0 ppm",
        ),
        ("Noise SD (a.u.)", text.significant(quality.noise_sd, 3), "per channel of the averaged FID"),
        ("Points", text.text(quality.points), f"over {text.number(quality.spectral_width_hz, 0)} Hz"),
        ("Samples before the signal", text.text(quality.leading_points_cut), "cut, because they hold no signal"),
        ("Spectrometer frequency", f"{text.number(quality.spectrometer_frequency_mhz, 3)} MHz", "from the header"),
        ("Repetition time", _seconds(quality.repetition_time_s, 1.0, "s"), ""),
        ("Echo time in the header", _seconds(quality.echo_time_s, 1e6, "µs"), "not the begin time of the FID"),
    ]


def transients(quality: Quality | None) -> dict[str, Any]:
    """Plot of the transients' frequencies, and those left out grouped by reason."""
    out, shifts = (left_out(quality), quality.frequency_shifts_hz) if quality else ({}, [])
    reasons = sorted(set(out.values()))
    numbers = {reason: [index + 1 for index in sorted(out) if out[index] == reason] for reason in reasons}
    plot = frequency_plot(shifts, out) if len(shifts) > 1 else None
    return {"plot": plot, "left_out": [(reason, text.text(numbers[reason])) for reason in reasons]}


def _limits(side: str, warn: float, fail: float | None, unit: str = "") -> str:
    """`warn below 15, fail below 5`."""
    named = (("warn", warn), ("fail", fail))
    return ", ".join(f"{word} {side} {text.text(limit)}{unit}" for word, limit in named if limit is not None)


def _scaled(value: float | None, exponent: int) -> float | None:
    return None if value is None else value / 10.0**exponent


def _seconds(value: float | None, factor: float, unit: str) -> str:
    return "not stated" if value is None else f"{text.significant(value * factor, 3)} {unit}"

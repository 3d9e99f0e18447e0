"""Rows of the tables of one scan: lines, pH and magnesium, quality, each with the note a reader would ask for."""

from collections.abc import Mapping
from typing import Any

from myomag.core.robust import Z95
from myomag.report import text
from myomag.report.transients import frequency_plot, rejections

Record = Mapping[str, Any]


def headline(quality: Record | None, magnesium: Record | None) -> list[tuple[str, str, str, str]]:
    """Label, value, explanation and column of the numbers a reader looks for first."""
    items = []
    if magnesium:
        get = magnesium.get
        scale, equation = ((get(key) or {}).get("name", "unnamed") for key in ("mg_calibration", "ph_calibration"))
        note = f"on the {scale} scale"
        if text.finite(get("mg_mmol_l")) is not None:
            ends = text.interval(get("mg_ci95_low_mmol_l"), get("mg_ci95_high_mmol_l"), 3)
            note = f"95 % interval {ends}, {note}"
        items.append(("Free Mg²⁺ (mM)", mg_text(magnesium), note, "mg_mmol_l"))
        items.append(("pH", text.with_sd(get("ph"), get("ph_sd"), 3), f"± SD, by the {equation} equation", "ph"))
    if quality:
        items.append(("PCr SNR", text.significant(quality.get("pcr_snr"), 3), "of the averaged signal", "pcr_snr"))
        width = text.number(quality.get("pcr_fwhm_hz"), 1)
        items.append(("PCr line width (Hz)", width, "full width at half maximum", "pcr_fwhm_hz"))
    return items


def mg_text(record: Record) -> str:
    """Free Mg without its interval, or `undefined` with its probability."""
    return text.magnesium(record.get("mg_mmol_l"), None, None, record.get("mg_p_undefined"))


def line_table(fit: Record | None) -> dict[str, Any] | None:
    """Rows of the line table, falling in ppm as the spectrum does, and the unit of the amplitudes."""
    if fit is None:
        return None
    exponent = text.common_exponent([line["amplitude"] for line in fit["lines"]])
    rows = [
        {
            "name": line["name"],
            "amplitude": text.with_sd(_scaled(line["amplitude"], exponent), _scaled(line["amplitude_sd"], exponent)),
            "shift": text.with_sd(line["shift_ppm"], line["shift_sd_ppm"], 3),
            "width": text.with_sd(line["linewidth_hz"], line["linewidth_sd_hz"], 2),
            "at_bound": ", ".join(line["at_bound"]),
        }
        for line in sorted(fit["lines"], key=lambda line: -float(line["shift_ppm"]))
    ]
    return {"rows": rows, "unit": f"{text.power_of_ten(exponent)} a.u." if exponent else "a.u."}


def fit_facts(fit: Record | None) -> list[tuple[str, str, str]]:
    """Quantity, value and note of what all lines share, and how well the model describes the FID."""
    if fit is None:
        return []
    get = fit.get
    skipped = text.finite(get("skipped_points")) or 0
    skip_time = text.number(skipped * (text.finite(get("dwell_time_s")) or 0) * 1e6, 0)
    return [
        ("Convergence", "converged" if get("converged") else "not converged", str(get("message") or "")),
        ("Begin time", f"{text.with_sd(get('begin_time_us'), get('begin_time_sd_us'))} µs", _begin_time_note(fit)),
        ("Zero-order phase", f"{text.with_sd(get('phase_deg'), get('phase_sd_deg'))}°", "at time zero, common to all"),
        (
            "Residual over noise",
            text.significant(get("residual_over_noise"), 3),
            "ratio of SDs; well above 1 the model misses something beyond noise, and all SDs are larger by it",
        ),
        ("Residual", "white" if get("residual_white") else "not white", _raised_note(fit)),
        (
            "First samples left out",
            text.number(skipped, 0),
            f"{skip_time} µs, against broad signals of bone and lipids",
        ),
        ("Prior knowledge", text.text(get("prior_knowledge")), "bounds and ties of the lines"),
    ]


def _begin_time_note(fit: Record) -> str:
    """What the fit was told of the begin time."""
    prior = fit.get("begin_time_prior") or {}
    expected = text.with_sd(prior.get("mean_us"), prior.get("sd_us"))
    if not fit.get("begin_time_fitted"):
        return "held fixed"
    if prior.get("source") == "protocol":
        return f"fitted; the other scans of the protocol tell {expected} µs"
    apart = ", because this scan does not fit its protocol" if prior.get("outlying") else ""
    return f"fitted by itself{apart}; stated {expected} µs"


def _raised_note(fit: Record) -> str:
    """Which SDs were raised for a residual that is not white."""
    raised = fit.get("sd_raised_by") or {}
    if not raised:
        return "white around every line: SDs as the fit gives them"
    factors = ", ".join(f"{name} × {text.significant(factor, 2)}" for name, factor in raised.items())
    return f"not white around these lines, whose SDs were raised: {factors}"


def results(record: Record | None) -> list[tuple[str, str, str, str, str]]:
    """Quantity, value, 95 % interval, note and column of pH, magnesium and the shifts they come from."""
    if record is None:
        return []
    get = record.get
    steep = "asymmetric, as Mg rises steeply towards the limit of the calibration"
    rows = [
        ("pH", text.with_sd(get("ph"), get("ph_sd"), 3), _ci95(record, "ph"), "", "ph"),
        ("pMg", text.with_sd(get("pmg"), get("pmg_sd"), 3), _ci95(record, "pmg"), "−log₁₀ of Mg²⁺ in mol/l", "pmg"),
        ("Free Mg²⁺ (mM)", mg_text(record), _ci95(record, "mg", "_mmol_l"), get("mg_reason") or steep, "mg_mmol_l"),
        (
            "P(Mg undefined)",
            text.probability(get("mg_p_undefined")),
            "",
            "that the true shift lies where the calibration has no value",
            "mg_p_undefined",
        ),
    ]
    if (freedom := get("mg_chi2_degrees_of_freedom")) is not None:
        note = f"of the shifts of {', '.join(text.line_label(line) for line in get('mg_lines') or ())}"
        rows.append((f"χ² (expected: {freedom})", text.significant(get("mg_chi2")), "", note, ""))
    shifts = (
        ("δ β-ATP (ppm)", "beta_atp"),
        ("δ Pi (ppm)", "pi"),
        ("δ α-ATP (ppm)", "alpha_atp"),
        ("δ γ-ATP (ppm)", "gamma_atp"),
    )
    for label, key in shifts:
        value, sd = text.finite(get(f"{key}_ppm")), text.finite(get(f"{key}_sd_ppm"))
        low, high = (None, None) if value is None or sd is None else (value - Z95 * sd, value + Z95 * sd)
        ends = text.interval(low, high, 3)
        rows.append((label, text.with_sd(value, sd, 3), ends, "from the fitted PCr line", f"{key}_ppm"))
    return rows


def _ci95(record: Record, key: str, unit: str = "") -> str:
    return text.interval(record.get(f"{key}_ci95_low{unit}"), record.get(f"{key}_ci95_high{unit}"), 3)


def calibrations(record: Record | None) -> list[tuple[str, Record]]:
    """Calibrations that turned shifts into pH and magnesium."""
    labels = (("pH", "ph_calibration"), ("Free Mg²⁺", "mg_calibration"))
    return [(label, record[key]) for label, key in labels if record and record.get(key)]


def metrics(quality: Record | None, limits: Record) -> list[tuple[str, str, str]]:
    """Metric, value and what it is judged by."""
    if quality is None:
        return []
    get = quality.get
    width_ppm, drift = text.number(get("pcr_fwhm_ppm"), 3), text.number(get("frequency_drift_hz"), 1)
    used, total = text.text(get("transients_used")), text.text(get("transients"))
    return [
        ("PCr SNR", text.significant(get("pcr_snr"), 3), _limits(limits, "below", "warn_snr", "min_snr")),
        (
            "PCr line width (FWHM)",
            f"{text.number(get('pcr_fwhm_hz'), 1)} Hz ({width_ppm} ppm)",
            _limits(limits, "above", "warn_linewidth_ppm", "max_linewidth_ppm", " ppm"),
        ),
        ("Frequency drift", f"{drift} Hz", _limits(limits, "above", "warn_drift_hz", None, " Hz")),
        (
            "Transients used",
            f"{used} of {total}",
            _limits(limits, "above", "warn_rejected_fraction", "max_rejected_fraction", " rejected"),
        ),
        ("Coils", text.text(get("coils")), ""),
        ("PCr from the carrier", f"{text.number(get('pcr_offset_hz'), 1)} Hz", "before it was placed at 0 ppm"),
        ("Noise SD (a.u.)", text.significant(get("noise_sd"), 3), "per channel of the averaged FID"),
        ("Points", text.text(get("points")), f"over {text.number(get('spectral_width_hz'), 0)} Hz"),
        ("Spectrometer frequency", f"{text.number(get('spectrometer_frequency_mhz'), 3)} MHz", "from the header"),
        ("Repetition time", _seconds(get("repetition_time_s"), 1.0, "s"), ""),
        ("Echo time of the header", _seconds(get("echo_time_s"), 1e6, "µs"), "not the begin time of the FID"),
    ]


def transients(quality: Record | None) -> dict[str, Any]:
    """Plot of the transients' frequencies, and the rejected ones grouped by reason."""
    known = quality or {}
    rejected = rejections(known)
    reasons = sorted(set(rejected.values()))
    numbers = {reason: [index + 1 for index in sorted(rejected) if rejected[index] == reason] for reason in reasons}
    shifts = [text.finite(shift) for shift in known.get("frequency_shifts_hz") or ()]
    plot = frequency_plot(shifts, rejected) if sum(shift is not None for shift in shifts) > 1 else None
    return {"plot": plot, "rejected": [(reason, text.text(numbers[reason])) for reason in reasons]}


def _limits(limits: Record, side: str, warn: str, fail: str | None, unit: str = "") -> str:
    """`warn below 15, fail below 5`, as far as the settings say."""
    named = (("warn", warn), ("fail", fail))
    return ", ".join(f"{word} {side} {text.text(limits[key])}{unit}" for word, key in named if key and key in limits)


def _scaled(value: Any, exponent: int) -> float | None:
    known = text.finite(value)
    return None if known is None else known / 10.0**exponent


def _seconds(value: Any, factor: float, unit: str) -> str:
    known = text.finite(value)
    return "not stated" if known is None else f"{text.significant(known * factor, 3)} {unit}"

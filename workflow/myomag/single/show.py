"""Results of single scans for people: one in full, or many with a line each."""

from collections.abc import Iterator, Mapping, Sequence
from math import exp
from typing import Any

from myomag.io.files import printable
from myomag.io.scan_records import Fit, FitLine, Magnesium, Quality
from myomag.single.scan import SingleResult
from myomag.single.show_series import series_rows
from myomag.steps.measured import Measured
from myomag.wording import text

LINE_COLUMNS = ("line", "amplitude", "CRLB %", "to ATP", "shift from PCr (ppm)", "FWHM (Hz)", "at a bound")


def result_lines(result: SingleResult) -> Iterator[str]:
    """Result of one scan, line by line."""
    flat, outcome = result.flat, result.outcome
    of_grid = f", voxel {flat['voxel']}" if "voxel" in flat else ""
    yield f"{printable(flat['scan'])}{of_grid}: {flat['status']}"
    if flat["reason"]:
        yield f"  {printable(flat['reason'])}"
    if outcome.quality is None or outcome.fit is None or outcome.magnesium is None:
        return
    for name, value in _summary(flat, outcome.quality, outcome.fit):
        yield f"  {name:<16} {value}"
    if outcome.series is not None:
        yield from (f"  {name:<16} {value}" for name, value in series_rows(outcome.series))
    yield ""
    yield from aligned([LINE_COLUMNS, *_line_rows(outcome.quality, outcome.fit, outcome.magnesium)])
    yield from _ratio_notes(outcome.magnesium)


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows of aligned cells, each column as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()


def short_row(flat: Mapping[str, Any], name_width: int) -> str:
    """One line for one scan of many."""
    magnesium = text.magnesium(
        flat["mg_mmol_l"], flat["mg_ci95_low_mmol_l"], flat["mg_ci95_high_mmol_l"], flat["mg_p_undefined"]
    )
    # The same number of digits in every row where possible: the column is read downwards.
    ph, snr = text.with_sd(flat["ph"], flat["ph_sd"], 3), text.significant(flat["pcr_snr"], 3)
    state = flat["status"] if flat["status"] != "included" else flat["verdict"]
    cells = f"{printable(flat['scan']):<{name_width}}  {state:<8}  {magnesium:<24}  {ph:<13}  {snr:<5}"
    return f"{cells}  {printable(flat['reason'] or '')}".rstrip()


def short_head(name_width: int) -> str:
    """Heading of the lines of many scans."""
    return f"{'scan':<{name_width}}  {'verdict':<8}  {'Mg [95 %] (mmol/l)':<24}  {'pH':<13}  {'SNR':<5}".rstrip()


def _summary(flat: Mapping[str, Any], quality: Quality, fit: Fit) -> Iterator[tuple[str, str]]:
    if flat["mg_mmol_l"] is None:
        magnesium = f"undefined: {flat['mg_reason']}"
    else:
        low, high = flat["mg_ci95_low_mmol_l"], flat["mg_ci95_high_mmol_l"]
        magnesium = f"{flat['mg_mmol_l']:.3f} mmol/l" + (
            f"  (95 % interval {low:.3f} … {high:.3f})" if None not in (low, high) else ""
        )
    undefined = flat["mg_p_undefined"]
    tiny = "" if undefined is None or undefined > 1e-6 else "below 1e-6"
    yield "free Mg²⁺", f"{magnesium}, calibration {flat['mg_calibration']}"
    yield "P(Mg undefined)", tiny or ("unknown" if undefined is None else f"{undefined:.2g}")
    yield "pH", f"{_ph(flat)}, calibration {flat['ph_calibration']}"
    yield "β-ATP shift", f"{text.with_sd(flat['beta_atp_ppm'], flat['beta_atp_sd_ppm'])} ppm from PCr"
    yield "begin time", f"{text.with_sd(fit.begin_time_us, fit.begin_time_sd_us)} µs, {_told(fit)}"
    yield "verdict", quality.verdict
    yield from (("", f"- {reason}") for reason in quality.reasons)
    width = text.number(flat["pcr_fwhm_hz"], 1)
    yield "PCr", f"SNR {text.significant(flat['pcr_snr'], 3)}, FWHM {width} Hz"
    yield "transients", _transients(quality)
    yield "fit", f"{fit.message}; {fit.skipped_points} initial samples left out"
    yield "residual", _residual(flat)
    if fit.sd_raised_by:
        least, most = (text.significant(pick(fit.sd_raised_by.values()), 2) for pick in (min, max))
        yield "", f"not white: SD and CRLB of {len(fit.sd_raised_by)} lines increased by a factor of {least} to {most}"
    if count := flat.get("bootstrap_count"):
        shift, ph, pmg = (text.significant(flat[f"bootstrap_{name}_sd"], 2) for name in ("beta_atp_ppm", "ph", "pmg"))
        yield "bootstrap", f"SD over {count} resampled averages: β {shift} ppm, pH {ph}, pMg {pmg}"


def _line_rows(quality: Quality, fit: Fit, magnesium: Magnesium) -> Iterator[tuple[str, ...]]:
    """Lines in the order of the spectrum, by falling ppm; see `LINE_COLUMNS`."""
    scale = 10.0 ** text.common_exponent([line.amplitude for line in fit.lines])
    measured, pcr = Measured(fit, quality.undetected, quality.withheld), _shift(fit, "PCr")
    for line in sorted(fit.lines, key=lambda line: -line.shift_ppm):
        sd = None if line.amplitude_sd is None else line.amplitude_sd / scale
        yield (
            text.line_label(line.name),
            text.with_sd(line.amplitude / scale, sd),
            crlb_percent(line),
            _to_atp(line.name, measured, magnesium),
            text.with_sd(line.shift_ppm - pcr, line.shift_sd_ppm, 4),
            text.with_sd(line.linewidth_hz, line.linewidth_sd_hz, 1),
            ", ".join(line.at_bound),
        )


def crlb_percent(line: FitLine) -> str:
    """Cramér–Rao bound of an amplitude as a percentage of it."""
    if line.amplitude_sd is None or line.amplitude <= 0:
        return text.MISSING
    return text.significant(100 * line.amplitude_sd / line.amplitude, 2)


def _shift(fit: Fit, name: str) -> float:
    return next(line.shift_ppm for line in fit.lines if line.name == name)


def _to_atp(line: str, measured: Measured, magnesium: Magnesium) -> str:
    """Amplitude relative to ATP with SD, corrected for saturation like the ratios of the record."""
    factors = magnesium.saturation_factors or {}
    if line == magnesium.atp_line:
        return "1"
    # Correction requested but impossible, or no T1 for this line: no half-corrected number.
    if magnesium.pcr_atp_ratio is None or (factors and line not in factors):
        return text.MISSING
    ratio = measured.log_ratio(line, magnesium.atp_line, factors)
    if ratio.value is None:
        return text.MISSING
    return text.with_sd(exp(ratio.value), None if ratio.sd is None else exp(ratio.value) * ratio.sd, 3)


def _ratio_notes(magnesium: Magnesium) -> Iterator[str]:
    corrected = "corrected for saturation" if magnesium.saturation_factors else "not corrected for saturation"
    pi_pcr = text.with_sd(magnesium.pi_pcr_ratio, magnesium.pi_pcr_ratio_sd, 3)
    yield f"ATP from {text.line_label(magnesium.atp_line)}; ratios {corrected}; Pi/PCr {pi_pcr}."
    if magnesium.pcr_atp_ratio is None and magnesium.pcr_atp_ratio_reason:
        yield f"No ratios: {magnesium.pcr_atp_ratio_reason}."


def _transients(quality: Quality) -> str:
    """Number of transients averaged, and what was left out before."""
    said = [f"{quality.transients_used} of {quality.transients} averaged"]
    if quality.dummy_transients:
        said.append(f"{quality.dummy_transients} before the steady state")
    if quality.leading_points_cut:
        said.append(f"{quality.leading_points_cut} samples before the signal removed")
    return ", ".join(said)


def _told(fit: Fit) -> str:
    """Source of the begin time before the fit."""
    return f"{'fitted from' if fit.begin_time_fitted else 'by'} {fit.begin_time_prior.stated_by}"


def _ph(flat: Mapping[str, Any]) -> str:
    if flat["ph"] is None:
        return f"undefined: {flat['ph_reason']}"
    return text.with_sd(flat["ph"], flat["ph_sd"], 3)


def _residual(flat: Mapping[str, Any]) -> str:
    """Residual relative to noise, overall and around the lines that results depend on."""
    near = (("PCr", "pcr"), ("Pi", "pi"), ("β-ATP", "beta_atp"))
    around = ", ".join(f"{label} {text.significant(flat[f'{name}_residual_over_noise'], 2)}" for label, name in near)
    return f"{text.significant(flat['residual_over_noise'], 3)} of the noise; around {around}"

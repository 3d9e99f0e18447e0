"""Judge the spectrum and fit of one scan by the thresholds of the settings, and decide which lines are detected."""

from collections.abc import Iterable, Iterator, Mapping
from math import inf
from pathlib import Path
from typing import NamedTuple

from myomag.io.scan_records import (
    BeginTime,
    Cause,
    Fit,
    FitLine,
    Measures,
    Quality,
    read_scan_record,
    scan_record_bytes,
)
from myomag.settings.qc import QcSettings
from myomag.steps.detected import SYMBOLS, undetected
from myomag.steps.series_phases import has_rest

WIDTHS = ("lorentzian_hz", "gaussian_hz")
VERDICTS = ("pass", "warn", "fail")

NO_REST = "the series has no rest, of which pH and Mg could be told"


class Objection(NamedTuple):
    """What speaks against a scan: the verdict that it gives by itself, of which kind it is, and in words."""

    verdict: str
    cause: Cause
    reason: str


def verdict_scan(scan: str, inputs: Mapping[str, Path], settings: QcSettings) -> dict[str, bytes]:
    """Judge one scan; returns its measures with verdict and reasons under `quality`.

    Parameters
    ----------
    scan : str
        BIDS stem of the scan.
    inputs : mapping of str to Path
        `measures`, `begintime` and `fit`.
    settings : QcSettings
        Thresholds.
    """
    measures, fit = read_scan_record(inputs["measures"], Measures), read_scan_record(inputs["fit"], Fit)
    missing, unknown = undetected(fit, settings), withheld(fit, read_scan_record(inputs["begintime"], BeginTime))
    if measures.series and not has_rest(measures.series):
        unknown = unknown or NO_REST
    of_fit = list(judge_fit(fit, settings, missing, unknown))
    verdict, reasons = judge(measures, settings, of_fit)
    deciding = (each for each in (*_of_spectrum(measures, settings), *of_fit) if each.verdict == verdict)
    near = {name: residual.over_noise for name, residual in fit.residual_near.items()}
    bounds = [f"{quantity}:{line.name}" for line in fit.lines for quantity in line.at_bound]
    quality = Quality(
        verdict=verdict,
        reasons=reasons,
        decided_by=next((each.cause for each in deciding), None),
        undetected=missing,
        withheld=unknown,
        pcr_residual_over_noise=near.get("PCr"),
        pi_residual_over_noise=near.get("Pi"),
        beta_atp_residual_over_noise=near.get("beta-ATP"),
        bounds_hit=", ".join(bounds) or None,
        **dict(measures) | {"scan": scan},
    )
    return {"quality": scan_record_bytes(quality)}


def judge(measures: Measures, settings: QcSettings, of_fit: Iterable[Objection] = ()) -> tuple[str, list[str]]:
    """Verdict (pass, warn or fail) on what was measured, with a reason for each threshold not met.

    Parameters
    ----------
    measures : Measures
        Measurements on the spectrum.
    settings : QcSettings
        Thresholds.
    of_fit : iterable of Objection
        Objections to the fit.
    """
    found = [*_of_spectrum(measures, settings), *of_fit]
    verdicts = ["pass", *(each.verdict for each in found)]
    return max(verdicts, key=VERDICTS.index), [each.reason for each in found]


def judge_fit(fit: Fit, settings: QcSettings, missing: Mapping[str, str], unknown: str | None) -> Iterator[Objection]:
    """Objections to a fit, with their verdicts: no minimum, a width at its upper bound, a residual beyond noise.

    Parameters
    ----------
    fit : Fit
        The fit.
    settings : QcSettings
        Thresholds.
    missing : mapping of str to str
        Undetected lines: residuals around them are not misfit.
    unknown : str or None
        Why the fit is not usable.
    """
    if not fit.converged:
        yield Objection("fail", "convergence", "the fit did not converge")
    if unknown:
        yield Objection("fail", "no rest" if unknown == NO_REST else "begin time", unknown)
    elif fit.begin_time_prior.source == "data":
        yield Objection(
            "warn", "begin time", f"begin time estimated from this scan alone ({fit.begin_time_prior.stated_by})"
        )
    lines = {line.name: line for line in fit.lines if line.name not in missing}
    for name, residual in fit.residual_near.items():
        if name in lines:
            yield from _of_line(lines[name], residual.share, settings)


def withheld(fit: Fit, own: BeginTime) -> str | None:
    """Why no shift of a fit can be trusted: the begin time changes the relative phases of all lines."""
    if own.doubt and fit.begin_time_prior.source in ("stated", "data"):
        return own.doubt
    if fit.begin_time_fitted and fit.begin_time_sd_us is None and fit.converged:
        return f"begin time not determined: it ended at the edge of its window, at {fit.begin_time_us:.0f} µs"
    return None


def _of_spectrum(measures: Measures, settings: QcSettings) -> Iterator[Objection]:
    s, share, rejected = settings, measures.rejected_fraction, "fraction of rejected transients"
    # Cause, name, value, unit, whether more is better (−1) or worse (1), limits of fail and warn.
    checks: tuple[tuple[Cause, str, float | None, str, int, float, float], ...] = (
        ("signal", "PCr SNR", measures.pcr_snr, "", -1, s.min_snr, s.warn_snr),
        ("line width", "PCr linewidth", measures.pcr_fwhm_ppm, " ppm", 1, s.max_linewidth_ppm, s.warn_linewidth_ppm),
        ("drift", "frequency drift", measures.frequency_drift_hz, " Hz", 1, inf, s.warn_drift_hz),
        ("transients", rejected, share, "", 1, s.max_rejected_fraction, s.warn_rejected_fraction),
    )
    for cause, name, value, unit, sign, fail_limit, warn_limit in checks:
        if value is None:
            yield Objection("warn", cause, f"{name} unknown: no noise could be measured")
            continue
        for verdict, limit in (("fail", fail_limit), ("warn", warn_limit)):
            if sign * value > sign * limit:
                beyond = f"{value:.3g}{unit} {'above' if sign > 0 else 'below'} {limit:g}{unit}"
                yield Objection(verdict, cause, f"{name} {beyond}")
                break


def _of_line(line: FitLine, share: float, settings: QcSettings) -> Iterator[Objection]:
    symbol = SYMBOLS.get(line.name, line.name)
    if any(_at_upper_bound(line, width) for width in WIDTHS):
        yield Objection("warn", "residual", f"the width of {symbol} is at its bound")
    for verdict, limit in (("fail", settings.max_residual_share), ("warn", settings.warn_residual_share)):
        if share > limit:
            reason = f"residual around {symbol} is {share:.2g} of the line, above {limit:g}"
            yield Objection(verdict, "residual", reason)
            break


def _at_upper_bound(line: FitLine, quantity: str) -> bool:
    """Whether a width ended at its upper bound: the other end of its interval is lower."""
    limit = line.bound_limits_95.get(quantity)
    return quantity in line.at_bound and limit is not None and limit < getattr(line, quantity)

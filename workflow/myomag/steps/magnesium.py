"""Intracellular pH and free magnesium of one scan, from the fitted shifts."""

from collections.abc import Mapping
from math import sqrt
from pathlib import Path
from typing import Any, NamedTuple

from myomag.core.calibration import ShiftPosterior
from myomag.core.magnesium import MgCalibration, mg_calibration, mg_mmol_l, pmg_posterior
from myomag.core.ph import PhCalibration, ph_calibration, ph_posterior
from myomag.io.records import read_record, record_bytes

REFERENCE = "PCr"


class Shift(NamedTuple):
    """Shift of a line from PCr [ppm], its SD, and why one of them is missing (None: neither is)."""

    ppm: float | None
    sd_ppm: float | None
    reason: str | None


def magnesium_scan(scan: str, inputs: Mapping[str, Path], settings: Mapping[str, Any]) -> dict[str, bytes]:
    """Derive pH, pMg and [Mg2+] with intervals from the fit of one scan; returns the record under `magnesium`.

    Parameters
    ----------
    scan : str
        BIDS stem of the scan.
    inputs : mapping of str to Path
        `fit`.
    settings : mapping
        Section `magnesium`, calibrations in full.
    """
    fit = read_record(inputs["fit"])
    ph, mg = ph_calibration(settings["ph_calibration"]), mg_calibration(settings["mg_calibration"])
    pi, beta = shift_from_pcr(fit, "Pi"), shift_from_pcr(fit, "beta-ATP")
    record = {"scan": scan} | _ph_record(ph, pi) | _mg_record(mg, beta)
    record |= {
        "beta_atp_ppm": beta.ppm,
        "beta_atp_sd_ppm": beta.sd_ppm,
        "alpha_atp_ppm": shift_from_pcr(fit, "alpha-ATP").ppm,
        "gamma_atp_ppm": shift_from_pcr(fit, "gamma-ATP").ppm,
        "pi_ppm": pi.ppm,
        "pi_sd_ppm": pi.sd_ppm,
        "ph_calibration": {"name": ph.name, "source": ph.source, "standing": ph.standing},
        "mg_calibration": {"name": mg.name, "source": mg.source, "standing": mg.standing},
    }
    return {"magnesium": record_bytes(record)}


def shift_from_pcr(fit: Mapping[str, Any], line: str) -> Shift:
    """Shift of a fitted line from the fitted PCr line [ppm], SD from the covariance of both.

    Var(δ − δPCr) = Var(δ) + Var(δPCr) − 2·Cov(δ, δPCr).
    """
    if not fit["converged"]:
        return Shift(None, None, f"the fit did not converge ({fit['message']})")
    lines = {entry["name"]: entry for entry in fit["lines"]}
    for name in (line, REFERENCE):
        if name not in lines:
            return Shift(None, None, f"the fit has no line {name!r}")
    difference = lines[line]["shift_ppm"] - lines[REFERENCE]["shift_ppm"]
    for name in (line, REFERENCE):
        if "shift_ppm" in lines[name]["at_bound"]:
            return Shift(difference, None, f"the shift of {name} lies at its bound")
    names = fit["covariance"]["parameters"]
    rows = [names.index(f"shift_ppm:{name}") for name in (line, REFERENCE)]
    (own, shared), (_, reference) = ([fit["covariance"]["matrix"][i][j] for j in rows] for i in rows)
    if own is None or shared is None or reference is None:
        return Shift(difference, None, f"the fit gives no SD for the shift of {line}")
    return Shift(difference, sqrt(max(own + reference - 2 * shared, 0.0)), None)


def _ph_record(calibration: PhCalibration, shift: Shift) -> dict[str, Any]:
    posterior, reason = None, shift.reason
    if shift.ppm is not None and shift.sd_ppm is not None:
        posterior = ph_posterior(calibration, delta_ppm=shift.ppm, delta_sd_ppm=shift.sd_ppm)
        reason = _outside("Pi", shift.ppm, calibration) if posterior.value is None else None
    values = _values(posterior)
    return {
        "ph": values.value,
        "ph_sd": values.sd,
        "ph_ci95_low": values.ci95_low,
        "ph_ci95_high": values.ci95_high,
        "ph_reason": reason,
    }


def _mg_record(calibration: MgCalibration, shift: Shift) -> dict[str, Any]:
    posterior, reason = None, shift.reason
    if shift.ppm is not None and shift.sd_ppm is not None:
        posterior = pmg_posterior(calibration, delta_ppm=shift.ppm, delta_sd_ppm=shift.sd_ppm)
        reason = _outside("β-ATP", shift.ppm, calibration) if posterior.value is None else None
    values = _values(posterior)
    return {
        "pmg": values.value,
        "pmg_sd": values.sd,
        "pmg_ci95_low": values.ci95_low,
        "pmg_ci95_high": values.ci95_high,
        "mg_mmol_l": _concentration(values.value),
        # Much magnesium is a small pMg.
        "mg_ci95_low_mmol_l": _concentration(values.ci95_high),
        "mg_ci95_high_mmol_l": _concentration(values.ci95_low),
        "mg_p_undefined": None if posterior is None else posterior.p_undefined,
        "mg_reason": reason,
    }


def _values(posterior: ShiftPosterior | None) -> ShiftPosterior:
    return posterior or ShiftPosterior(None, None, None, None, 1.0)


def _concentration(pmg: float | None) -> float | None:
    return None if pmg is None else mg_mmol_l(pmg)


def _outside(line: str, shift_ppm: float, calibration: PhCalibration | MgCalibration) -> str:
    return (
        f"{line} at {shift_ppm:.3f} ppm is outside {calibration.lower_ppm:g}…{calibration.upper_ppm:g} ppm, where "
        f"{calibration.name} is defined"
    )

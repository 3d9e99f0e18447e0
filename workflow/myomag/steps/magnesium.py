"""Intracellular pH, free magnesium and energetics of one scan, from the fitted shifts and amplitudes."""

from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from myomag.core.calibration import mg_mmol_l
from myomag.core.energetics import Constants, equilibrium_constants
from myomag.io.records import read_record
from myomag.io.scan_records import Fit, Magnesium, MgAnswer, PhAnswer, Quality, read_scan_record, scan_record_bytes
from myomag.settings.base import content
from myomag.settings.magnesium import MagnesiumSettings
from myomag.steps.energetics import energetics_fields
from myomag.steps.estimates import Estimate, estimate_mg, estimate_ph
from myomag.steps.measured import Measured

P_DECIMALS = 12
"""Decimals kept of a probability: smaller digits are rounding errors of a tail function."""


def magnesium_scan(scan: str, inputs: Mapping[str, Path], settings: MagnesiumSettings) -> dict[str, bytes]:
    """Derive pH, pMg, [Mg2+] and energetics with their errors from one fit; returns the record under `magnesium`.

    Parameters
    ----------
    scan : str
        BIDS stem of the scan.
    inputs : mapping of str to Path
        `fit`, `quality`, which says which lines were detected, and `preproc_sidecar`, read only for a correction of
        saturation.
    settings : MagnesiumSettings
        Calibrations in full, and the values that energetics depends on.
    """
    quality = read_scan_record(inputs["quality"], Quality)
    measured = Measured(read_scan_record(inputs["fit"], Fit), quality.undetected, quality.withheld)
    constants = equilibrium_constants(
        temperature_c=settings.temperature_c, ionic_strength_mol_l=settings.ionic_strength_mol_l
    )
    ph_document, mg_document = content(settings.ph_calibration), content(settings.mg_calibration)
    ph = estimate_ph(measured, ph_document)
    together, mg = estimate_mg(measured, mg_document, ph_document, constants)
    sidecar = read_record(inputs["preproc_sidecar"]) if settings.t1_s is not None else {}
    record = Magnesium(
        scan=scan,
        ph_calibration=(together or ph).calibration,
        mg_calibration=mg.calibration,
        **_ph_fields(together or ph),
        **_mg_fields(mg),
        ph_sd_systematic=measured.systematic_sd((together or ph).gradient),
        pmg_sd_systematic=measured.systematic_sd(mg.gradient),
        pmg_begin_time_covariance=measured.noise_shared_with("begin_time", mg.gradient),
        pmg_phase_covariance=measured.noise_shared_with("phase", mg.gradient),
        pmg_ph_covariance=_noise_of_both(measured, together or ph, mg),
        **_shifts(measured),
        **_amplitudes(measured),
        **energetics_fields(measured, together or ph, mg, constants, settings, sidecar),
        **_by_calibration(measured, settings, constants, ph, mg),
    )
    return {"magnesium": scan_record_bytes(record)}


def _noise_of_both(measured: Measured, ph: Estimate, mg: Estimate) -> float | None:
    if ph.gradient is None or mg.gradient is None:
        return None
    covariance = float(measured.covariance([ph.gradient, mg.gradient])[0, 1])
    return covariance if isfinite(covariance) else None


def _ph_fields(estimate: Estimate) -> dict[str, Any]:
    values = estimate.posterior
    return {
        "ph": values.value,
        "ph_sd": values.sd,
        "ph_ci95_low": values.ci95_low,
        "ph_ci95_high": values.ci95_high,
        "ph_reason": estimate.reason,
        "ph_lines": list(estimate.lines),
        "ph_sd_noise": estimate.sd_noise,
        "ph_sd_model": estimate.sd_model,
    }


def _mg_fields(estimate: Estimate) -> dict[str, Any]:
    values = estimate.posterior
    return {
        "pmg": values.value,
        "pmg_sd": values.sd,
        "pmg_ci95_low": values.ci95_low,
        "pmg_ci95_high": values.ci95_high,
        **_concentrations(estimate),
        "mg_p_undefined": _probability(estimate.p_undefined),
        "mg_reason": estimate.reason,
        "mg_lines": list(estimate.lines),
        "mg_chi2": estimate.chi2,
        "mg_chi2_degrees_of_freedom": estimate.degrees_of_freedom,
        "pmg_sd_noise": estimate.sd_noise,
        "pmg_sd_model": estimate.sd_model,
    }


def _concentrations(estimate: Estimate) -> dict[str, float | None]:
    """Free Mg2+ [mmol/l] with its interval; more magnesium is a smaller pMg."""
    pmg = estimate.posterior
    named = {"mg_mmol_l": pmg.value, "mg_ci95_low_mmol_l": pmg.ci95_high, "mg_ci95_high_mmol_l": pmg.ci95_low}
    return {name: None if value is None else mg_mmol_l(value) for name, value in named.items()}


def _shifts(measured: Measured) -> dict[str, float | None]:
    """Shifts from the fitted PCr line with their SDs [ppm]."""
    alpha, beta, gamma, pi = (measured.shift({line: 1.0}) for line in ("alpha-ATP", "beta-ATP", "gamma-ATP", "Pi"))
    return {
        "beta_atp_ppm": beta.value,
        "beta_atp_sd_ppm": beta.sd,
        "alpha_atp_ppm": alpha.value,
        "alpha_atp_sd_ppm": alpha.sd,
        "gamma_atp_ppm": gamma.value,
        "gamma_atp_sd_ppm": gamma.sd,
        "pi_ppm": pi.value,
        "pi_sd_ppm": pi.sd,
    }


def _amplitudes(measured: Measured) -> dict[str, float | None]:
    """Amplitudes with their SDs [units of the FID]."""
    lines = {"pcr": "PCr", "pi": "Pi", "alpha_atp": "alpha-ATP", "beta_atp": "beta-ATP", "gamma_atp": "gamma-ATP"}
    found = {name: measured.amplitude(line) for name, line in lines.items()}
    values = {f"{name}_amplitude": each.value for name, each in found.items()}
    return values | {f"{name}_amplitude_sd": each.sd for name, each in found.items()}


def _by_calibration(
    measured: Measured, settings: MagnesiumSettings, constants: Constants, ph: Estimate, mg: Estimate
) -> dict[str, Any]:
    """Result of each calibration for the same shifts, starting with those in use.

    A calibration of Mg that is solved together with pH gives one result per pH calibration.
    """
    ph_used, mg_used = content(settings.ph_calibration), content(settings.mg_calibration)
    others = [content(each) for each in settings.compare_calibrations]
    others = [each for each in others if each["name"] not in (ph_used["name"], mg_used["name"])]
    of_ph, of_mg = ([each for each in others if each["quantity"] == quantity] for quantity in ("ph", "mg"))
    by_mg = [_mg_answer(mg), *(_mg_answer(estimate_mg(measured, each, ph_used, constants)[1]) for each in of_mg)]
    for document in (mg_used, *of_mg):
        for each in of_ph if document["family"] == "speciation" else ():
            estimate = estimate_mg(measured, document, each, constants)[1]
            by_mg.append(_mg_answer(estimate, name=f"{document['name']} with {each['name']}"))
    return {
        "ph_by_calibration": [_ph_answer(ph), *(_ph_answer(estimate_ph(measured, each)) for each in of_ph)],
        "mg_by_calibration": by_mg,
    }


def _ph_answer(estimate: Estimate) -> PhAnswer:
    return PhAnswer(
        calibration=estimate.calibration.name,
        standing=estimate.calibration.standing,
        ph=estimate.posterior.value,
        ph_ci95_low=estimate.posterior.ci95_low,
        ph_ci95_high=estimate.posterior.ci95_high,
        ph_reason=estimate.reason,
    )


def _mg_answer(estimate: Estimate, name: str = "") -> MgAnswer:
    return MgAnswer(
        calibration=name or estimate.calibration.name,
        standing=estimate.calibration.standing,
        mg_p_undefined=_probability(estimate.p_undefined),
        mg_reason=estimate.reason,
        **_concentrations(estimate),
    )


def _probability(value: float | None) -> float | None:
    return None if value is None else round(value, P_DECIMALS)

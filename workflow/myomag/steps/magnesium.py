"""Intracellular pH, free magnesium and energetics of one scan, from the fitted shifts and amplitudes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from myomag.core.calibration import mg_mmol_l
from myomag.core.energetics import Constants, equilibrium_constants
from myomag.io.records import read_record, record_bytes
from myomag.steps.energetics import energetics_record
from myomag.steps.estimates import Estimate, estimate_mg, estimate_ph
from myomag.steps.measured import Measured

P_DECIMALS = 12
"""Decimals kept of a probability: below lies the rounding of a tail function, not a statement about the scan."""


def magnesium_scan(scan: str, inputs: Mapping[str, Path], settings: Mapping[str, Any]) -> dict[str, bytes]:
    """Derive pH, pMg, [Mg2+] and energetics with their errors from one fit; returns the record under `magnesium`.

    Parameters
    ----------
    scan : str
        BIDS stem of the scan.
    inputs : mapping of str to Path
        `fit`, and `preproc_sidecar`, which is read for a correction of saturation only.
    settings : mapping
        Section `magnesium`, calibrations in full.
    """
    measured = Measured(read_record(inputs["fit"]))
    constants = equilibrium_constants(
        temperature_c=settings["temperature_c"], ionic_strength_mol_l=settings["ionic_strength_mol_l"]
    )
    ph = estimate_ph(measured, settings["ph_calibration"])
    together, mg = estimate_mg(measured, settings["mg_calibration"], settings["ph_calibration"], constants)
    sidecar = read_record(inputs["preproc_sidecar"]) if settings["t1_s"] is not None else {}
    record = {"scan": scan} | _ph_record(together or ph) | _mg_record(mg) | _shifts(measured)
    record |= {"ph_calibration": (together or ph).calibration, "mg_calibration": mg.calibration}
    record |= energetics_record(measured, together or ph, mg, constants, settings, sidecar)
    record |= _sensitivity(measured, settings, constants, ph, mg)
    return {"magnesium": record_bytes(record)}


def _ph_record(estimate: Estimate) -> dict[str, Any]:
    values = estimate.posterior
    return {
        "ph": values.value,
        "ph_sd": values.sd,
        "ph_ci95_low": values.ci95_low,
        "ph_ci95_high": values.ci95_high,
        "ph_reason": estimate.reason,
        "ph_lines": list(estimate.lines),
    }


def _mg_record(estimate: Estimate) -> dict[str, Any]:
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
    }


def _concentrations(estimate: Estimate) -> dict[str, float | None]:
    """Free Mg2+ [mmol/l] with its interval; much magnesium is a small pMg."""
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


def _sensitivity(
    measured: Measured, settings: Mapping[str, Any], constants: Constants, ph: Estimate, mg: Estimate
) -> dict[str, list[dict[str, Any]]]:
    """What each calibration would have said of the same shifts, those in use first.

    A calibration of Mg that is solved together with the pH answers once for each calibration of the pH.
    """
    used = [settings["ph_calibration"], settings["mg_calibration"]]
    names = {document["name"] for document in used}
    others = [document for document in settings["compare_calibrations"] if document["name"] not in names]
    of_ph, of_mg = ([each for each in others if each["quantity"] == quantity] for quantity in ("ph", "mg"))
    by_mg = [_mg_row(mg), *(_mg_row(estimate_mg(measured, each, used[0], constants)[1]) for each in of_mg)]
    for document in (used[1], *of_mg):
        for each in of_ph if document["family"] == "speciation" else ():
            estimate = estimate_mg(measured, document, each, constants)[1]
            by_mg.append(_mg_row(estimate) | {"calibration": f"{document['name']} with {each['name']}"})
    return {
        "ph_by_calibration": [_ph_row(ph), *(_ph_row(estimate_ph(measured, each)) for each in of_ph)],
        "mg_by_calibration": by_mg,
    }


def _ph_row(estimate: Estimate) -> dict[str, Any]:
    shown = ("ph", "ph_ci95_low", "ph_ci95_high", "ph_reason")
    values = _ph_record(estimate)
    return _named(estimate) | {key: values[key] for key in shown}


def _mg_row(estimate: Estimate) -> dict[str, Any]:
    probability = {"mg_p_undefined": _probability(estimate.p_undefined), "mg_reason": estimate.reason}
    return _named(estimate) | _concentrations(estimate) | probability


def _named(estimate: Estimate) -> dict[str, Any]:
    return {"calibration": estimate.calibration["name"], "standing": estimate.calibration["standing"]}


def _probability(value: float | None) -> float | None:
    return None if value is None else round(value, P_DECIMALS)

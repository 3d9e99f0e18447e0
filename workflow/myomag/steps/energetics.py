"""Ratios of metabolites, free ADP and the free energy of ATP hydrolysis of one scan, as part of its record."""

from collections.abc import Iterator, Mapping
from math import exp
from typing import Any

import numpy as np

from myomag.core import constants as known
from myomag.core.calibration import GIVEN, weakest
from myomag.core.energetics import Constants, Derived, dg_atp_kj_mol, free_adp_umol_l, saturation_factor
from myomag.io.nuclei import GYROMAGNETIC_RATIO_MHZ_T
from myomag.io.scan_records import Assumption
from myomag.settings.magnesium import MagnesiumSettings
from myomag.steps.estimates import Estimate
from myomag.steps.measured import Array, Measured, Quantity

NOT_CORRECTED = (
    "the amplitudes are not corrected for partial saturation, so ADP would be several times too high; set "
    "magnesium.t1_s"
)
SAME_FIELD = 0.05
"""Largest relative difference between the field strength and that of the T1: 2.89 T is called 3 T."""
ASSUMED = (known.ATP, known.TOTAL_CREATINE, known.TEMPERATURE, known.IONIC_STRENGTH)


def energetics_fields(
    measured: Measured,
    ph: Estimate,
    mg: Estimate,
    constants: Constants,
    settings: MagnesiumSettings,
    sidecar: Mapping[str, Any],
) -> dict[str, Any]:
    """Fields of the record: ratios, free ADP and ΔG of ATP hydrolysis, each with SD or the reason why it is missing.

    Parameters
    ----------
    measured : Measured
        Fit.
    ph, mg : Estimate
        Intracellular pH and pMg.
    constants : mapping of str to float
        Equilibrium constants at the temperature and ionic strength of the settings.
    settings : MagnesiumSettings
        Assumed concentrations and T1.
    sidecar : mapping
        Sidecar of the averaged FID, for its RepetitionTime and FlipAngle.
    """
    atp = settings.atp_line
    lines = {"PCr": atp, "Pi": atp, "PDE": atp, "PME": atp}
    t1_s, absent = _t1_of(settings.t1_s, sidecar)
    correction, problem = _saturation(t1_s, absent, sidecar, (*lines, atp))
    ratios = {f"{line}/ATP": _ratio(measured, line, to, correction, problem) for line, to in lines.items()}
    pi_pcr = _ratio(measured, "Pi", "PCr", correction, problem)
    adp, adp_reason = (
        (None, NOT_CORRECTED) if settings.t1_s is None else _adp(constants, ph, mg, ratios["PCr/ATP"], settings)
    )
    energy, energy_reason = _energy(constants, ph, mg, adp, adp_reason, ratios["Pi/ATP"], settings)
    covariance = _covariance(measured, ph, mg, ratios["PCr/ATP"], ratios["Pi/ATP"])
    assumed = [*_assumptions(settings), *_t1_assumed(t1_s, correction, settings)]
    standings = [each.standing for each in assumed] + [ph.calibration.standing, mg.calibration.standing]
    return {
        **_ratio_fields("pi_pcr", pi_pcr),
        **_ratio_fields("pcr_atp", ratios["PCr/ATP"]),
        **_ratio_fields("pde_atp", ratios["PDE/ATP"]),
        **_ratio_fields("pme_atp", ratios["PME/ATP"]),
        "atp_line": atp,
        "saturation_factors": correction or None,
        "adp_umol_l": adp.value if adp else None,
        "adp_sd_umol_l": _sd(adp, covariance),
        "adp_reason": adp_reason,
        "dg_atp_kj_mol": energy.value if energy else None,
        "dg_atp_sd_kj_mol": _sd(energy, covariance),
        "dg_atp_reason": energy_reason,
        "energetics_standing": weakest(standings),
        "energetics_assumptions": assumed,
    }


def _t1_of(t1_s: Mapping[str, Any] | None, sidecar: Mapping[str, Any]) -> tuple[Mapping[str, float] | None, str]:
    """T1 of each line at the field of a scan [s], and why there are none."""
    if t1_s is None or not any(isinstance(value, Mapping) for value in t1_s.values()):
        return t1_s, ""
    field_t = field_strength_t(sidecar)
    for given, of_lines in t1_s.items():
        if field_t is not None and abs(float(given) / field_t - 1) <= SAME_FIELD:
            return of_lines, ""
    at = "an unknown field strength" if field_t is None else f"{field_t:.2f} T"
    return {}, f"t1_s has T1 for {' T and '.join(t1_s)} T, but not for {at}"


def field_strength_t(sidecar: Mapping[str, Any]) -> float | None:
    """Field strength from the spectrometer frequency [T]; the header may give a rounded one."""
    frequency = sidecar.get("SpectrometerFrequency")
    mhz = frequency[0] if isinstance(frequency, list) and frequency else frequency
    return mhz / GYROMAGNETIC_RATIO_MHZ_T["31P"] if isinstance(mhz, int | float) and mhz > 0 else None


def _saturation(
    t1_s: Mapping[str, float] | None, absent: str, sidecar: Mapping[str, Any], lines: tuple[str, ...]
) -> tuple[dict[str, float], dict[str, str]]:
    """Saturation factor of each line, and per line why there is none although the settings request it."""
    if t1_s is None:
        return {}, {}
    if absent:
        return {}, dict.fromkeys(lines, f"saturation cannot be corrected: {absent}")
    stated = {}
    for key, least in (("RepetitionTime", 1e-3), ("FlipAngle", 0.1)):
        value = sidecar.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or value < least:
            reason = f"saturation cannot be corrected: the sidecar does not state {key}; add it, or set t1_s to null"
            return {}, dict.fromkeys(lines, reason)
        stated[key] = float(value)
    factors = {
        line: saturation_factor(
            repetition_time_s=stated["RepetitionTime"], t1_s=t1_s[line], flip_angle_deg=stated["FlipAngle"]
        )
        for line in dict.fromkeys(lines)
        if line in t1_s
    }
    return factors, {line: f"t1_s has no T1 for {line}" for line in lines if line not in t1_s}


def _ratio(
    measured: Measured, line: str, to: str, factors: Mapping[str, float], problems: Mapping[str, str]
) -> Quantity:
    """Logarithm of a ratio of amplitudes, corrected for saturation if the settings request it."""
    ratio = measured.log_ratio(line, to, factors)
    problem = problems.get(line) or problems.get(to)
    return Quantity(None, None, ratio.gradient * 0, problem) if problem and ratio.value is not None else ratio


def _ratio_fields(name: str, log_ratio: Quantity) -> dict[str, Any]:
    value = None if log_ratio.value is None else exp(log_ratio.value)
    return {
        f"{name}_ratio": value,
        f"{name}_ratio_sd": None if value is None or log_ratio.sd is None else value * log_ratio.sd,
        f"{name}_ratio_reason": log_ratio.reason,
    }


def _adp(
    constants: Constants, ph: Estimate, mg: Estimate, pcr_atp: Quantity, settings: MagnesiumSettings
) -> tuple[Derived | None, str | None]:
    """Free ADP [µmol/l], or why there is none."""
    if ph.posterior.value is None or mg.posterior.value is None:
        return None, f"no pH: {ph.reason}" if ph.posterior.value is None else f"no free Mg: {mg.reason}"
    if pcr_atp.value is None:
        return None, f"no PCr/ATP: {pcr_atp.reason}"
    try:
        adp = free_adp_umol_l(
            constants,
            ph=ph.posterior.value,
            pmg=mg.posterior.value,
            pcr_atp=exp(pcr_atp.value),
            atp_mmol_l=settings.atp_mmol_l,
            total_creatine_mmol_l=settings.total_creatine_mmol_l,
        )
    except ValueError as error:
        return None, str(error)
    return adp, None


def _energy(
    constants: Constants,
    ph: Estimate,
    mg: Estimate,
    adp: Derived | None,
    adp_reason: str | None,
    pi_atp: Quantity,
    settings: MagnesiumSettings,
) -> tuple[Derived | None, str | None]:
    """Free energy of ATP hydrolysis [kJ/mol], or why there is none."""
    if adp is None or ph.posterior.value is None or mg.posterior.value is None:
        return None, f"no free ADP: {adp_reason}"
    if pi_atp.value is None:
        return None, f"no Pi/ATP: {pi_atp.reason}"
    energy = dg_atp_kj_mol(
        constants,
        adp,
        ph=ph.posterior.value,
        pmg=mg.posterior.value,
        pi_atp=exp(pi_atp.value),
        temperature_c=settings.temperature_c,
    )
    return energy, None


def _covariance(measured: Measured, ph: Estimate, mg: Estimate, pcr_atp: Quantity, pi_atp: Quantity) -> Array | None:
    """Covariance of pH, pMg, ln PCr/ATP and ln Pi/ATP, the first two with the SD of their posteriors."""
    if ph.gradient is None or mg.gradient is None or ph.posterior.sd is None or mg.posterior.sd is None:
        return None
    covariance = measured.covariance([ph.gradient, mg.gradient, pcr_atp.gradient, pi_atp.gradient])
    sd = np.sqrt(np.diag(covariance))
    scale = np.ones(4)
    # Near the limit of a calibration the posterior is wider than the slope at its centre implies.
    scale[:2] = np.array([ph.posterior.sd, mg.posterior.sd]) / np.where(sd[:2] > 0, sd[:2], 1.0)
    return covariance * np.outer(scale, scale)


def _sd(quantity: Derived | None, covariance: Array | None) -> float | None:
    if quantity is None or covariance is None:
        return None
    used = np.flatnonzero(quantity.gradient)
    relevant = Derived(quantity.value, quantity.gradient[used])
    matrix = covariance[np.ix_(used, used)]
    return relevant.sd(matrix) if np.all(np.isfinite(matrix)) else None


def _t1_assumed(
    t1_s: Mapping[str, float] | None, corrected: Mapping[str, float], settings: MagnesiumSettings
) -> Iterator[Assumption]:
    """T1 used for the correction, given by the user."""
    source = settings.t1_source or "Settings of the study"
    for line in corrected:
        yield Assumption(name=f"T1 of {line}", value=(t1_s or {})[line], unit="s", source=source, standing=GIVEN)


def _assumptions(settings: MagnesiumSettings) -> list[Assumption]:
    """Values that ADP and ΔG depend on; one that differs from its default is the user's."""
    found = []
    for constant in ASSUMED:
        value = getattr(settings, constant.name)
        own = value != constant.value
        source, standing = ("Settings of the study", GIVEN) if own else (constant.source, constant.standing)
        found.append(Assumption(name=constant.name, value=value, unit=constant.unit, source=source, standing=standing))
    return found

"""Creatine-kinase equilibrium, free energy of ATP and saturation: published checks, closed forms, limits, errors."""

from math import cos, exp, log, log10, pi

import numpy as np
import pytest

from myomag.core import constants as known
from myomag.core.energetics import (
    atp_hydrolysis,
    binding,
    creatine_kinase,
    debye_huckel_slope,
    dg_atp_kj_mol,
    equilibrium_constants,
    free_adp_umol_l,
    saturation_factor,
)

MUSCLE = equilibrium_constants(temperature_c=37.0, ionic_strength_mol_l=0.25)
PERCENT = 0.01


def pmg_of(mg_mmol_l):
    return 3 - log10(mg_mmol_l)


def adp_of(mg_mmol_l, ph=7.05, pcr_mmol_l=33.0):
    return free_adp_umol_l(
        MUSCLE,
        ph=ph,
        pmg=pmg_of(mg_mmol_l),
        pcr_atp=pcr_mmol_l / known.ATP.value,
        atp_mmol_l=known.ATP.value,
        total_creatine_mmol_l=known.TOTAL_CREATINE.value,
    )


def test_constants_at_muscle_temperature_and_ionic_strength():
    assert MUSCLE["ck"] == pytest.approx(3.823e8, rel=PERCENT)
    assert 1e6 / MUSCLE["kb_mgatp"] == pytest.approx(96, rel=PERCENT)
    assert -log10(MUSCLE["ka_atp"]) == pytest.approx(6.48, abs=0.005)


@pytest.mark.parametrize(("mg_mmol_l", "constant"), [(0.3, 97), (0.5, 125), (0.8, 155), (1.0, 170)])
def test_apparent_constant_of_creatine_kinase_at_ph_7_05(mg_mmol_l, constant):
    assert creatine_kinase(MUSCLE, ph=7.05, pmg=pmg_of(mg_mmol_l)).value == pytest.approx(constant, rel=PERCENT)


@pytest.mark.parametrize(("mg_mmol_l", "adp_umol_l"), [(0.3, 24), (0.5, 19), (1.0, 14)])
def test_free_adp_of_resting_muscle(mg_mmol_l, adp_umol_l):
    # The published values are whole numbers.
    assert adp_of(mg_mmol_l).value == pytest.approx(adp_umol_l, abs=0.5)


@pytest.mark.parametrize("mg_mmol_l", [0.3, 0.5, 1.0])
def test_free_energy_of_atp_in_resting_muscle(mg_mmol_l):
    adp = adp_of(mg_mmol_l)
    pi_atp = 4.5 / known.ATP.value
    energy = dg_atp_kj_mol(MUSCLE, adp, ph=7.05, pmg=pmg_of(mg_mmol_l), pi_atp=pi_atp, temperature_c=37.0)
    assert energy.value == pytest.approx(-63.4, rel=PERCENT)


def test_constants_are_the_tabulated_ones_at_the_reference_state():
    reference = equilibrium_constants(temperature_c=25.0, ionic_strength_mol_l=0.0)
    assert reference == pytest.approx({name: entry.k for name, entry in known.EQUILIBRIA.items()}, rel=1e-12)


def test_debye_huckel_slope_at_25_degrees_is_that_of_the_law_for_water():
    # ln 10 · 0.509 l^½ mol^−½, the textbook value for water at 25 °C.
    assert debye_huckel_slope(25.0) == pytest.approx(log(10) * 0.509, rel=0.005)


def test_temperature_moves_constants_by_van_t_hoff():
    step = 0.01
    warmer, colder = (equilibrium_constants(temperature_c=37 + s, ionic_strength_mol_l=0.0) for s in (step, -step))
    for name, entry in known.EQUILIBRIA.items():
        slope = log(warmer[name] / colder[name]) / (2 * step)
        expected = 1000 * entry.enthalpy_kj_mol / (known.GAS_CONSTANT_J_MOL_K * 310.15**2)
        assert slope == pytest.approx(expected, rel=1e-4)


def test_ions_screen_the_binding_of_magnesium_to_atp():
    binding_constants = [equilibrium_constants(ionic_strength_mol_l=i)["kb_mgatp"] for i in (0.0, 0.1, 0.2, 0.3)]
    assert np.all(np.diff(binding_constants) < 0)


@pytest.mark.parametrize("ligand", ["atp", "adp", "pcr", "pi"])
def test_mean_bound_ions_are_the_slopes_of_the_binding_polynomial(ligand):
    step, ph, pmg = 1e-5, 6.9, 3.2
    bound = binding(MUSCLE, ligand, ph=ph, pmg=pmg)
    by_ph = [log(binding(MUSCLE, ligand, ph=ph + s, pmg=pmg).polynomial) for s in (-step, step)]
    by_pmg = [log(binding(MUSCLE, ligand, ph=ph, pmg=pmg + s).polynomial) for s in (-step, step)]
    assert (by_ph[0] - by_ph[1]) / (2 * step * log(10)) == pytest.approx(bound.protons, rel=1e-6)
    assert (by_pmg[0] - by_pmg[1]) / (2 * step * log(10)) == pytest.approx(bound.magnesium, rel=1e-6)


@pytest.mark.parametrize("constant", [creatine_kinase, atp_hydrolysis])
def test_slopes_of_the_apparent_constants_are_their_derivatives(constant):
    step, ph, pmg = 1e-5, 7.05, 3.3
    at = constant(MUSCLE, ph=ph, pmg=pmg)
    by_ph = [log(constant(MUSCLE, ph=ph + s, pmg=pmg).value) for s in (-step, step)]
    by_pmg = [log(constant(MUSCLE, ph=ph, pmg=pmg + s).value) for s in (-step, step)]
    assert (by_ph[1] - by_ph[0]) / (2 * step) == pytest.approx(at.dln_dph, rel=1e-6)
    assert (by_pmg[1] - by_pmg[0]) / (2 * step) == pytest.approx(at.dln_dpmg, rel=1e-6)


def test_without_magnesium_at_high_ph_the_apparent_constant_is_the_reference_reaction():
    # All protons off and no Mg bound: every binding polynomial is 1.
    at = creatine_kinase(MUSCLE, ph=12.0, pmg=12.0)
    assert at.value == pytest.approx(MUSCLE["ck"] * 1e-12, rel=1e-4)
    assert at.dln_dph == pytest.approx(-log(10), rel=1e-4)
    assert at.dln_dpmg == pytest.approx(0, abs=1e-4)


def test_in_acid_without_magnesium_all_forms_are_protonated():
    # K' = Kref·H·(H/KaATP)/((H/KaADP)·(H/KaPCr)) does not depend on the pH.
    expected = MUSCLE["ck"] * MUSCLE["ka_adp"] * MUSCLE["ka_pcr"] / MUSCLE["ka_atp"]
    at = creatine_kinase(MUSCLE, ph=1.0, pmg=12.0)
    assert at.value == pytest.approx(expected, rel=2e-3)
    assert at.dln_dph == pytest.approx(0, abs=5e-3)


def test_more_magnesium_and_more_acid_mean_less_adp_at_rest():
    assert np.all(np.diff([adp_of(mg).value for mg in (0.2, 0.4, 0.6, 0.8)]) < 0)
    assert np.all(np.diff([adp_of(0.5, ph=ph).value for ph in (6.6, 6.8, 7.0, 7.2)]) > 0)


def test_free_energy_is_zero_at_equilibrium():
    # With [ADP][Pi]/[ATP] = K' the reaction does no work.
    adp = adp_of(0.5)
    hydrolysis = atp_hydrolysis(MUSCLE, ph=7.05, pmg=pmg_of(0.5)).value
    energy = dg_atp_kj_mol(
        MUSCLE, adp, ph=7.05, pmg=pmg_of(0.5), pi_atp=hydrolysis / (adp.value * 1e-6), temperature_c=37.0
    )
    assert energy.value == pytest.approx(0, abs=1e-10)


def test_pcr_that_leaves_no_creatine_is_refused():
    with pytest.raises(ValueError, match=r"43\.0 mmol/l .* is not below the total creatine of 42\.5 mmol/l"):
        adp_of(0.5, pcr_mmol_l=43.0)


def test_errors_of_adp_and_free_energy_equal_those_of_a_simulation():
    mean = np.array([7.03, 3.38, log(33 / 8.2), log(4.5 / 8.2)])
    sd = np.array([0.005, 0.01, 0.01, 0.01])
    correlation = np.eye(4) + 0.3 * (1 - np.eye(4))
    covariance = correlation * np.outer(sd, sd)
    draws = 4000

    def both(ph, pmg, ln_pcr_atp, ln_pi_atp):
        adp = free_adp_umol_l(
            MUSCLE, ph=ph, pmg=pmg, pcr_atp=exp(ln_pcr_atp), atp_mmol_l=8.2, total_creatine_mmol_l=42.5
        )
        return adp, dg_atp_kj_mol(MUSCLE, adp, ph=ph, pmg=pmg, pi_atp=exp(ln_pi_atp), temperature_c=37.0)

    inputs = np.random.default_rng(1).multivariate_normal(mean, covariance, draws)
    simulated = np.array([[quantity.value for quantity in both(*row)] for row in inputs])
    # Standard error of an SD: 1/√(2n), taken four times, and 1 % for the curvature over one SD.
    tolerance = 4 / np.sqrt(2 * draws) + 0.01
    for quantity, values in zip(both(*mean), simulated.T, strict=True):
        assert quantity.sd(covariance) == pytest.approx(values.std(), rel=tolerance)


def test_saturation_of_a_right_angle_pulse_and_of_full_relaxation():
    assert saturation_factor(repetition_time_s=1.5, t1_s=6.5, flip_angle_deg=90) == pytest.approx(1 - exp(-1.5 / 6.5))
    assert saturation_factor(repetition_time_s=100, t1_s=5, flip_angle_deg=60) == pytest.approx(1, abs=1e-8)


def test_saturation_factor_is_the_steady_state_of_the_bloch_equations():
    repetition_time_s, t1_s, flip_deg = 2.0, 4.0, 50.0
    magnetisation = 1.0
    for _ in range(60):
        left = magnetisation * cos(flip_deg * pi / 180)
        magnetisation = 1 - (1 - left) * exp(-repetition_time_s / t1_s)
    factor = saturation_factor(repetition_time_s=repetition_time_s, t1_s=t1_s, flip_angle_deg=flip_deg)
    assert factor == pytest.approx(magnetisation, rel=1e-9)

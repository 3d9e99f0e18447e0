"""ADP, the free energy of ATP and saturation, with errors or reasons."""

from math import log

import numpy as np
import pytest

from fit_samples import AMPLITUDES, SHIFTS, SIDECAR, T1_S, covariance_matrix
from myomag.core.energetics import creatine_kinase, equilibrium_constants, saturation_factor

# At a repetition time of 1.5 s nothing is saturated.
RELAXED = {"t1_s": dict.fromkeys(T1_S, 0.05)}


def test_free_adp_follows_the_creatine_kinase_equilibrium_of_the_scan(run):
    record = run(RELAXED)
    kinase = creatine_kinase(equilibrium_constants(), ph=record.ph, pmg=record.pmg).value
    pcr = 66 / 16.4 * 8.2
    assert record.adp_umol_l == pytest.approx(8.2 * (42.5 - pcr) / (pcr * kinase) * 1000, rel=1e-7)
    # 8.3145e-3 kJ/(mol·K): ΔG changes by RT·ln 2 where Pi doubles.
    doubled = run(RELAXED, amplitudes={"Pi": 18.0})
    step = doubled.dg_atp_kj_mol - record.dg_atp_kj_mol
    assert step == pytest.approx(8.314462618e-3 * 310.15 * log(2), rel=1e-6)
    assert doubled.adp_umol_l == record.adp_umol_l


def test_errors_of_adp_and_free_energy_come_from_the_covariance_of_shifts_and_amplitudes(run):
    names, draws = list(SHIFTS), 300
    mean = np.array([*(SHIFTS[name] for name in names), *(AMPLITUDES[name] for name in names)])
    # A tenth of the SDs: where the calibrations are straight.
    scale = 0.1
    noisy = np.random.default_rng(4).multivariate_normal(mean, scale**2 * covariance_matrix(names), draws)
    records = [
        run(
            RELAXED,
            shifts=dict(zip(names, row[: len(names)], strict=True)),
            amplitudes=dict(zip(names, row[len(names) :], strict=True)),
        )
        for row in noisy
    ]
    central = run(RELAXED)
    for value, sd in (("adp_umol_l", "adp_sd_umol_l"), ("dg_atp_kj_mol", "dg_atp_sd_kj_mol")):
        simulated = np.std([getattr(record, value) for record in records]) / scale
        # Standard error of an SD, four times; 5 % for the posterior of pMg, wider than its slope says.
        assert getattr(central, sd) == pytest.approx(simulated, rel=4 / np.sqrt(2 * draws) + 0.05)


def test_saturation_is_corrected_with_the_sidecar_where_t1_are_given(run):
    record, raw = run({"t1_s": T1_S}), run()
    factors = {
        line: saturation_factor(repetition_time_s=1.5, t1_s=t1, flip_angle_deg=60.0) for line, t1 in T1_S.items()
    }
    correction = factors["gamma-ATP"] / factors["PCr"]
    assert record.pcr_atp_ratio == pytest.approx(raw.pcr_atp_ratio * correction)
    assert record.pcr_atp_ratio_sd == pytest.approx(raw.pcr_atp_ratio_sd * correction)
    assert record.saturation_factors == pytest.approx({line: factors[line] for line in record.saturation_factors})
    assert raw.saturation_factors is None


def test_without_t1_there_is_no_adp_and_no_free_energy(run):
    """At TR 1.5 s and 60° PCr, with a T1 of 6 s, keeps .36 of its signal and ATP, with 3 s, .56: ADP would double."""
    record = run()
    assert record.adp_umol_l is record.dg_atp_kj_mol is None
    assert "set magnesium.t1_s" in record.adp_reason and record.dg_atp_reason.endswith(record.adp_reason)
    assert record.pcr_atp_ratio is not None


def test_t1_are_those_of_the_field_of_the_scan(run):
    # 120.3 MHz of 31P are 6.98 T.
    by_field = {3: T1_S, 7: {line: 2 * t1 for line, t1 in T1_S.items()}}
    high = SIDECAR | {"SpectrometerFrequency": [120.3]}
    assert run({"t1_s": by_field}, high).saturation_factors == run({"t1_s": by_field[7]}, high).saturation_factors
    other = run({"t1_s": by_field}, SIDECAR | {"SpectrometerFrequency": [25.85]})
    assert other.pcr_atp_ratio is None
    assert "t1_s has T1 for 3 T and 7 T, but not for 1.50 T" in other.pcr_atp_ratio_reason


@pytest.mark.parametrize(
    ("sidecar", "t1_s", "reason"),
    [
        ({"FlipAngle": 90.0}, T1_S, "the sidecar does not state RepetitionTime"),
        ({"RepetitionTime": 2.0, "FlipAngle": None}, T1_S, "the sidecar does not state FlipAngle"),
        (SIDECAR, {"gamma-ATP": 3.0, "Pi": 5.0}, "t1_s has no T1 for PCr"),
    ],
)
def test_a_correction_that_cannot_be_made_leaves_the_ratio_undefined(run, sidecar, t1_s, reason):
    record = run({"t1_s": t1_s}, sidecar)
    assert record.pcr_atp_ratio is record.pcr_atp_ratio_sd is record.adp_umol_l is None
    assert reason in record.pcr_atp_ratio_reason
    assert reason in record.adp_reason
    assert record.mg_mmol_l is not None


@pytest.mark.parametrize(
    ("changes", "adp_reason"),
    [
        ({"shifts": {"beta-ATP": -15.70}}, "no free Mg: β-ATP at"),
        ({"shifts": {"Pi": 5.75}}, "no pH: Pi at"),
        ({"amplitudes": {"PCr": 100.0}}, "is not below the total creatine of 42.5 mmol/l"),
        ({"weak": ["gamma-ATP"]}, "no PCr/ATP: the amplitude of gamma-ATP is at its bound"),
        ({"converged": False}, "did not converge"),
    ],
)
def test_adp_that_cannot_be_told_is_null_with_the_reason(run, changes, adp_reason):
    record = run(RELAXED, **changes)
    values = ("adp_umol_l", "adp_sd_umol_l", "dg_atp_kj_mol", "dg_atp_sd_kj_mol")
    assert all(getattr(record, key) is None for key in values)
    assert adp_reason in record.adp_reason
    assert "no free ADP" in record.dg_atp_reason


def test_energetics_say_which_numbers_they_assume_and_how_far_those_are_known(run):
    record = run({"t1_s": T1_S, "t1_source": "own inversion recovery"})
    assumed = {each.name: each.standing for each in record.energetics_assumptions}
    assert assumed["total_creatine_mmol_l"] == "unverified"
    assert assumed["atp_mmol_l"] == "found"
    (t1,) = (each for each in record.energetics_assumptions if each.name == "T1 of PCr")
    assert (t1.value, t1.unit, t1.source, t1.standing) == (6.0, "s", "own inversion recovery", "given")
    own = {each.name: each.standing for each in run({"total_creatine_mmol_l": 40.0}).energetics_assumptions}
    assert own["total_creatine_mmol_l"] == "given"
    assert run().energetics_standing == "unverified"

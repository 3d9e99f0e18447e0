"""From a fit record to pH, magnesium and energetics: covariance, undefined values, reasons."""

from math import log

import numpy as np
import pytest

import record_samples
from myomag.core.calibration import mg_mmol_l
from myomag.core.energetics import creatine_kinase, equilibrium_constants, saturation_factor
from myomag.core.families import shift_calibration
from myomag.core.joint_solution import solve_shifts
from myomag.core.speciation import FORMS, ShiftModel, speciation_calibration
from myomag.errors import SettingsError
from myomag.io.records import record_bytes
from myomag.io.scan_records import Covariance, FitLine, Magnesium, scan_record_bytes
from myomag.settings.load import load_settings, parse_settings
from myomag.settings.magnesium import MagnesiumSettings
from myomag.steps.magnesium import magnesium_scan

SETTINGS = load_settings().magnesium
SHIFTS = {"PCr": 0.02, "Pi": 4.87, "gamma-ATP": -2.36, "alpha-ATP": -7.43, "beta-ATP": -15.88}
SHIFTS |= {"PDE": 2.97, "PME": 6.52}
AMPLITUDES = {"PCr": 66.0, "Pi": 9.0, "gamma-ATP": 16.4, "alpha-ATP": 16.0, "beta-ATP": 14.0, "PDE": 6.0, "PME": 3.0}
VARIANCE, COVARIANCE = 1e-4, 4e-5
AMPLITUDE_SD, SHIFT_AMPLITUDE_CORRELATION = 0.3, 0.1
# Limiting shifts invented for these tests.
SPECIATION = {
    "name": "invented",
    "quantity": "mg",
    "family": "speciation",
    "coefficients": {
        "alpha-ATP": dict(zip(FORMS, (-7.9, -8.2, -7.4, -7.9), strict=True)),
        "beta-ATP": dict(zip(FORMS, (-18.7, -19.2, -15.6, -17.0), strict=True)),
        "gamma-ATP": dict(zip(FORMS, (-2.9, -7.3, -2.3, -4.0), strict=True)),
    },
    "range": {"lower_ph": 5.5, "upper_ph": 8.5, "lower_pmg": 1.5, "upper_pmg": 6.0},
    "source": "Test values, invented",
    "standing": "unverified",
}
GUPTA = {
    "name": "own_limits",
    "quantity": "mg",
    "family": "gupta_moore",
    "coefficients": {"kd_umol_l": 50.0, "free_shift_ppm": 10.82, "bound_shift_ppm": 8.3},
    "range": {"lower_ppm": 8.3, "upper_ppm": 10.82},
    "source": "Test values, invented",
    "standing": "derived",
}
SIDECAR = {"RepetitionTime": 1.5, "FlipAngle": 60.0}
T1_S = {"PCr": 6.0, "Pi": 5.0, "gamma-ATP": 3.0, "PDE": 4.0, "PME": 4.0}


def covariance_matrix(names):
    """Covariance of all shifts, then all amplitudes."""
    count = len(names)
    shifts = np.full((count, count), COVARIANCE) + (VARIANCE - COVARIANCE) * np.eye(count)
    amplitudes = AMPLITUDE_SD**2 * np.eye(count)
    cross = SHIFT_AMPLITUDE_CORRELATION * np.sqrt(VARIANCE) * AMPLITUDE_SD * np.eye(count)
    return np.block([[shifts, cross], [cross, amplitudes]])


def fit_record(shifts=None, amplitudes=None, *, converged=True, at_bound=(), weak=(), unknown=(), drop=()):
    names = [name for name in SHIFTS if name not in drop]
    shifts, amplitudes = SHIFTS | (shifts or {}), AMPLITUDES | (amplitudes or {})
    matrix = covariance_matrix(names)
    parameters = [f"{key}:{name}" for key in ("shift_ppm", "amplitude") for name in names]
    hidden = {f"{key}:{name}" for key in ("shift_ppm", "amplitude") for name in unknown}
    rows = [
        [None if {one, other} & hidden else matrix[i, j] for j, other in enumerate(parameters)]
        for i, one in enumerate(parameters)
    ]
    lines = [
        FitLine(
            **dict.fromkeys(FitLine.model_fields, 0.0)
            | {"name": name, "shift_ppm": shifts[name], "amplitude": amplitudes[name]}
            | {"offsets_hz": [0.0], "weights": [1.0], "bound_limits_95": {}}
            | {"at_bound": ["shift_ppm"] * (name in at_bound) + ["amplitude"] * (name in weak)}
        )
        for name in names
    ]
    return record_samples.fit_record(
        converged=converged,
        message="converged" if converged else "no minimum after 200 steps",
        lines=lines,
        covariance=Covariance(parameters=parameters, matrix=rows),
    )


@pytest.fixture
def run(tmp_path):
    def magnesium(settings=None, sidecar=SIDECAR, **changes):
        inputs = {"fit": tmp_path / "fit.json", "preproc_sidecar": tmp_path / "sidecar.json"}
        inputs["fit"].write_bytes(scan_record_bytes(fit_record(**changes)))
        inputs["preproc_sidecar"].write_bytes(record_bytes(sidecar))
        chosen = MagnesiumSettings(**dict(SETTINGS) | (settings or {}))
        return Magnesium.model_validate_json(magnesium_scan("sub-1_unloc", inputs, chosen)["magnesium"])

    return magnesium


def test_shifts_are_relative_to_pcr_with_the_covariance_of_both(run):
    record = run()
    sd = np.sqrt(2 * VARIANCE - 2 * COVARIANCE)
    assert record.beta_atp_ppm == pytest.approx(-15.90)
    assert record.pi_ppm == pytest.approx(4.85)
    assert record.alpha_atp_ppm == pytest.approx(-7.45)
    assert record.gamma_atp_ppm == pytest.approx(-2.38)
    for line in ("beta_atp", "alpha_atp", "gamma_atp", "pi"):
        assert getattr(record, f"{line}_sd_ppm") == pytest.approx(sd), line


def test_ph_and_magnesium_follow_the_configured_calibrations(run):
    record = run()
    ph, mg = (shift_calibration(getattr(SETTINGS, f"{quantity}_calibration"), quantity) for quantity in ("ph", "mg"))
    assert record.ph == pytest.approx(ph.value(4.85), abs=1e-8)
    assert record.pmg == pytest.approx(mg.value(-15.9), abs=1e-8)
    assert record.mg_mmol_l == pytest.approx(1000 * 10**-record.pmg)
    assert (record.ph_calibration.name, record.mg_calibration.name) == ("taylor1983", "iotti1996")


def test_mg_interval_is_the_mapped_pmg_interval(run):
    record = run()
    assert record.mg_ci95_low_mmol_l == pytest.approx(mg_mmol_l(record.pmg_ci95_high))
    assert record.mg_ci95_high_mmol_l == pytest.approx(mg_mmol_l(record.pmg_ci95_low))
    assert record.mg_ci95_low_mmol_l < record.mg_mmol_l < record.mg_ci95_high_mmol_l
    assert record.mg_reason is None


MG_VALUES = (
    "pmg", "pmg_sd", "pmg_ci95_low", "pmg_ci95_high", "mg_mmol_l", "mg_ci95_low_mmol_l", "mg_ci95_high_mmol_l"
)  # fmt: skip
PH_VALUES = ("ph", "ph_sd", "ph_ci95_low", "ph_ci95_high")


def test_beta_atp_beyond_the_pole_leaves_magnesium_undefined_with_its_probability(run):
    record = run(shifts={"beta-ATP": -15.70})
    assert all(getattr(record, key) is None for key in MG_VALUES)
    # −15.72 ± .011 ppm against the pole at −15.74: 1.83 SD.
    assert record.mg_p_undefined == pytest.approx(0.966, abs=0.001)
    assert "-15.720 ppm is outside -18.58…-15.74 ppm" in record.mg_reason
    assert record.ph is not None


def test_pi_beyond_the_limits_leaves_ph_undefined(run):
    record = run(shifts={"Pi": 5.75})
    assert all(getattr(record, key) is None for key in PH_VALUES)
    assert "Pi at 5.730 ppm" in record.ph_reason
    assert record.mg_mmol_l is not None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"at_bound": ["beta-ATP"]}, "the shift of beta-ATP lies at its bound"),
        ({"at_bound": ["PCr"]}, "the shift of PCr lies at its bound"),
        ({"unknown": ["beta-ATP"]}, "no SD for the shift of beta-ATP"),
        ({"drop": ["beta-ATP"]}, "no line 'beta-ATP'"),
        ({"converged": False}, "did not converge (no minimum after 200 steps)"),
    ],
)
def test_a_shift_without_an_sd_gives_no_magnesium_and_says_why(run, changes, reason):
    record = run(**changes)
    assert all(getattr(record, key) is None for key in (*MG_VALUES, "mg_p_undefined", "beta_atp_sd_ppm"))
    assert reason in record.mg_reason


def test_a_fit_that_did_not_converge_reports_no_shift(run):
    record = run(converged=False)
    assert all(
        getattr(record, key) is None for key in ("beta_atp_ppm", "pi_ppm", "alpha_atp_ppm", "gamma_atp_ppm", *PH_VALUES)
    )


def test_same_fit_gives_the_same_bytes(tmp_path):
    path = tmp_path / "fit.json"
    path.write_bytes(scan_record_bytes(fit_record()))
    first, second = (magnesium_scan("sub-1_unloc", {"fit": path}, SETTINGS)["magnesium"] for _ in range(2))
    assert first == second


def test_a_negligible_probability_is_zero_and_not_the_rounding_of_a_tail(run):
    assert run().mg_p_undefined == 0.0


def test_sensitivity_names_every_calibration_once_and_the_one_in_use_first(run):
    record = run()
    names = [row.calibration for row in record.ph_by_calibration]
    assert names == ["taylor1983", "muscle_common", "brain7t", "petroff1985", "unattributed"]
    assert [row.calibration for row in record.mg_by_calibration] == ["iotti1996"]
    assert record.ph_by_calibration[0].ph == record.ph
    assert record.mg_by_calibration[0].mg_ci95_low_mmol_l == record.mg_ci95_low_mmol_l
    for row, document in zip(record.ph_by_calibration[1:], SETTINGS.compare_calibrations[1:], strict=False):
        assert row.ph == pytest.approx(shift_calibration(document, "ph").value(4.85), abs=1e-8)
        assert row.standing == document["standing"]


def test_sensitivity_holds_the_calibrations_the_user_declares(run):
    record = run({"compare_calibrations": [GUPTA, SPECIATION]})
    own, joint = record.mg_by_calibration[1:]
    assert (own.calibration, own.standing) == ("own_limits", "unverified")
    assert own.mg_mmol_l == pytest.approx(mg_mmol_l(shift_calibration(GUPTA, "mg").value(-7.43 + 15.88)), rel=1e-8)
    assert joint.calibration == "invented"
    assert joint.mg_mmol_l > 0
    assert record.mg_mmol_l == run().mg_mmol_l


def test_magnesium_that_depends_on_ph_is_given_for_each_calibration_of_ph(run):
    rows = {row.calibration: row for row in run({"mg_calibration": SPECIATION}).mg_by_calibration}
    others = [each for each in SETTINGS.compare_calibrations if each["quantity"] == "ph"][1:]
    assert list(rows) == ["invented", "iotti1996", *(f"invented with {each['name']}" for each in others)]
    for each in others:
        alone = run({"mg_calibration": SPECIATION, "ph_calibration": each})
        assert rows[f"invented with {each['name']}"].mg_mmol_l == pytest.approx(alone.mg_mmol_l)


def test_gupta_moore_uses_the_covariance_of_both_lines_and_no_pcr(run):
    record = run({"mg_calibration": GUPTA})
    slope = shift_calibration(GUPTA, "mg").slope(8.45)
    # The shift of PCr cancels in the distance of α and β. Near saturation the curve adds a few percent to the slope.
    assert record.pmg_sd == pytest.approx(slope * np.sqrt(2 * (VARIANCE - COVARIANCE)), rel=0.05)
    assert record.mg_lines == ["alpha-ATP", "beta-ATP"]
    assert record.mg_calibration.standing == "unverified"


def test_speciation_solves_ph_and_magnesium_from_all_shifts_with_their_covariance(run):
    record = run({"mg_calibration": SPECIATION})
    lines = ("Pi", "alpha-ATP", "beta-ATP", "gamma-ATP")
    model = ShiftModel(
        speciation_calibration(SPECIATION),
        shift_calibration(SETTINGS.ph_calibration, "ph"),
        equilibrium_constants(),
        lines,
    )
    # Var(a − PCr) = 2(V − C) and Cov(a − PCr, b − PCr) = V − C.
    covariance = (VARIANCE - COVARIANCE) * (np.ones((4, 4)) + np.eye(4))
    solution = solve_shifts(model, [SHIFTS[line] - SHIFTS["PCr"] for line in lines], covariance)
    assert record.pmg == pytest.approx(solution.pmg.value, abs=1e-7)
    assert record.pmg_sd == pytest.approx(solution.pmg.sd, rel=1e-5)
    assert record.ph == pytest.approx(solution.ph.value, abs=1e-7)
    assert record.mg_chi2 == pytest.approx(solution.chi2, rel=1e-6)
    assert record.mg_chi2_degrees_of_freedom == 2
    assert record.mg_lines == record.ph_lines == list(lines)
    assert record.ph_calibration.name == "invented+taylor1983"
    assert record.mg_calibration.standing == "unverified"
    assert record.ph_by_calibration[0].calibration == "taylor1983"


def test_speciation_goes_on_with_the_shifts_that_are_known(run):
    record = run({"mg_calibration": SPECIATION}, at_bound=["alpha-ATP"])
    assert record.mg_lines == ["Pi", "beta-ATP", "gamma-ATP"]
    assert record.mg_chi2_degrees_of_freedom == 1


def test_speciation_without_a_shift_of_atp_leaves_the_ph_by_pi(run):
    record = run({"mg_calibration": SPECIATION}, drop=["alpha-ATP", "beta-ATP", "gamma-ATP"])
    assert record.mg_mmol_l is None
    assert "two shifts are needed" in record.mg_reason
    assert "no line 'alpha-ATP'" in record.mg_reason
    assert record.ph == pytest.approx(run().ph)
    assert record.ph_calibration.name == "taylor1983"


def test_ratios_are_those_of_the_amplitudes_with_their_errors(run):
    record = run()
    for name, line, to in (("pi_pcr", "Pi", "PCr"), ("pcr_atp", "PCr", "gamma-ATP"), ("pde_atp", "PDE", "gamma-ATP")):
        ratio = AMPLITUDES[line] / AMPLITUDES[to]
        relative = AMPLITUDE_SD * np.sqrt(1 / AMPLITUDES[line] ** 2 + 1 / AMPLITUDES[to] ** 2)
        assert getattr(record, f"{name}_ratio") == pytest.approx(ratio)
        assert getattr(record, f"{name}_ratio_sd") == pytest.approx(ratio * relative)
        assert getattr(record, f"{name}_ratio_reason") is None
    assert run({"atp_line": "beta-ATP"}).pcr_atp_ratio == pytest.approx(66 / 14)


def test_free_adp_follows_the_creatine_kinase_equilibrium_of_the_scan(run):
    record = run()
    kinase = creatine_kinase(equilibrium_constants(), ph=record.ph, pmg=record.pmg).value
    pcr = 66 / 16.4 * 8.2
    assert record.adp_umol_l == pytest.approx(8.2 * (42.5 - pcr) / (pcr * kinase) * 1000, rel=1e-7)
    # 8.3145e-3 kJ/(mol·K): ΔG changes by RT·ln 2 where Pi doubles.
    doubled = run(amplitudes={"Pi": 18.0})
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
            shifts=dict(zip(names, row[: len(names)], strict=True)),
            amplitudes=dict(zip(names, row[len(names) :], strict=True)),
        )
        for row in noisy
    ]
    central = run()
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


@pytest.mark.parametrize(
    ("sidecar", "t1_s", "reason"),
    [
        ({"FlipAngle": 90.0}, T1_S, "the sidecar states no RepetitionTime"),
        ({"RepetitionTime": 2.0, "FlipAngle": None}, T1_S, "the sidecar states no FlipAngle"),
        (SIDECAR, {"gamma-ATP": 3.0, "Pi": 5.0}, "t1_s has no T1 of PCr"),
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
        ({"weak": ["gamma-ATP"]}, "no PCr/ATP: the amplitude of gamma-ATP lies at its bound"),
        ({"converged": False}, "did not converge"),
    ],
)
def test_adp_that_cannot_be_told_is_null_with_the_reason(run, changes, adp_reason):
    record = run(**changes)
    values = ("adp_umol_l", "adp_sd_umol_l", "dg_atp_kj_mol", "dg_atp_sd_kj_mol")
    assert all(getattr(record, key) is None for key in values)
    assert adp_reason in record.adp_reason
    assert "no free ADP" in record.dg_atp_reason


def test_a_line_that_is_absent_or_lost_in_noise_has_no_ratio_and_says_why(run):
    record = run(drop=["PME"], weak=["PDE"])
    assert record.pme_atp_ratio is record.pde_atp_ratio is None
    assert record.pme_atp_ratio_reason == "the fit has no line 'PME'"
    assert record.pde_atp_ratio_reason == "the amplitude of PDE lies at its bound"
    assert record.adp_umol_l is not None


def test_an_amplitude_without_an_sd_gives_a_ratio_without_one(run):
    record = run(unknown=["PDE"])
    assert record.pde_atp_ratio == pytest.approx(6 / 16.4)
    assert record.pde_atp_ratio_sd is None
    assert "no SD for the ratio of PDE to gamma-ATP" in record.pde_atp_ratio_reason


def test_energetics_say_which_numbers_they_assume_and_how_far_those_are_known(run):
    assumed = {each.name: each.standing for each in run().energetics_assumptions}
    assert assumed["total_creatine_mmol_l"] == "unverified"
    assert assumed["atp_mmol_l"] == "found"
    own = {each.name: each.standing for each in run({"total_creatine_mmol_l": 40.0}).energetics_assumptions}
    assert own["total_creatine_mmol_l"] == "given"
    assert run().energetics_standing == "unverified"


def test_settings_of_energetics_and_calibrations_are_checked_before_anything_runs():
    section = parse_settings({"magnesium": {"mg_calibration": SPECIATION, "t1_s": T1_S}}).magnesium
    assert section.mg_calibration == SPECIATION
    assert [document["name"] for document in section.compare_calibrations][-1] == "iotti1996"


@pytest.mark.parametrize(
    ("magnesium", "message"),
    [
        ({"compare_calibrations": ["tailor1983"]}, "did you mean 'taylor1983'"),
        ({"compare_calibrations": [GUPTA | {"range": {"lower_ppm": 1.0, "upper_ppm": 2.0}}]}, "compare_calibrations"),
        ({"mg_calibration": SPECIATION | {"family": "specification"}}, "iotti, gupta_moore, speciation"),
        ({"temperature_c": 310.15}, "less than or equal to 50"),
        ({"t1_s": {"PCr": 6500.0}}, "less than or equal to 100"),
    ],
)
def test_wrong_settings_stop_with_one_line(magnesium, message):
    with pytest.raises(SettingsError) as error:
        parse_settings({"magnesium": magnesium}, label="myomag.yaml")
    assert message in str(error.value)
    assert "\n" not in str(error.value)

"""Sum of squares of the model: derivatives against finite differences, exponentials against their definition."""

import numpy as np
import pytest

from myomag.core.axes import time_axis
from myomag.core.exponentials import KAPPA, damped_exponentials
from myomag.core.lineshapes import multiplet_fid
from myomag.core.objective import BeginTimePrior, Objective
from myomag.core.parameters import AMPLITUDE, FREQUENCY, GAUSSIAN, LORENTZIAN, PHASE, parameter_map
from myomag.core.prior_knowledge import PriorKnowledge

MHZ, DWELL_S, BEGIN_S = 51.7, 1 / 3000, 240e-6

# Every kind of entry: own values, ties with factor and both offsets, couplings, Gaussian and Lorentzian widths, fixed.
PRIOR = PriorKnowledge.from_dict(
    {
        "name": "everything",
        "lines": {
            "A": {
                "amplitude": {"start": 3},
                "shift_ppm": {"start": 0.4},
                "lorentzian_hz": {"start": 6},
                "gaussian_hz": {"start": 5},
                "phase_deg": {"start": 30},
            },
            "B": {
                "amplitude": {"same_as": "A", "scale": 0.5},
                "shift_ppm": {"same_as": "A", "offset_hz": -60, "offset_ppm": -1.5},
                "lorentzian_hz": {"same_as": "A", "scale": 1.5, "offset": 2},
                "gaussian_hz": {"same_as": "A", "scale": 1.3},
                "phase_deg": {"same_as": "A", "offset": 10},
                "j_hz": {"start": 16},
                "ratios": [1, 2, 1],
            },
            "C": {
                "amplitude": {"start": 2},
                "shift_ppm": {"start": -7},
                "lorentzian_hz": {"fixed": 0},
                "gaussian_hz": {"start": 9},
                "j_hz": {"same_as": "B"},
                "ratios": [1, 1],
            },
            "D": {
                "amplitude": {"fixed": 1},
                "shift_ppm": {"fixed": 3},
                "lorentzian_hz": {"start": 8},
                "phase_deg": {"start": -80},
            },
        },
    }
)


def objective(points=300, *, fit_begin_time=True, begin_time_prior=None, fid=None):
    layout = parameter_map(PRIOR, MHZ, fit_begin_time=fit_begin_time)
    rng = np.random.default_rng(0)
    # Noise as strong as the signal: the residual's part of the Hessian counts.
    fid = 3 * (rng.normal(size=points) + 1j * rng.normal(size=points)) if fid is None else fid
    problem = Objective(fid, DWELL_S, BEGIN_S, layout, fit_begin_time=fit_begin_time, begin_time_prior=begin_time_prior)
    theta = layout.start.copy()
    if fit_begin_time:
        theta[-1] = 310e-6
    return problem, theta


def test_exponentials_follow_their_definition_to_rounding():
    rate = 2j * np.pi * np.array([0.0, 1400.0, -1499.0, 333.3]) - np.pi * np.array([0.5, 60.0, 0.0, 5.0])
    gaussian_squared = np.array([0.0, 40.0, 9.0, 40.0])
    phase = np.array([0.0, 1.0, -3.0, 0.5])
    for points in (1, 2, 63, 64, 65, 2048):
        tau = time_axis(points, DWELL_S, BEGIN_S)
        expected = np.exp(1j * phase[:, None] + np.outer(rate, tau) - KAPPA * np.outer(gaussian_squared, tau**2))
        found = damped_exponentials(rate, gaussian_squared, points, DWELL_S, BEGIN_S, phase_rad=phase)
        # The phase 2πfτ reaches 6000 rad, and each representation of it is off by up to its spacing.
        spacing = np.spacing(np.abs(rate).max() * tau[-1])
        np.testing.assert_allclose(found, expected, rtol=0, atol=4 * spacing + 4 * np.finfo(float).eps)


def test_the_model_is_the_sum_of_the_multiplets_the_prior_describes():
    problem, theta = objective(fit_begin_time=False, fid=np.zeros(400, dtype=complex) + 1e-9)
    tau = time_axis(400, DWELL_S, BEGIN_S)
    j = 16.0
    lines = [
        {"amplitude": 3, "frequency_hz": 0.4 * MHZ, "lorentzian_fwhm_hz": 6, "gaussian_fwhm_hz": 5, "phase_deg": 30},
        {
            "amplitude": 1.5,
            "frequency_hz": -1.1 * MHZ - 60,
            "lorentzian_fwhm_hz": 11,
            "gaussian_fwhm_hz": 6.5,
            "phase_deg": 40,
            "offsets_hz": (-j, 0, j),
            "weights": (0.25, 0.5, 0.25),
        },
        {
            "amplitude": 2,
            "frequency_hz": -7 * MHZ,
            "lorentzian_fwhm_hz": 0,
            "gaussian_fwhm_hz": 9,
            "offsets_hz": (-j / 2, j / 2),
            "weights": (0.5, 0.5),
        },
        {"amplitude": 1, "frequency_hz": 3 * MHZ, "lorentzian_fwhm_hz": 8, "phase_deg": -80},
    ]
    expected = sum(multiplet_fid(tau, **line) for line in lines)
    model = problem.model(theta)
    np.testing.assert_allclose(model.values[AMPLITUDE] @ model.basis, expected, atol=1e-12)


@pytest.mark.parametrize("fit_begin_time", [False, True])
@pytest.mark.parametrize("begin_time_prior", [None, BeginTimePrior(200e-6, 8e-6, 3.0)])
def test_gradient_and_hessian_agree_with_finite_differences(fit_begin_time, begin_time_prior):
    problem, theta = objective(fit_begin_time=fit_begin_time, begin_time_prior=begin_time_prior)
    here = problem.evaluate(theta)
    scale = 1 / np.sqrt(np.diag(here.information))
    step = 1e-4 * scale
    gradient, hessian = np.empty_like(theta), np.empty_like(here.hessian)
    for index in range(len(theta)):
        ahead, behind = theta.copy(), theta.copy()
        ahead[index] += step[index]
        behind[index] -= step[index]
        gradient[index] = -(problem.cost(ahead) - problem.cost(behind)) / (4 * step[index])
        difference = problem.evaluate(ahead).gradient - problem.evaluate(behind).gradient
        hessian[index] = -difference / (2 * step[index])
    # Central differences: truncation h² = 1e-8 relative to the third derivative, rounding eps·cost/h = 1e-12·cost.
    tolerance = 1e-6 * np.abs(here.gradient * scale).max() + 1e-11 * here.cost
    np.testing.assert_allclose(gradient * scale, here.gradient * scale, rtol=0, atol=tolerance)
    weights = np.outer(scale, scale)
    np.testing.assert_allclose(hessian * weights, here.hessian * weights, rtol=0, atol=1e-5)
    assert np.abs((here.hessian - here.information) * weights).max() > 0.1


def test_without_a_residual_the_hessian_is_the_information():
    problem, theta = objective()
    exact, _ = objective(fid=problem.model(theta).values[AMPLITUDE] @ problem.model(theta).basis)
    here = exact.evaluate(theta)
    scale = 1 / np.sqrt(np.diag(here.information))
    assert here.cost == pytest.approx(0, abs=1e-20)
    np.testing.assert_allclose((here.hessian - here.information) * np.outer(scale, scale), 0, atol=1e-10)


def test_information_is_the_product_of_the_jacobian_of_the_model():
    problem, theta = objective(points=64)
    scale = 1 / np.sqrt(np.diag(problem.evaluate(theta).information))
    columns = []
    for index in range(len(theta)):
        ahead, behind = theta.copy(), theta.copy()
        ahead[index] += 1e-5 * scale[index]
        behind[index] -= 1e-5 * scale[index]
        columns.append((problem.model(behind).residual - problem.model(ahead).residual) / 2e-5)
    jacobian = np.array(columns)
    expected = (jacobian.conj() @ jacobian.T).real
    found = problem.evaluate(theta).information * np.outer(scale, scale)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_cost_is_the_sum_of_squares_over_the_whole_fid_although_the_model_ends_with_its_lines():
    problem, theta = objective(points=6000)
    model = problem.model(theta)
    assert model.basis.shape[1] < 6000
    values = problem.layout.components(theta)
    basis = damped_exponentials(
        2j * np.pi * values[FREQUENCY] - np.pi * values[LORENTZIAN],
        values[GAUSSIAN],
        6000,
        DWELL_S,
        theta[-1],
        phase_rad=values[PHASE],
    )
    residual = problem.fid - values[AMPLITUDE] @ basis
    left_out = basis[:, model.basis.shape[1] :]
    assert np.abs(left_out).max() < 1e-9
    # ‖r + l‖² − ‖r‖² ≤ 2‖r‖·‖l‖ + ‖l‖² of what is left out, l.
    lost = np.linalg.norm(values[AMPLITUDE] @ left_out)
    norm = np.linalg.norm(residual)
    assert problem.residual_norm_sq(theta) == pytest.approx(norm**2, abs=2 * norm * lost + lost**2 + 1e-13 * norm**2)


def test_a_line_that_never_decays_is_followed_to_the_end():
    layout = parameter_map(
        PriorKnowledge.from_dict(
            {"name": "x", "lines": {"A": {"shift_ppm": {"start": 1}, "lorentzian_hz": {"fixed": 0}}}}
        ),
        MHZ,
        fit_begin_time=False,
    )
    problem = Objective(np.ones(500, dtype=complex), DWELL_S, 0.0, layout, fit_begin_time=False)
    assert problem.model(layout.start).basis.shape == (1, 500)


def test_everything_scales_with_the_fid():
    problem, theta = objective()
    factor = 1e6
    amplitude = np.array([name.startswith("amplitude") for name in problem.layout.names])
    # The fixed amplitude of D is a number of the prior: it has to grow with the others.
    constant = problem.layout.line_constant.copy()
    constant[AMPLITUDE] *= factor
    layout = type(problem.layout)(**{**vars(problem.layout), "line_constant": constant})
    larger = Objective(problem.fid * factor, DWELL_S, BEGIN_S, layout, fit_begin_time=True)
    one, other = problem.evaluate(theta), larger.evaluate(np.where(amplitude, theta * factor, theta))
    unit = np.where(amplitude, 1.0, factor)
    assert other.cost == pytest.approx(one.cost * factor**2, rel=1e-12)
    np.testing.assert_allclose(other.gradient, one.gradient * unit * factor, rtol=1e-9)
    np.testing.assert_allclose(other.hessian, one.hessian * np.outer(unit, unit), rtol=1e-7)


def test_knowledge_of_the_begin_time_weighs_as_much_as_one_measurement_of_it():
    known = BeginTimePrior(mean_s=300e-6, sd_s=8e-6, noise_sd=3.0)
    with_it, theta = objective(begin_time_prior=known)
    without, _ = objective()
    # One SD away costs one noise variance.
    assert with_it.cost(theta) - without.cost(theta) == pytest.approx(9 * (10 / 8) ** 2, rel=1e-9)
    difference = with_it.evaluate(theta).information - without.evaluate(theta).information
    assert difference[-1, -1] == pytest.approx(9 / 64e-12, rel=1e-9)
    assert np.count_nonzero(difference) == 1

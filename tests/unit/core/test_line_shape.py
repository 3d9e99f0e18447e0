"""Line shape common to all lines: its functions, exact derivatives, and what it does to a fit."""

import numpy as np
import pytest

from myomag.core.amares import fit_amares
from myomag.core.axes import time_axis
from myomag.core.line_figures import line_figures
from myomag.core.line_shape import HIGHEST_ORDER, LEAST_ORDER, ShapeBasis, ShapeTerms
from myomag.core.objective import Objective
from myomag.core.parameters import parameter_map
from myomag.core.prior_knowledge import PriorKnowledge
from myomag.core.whiteness import model_fid
from myomag.settings.documents import shipped_document

MUSCLE = PriorKnowledge.from_dict(shipped_document("prior_knowledge", "muscle_rest"))
MHZ, DWELL_S, POINTS = 51.7, 1 / 3000, 2048
# The first sample fitted, after those that the pipeline leaves out.
BEGIN_S = 320e-6 + 3 * DWELL_S
SAMPLING = {"dwell_time_s": DWELL_S, "spectrometer_frequency_mhz": MHZ}
BASIS = ShapeBasis(decay_time_s=0.02, end=4.0)
BETA_PPM = -15.89

# Names, amplitudes, shifts [ppm], Lorentzian widths [Hz] and relative amplitudes of the components, J = 16.5 Hz apart.
LINES = {
    "PCr": (33.0, 0.0, 4.0, (1,)),
    "Pi": (4.5, 4.82, 8.0, (1,)),
    "gamma-ATP": (8.2, -2.4, 8.0, (1, 1)),
    "alpha-ATP": (8.2, -7.45, 8.0, (1, 1)),
    "beta-ATP": (8.2, BETA_PPM, 10.0, (1, 2, 1)),
    "PDE": (2.5, 2.95, 8.0, (1,)),
    "NAD": (1.2, -8.2, 10.0, (1,)),
}
FIELDS = {
    "Gaussian": lambda t: np.ones_like(t),
    "tail of 6 Hz": lambda t: 1 / (1 - 2j * np.pi * 6 * t),
    "tail of −4 Hz": lambda t: 1 / (1 + 2j * np.pi * 4 * t),
    "second component": lambda t: (1 + 0.3 * np.exp(2j * np.pi * 12 * t)) / 1.3,
    "eddy current": lambda t: np.exp(0.5j * np.exp(-t / 5e-3)),
}


def scan(field: str) -> np.ndarray:
    """Muscle at 3 T without noise: Lorentzian lines times a Gaussian of 10 Hz times what else the field does."""
    tau = time_axis(POINTS, DWELL_S, BEGIN_S)
    fid = np.zeros(POINTS, dtype=np.complex128)
    for amplitude, ppm, width, ratios in LINES.values():
        for order, ratio in enumerate(ratios):
            frequency = ppm * MHZ + 16.5 * (order - (len(ratios) - 1) / 2)
            fid += amplitude * ratio / sum(ratios) * np.exp((2j * np.pi * frequency - np.pi * width) * tau)
    gaussian = np.exp(-((np.pi * 10 * tau) ** 2) / (4 * np.log(2)))
    return fid * gaussian * FIELDS[field](time_axis(POINTS, DWELL_S)) * np.exp(0.7j)


def noise(snr: float, seed: int) -> np.ndarray:
    draw = np.random.default_rng((17, seed)).normal(size=(2, POINTS))
    return 33 / snr * (draw[0] + 1j * draw[1])


def fit(fid: np.ndarray, **options):
    defaults = {"shape_order": LEAST_ORDER, "max_shape_order": HIGHEST_ORDER}
    options = defaults | options
    return fit_amares(fid, **SAMPLING, prior=MUSCLE, begin_time_s=BEGIN_S - 20e-6, fit_begin_time=True, **options)


def beta(found) -> tuple[float, float]:
    rows = [found.covariance_names.index(f"shift_ppm:{name}") for name in ("beta-ATP", "PCr")]
    block = found.covariance[np.ix_(rows, rows)]
    values = [found.shifts_ppm[found.names.index(name)] for name in ("beta-ATP", "PCr")]
    return values[0] - values[1], float(np.sqrt(block[0, 0] + block[1, 1] - 2 * block[0, 1]))


# --- functions ------------------------------------------------------------------------------------------------------


def test_functions_are_orthonormal_to_what_the_lines_have_already_under_the_power_of_a_line():
    order, dwell_s = 8, 1e-5
    functions = BASIS.functions(9000, dwell_s, order)
    inside = int(BASIS.end * BASIS.decay_time_s / dwell_s) + 1
    time = np.arange(inside) * dwell_s / BASIS.decay_time_s
    weight = np.exp(-2 * time) / np.exp(-2 * time).sum()
    imaginary = np.column_stack([functions[:inside, 0].imag, functions[:inside, 1::2].imag])
    real = functions[:inside, 2::2].real
    assert not functions[:, 2::2].imag.any()
    assert not functions[:, 0].real.any()
    for own, powers in ((imaginary, 2), (real, 3)):
        known = time[:, None] ** np.arange(powers)
        np.testing.assert_allclose(own.T @ (weight[:, None] * known), 0, atol=1e-9)
        np.testing.assert_allclose(own.T @ (weight[:, None] * own), np.eye(own.shape[1]), atol=1e-9)


def test_a_higher_order_adds_to_the_lower_ones_and_the_end_is_flat():
    low, high = (BASIS.functions(600, DWELL_S, order) for order in (5, 9))
    np.testing.assert_allclose(high[:, : low.shape[1]], low, atol=1e-9)
    last = int(BASIS.end * BASIS.decay_time_s / DWELL_S)
    np.testing.assert_array_equal(low[last:], np.broadcast_to(low[last], low[last:].shape))


@pytest.mark.parametrize("order", [3, 6])
def test_gradient_and_hessian_agree_with_finite_differences(order):
    layout = parameter_map(MUSCLE.required, MHZ, fit_begin_time=True)
    rng = np.random.default_rng(3)
    # Noise as strong as the signal: the residual's part of the Hessian counts.
    fid = scan("tail of 6 Hz")[:400] + 8 * (rng.normal(size=400) + 1j * rng.normal(size=400))
    terms = ShapeTerms(BASIS, order, 400, DWELL_S, noise_sd=8.0)
    problem = Objective(fid, DWELL_S, BEGIN_S, layout, fit_begin_time=True, shape=terms)
    theta = np.append(layout.start, 0.1 * rng.normal(size=terms.count))
    theta[len(layout.names) - 1] = BEGIN_S - 10e-6
    here = problem.evaluate(theta)
    scale = 1 / np.sqrt(np.diag(here.information))
    step = 1e-4 * scale
    gradient, hessian = np.empty_like(theta), np.empty_like(here.hessian)
    for index in range(len(theta)):
        ahead, behind = theta.copy(), theta.copy()
        ahead[index] += step[index]
        behind[index] -= step[index]
        gradient[index] = -(problem.cost(ahead) - problem.cost(behind)) / (4 * step[index])
        hessian[index] = -(problem.evaluate(ahead).gradient - problem.evaluate(behind).gradient) / (2 * step[index])
    # Central differences: truncation h² = 1e-8 relative to the third derivative, rounding eps·cost/h = 1e-12·cost.
    tolerance = 1e-6 * np.abs(here.gradient * scale).max() + 1e-11 * here.cost
    np.testing.assert_allclose(gradient * scale, here.gradient * scale, rtol=0, atol=tolerance)
    weights = np.outer(scale, scale)
    np.testing.assert_allclose(hessian * weights, here.hessian * weights, rtol=0, atol=1e-5)


# --- fits -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [1e-6, 1e9])
def test_the_unit_of_the_fid_does_not_matter(factor):
    fid = scan("tail of 6 Hz") + noise(100, 3)
    one, other = fit(fid), fit(factor * fid)
    assert other.line_shape.order == one.line_shape.order
    np.testing.assert_allclose(other.line_shape.coefficients, one.line_shape.coefficients, rtol=0, atol=1e-6)
    np.testing.assert_allclose(beta(other), beta(one), rtol=1e-6)
    model = model_fid(other, POINTS, **SAMPLING) / factor
    np.testing.assert_allclose(model, model_fid(one, POINTS, **SAMPLING), rtol=0, atol=1e-6 * np.abs(fid).max())
    assert other.noise_sd == pytest.approx(factor * one.noise_sd, rel=1e-6)


@pytest.mark.parametrize("field", FIELDS)
def test_the_field_moves_neither_beta_nor_the_begin_time(field):
    found = fit(scan(field) + noise(2000, 1))
    value, sd = beta(found)
    # A hundredth of what the Voigt fit is off by, and the noise.
    assert value == pytest.approx(BETA_PPM, abs=4e-4 + 3 * sd)
    assert sd < 4e-4
    assert found.begin_time_s == pytest.approx(BEGIN_S, abs=0.3e-6 + 3 * found.begin_time_sd_s)
    if field != "Gaussian":
        voigt = fit(scan(field) + noise(2000, 1), shape_order=0)
        assert abs(beta(voigt)[0] - BETA_PPM) > 4e-3


@pytest.mark.parametrize("field", FIELDS)
def test_intervals_at_snr_40_cover_whatever_the_field_does(field):
    pulls = []
    for seed in range(40):
        value, sd = beta(fit(scan(field) + noise(40, seed)))
        pulls.append((value - BETA_PPM) / sd)
    # The mean of 40 pulls has SD .16, their SD .11: 3.5 of them.
    assert abs(np.mean(pulls)) < 3.5 / np.sqrt(40)
    assert 1 - 3.5 / np.sqrt(80) < np.std(pulls) < 1 + 3.5 / np.sqrt(80)


def test_a_symmetric_scan_pays_little_for_the_line_shape():
    sds = np.array(
        [
            [beta(fit(scan("Gaussian") + noise(40, seed), shape_order=order))[1] for order in (0, 4)]
            for seed in range(10)
        ]
    )
    assert np.median(sds[:, 1] / sds[:, 0]) < 1.05


def test_the_order_follows_the_data():
    assert fit(scan("Gaussian") + noise(40, 1)).line_shape.order == LEAST_ORDER
    low, high = (fit(scan("second component") + noise(snr, 1)) for snr in (20, 1000))
    assert LEAST_ORDER <= low.line_shape.order < high.line_shape.order <= HIGHEST_ORDER
    assert high.noise_sd == pytest.approx(33 / 1000, rel=0.1)


def test_width_and_asymmetry_of_a_line_are_those_of_its_spectrum():
    plain = fit(scan("Gaussian") + noise(1000, 2))
    width, asymmetry = line_figures(plain, "PCr", DWELL_S)
    # Voigt line of 4 Hz Lorentzian and 10 Hz Gaussian FWHM (Olivero & Longbothum 1977, .02 %).
    assert width == pytest.approx(0.5346 * 4 + np.sqrt(0.2166 * 16 + 100), rel=5e-3)
    assert abs(asymmetry) < 5e-3
    forward, backward = (
        line_figures(fit(scan(field) + noise(1000, 2)), "PCr", DWELL_S) for field in ("tail of 6 Hz", "tail of −4 Hz")
    )
    assert forward[1] > 0.03
    assert backward[1] < -0.03
    assert forward[0] > width


def test_too_few_samples_for_the_line_shape_are_refused():
    with pytest.raises(ValueError, match="20 samples cannot determine"):
        fit(scan("Gaussian")[:20])

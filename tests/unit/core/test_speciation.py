"""Shifts of the forms of ATP: limits, derivatives, documents that are wrong.

The limiting shifts are invented for these tests: they are not those of ATP.
"""

import numpy as np
import pytest

from myomag.core.energetics import binding, equilibrium_constants
from myomag.core.families import shift_calibration
from myomag.core.speciation import FORMS, ShiftModel, atp_populations, speciation_calibration
from myomag.settings.documents import shipped_document

CONSTANTS = equilibrium_constants()
PH = shift_calibration(shipped_document("calibrations", "brain7t"), "ph")
DOCUMENT = {
    "name": "invented",
    "quantity": "mg",
    "family": "speciation",
    "coefficients": {
        "alpha-ATP": dict(zip(FORMS, (-7.9, -8.2, -7.4, -7.9), strict=True)),
        "beta-ATP": dict(zip(FORMS, (-18.7, -19.2, -15.7, -17.0), strict=True)),
        "gamma-ATP": dict(zip(FORMS, (-2.9, -7.3, -2.3, -4.0), strict=True)),
    },
    "range": {"lower_ph": 5.5, "upper_ph": 8.5, "lower_pmg": 1.5, "upper_pmg": 6.0},
    "source": "Test values, invented",
    "standing": "unverified",
}
ALL = ("Pi", "alpha-ATP", "beta-ATP", "gamma-ATP")


def model(lines=ALL):
    return ShiftModel(speciation_calibration(DOCUMENT), PH, CONSTANTS, lines)


def test_populations_are_fractions_and_count_the_bound_ions_of_the_binding_polynomial():
    ph, pmg = 6.8, 3.3
    populations = atp_populations(CONSTANTS, np.array(ph), np.array(pmg))
    bound = binding(CONSTANTS, "atp", ph=ph, pmg=pmg)
    assert populations.sum() == pytest.approx(1, abs=1e-12)
    assert populations[1] + populations[3] == pytest.approx(bound.protons)
    assert populations[2] + populations[3] == pytest.approx(bound.magnesium)


@pytest.mark.parametrize(("ph", "pmg", "form"), [(11, 11, 0), (2, 11, 1), (10, -1, 2), (0, -4, 3)])
def test_in_the_limits_one_form_alone_is_left(ph, pmg, form):
    shifts, _ = model().shifts_ppm(np.array([ph, pmg], dtype=float))
    limits = [DOCUMENT["coefficients"][line][FORMS[form]] for line in ALL[1:]]
    # The other forms hold less than 1e-4, and their limiting shifts lie less than 5 ppm away.
    np.testing.assert_allclose(shifts[1:], limits, atol=5e-4)


def test_slopes_of_the_shifts_are_their_derivatives():
    point, step = np.array([6.9, 3.1]), 1e-5
    _, slopes = model().shifts_ppm(point)
    for axis in (0, 1):
        moved = [model().shifts_ppm(point + s * np.eye(2)[axis])[0] for s in (-step, step)]
        np.testing.assert_allclose(slopes[:, axis], (moved[1] - moved[0]) / (2 * step), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"coefficients": {}}, "expected the limiting shifts of alpha-ATP"),
        ({"coefficients": {"delta-ATP": {}}}, "unknown key 'delta-ATP'"),
        ({"coefficients": {"beta-ATP": {"atp_ppm": -18.7}}}, "'hatp_ppm' is missing"),
        ({"range": DOCUMENT["range"] | {"lower_ph": 9.0}}, "lower_ph 9 must be below upper_ph 8.5"),
        ({"range": {"lower_ppm": 1.0, "upper_ppm": 2.0}}, "unknown key 'lower_ppm'"),
        ({"family": "iotti"}, "family is 'iotti'"),
        ({"standing": "sure"}, "found, derived, unverified"),
    ],
)
def test_a_wrong_document_is_refused_in_one_line(change, message):
    with pytest.raises(ValueError, match=r".+") as error:
        speciation_calibration(DOCUMENT | change)
    assert message in str(error.value)
    assert "\n" not in str(error.value)

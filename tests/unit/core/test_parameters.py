"""Layout of a fit: which parameters are free, and how lines and components follow from them."""

import numpy as np
import pytest

from myomag.core.parameters import AMPLITUDE, FREQUENCY, GAUSSIAN, LORENTZIAN, PHASE, parameter_map
from myomag.core.prior_knowledge import PriorKnowledge
from myomag.settings.documents import shipped_document

MUSCLE = PriorKnowledge.from_dict(shipped_document("prior_knowledge", "muscle_rest"))


def test_only_values_of_their_own_are_free():
    layout = parameter_map(MUSCLE, 51.7, fit_begin_time=True)
    assert layout.names[-1] == "begin_time_s"
    for name in ("shift_ppm:Pi-alkaline", "lorentzian_hz:NAD", "phase_deg:Pi", "gaussian_hz:Pi", "j_hz:alpha-ATP"):
        assert name not in layout.names
    assert [name for name in layout.names if name.startswith(("gaussian", "phase", "j_hz"))] == [
        "gaussian_hz:PCr",
        "phase_deg:PCr",
        "j_hz:gamma-ATP",
    ]
    assert len(parameter_map(MUSCLE, 51.7, fit_begin_time=False).names) == len(layout.names) - 1


@pytest.mark.parametrize("mhz", [25.8, 120.3])
def test_shifts_follow_the_field_and_couplings_do_not(mhz):
    layout = parameter_map(MUSCLE, mhz, fit_begin_time=False)
    lines = layout.lines(layout.start)
    at = {line.name: index for index, line in enumerate(MUSCLE.lines)}
    assert lines[FREQUENCY, at["beta-ATP"]] == pytest.approx(-15.9 * mhz)
    assert lines[FREQUENCY, at["Pi-alkaline"]] == pytest.approx(5.2 * mhz)
    offsets = layout.component_offsets_hz(layout.start)
    np.testing.assert_allclose(offsets[layout.component_line == at["beta-ATP"]], [-16.5, 0, 16.5])
    np.testing.assert_allclose(offsets[layout.component_line == at["alpha-ATP"]], [-8.25, 8.25])
    np.testing.assert_allclose(layout.component_weight[layout.component_line == at["beta-ATP"]], [0.25, 0.5, 0.25])
    assert lines[LORENTZIAN, at["NAD"]] == pytest.approx(1.25 * lines[LORENTZIAN, at["alpha-ATP"]])
    np.testing.assert_allclose(np.delete(lines[GAUSSIAN], at["broad"]), 36.0)
    assert not lines[PHASE].any()


def test_a_tied_shift_is_offset_in_hz_and_in_ppm():
    prior = PriorKnowledge.from_dict(
        {
            "name": "x",
            "lines": {
                "A": {"shift_ppm": {"start": 1}, "lorentzian_hz": {"start": 5}},
                "B": {
                    "shift_ppm": {"same_as": "A", "offset_hz": -16, "offset_ppm": 2},
                    "lorentzian_hz": {"start": 5},
                },
                "C": {"shift_ppm": {"same_as": "B", "offset_hz": -16}, "lorentzian_hz": {"start": 5}},
            },
        }
    )
    layout = parameter_map(prior, 100.0, fit_begin_time=False)
    np.testing.assert_allclose(layout.lines(layout.start)[FREQUENCY], [100, 284, 268])
    assert (layout.shift_group == layout.names.index("shift_ppm:A")).all()


def test_components_share_the_amplitude_of_their_line():
    layout = parameter_map(MUSCLE, 51.7, fit_begin_time=True)
    rng = np.random.default_rng(0)
    theta = layout.start + rng.normal(size=len(layout.start))
    components, lines = layout.components(theta), layout.lines(theta)
    for index in range(len(MUSCLE.lines)):
        mine = layout.component_line == index
        assert components[AMPLITUDE, mine].sum() == pytest.approx(lines[AMPLITUDE, index])
        assert components[FREQUENCY, mine].mean() == pytest.approx(lines[FREQUENCY, index])
    # The map is affine, and component_matrix is its slope.
    other = theta + rng.normal(size=len(theta))
    np.testing.assert_allclose(
        layout.components(other) - components, layout.component_matrix() @ (other - theta), atol=1e-10
    )

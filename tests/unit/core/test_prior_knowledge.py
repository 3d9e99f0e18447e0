"""Prior knowledge: what is read is what was written, and everything else is refused with its place."""

import copy
import math

import pytest

from myomag.core.prior_knowledge import Line, PriorKnowledge, Tie, Value
from myomag.settings.documents import shipped_document

MUSCLE = shipped_document("prior_knowledge", "muscle_rest")
SMALL = {
    "name": "small",
    "lines": {
        "A": {
            "amplitude": {"start": 2, "lower": 0},
            "shift_ppm": {"start": 1, "lower": 0, "upper": 2},
            "lorentzian_hz": {"start": 5, "lower": 1, "upper": 9},
        },
        "B": {
            "amplitude": {"same_as": "A", "scale": 0.5},
            "shift_ppm": {"same_as": "A", "offset_hz": -16, "offset_ppm": 0.5},
            "lorentzian_hz": {"same_as": "A", "scale": 2, "offset": 1},
            "phase_deg": {"fixed": 90},
            "j_hz": {"start": 16, "lower": 14, "upper": 18},
            "ratios": [1, 2, 1],
        },
    },
}


def changed(path: str, value: object) -> dict:
    document = copy.deepcopy(SMALL)
    *parents, last = path.split("/")
    place = document
    for key in parents:
        place = place[key]
    place[last] = value
    return document


def test_a_document_is_read_as_it_says():
    prior = PriorKnowledge.from_dict(SMALL)
    a, b = prior.lines
    assert (a.name, b.name) == ("A", "B")
    assert a.parameters["amplitude"] == Value(2, 0, math.inf)
    assert a.parameters["shift_ppm"] == Value(1, 0, 2)
    assert b.parameters["shift_ppm"] == Tie("A", 1.0, -16.0, 0.5)
    assert b.parameters["lorentzian_hz"] == Tie("A", 2.0, 1.0)
    assert b.parameters["phase_deg"].fixed
    assert b.ratios == (1.0, 2.0, 1.0)


def test_what_is_not_said_is_a_lorentzian_singlet_of_zero_phase():
    parameters = PriorKnowledge.from_dict(
        {"name": "x", "lines": {"A": {"shift_ppm": {"start": 0}, "lorentzian_hz": {"start": 5}}}}
    ).lines[0]
    assert parameters.parameters["amplitude"] == Value(1.0, 0.0)
    for quantity in ("gaussian_hz", "phase_deg", "j_hz"):
        assert parameters.parameters[quantity] == Value(0.0, 0.0, 0.0)
    assert parameters.ratios == (1.0,)
    # An FID of negative width would grow without limit.
    assert parameters.parameters["lorentzian_hz"] == Value(5.0, 0.0)


@pytest.mark.parametrize("document", [SMALL, MUSCLE])
def test_written_and_read_again_it_is_the_same(document):
    prior = PriorKnowledge.from_dict(document)
    assert PriorKnowledge.from_dict(prior.to_dict()) == prior


def test_chains_of_ties_are_followed_to_their_end():
    document = changed("lines/C", {"shift_ppm": {"start": 3}, "lorentzian_hz": {"same_as": "B", "scale": 3}})
    document["lines"]["C"]["shift_ppm"] = {"same_as": "B", "offset_hz": 4}
    prior = PriorKnowledge.from_dict(document)
    assert prior.root("C", "lorentzian_hz") == Tie("A", 6.0, 3.0)
    assert prior.root("C", "shift_ppm") == Tie("A", 1.0, -12.0, 0.5)
    assert prior.root("A", "lorentzian_hz") == Tie("A")


def test_the_default_knows_the_lines_the_pipeline_needs_and_does_not_clip_muscle():
    prior = PriorKnowledge.from_dict(MUSCLE)
    assert {"PCr", "Pi", "gamma-ATP", "alpha-ATP", "beta-ATP"} <= {line.name for line in prior.lines}
    beta = prior.line("beta-ATP").parameters["shift_ppm"]
    # From no free magnesium to the pole of the calibration, apart from the last .14 ppm.
    assert beta.lower <= -16.6
    assert beta.upper >= -15.6


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("lines/A/shift_pmm", {"start": 0}, "line A: unknown key shift_pmm"),
        ("lines/A/shift_ppm/strat", 1, "line A: shift_ppm: unknown key strat"),
        ("lines/B/lorentzian_hz/offset_ppm", 1, "line B: lorentzian_hz: unknown key offset_ppm"),
        ("extra", 1, "prior knowledge: unknown key extra"),
        ("lines", [], "lines: expected a mapping of line names"),
        ("lines", {}, "prior knowledge without lines"),
        ("lines/A", 5, "line A: expected a mapping"),
        ("lines/A", {"shift_ppm": {"start": 0}}, "line A: lorentzian_hz is missing"),
        ("lines/A/amplitude", 3, r"line A: amplitude: expected \{start, lower, upper\}"),
        ("lines/A/amplitude", {"lower": 0}, "line A: amplitude: start is missing"),
        ("lines/A/shift_ppm/start", 3, "line A: shift_ppm: start value 3 outside its bounds 0 … 2"),
        ("lines/A/shift_ppm/lower", 5, "line A: shift_ppm: start value 1 outside its bounds 5 … 2"),
        ("lines/A/shift_ppm/start", "1", "line A: shift_ppm.start: expected a number, found '1'"),
        ("lines/A/shift_ppm/start", True, "line A: shift_ppm.start: expected a number, found True"),
        ("lines/A/shift_ppm/start", math.nan, "line A: shift_ppm.start: expected a number, found nan"),
        ("lines/A/amplitude/start", math.inf, "line A: amplitude: .*not a finite number"),
        ("lines/A/lorentzian_hz/lower", -1, "line A: lorentzian_hz: the width may become negative"),
        ("lines/A/gaussian_hz", {"start": 0, "lower": -1}, "line A: gaussian_hz: the width may become negative"),
        ("lines/B/lorentzian_hz/scale", -2, "line B: lorentzian_hz: the width may become negative"),
        ("lines/B/lorentzian_hz/offset", -5, "line B: lorentzian_hz: the width may become negative"),
        ("lines/B/gaussian_hz", {"same_as": "A", "offset": 1}, "line B: gaussian_hz: a tie .* cannot have an offset"),
        ("lines/B/amplitude/scale", 0, "line B: amplitude: .*scale not zero"),
        ("lines/B/amplitude/scale", math.inf, "line B: amplitude: scale and offset of a tie must be finite"),
        ("lines/B/amplitude/same_as", "Z", "line B: amplitude: tied to Z, which is not a line"),
        ("lines/B/amplitude/same_as", "B", "amplitude: ties of B are circular"),
        ("lines/A/amplitude", {"same_as": "B"}, "amplitude: ties of A, B are circular"),
        ("lines/B/ratios", [1, -1], "line B: ratios: expected positive numbers"),
        ("lines/B/at_most", {"line": "A", "ratio": 0}, "line B: at_most.ratio: expected a positive number, found 0"),
        ("lines/B/at_most", {"line": "Z", "ratio": 1}, "line B: at_most: Z is not a line of the prior knowledge"),
        ("lines/A/at_most", {"line": "B", "ratio": 1}, "line B: amplitude: tied to A, which may be left out"),
        ("lines/B/ratios", [1, math.inf], "line B: ratios: expected positive numbers"),
        ("lines/B/ratios", [], "line B: ratios: expected positive numbers"),
        ("lines/B/ratios", "121", "line B: ratios: expected positive numbers"),
    ],
)
def test_what_is_wrong_is_refused_with_line_and_field(path, value, message):
    with pytest.raises(ValueError, match=message):
        PriorKnowledge.from_dict(changed(path, value))


def test_a_line_given_twice_is_refused():
    line = PriorKnowledge.from_dict(SMALL).lines[0]
    with pytest.raises(ValueError, match="line A is given twice"):
        PriorKnowledge("x", (line, Line("A", line.parameters)))


def test_an_optional_line_is_one_that_may_be_left_out():
    document = changed("lines/B/optional", True)
    prior = PriorKnowledge.from_dict(document)
    assert [line.optional for line in prior.lines] == [False, True]
    assert [line.name for line in prior.required.lines] == ["A"]
    assert PriorKnowledge.from_dict(prior.to_dict()) == prior


def test_nothing_may_be_tied_to_an_optional_line():
    with pytest.raises(ValueError, match="line B: amplitude: tied to A, which may be left out"):
        PriorKnowledge.from_dict(changed("lines/A/optional", True))


def test_optional_is_true_or_false():
    with pytest.raises(ValueError, match="line B: optional: expected true or false"):
        PriorKnowledge.from_dict(changed("lines/B/optional", 1))

"""Variables of participants are those that their scans give one by one."""

import math

import numpy as np
import pandas as pd
import pytest

from myomag.cohort.participants import (
    Owners,
    is_text,
    number_of,
    numbers_of,
    participant_errors,
    participant_levels,
    participant_sex,
    participant_values,
)
from myomag.io.tables import is_missing
from myomag.study.cells import sex_of

PEOPLE = [f"sub-{number}" for number in (3, 1, 2, 10)]


@pytest.fixture(params=range(12))
def rng(request):
    return np.random.default_rng(request.param)


def drawn(rng, values):
    """Scans of some participants in any order, each with one of the values."""
    count = int(rng.integers(1, 20))
    people = pd.Series(rng.choice(PEOPLE, count), name="participant_id")
    return people, pd.Series([values[k] for k in rng.integers(len(values), size=count)], name="x")


def by_person(people, column):
    """Values of each participant, in the order of the first scans."""
    found = {}
    for person, value in zip(people, column.tolist(), strict=True):
        found.setdefault(person, []).append(value)
    return found


def same(found, expected):
    np.testing.assert_array_equal(found, np.array([math.nan if each is None else each for each in expected]))


@pytest.mark.parametrize("values", [[1.5, 2.25, math.nan], ["60", "61.5", "89+", None, " "], [1.0, None, 1e200]])
def test_a_number_is_the_mean_or_the_first_of_the_scans(rng, values):
    people, column = drawn(rng, values)
    owners = Owners.of(people)
    known = {person: [number_of(v) for v in found] for person, found in by_person(people, column).items()}
    known = {person: [v for v in found if v is not None] for person, found in known.items()}
    assert owners.people.tolist() == list(known)
    mean, first = (participant_values(column, owners, repeated) for repeated in ("mean", "first"))
    if (column == 1e200).any():
        assert "1e+200', too large for a measurement" in mean.problem and not mean.known.any()
    else:
        same(mean.values, [sum(found) / len(found) if found else None for found in known.values()])
        same(first.values, [found[0] if found else None for found in known.values()])
        count = (column == "89+").sum()
        notes = (f"x is top-coded (such as 89+) in {count} scans; the lower bound is used",) if count else ()
        assert mean.notes == notes
    errors = [math.sqrt(sum(v**2 for v in found)) / len(found) if found else math.nan for found in known.values()]
    np.testing.assert_allclose(participant_errors(column, owners), errors, rtol=1e-14)
    same(participant_errors(column, owners, "first"), [found[0] if found else None for found in known.values()])
    smallest = [min(found) if found else None for found in known.values()]
    same(owners.group(numbers_of(column)).min().to_numpy(), smallest)


@pytest.mark.parametrize(
    ("variable", "values", "level"),
    [
        (participant_levels, ["left", "right", None, " "], lambda value: None if is_missing(value) else value),
        (participant_sex, ["F", "female", "M", "?", None], sex_of),
    ],
)
def test_a_level_is_that_on_which_the_scans_agree(rng, variable, values, level):
    people, column = drawn(rng, values)
    found = variable(column, Owners.of(people))
    levels = {p: {level(value) for value in scans} - {None} for p, scans in by_person(people, column).items()}
    agreed = [min(each) if len(each) == 1 else None for each in levels.values()]
    unknown = variable is participant_sex and "?" in column.tolist()
    if unknown and not any(agreed):
        assert found.problem == "x has no F/M or female/male values (found: ?)" and not found.known.any()
        return
    assert found.values.tolist() == agreed and found.known.tolist() == [each is not None for each in agreed]
    notes = [f"x of {p} differs between scans" for p in sorted(levels) if len(levels[p]) > 1]
    notes += ["x values other than F/M or female/male left out: ?"] if unknown else []
    assert found.notes == tuple(notes)


def test_a_column_with_a_number_is_no_text():
    for values, text in ((["a", "b", None], True), (["a", "1"], False), ([None, " "], False), ([1.0, math.nan], False)):
        assert is_text(pd.Series(values)) is text


def test_whole_numbers_are_levels_as_they_are_written():
    column = pd.Series([1, 2, None], dtype="Int64", name="site")
    found = participant_levels(column, Owners.of(pd.Series(["sub-1", "sub-2", "sub-3"])))
    assert found.values.tolist() == ["1", "2", None]


def test_the_first_value_that_is_no_number_is_named_with_its_participant():
    people, column = pd.Series(["sub-2", "sub-1", "sub-1"]), pd.Series(["60", "old", "older"], name="age")
    found = participant_values(column, Owners.of(people))
    assert found.problem == "age of sub-1 is 'old', not a number" and np.isnan(found.numbers).all()

"""Agreement of repeats reproduces published examples; its intervals cover."""

import math

import numpy as np
import pytest

from myomag.cohort.agreement import bland_altman, icc_agreement, icc_one_way, repeat_agreement
from myomag.cohort.regression import NotEstimable

# Shrout & Fleiss 1979, Psychol. Bull. 86:420, table 2: 6 subjects (rows), 4 judges.
SHROUT_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float
)


def test_shrout_and_fleiss_example():
    """Published: ICC(2,1) = .29, ICC(1,1) = .17; the intervals are those that R's psych prints for these data."""
    agreement, one_way = icc_agreement(SHROUT_FLEISS), icc_one_way(list(SHROUT_FLEISS))
    assert (round(agreement.icc, 2), round(one_way.icc, 2)) == (0.29, 0.17)
    assert (agreement.icc_ci95_low, agreement.icc_ci95_high) == pytest.approx((0.019, 0.761), abs=6e-4)
    assert (one_way.icc_ci95_low, one_way.icc_ci95_high) == pytest.approx((-0.133, 0.723), abs=6e-4)


def simulated(rng, n, k, icc, shift_sd=0.0):
    """Table of n participants and k conditions with total variance 1 + that of the shift."""
    person = math.sqrt(icc) * rng.normal(size=(n, 1))
    return 50 + person + math.sqrt(1 - icc) * rng.normal(size=(n, k)) + shift_sd * rng.normal(size=k)


@pytest.mark.parametrize(("n", "k", "icc"), [(12, 4, 0.35), (30, 2, 0.35), (30, 2, 0.9)])
def test_interval_covers(n, k, icc):
    rng = np.random.default_rng(n)
    replicates = 2000
    found = [icc_agreement(simulated(rng, n, k, icc)) for _ in range(replicates)]
    tolerance = 3.5 * math.sqrt(0.05 * 0.95 / replicates)
    # Satterthwaite's degrees of freedom make the interval somewhat wide where conditions do not differ.
    assert 0.95 - tolerance < np.mean([one.icc_ci95_low < icc < one.icc_ci95_high for one in found]) < 0.985
    sem = np.mean([one.sem**2 for one in found])
    # A condition variance below 0 counts as 0, which adds a little.
    assert sem == pytest.approx(1 - icc, rel=0.06)


def test_one_way_interval_covers_with_unequal_numbers():
    rng = np.random.default_rng(4)
    replicates, icc = 2000, 0.35
    covered = 0
    for _ in range(replicates):
        table = simulated(rng, 24, 4, icc)
        found = repeat_agreement([row[: 2 + index % 3] for index, row in enumerate(table)])
        covered += found.icc_ci95_low < icc < found.icc_ci95_high
    assert covered / replicates == pytest.approx(0.95, abs=3.5 * math.sqrt(0.05 * 0.95 / replicates))


def test_form_follows_the_design():
    table = simulated(np.random.default_rng(1), 12, 3, 0.5)
    single = np.array([50.0])
    equal, unequal = repeat_agreement([*table, single]), repeat_agreement([*table[1:], table[0][:2], single])
    assert (equal.form, unequal.form) == ("ICC(A,1)", "ICC(1)")
    assert equal.smallest_detectable_change == pytest.approx(1.96 * math.sqrt(2) * equal.sem)


def test_shift_between_days_lowers_the_agreement():
    table = simulated(np.random.default_rng(2), 40, 2, 0.8)
    shifted = table + np.array([0.0, 2.0])
    assert icc_agreement(shifted).icc < icc_agreement(table).icc - 0.3
    assert icc_agreement(shifted).sem > icc_agreement(table).sem + 0.5


def test_no_agreement_is_near_zero_and_the_scale_does_not_matter():
    table = simulated(np.random.default_rng(3), 400, 2, 0.0)
    found = icc_agreement(table)
    assert abs(found.icc) < 3.5 / math.sqrt(400)
    assert icc_agreement(1e-6 * table).icc == pytest.approx(found.icc)


def test_bland_altman_covers():
    rng = np.random.default_rng(8)
    replicates, bias, sd = 2000, 0.02, 0.05
    covered = np.zeros(3)
    for _ in range(replicates):
        first = rng.normal(0.45, 0.1, 20)
        found = bland_altman(first, first + rng.normal(bias, sd, 20))
        covered += (
            found.bias_ci95_low < bias < found.bias_ci95_high,
            found.lower_limit_ci95_low < bias - 1.96 * sd < found.lower_limit_ci95_high,
            found.upper_limit_ci95_low < bias + 1.96 * sd < found.upper_limit_ci95_high,
        )
    assert covered[0] / replicates == pytest.approx(0.95, abs=3.5 * math.sqrt(0.05 * 0.95 / replicates))
    # The SE of a limit is approximate.
    assert np.all(np.abs(covered[1:] / replicates - 0.95) < 0.025)


@pytest.mark.parametrize(
    ("repeats", "reason"),
    [
        ([np.array([1.0, 2.0]), np.array([1.0])], "1 participants with repeats"),
        ([np.ones(2)] * 4, "same for all"),
        ([np.array([1.0, 1.0]), np.array([2.0, 2.0]), np.array([3.0, 3.0])], "all repeats are equal"),
        ([np.array([1.0, 1.0]), np.array([2.0, 2.0]), np.array([3.0, 3.0, 3.0])], "all repeats are equal"),
        ([np.array([1.0, math.nan])] * 3, "not a finite"),
    ],
)
def test_not_estimable_says_why(repeats, reason):
    with pytest.raises(NotEstimable, match=reason):
        repeat_agreement(repeats)


def test_bland_altman_needs_scatter():
    with pytest.raises(NotEstimable, match="2 pairs"):
        bland_altman(np.ones(2), np.ones(2))
    with pytest.raises(NotEstimable, match="difference"):
        bland_altman(np.arange(4.0), np.arange(4.0) + 1)

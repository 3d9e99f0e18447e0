"""Sample size and power of a study of Mg, from effect, SD and reliability."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from myomag.errors import SettingsError

Design = Literal["correlation", "groups", "change", "crossover"]
FEWEST, MOST = 6, 1_000_000
LOWER_ICCS = (0.35, 0.5, 0.7, 0.9, 1.0)
"""Further reliabilities for which the sample size is given; .35 was found between days (McCully 2009)."""


@dataclass(frozen=True)
class Plan:
    """A planned study.

    Attributes
    ----------
    design : str
        correlation: of Mg with something measured without error, over participants. groups: two groups measured once.
        change: two arms, each measured before and after, their changes compared (arm × session). crossover: each
        participant under both conditions, the order balanced.
    effect : float
        True correlation, or true difference in the unit of `sd`.
    sd : float
        SD of single measurements of different participants.
    icc : float
        Reliability of a single measurement, over the time between the measurements of the study.
    scans : int
        Measurements on different days that are averaged into each value.
    alpha : float
        Level of the two-sided test.
    """

    design: Design
    effect: float
    sd: float = 1.0
    icc: float = 1.0
    scans: int = 1
    alpha: float = 0.05

    def __post_init__(self) -> None:
        limits = {"icc": (0, 1), "alpha": (0, 0.5)} | ({"effect": (0, 1)} if self.design == "correlation" else {})
        for name, (low, high) in limits.items():
            if not low < abs(getattr(self, name)) <= high:
                raise SettingsError(f"--{name} {getattr(self, name):g}: give a number above {low} and up to {high:g}.")
        if self.effect == 0 or self.sd <= 0:
            raise SettingsError("--effect must not be 0, and --sd must be above 0.")
        if self.icc == 1 and self.design in ("change", "crossover"):
            raise SettingsError(
                f"--icc 1: without error, one participant shows a {self.design} of any size; give the ICC."
            )

    @property
    def standardised(self) -> float:
        """Effect in SDs of what the test compares.

        With the error variance (1 − ICC)·SD² of a measurement, a mean of m has SD²·(ICC + (1 − ICC)/m), and a
        difference of two of a participant 2·SD²·(1 − ICC)/m; a correlation shrinks by the root of the reliability.
        """
        error = (1 - self.icc) / self.scans
        if self.design == "correlation":
            return math.atanh(min(abs(self.effect) * math.sqrt(self.icc / (self.icc + error)), 1 - 1e-12))
        spread = self.icc + error if self.design == "groups" else 2 * error
        return abs(self.effect) / (self.sd * math.sqrt(spread))


def power(plan: Plan, participants: int) -> float:
    """Power of the two-sided test for a total number of participants, with groups and orders of equal size."""
    from statsmodels.stats import power as tests

    n, effect = participants, plan.standardised
    if plan.design == "correlation":
        return float(tests.NormalIndPower(ddof=3).power(effect, n, plan.alpha, ratio=0))
    # Far from 0 the noncentral t has no value, and the normal distribution the same one.
    if plan.design == "crossover":
        # The order of the conditions costs a degree of freedom.
        found = tests.TTestPower().power(effect, n, plan.alpha, df=n - 2)
        normal = tests.NormalIndPower(ddof=0).power(effect, n, plan.alpha, ratio=0)
    else:
        found = tests.TTestIndPower().power(effect, n / 2, plan.alpha)
        normal = tests.NormalIndPower().power(effect, n / 2, plan.alpha)
    return float(found if math.isfinite(found) else normal)


def participants_needed(plan: Plan, wanted: float) -> int:
    """Fewest participants in all, an even number but for a correlation, with at least the power wanted.

    Raises
    ------
    SettingsError
        If the power is none, or a million do not reach it.
    """
    if not plan.alpha < wanted < 1:
        raise SettingsError(f"--power {wanted:g}: give a number above --alpha ({plan.alpha:g}) and below 1.")
    step = 1 if plan.design == "correlation" else 2
    found = _least(lambda count: power(plan, count * step) >= wanted, FEWEST // step, MOST // step)
    if found is None:
        raise SettingsError(f"{MOST} participants do not give a power of {wanted:g}: the effect is too small.")
    return found * step


def _least(enough: Callable[[int], bool], low: int, high: int) -> int | None:
    """Least number from `low` to `high` that is enough, where every larger one is as well."""
    if not enough(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low

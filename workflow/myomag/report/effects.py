"""Slopes of the models in units that a reader knows: per decade of age, in per cent of Mg, women compared with men."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from myomag.cohort.plan import LOG_MG, MG, factors
from myomag.wording import text
from myomag.wording.labels import Labels

Row = Mapping[str, Any]
MORE_MG = 1.1
"""A slope on the logarithm of Mg is told for a tenth more Mg: tenfold Mg, its unit, is not seen in muscle."""
PERCENT = "%"


@dataclass(frozen=True)
class Effect:
    """A slope with its 95 % interval in `unit`, and what it is for, such as `per decade of age`."""

    value: float
    low: float
    high: float
    unit: str
    per: str

    @property
    def direction(self) -> int:
        """1 or −1 where the interval leaves out 0, else 0."""
        return (self.low > 0) - (self.high < 0)

    @property
    def decimals(self) -> int:
        """Decimals that show two digits of the half width of the interval."""
        return text.uncertainty_decimals((self.high - self.low) / 2)

    def number(self, value: float) -> str:
        """A value of this effect with its unit."""
        return f"{text.number(value, self.decimals)} {self.unit}".strip()

    def interval(self, less: str, more: str) -> str:
        """The interval of one side of 0 in words, such as `1.8 to 5.9 % lower`."""
        small, large = sorted((abs(self.low), abs(self.high)))
        return f"{text.number(small, self.decimals)} to {self.number(large)} {more if self.direction > 0 else less}"

    def beyond(self, less: str, more: str) -> str:
        """What an interval that holds 0 rules out, such as `more than 5.9 % lower or 0.7 % higher`."""
        return f"more than {self.number(abs(self.low))} {less} or {self.number(abs(self.high))} {more}"

    def ends(self) -> str:
        """Both ends with their signs."""
        return f"{text.interval(self.low, self.high, self.decimals)} {self.unit}".strip()


def effect_of(row: Row, labels: Labels) -> Effect | None:
    """Effect that a row of statistics.tsv tells; None where it has none, or is a product of two numbers.

    A slope b of log₁₀ Mg is a change by 100·(10^(b·step) − 1) per cent.
    """
    value, low, high = (text.finite(row.get(key)) for key in ("b", "b_ci95_low", "b_ci95_high"))
    numbers = [name for name in factors(str(row["predictor"])) if not is_group(name, labels)]
    if value is None or low is None or high is None or len(numbers) > 1:
        return None
    size, per = _step(numbers[0], labels) if numbers else (1.0, "")
    value, low, high = size * value, size * low, size * high
    if row["outcome"] == LOG_MG:
        return Effect(_percent(value), _percent(low), _percent(high), PERCENT, per)
    unit = "mM" if row["outcome"] in (MG, labels.serum_mg) else labels.unit(labels.units.get(str(row["outcome"])))
    return Effect(value, low, high, unit, per)


def _percent(change: float) -> float:
    """Change of Mg [%] that a change of its decadic logarithm is."""
    return float(100 * (10**change - 1))


def is_group(name: str, labels: Labels) -> bool:
    """Whether a factor of a term tells groups apart: sex, or a level of a text column."""
    return name == labels.sex or ": " in name


def _step(name: str, labels: Labels) -> tuple[float, str]:
    """How much of a predictor an effect is told for, and in words."""
    if name == labels.age:
        return 10.0, "per decade of age"
    if name == LOG_MG:
        return math.log10(MORE_MG), "per 10 % more free Mg²⁺"
    if name in (MG, labels.serum_mg):
        return 0.1, f"per 0.1 mM more {labels.column(name)}"
    unit = labels.unit(labels.units.get(name)) or "unit"
    return 1.0, f"per {unit} more {labels.column(name)}"

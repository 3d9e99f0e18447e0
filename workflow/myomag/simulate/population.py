"""Simulated participants whose population has the correlations of Cameron et al. 2019 exactly."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Draws = NDArray[np.float64]

LATENT_BOUND = 3.0
"""Latent normal variables are truncated here [SD], so that no simulated Mg, strength or age is impossible."""


@dataclass(frozen=True)
class EffectSizes:
    """Population correlations, each equal to the standardised β of the single-predictor regression.

    The first five are those of Cameron et al. 2019, Front. Physiol. 10:1454: β found; |r| of serum Mg derived from the
    published p for n = 441, their signs chosen. The last two are chosen: the paper gives only p < .001 and the sign of
    the first, and nothing on the second.
    """

    mg_age: float = -0.29
    mg_strength_women: float = 0.31
    mg_strength_men: float = 0.20
    serum_age: float = 0.053
    serum_strength: float = 0.078
    mg_sex: float = -0.20
    strength_age: float = -0.50


@dataclass(frozen=True)
class Group:
    """Mean and SD of knee-extension strength of one sex [N·m], chosen."""

    mean_nm: float
    sd_nm: float


WOMEN, MEN = Group(100.0, 22.0), Group(160.0, 36.0)
WOMEN_FRACTION = 236 / 441
"""Share of women that the published intervals imply (derived)."""
AGE_BETA = (2.6, 1.5)
"""Shape of the Beta distribution of age over 24–98 y: median 73 y as in the conference version of the study."""
AGE_RANGE_YEARS = (24.0, 98.0)
MG_MEAN_SD_MMOL_L = (0.45, 0.08)
"""Free Mg: inside the domain of Iotti 1996 for all participants, the SD near the .097 mmol/l once published."""
SERUM_MEAN_SD_MMOL_L = (0.85, 0.06)
PH_MEAN_SD = (7.02, 0.02)


@dataclass(frozen=True)
class Population:
    """Simulated participants; every array has the shape (size,)."""

    woman: NDArray[np.bool_]
    age_years: Draws
    strength_nm: Draws
    serum_mg_mmol_l: Draws
    mg_mmol_l: Draws
    ph: Draws

    @property
    def pmg(self) -> Draws:
        """Free magnesium as pMg."""
        return np.asarray(3 - np.log10(self.mg_mmol_l))


def draw_population(rng: np.random.Generator, size: int, effects: EffectSizes | None = None) -> Population:
    """Draw participants from a linear model with unit-variance latent variables.

    Standardised age A and sex W (women high) are independent; Mg = a·A + b·W + e. Within a sex, strength is α·A + β·e +
    γ·u with α and β solved from the two correlations; serum Mg is c·A + d·u + rest, so that its correlation with
    strength, which also depends on sex, comes out as specified. All correlations are therefore exact in the population
    by construction.
    """
    effects = effects or EffectSizes()
    woman = rng.random(size) < WOMEN_FRACTION
    sex = (woman - WOMEN_FRACTION) / np.sqrt(WOMEN_FRACTION * (1 - WOMEN_FRACTION))
    age_years, age = _age(rng, size)
    mg_rest, strength_rest, serum_rest, ph = (_latent(rng, size) for _ in range(4))
    mg_rest_sd = np.sqrt(1 - effects.mg_age**2 - effects.mg_sex**2)
    mg = effects.mg_age * age + effects.mg_sex * sex + mg_rest_sd * mg_rest
    on_mg, on_rest = (np.where(woman, *pair) for pair in zip(*_strength_coefficients(effects), strict=True))
    strength = effects.strength_age * age + on_mg * mg_rest + on_rest * strength_rest
    serum_weight = _serum_on_strength_rest(effects)
    serum = effects.serum_age * age + serum_weight * strength_rest
    serum += np.sqrt(1 - effects.serum_age**2 - serum_weight**2) * serum_rest
    return Population(
        woman=woman,
        age_years=age_years,
        strength_nm=np.where(woman, WOMEN.mean_nm + WOMEN.sd_nm * strength, MEN.mean_nm + MEN.sd_nm * strength),
        serum_mg_mmol_l=_scaled(serum, SERUM_MEAN_SD_MMOL_L),
        mg_mmol_l=_scaled(mg, MG_MEAN_SD_MMOL_L),
        ph=_scaled(ph, PH_MEAN_SD),
    )


def _strength_coefficients(effects: EffectSizes) -> tuple[tuple[float, float], tuple[float, float]]:
    """Weights of strength on the residual of Mg and on its own residual, (women, men)."""
    # Within a sex, Mg correlates more with age than overall, because sex no longer adds to its variance.
    mg_age = effects.mg_age / np.sqrt(1 - effects.mg_sex**2)
    weights = []
    for correlation in (effects.mg_strength_women, effects.mg_strength_men):
        on_mg = (correlation - effects.strength_age * mg_age) / np.sqrt(1 - mg_age**2)
        weights.append((float(on_mg), float(np.sqrt(1 - effects.strength_age**2 - on_mg**2))))
    return weights[0], weights[1]


def _serum_on_strength_rest(effects: EffectSizes) -> float:
    """Weight d of serum Mg on the residual of strength: cov(serum, strength) = c·α·E[sd] + d·E[sd·γ]."""
    shares, groups = (WOMEN_FRACTION, 1 - WOMEN_FRACTION), (WOMEN, MEN)
    mean_sd = sum(share * group.sd_nm for share, group in zip(shares, groups, strict=True))
    between = shares[0] * shares[1] * (WOMEN.mean_nm - MEN.mean_nm) ** 2
    within = sum(share * group.sd_nm**2 for share, group in zip(shares, groups, strict=True))
    rests = [on_rest for _, on_rest in _strength_coefficients(effects)]
    mean_sd_rest = sum(share * group.sd_nm * rest for share, group, rest in zip(shares, groups, rests, strict=True))
    wanted = effects.serum_strength * np.sqrt(within + between)
    return float((wanted - effects.serum_age * effects.strength_age * mean_sd) / mean_sd_rest)


def _age(rng: np.random.Generator, size: int) -> tuple[Draws, Draws]:
    """Age [years] and standardised age."""
    a, b = AGE_BETA
    share = rng.beta(a, b, size)
    mean, sd = a / (a + b), np.sqrt(a * b / (a + b + 1)) / (a + b)
    low, high = AGE_RANGE_YEARS
    return low + (high - low) * share, (share - mean) / sd


def _latent(rng: np.random.Generator, size: int) -> Draws:
    """Draws of a normal variable truncated at ± LATENT_BOUND, rescaled to unit variance."""
    tail = float(ndtr(-LATENT_BOUND))
    density = np.exp(-(LATENT_BOUND**2) / 2) / np.sqrt(2 * np.pi)
    variance = 1 - 2 * LATENT_BOUND * density / (1 - 2 * tail)
    draws: Draws = ndtri(rng.uniform(tail, 1 - tail, size)) / np.sqrt(variance)
    return draws


def _scaled(standardised: Draws, mean_sd: tuple[float, float]) -> Draws:
    return mean_sd[0] + mean_sd[1] * standardised

"""Change of a variable over years within participants, from sessions that differ in number and spacing."""

import math
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myomag.cohort.regression import NotEstimable, check_estimable

Values = NDArray[np.float64]
YEARS = "years"
MIN_WITH_THREE_SESSIONS = 5
"""Participants with three sessions or more from which slopes that differ between participants are estimated: two
sessions cannot tell them from error."""
SINGULAR = 1e-4
"""Smallest eigenvalue of the random effects' covariance, over the residual variance, that is told from 0."""


@dataclass(frozen=True)
class FixedEffect:
    """Mean effect of a term over participants with SE, 95 % interval [unit of the outcome per unit of the term], p."""

    name: str
    b: float
    b_se: float
    b_ci95_low: float
    b_ci95_high: float
    p: float


@dataclass(frozen=True)
class MixedModel:
    """Mixed model of sessions.

    Attributes
    ----------
    sessions, participants : int
        Numbers used.
    effects : tuple of FixedEffect
        "intercept", "years" and the covariates.
    sd_intercept : float
        SD between participants at their first session [unit of the outcome].
    sd_slope, correlation : float or None
        SD of the change between participants [unit per year] and its correlation with the first value; None where the
        change is taken as the same for all.
    sd_residual : float
        SD of a session about its participant's line [unit of the outcome].
    notes : tuple of str
        What was simplified, and why.
    """

    sessions: int
    participants: int
    effects: tuple[FixedEffect, ...]
    sd_intercept: float
    sd_slope: float | None
    correlation: float | None
    sd_residual: float
    notes: tuple[str, ...]


def mixed_model(
    outcome: Values,
    years: Values,
    participants: Sequence[str],
    covariates: Mapping[str, Values] | None = None,
) -> MixedModel:
    """Linear mixed model y = (β₀ + u₀ₚ) + (β₁ + u₁ₚ)·years + covariates + ε by restricted maximum likelihood.

    Intercept u₀ and slope u₁ of each participant p are normal with any covariance (Laird & Ware 1982, Biometrics
    38:963). Intervals and p are those of t with as many degrees of freedom as participants less fixed effects. The
    slopes are taken as equal (u₁ = 0), with a note, where too few participants have three sessions or the fit says so.

    Parameters
    ----------
    outcome : ndarray, shape (sessions,)
        Outcome at each session.
    years : ndarray, shape (sessions,)
        Time since the participant's first session [years].
    participants : sequence of str, length sessions
        Whose session it is.
    covariates : mapping of str to ndarray, shape (sessions,), optional
        Further fixed effects, such as the age at the first session.

    Raises
    ------
    NotEstimable
        With the reason: see `regression.check_estimable`, too few participants or repeats, no convergence.
    """
    terms = {YEARS: years, **(covariates or {})}
    check_estimable(outcome, terms)
    sessions = Counter(participants)
    if len(sessions) < len(terms) + 3:
        raise NotEstimable(f"{len(sessions)} participants; {len(terms)} terms need at least {len(terms) + 3}")
    if (repeated := sum(count > 1 for count in sessions.values())) < 3:
        raise NotEstimable(f"{repeated} participants have a second session; at least 3 are needed")
    notes = []
    if (thrice := sum(count > 2 for count in sessions.values())) < MIN_WITH_THREE_SESSIONS:
        notes.append(f"one change assumed for all: {thrice} participants have three sessions")
    else:
        fit, trouble = _fit(outcome, terms, participants, slopes=True)
        if trouble is None:
            return _result(fit, outcome, terms, len(sessions), ())
        notes.append(f"one change assumed for all: {trouble}")
    fit, trouble = _fit(outcome, terms, participants, slopes=False)
    if fit is None:
        raise NotEstimable(f"the mixed model has no solution: {trouble}")
    return _result(fit, outcome, terms, len(sessions), (*notes, *([trouble] if trouble else [])))


def _fit(
    outcome: Values, terms: Mapping[str, Values], participants: Sequence[str], *, slopes: bool
) -> tuple[Any, str | None]:
    """Fit of the scaled variables, and what is wrong with it; the fit is None where it cannot be used."""
    from statsmodels.regression.mixed_linear_model import MixedLM

    n = len(outcome)
    scaled = np.column_stack([np.ones(n), *((x - _origin(name, x)) / x.std() for name, x in terms.items())])
    model = MixedLM(
        (outcome - outcome.mean()) / outcome.std(),
        scaled,
        groups=np.asarray(list(participants)),
        exog_re=scaled[:, :2] if slopes else scaled[:, :1],
    )
    # The checks below, on the numbers, replace the warnings of statsmodels.
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            fit = model.fit(reml=True, method=["bfgs", "lbfgs", "powell"])
        except (np.linalg.LinAlgError, ValueError, ZeroDivisionError):
            return None, "the likelihood cannot be evaluated"
        errors = np.sqrt(np.diag(fit.cov_params())[: len(terms) + 1])
    if fit.scale < 1e-12:
        return None, "the sessions do not scatter about their participants' lines"
    if not np.all(np.isfinite(errors)):
        return None, "the effects have no standard errors"
    if np.linalg.eigvalsh(fit.cov_re)[0] < SINGULAR * fit.scale:
        return fit, f"participants do not differ measurably in {'change' if slopes else 'level'}"
    if not fit.converged:
        return None, "the fit did not converge"
    return fit, None


def _origin(name: str, values: Values) -> float:
    """Value that counts as 0 in the fit: the first session for years, the mean for covariates."""
    return 0.0 if name == YEARS else float(values.mean())


def _result(
    fit: Any, outcome: Values, terms: Mapping[str, Values], participants: int, notes: tuple[str, ...]
) -> MixedModel:
    from scipy.special import stdtr, stdtrit

    k, sd = len(terms) + 1, float(outcome.std())
    # Back from scaled variables: a row of `back` gives one effect of the variables as they are.
    back = np.diag([sd, *(sd / x.std() for x in terms.values())])
    back[0, 1:] = [-_origin(name, x) * sd / x.std() for name, x in terms.items()]
    b = back @ np.asarray(fit.fe_params)
    b[0] += outcome.mean()
    errors = np.sqrt(np.diag(back @ np.asarray(fit.cov_params())[:k, :k] @ back.T))
    df = participants - k
    width = float(stdtrit(df, 0.975)) * errors
    effects = tuple(
        FixedEffect(name, *map(float, (value, se, value - half, value + half, 2 * stdtr(df, -abs(value / se)))))
        for name, value, se, half in zip(["intercept", *terms], b, errors, width, strict=True)
    )
    covariance = np.asarray(fit.cov_re) * sd**2
    spread = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    slopes = len(spread) > 1
    return MixedModel(
        sessions=len(outcome),
        participants=participants,
        effects=effects,
        sd_intercept=float(spread[0]),
        sd_slope=float(spread[1] / terms[YEARS].std()) if slopes else None,
        correlation=float(covariance[0, 1] / (spread[0] * spread[1])) if slopes else None,
        sd_residual=sd * math.sqrt(fit.scale),
        notes=notes,
    )

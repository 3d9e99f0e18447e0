"""How many scans each rater rated, and how far raters agree beyond chance."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from myomag.study.ratings import Rated, Ratings

if TYPE_CHECKING:
    import pandas as pd

COHEN, FLEISS = "Cohen's kappa", "Fleiss' kappa"
RATERS_COLUMNS = {
    "raters": "A rater, or the raters compared: each pair, and all of them if there are more than two.",
    "scans": "Number of scans rated by everyone named.",
    "accepted": "Number of these scans accepted by everyone named.",
    "rejected": "Number of these scans rejected by everyone named.",
    "method": f"{COHEN} of two raters, {FLEISS} of more: agreement beyond what chance gives, 1 at most.",
    "kappa": "Its value.",
    "kappa_ci95_low": "Lower end of its 95 % interval from the large-sample standard error; for two raters only.",
    "kappa_ci95_high": "Upper end of its 95 % interval.",
    "reason": "Why there is no value or no interval.",
}
"""Columns of raters.tsv and what they contain."""


def build_raters(ratings: Ratings, scans: Sequence[str]) -> "pd.DataFrame":
    """Build raters.tsv: a row for each rater, each two of them, and all where there are more.

    Parameters
    ----------
    ratings : Ratings
        Ratings of each rater, by scan.
    scans : sequence of str
        Scans of the study; ratings of others do not count.
    """
    import pandas as pd

    return pd.DataFrame(rater_rows(ratings, scans), columns=list(RATERS_COLUMNS))


def rater_rows(ratings: Ratings, scans: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of raters.tsv, see `build_raters`."""
    known = set(scans)
    own = {rater: {scan: each for scan, each in ratings[rater].items() if scan in known} for rater in sorted(ratings)}
    groups = [(rater,) for rater in own] + list(combinations(own, 2)) + ([tuple(own)] if len(own) > 2 else [])
    return [dict.fromkeys(RATERS_COLUMNS) | dict(_row(names, [own[name] for name in names])) for names in groups]


def _row(names: Sequence[str], rated: Sequence[Rated]) -> Iterator[tuple[str, Any]]:
    common = sorted(set.intersection(*(set(each) for each in rated)))
    # Shape (scans, raters): whether it is rejected.
    words = np.array([[not each[scan].accepted for each in rated] for scan in common], bool).reshape(-1, len(names))
    yield "raters", " ".join(names)
    yield "scans", len(common)
    yield "accepted", int((~words).all(axis=1).sum())
    yield "rejected", int(words.all(axis=1).sum())
    if len(names) == 1:
        return
    yield "method", COHEN if len(names) == 2 else FLEISS
    if not len(common):
        yield "reason", "no scan rated by each of them"
    elif words.all() or not words.any():
        yield "reason", "all ratings are the same, so agreement by chance is complete"
    elif len(names) == 2:
        yield from _cohen(words)
    else:
        yield from _fleiss(words)


def _cohen(words: np.ndarray[Any, Any]) -> Iterator[tuple[str, Any]]:
    """Cohen's kappa with the interval of Fleiss, Cohen & Everitt 1969 (Psychol. Bull. 72:323), of statsmodels."""
    from statsmodels.stats.inter_rater import cohens_kappa

    first, second = words[:, 0], words[:, 1]
    table = [[int(((first == a) & (second == b)).sum()) for b in (False, True)] for a in (False, True)]
    # Its test of no agreement, which is not used, divides by zero where a rater always says the same.
    with np.errstate(invalid="ignore", divide="ignore"):
        found = cohens_kappa(table)
    yield "kappa", float(found.kappa)
    if found.var_kappa > 0:
        # The normal approximation does not know that no agreement is more than full.
        yield "kappa_ci95_low", max(-1.0, float(found.kappa_low))
        yield "kappa_ci95_high", min(1.0, float(found.kappa_upp))
    else:
        yield "reason", "no interval: the standard error is zero, as at full agreement"


def _fleiss(words: np.ndarray[Any, Any]) -> Iterator[tuple[str, Any]]:
    """Fleiss' kappa (1971, Psychol. Bull. 76:378) over the scans that all rated, of statsmodels."""
    from statsmodels.stats.inter_rater import fleiss_kappa

    rejected = words.sum(axis=1)
    yield "kappa", float(fleiss_kappa(np.column_stack([words.shape[1] - rejected, rejected])))
    yield "reason", "no interval: the method has none; each pair of raters has one"

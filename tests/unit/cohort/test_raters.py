"""Agreement of raters: kappa as published, and a reason where there is none."""

import pytest

from myomag.cohort.raters import rater_rows
from myomag.report.raters import rater_lines
from myomag.study.ratings import Rating


def ratings(**words: str) -> dict[str, dict[str, Rating]]:
    """Ratings by words of signs, one per scan: + accepts, - rejects, a blank says nothing."""
    return {
        rater: {f"s{number:02d}": Rating(sign == "+", "x") for number, sign in enumerate(signs) if sign != " "}
        for rater, signs in words.items()
    }


SCANS = [f"s{number:02d}" for number in range(60)]


def test_cohens_kappa_of_two() -> None:
    """Of 50 cases 20 accepted by both, 15 rejected by both, 5 and 10 by one: kappa = (.7 − .5)/(1 − .5) = .4."""
    first, second = "+" * 25 + "-" * 25, "+" * 20 + "-" * 5 + "+" * 10 + "-" * 15
    rows = rater_rows(ratings(AB=first + "+", CD=second), SCANS)
    assert [(row["raters"], row["scans"], row["rejected"]) for row in rows] == [
        ("AB", 51, 25),
        ("CD", 50, 20),
        ("AB CD", 50, 15),
    ]
    both = rows[-1]
    assert (both["kappa"], both["accepted"]) == (pytest.approx(0.4), 20)
    # Fleiss, Cohen & Everitt 1969, by hand: variance (.10972 + .6² .283 − .1²)/(50 × .5²) = .1270².
    half = (both["kappa_ci95_high"] - both["kappa_ci95_low"]) / 2
    assert half == pytest.approx(1.96 * 0.1270, rel=1e-3)
    assert rater_lines(rows)[1] == (
        "Cohen's kappa of AB and CD: 0.40 (95 % interval 0.15 to 0.65); 35 of 50 scans judged alike."
    )


def test_fleiss_kappa_of_three_over_the_scans_that_all_rated() -> None:
    """Of 4 scans 3, 2, 1 and 0 of 3 raters reject: mean agreement 2/3, by chance 1/2, kappa = 1/3."""
    rows = rater_rows(ratings(AB="---+-", CD="--++ ", EF="-+++ "), SCANS)
    assert [row["raters"] for row in rows] == ["AB", "CD", "EF", "AB CD", "AB EF", "CD EF", "AB CD EF"]
    assert (rows[-1]["scans"], rows[-1]["kappa"]) == (4, pytest.approx(1 / 3))
    assert "AB, CD and EF: 0.33; 2 of 4 scans" in rater_lines(rows)[-1]
    assert len(rater_lines(rows)) == 5
    assert rater_lines(rows, pairs=False) == [rater_lines(rows)[0], rater_lines(rows)[-1]]


@pytest.mark.parametrize(
    ("words", "kappa", "reason"),
    [
        ({"AB": "++", "CD": "  ++"}, None, "no scan rated by each"),
        ({"AB": "++", "CD": "++"}, None, "all ratings are the same"),
        ({"AB": "+-", "CD": "+-"}, 1.0, "standard error is zero"),
        ({"AB": "+-", "CD": "++"}, 0.0, "standard error is zero"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_what_cannot_be_told_has_a_reason(words: dict[str, str], kappa: float | None, reason: str) -> None:
    row = rater_rows(ratings(**words), SCANS)[-1]
    assert (row["kappa"], row["kappa_ci95_low"]) == (kappa, None)
    assert reason in row["reason"]


def test_scans_of_another_study_and_no_ratings_at_all() -> None:
    assert [row["scans"] for row in rater_rows(ratings(AB="+-+"), ["s01"])] == [1]
    assert rater_lines(rater_rows({}, SCANS)) == []

"""Tables of ratings: what is refused, which scans they leave out, and what the settings still decide."""

from pathlib import Path

import pytest

from myomag.errors import StudyError
from myomag.study.ratings import (
    Rating,
    by_scan,
    rating_files,
    rating_files_of,
    read_rating_table,
    read_ratings,
    rejection_origins,
    rejections,
    with_rejections,
)

HEAD = "scan\trating\treason\n"


def table(folder: Path, rows: str, name: str = "AB.tsv", head: str = HEAD) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(head + rows, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("a\tmaybe\tn/a\n", ["line 2", "'maybe'", "accept nor reject"]),
        ("a\treject\tn/a\n", ["line 2", "without a reason"]),
        ("a\treject\t \n", ["line 2", "without a reason"]),
        ("n/a\taccept\tn/a\n", ["line 2", "scan is missing"]),
        ("a\taccept\tn/a\nb\taccept\tn/a\na\treject\tx\n", ["line 4", "a is rated in line 2 already"]),
        ("a\taccept\n", ["line 2", "2 values for 3 columns"]),
        ("".join(f"s{n}\tno\tn/a\n" for n in range(9)), ["line 6", "and 4 more"]),
    ],
)
def test_a_faulty_row_is_refused_with_its_line(tmp_path: Path, rows: str, words: list[str]) -> None:
    with pytest.raises(StudyError) as error:
        read_rating_table(table(tmp_path, rows))
    assert all(word in str(error.value) for word in ["AB.tsv", *words]), error.value


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ("scan\tratin\treason\n", ["no column 'rating'", "did you mean 'ratin'?"]),
        ("scan\trating\treason\tname\n", ["column 'name' is not one of", "remove it"]),
    ],
)
def test_columns_are_those_of_ratings_and_no_others(tmp_path: Path, head: str, words: list[str]) -> None:
    with pytest.raises(StudyError) as error:
        read_rating_table(table(tmp_path, "", head=head))
    assert all(word in str(error.value) for word in words), error.value


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    rated = {"b": Rating(False, "=cmd() is no formula"), "a": Rating(True), "c": Rating(True, "-5 Hz")}
    (tmp_path / "ratings").mkdir()
    for place, content in rating_files_of("AB", rated).items():
        (tmp_path / place).write_bytes(content)
    assert (tmp_path / "ratings" / "AB.tsv").read_text(encoding="utf-8").splitlines()[2].startswith("b\treject\t'=")
    found = read_ratings(tmp_path)["AB"]
    assert {scan: str(each) for scan, each in found.items()} == {scan: str(each) for scan, each in rated.items()}
    assert rating_files(tmp_path) == ["ratings/AB.json", "ratings/AB.tsv"]
    assert read_rating_table(table(tmp_path, "a\tn/a\tn/a\n")) == {"a": None}


def test_a_file_that_is_not_named_after_a_rater_is_refused(tmp_path: Path) -> None:
    table(tmp_path / "ratings", "", "AB (1).tsv")
    assert rating_files(tmp_path) == []
    with pytest.raises(StudyError, match=r"ratings/AB \(1\).tsv: not named after a rater"):
        read_ratings(tmp_path)


def ratings(**words: str) -> dict[str, dict[str, Rating]]:
    """Ratings of one scan s: a reason for a rejection, an empty text for an acceptance."""
    return {rater: {"s": Rating(not why, why or None, 2)} for rater, why in words.items()}


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"AB": ""}, None),
        ({"AB": "lipid"}, "rejected by a rater (AB: lipid)"),
        ({"CD": "", "AB": "lipid"}, "rejected by 1 of 2 raters (AB: lipid)"),
        ({"AB": "lipid", "CD": "", "EF": ""}, None),
        ({"AB": "lipid", "CD": "", "EF": "motion"}, "rejected by 2 of 3 raters (AB: lipid; EF: motion)"),
    ],
)
def test_a_scan_is_left_out_where_at_least_half_of_its_raters_reject_it(
    words: dict[str, str], reason: str | None
) -> None:
    found = ratings(**words)
    assert rejections(found).get("s") == reason
    assert list(by_scan(found)["s"]) == sorted(words)
    origin = rejection_origins(found).get("overrides.s.reject")
    rejecting = [f"ratings/{rater}.tsv line 2" for rater in sorted(words) if words[rater]]
    assert origin == (", ".join(rejecting) if reason else None)


def test_settings_win_over_raters_and_keep_what_else_they_say() -> None:
    given = {"sub-1": {"reject": "implant"}, "sub-2_unloc": {"fit": {"begin_time_us": 5.0}}}
    found = {"sub-1_unloc": "rejected by a rater (AB: lipid)", "sub-2_unloc": "rejected by a rater (AB: motion)"}
    assert with_rejections(given, found) == {
        "sub-1": {"reject": "implant"},
        "sub-2_unloc": {"fit": {"begin_time_us": 5.0}, "reject": found["sub-2_unloc"]},
    }

"""Messages for the user: the nearest known word for one that is not known."""

from myomag.errors import hint


def test_hint_names_the_nearest_words_or_none() -> None:
    known = ["min_snr", "warn_snr", "outlier_z", "warn_snr"]
    assert hint("min_snrr", known) == "did you mean 'min_snr'?"
    assert hint("arn_snr", known, most=3) == "did you mean 'warn_snr' or 'min_snr'?"
    assert hint("zzz", known) == ""


def test_hint_escapes_what_a_terminal_would_obey() -> None:
    assert hint("a\x1b[31", ["a\x1b[31m"]) == "did you mean 'a\\x1b[31m'?"

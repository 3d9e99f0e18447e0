"""Numbers as text."""

import pytest

from myomag.wording import text


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (text.number(-15.9042, 2), "−15.90"),
        (text.number(-0.0001, 2), "0.00"),
        (text.number(None), "–"),
        (text.number(float("nan")), "–"),
        (text.significant(36.72, 3), "36.7"),
        (text.significant(9.996, 3), "10.0"),
        (text.significant(0, 3), "0"),
        (text.significant(1.234e-7, 3), "1.23 × 10⁻⁷"),
        (text.with_sd(-15.9042, 0.0104), "−15.904 ± 0.010"),
        (text.with_sd(7.0312, 0.0081, 3), "7.031 ± 0.008"),
        (text.with_sd(7.0312, 0.00021, 3), "7.0312 ± 0.0002"),
        (text.with_sd(1234.5, 67.8), "1234 ± 68"),
        (text.with_sd(None, 0.1), "–"),
        (text.interval(0.3648, 0.4561), "0.365 to 0.456"),
        (text.interval(0.3, None, 3), "0.300 to undefined"),
        (text.interval(None, None), "–"),
        (text.p_value(1e-9), "< 0.001"),
        (text.p_value(0.0034), "= 0.003"),
        (text.r_squared(0.0004), "< 0.001"),
        (text.probability(1.2e-9), "< 0.001"),
        (text.probability(0.99999), "> 0.999"),
        (text.probability(0), "< 0.001"),
        (text.line_label("beta-ATP"), "β-ATP"),
        (text.line_label("Pi"), "Pi"),
    ],
)
def test_numbers_carry_sensible_digits_and_a_true_minus(shown, expected):
    assert shown == expected


def test_an_undefined_magnesium_never_reads_as_a_number():
    assert text.magnesium(None, None, None, 0.62) == "undefined (P = 0.62)"
    assert text.magnesium(None, None, None, 1.0) == "undefined (P = 1.0)"
    assert text.magnesium(float("nan"), None, None, None) == "–"
    assert text.magnesium(0.4009, 0.3648, None, 0.03) == "0.401 [0.365 to undefined]"


def test_the_common_power_of_ten_leaves_readable_amplitudes():
    assert text.common_exponent([33.0, 4.5]) == 0
    for scale in (1e-7, 3e-9, 2e6, 5e9):
        exponent = text.common_exponent([33 * scale, None, scale])
        assert 1 <= 33 * scale / 10.0**exponent < 1000


def test_names_sort_as_a_reader_counts():
    assert sorted(["run-10", "run-2", "run-1"], key=text.natural_key) == ["run-1", "run-2", "run-10"]

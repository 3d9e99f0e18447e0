"""All settings: batches, and what differs for single participants and scans."""

from myomag.settings.load import parse_settings
from settings_text import refusal


def test_override_holds_the_content_of_its_resource() -> None:
    settings = parse_settings({"overrides": {"sub-001": {"magnesium": {"ph_calibration": "petroff1985"}}}})
    assert settings.overrides["sub-001"].magnesium["ph_calibration"]["name"] == "petroff1985"
    assert settings.magnesium.ph_calibration["name"] == "taylor1983"  # type: ignore[index]


def test_override_is_typed_and_written_as_it_was_set() -> None:
    given = {"sub-001": {"reject": "moved"}, "sub-002": {"fit": {"begin_time_us": 200}}}
    settings = parse_settings({"overrides": given})
    assert isinstance(settings.overrides["sub-002"].fit["begin_time_us"], float)
    assert settings.model_dump()["overrides"] == given


def test_override_of_a_scan_must_agree_with_that_of_its_participant() -> None:
    both = {"sub-001": {"qc": {"min_snr": 12}}, "sub-001_unloc": {"qc": {"warn_snr": 10}}}
    message = refusal({"overrides": both})
    assert "overrides.sub-001_unloc" in message
    assert "min_snr (12) must not be above warn_snr (10)" in message


def test_number_of_batches_is_chosen_or_given() -> None:
    assert parse_settings({}).batches == "auto"
    assert parse_settings({"batches": 8}).batches == 8
    message = refusal({"batches": "many"})
    assert 'batches = "many": must be ' in message
    assert "integer" in message and "'auto'" in message

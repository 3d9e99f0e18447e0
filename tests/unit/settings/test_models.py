"""All settings: batches, and what differs for single participants and scans."""

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

from myomag.settings.base import Within
from myomag.settings.cohort import Range
from myomag.settings.load import parse_settings
from myomag.settings.models import Settings
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


def test_every_number_says_where_it_can_lie_and_why() -> None:
    assert [where for where, inside in numbers(Settings, "") if not inside] == []


def numbers(part: Any, where: str, *, inside: bool = False) -> Iterator[tuple[str, bool]]:
    """Every float that settings take, and whether a range was named for it; ends of a range have one of their own."""
    if isinstance(part, type) and issubclass(part, BaseModel):
        for name, field in part.model_fields.items() if part is not Range else ():
            within = any(isinstance(each, Within) for each in field.metadata)
            yield from numbers(field.annotation, f"{where}.{name}", inside=within)
    elif part is float and not where.endswith(".subset"):
        yield where, inside
    else:
        own = any(isinstance(each, Within) for each in get_args(part))
        for each in get_args(part):
            yield from numbers(each, where, inside=inside or own)

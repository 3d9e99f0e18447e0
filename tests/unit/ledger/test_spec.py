"""What holds for a scan: the settings its step declares, and overrides from the general to the particular."""

from myomag.ledger.spec import resolve
from myomag.settings.load import parse_settings

SCAN = "sub-001_run-1_unloc"
DOCUMENT = parse_settings(
    {
        "fit": {"begin_time_us": 100},
        "overrides": {
            SCAN: {"fit": {"begin_time_us": 300}},
            "sub-001": {"fit": {"begin_time_us": 200, "fit_begin_time": False}},
        },
    }
).model_dump()


def test_overrides_apply_to_participant_then_scan() -> None:
    spec = resolve("begin_time", DOCUMENT)
    names = (("sub-002", "sub-002_unloc"), ("sub-001", "sub-001_unloc"), ("sub-001", SCAN))
    held = [spec.of_scan(*each) for each in names]
    assert [values["begin_time_us"] for values in held] == [100, 200, 300]
    assert [values["fit_begin_time"] for values in held] == [True, False, False]


def test_step_gets_no_override_of_a_setting_that_it_does_not_declare() -> None:
    assert resolve("fit", DOCUMENT).overrides == {"sub-001": {"fit": {"fit_begin_time": False}}}
    assert resolve("magnesium", DOCUMENT).overrides == {}
    assert resolve("begin_time", DOCUMENT, targets=["sub-002"]).overrides == {}

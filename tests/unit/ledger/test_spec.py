"""Which settings, overrides, rejections and pooled values a step gets, and what makes its code another one."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from myomag import pipeline
from myomag.ledger import code, spec
from myomag.ledger.spec import Spec, resolve, step_code
from myomag.settings.load import load_settings, parse_settings

POOLED = {"p1": {"begin_time_us": 240.0, "begin_time_sd_us": 2.0, "spread_us": 1.0, "outlying": []}}
DOCUMENT = parse_settings(
    {
        "overrides": {
            "sub-1_unloc": {"fit": {"begin_time_us": 5.0}},
            "sub-1": {"fit": {"begin_time_us": 3.0, "protocol_fields": ["EchoTime"]}, "qc": {"min_snr": 1.0}},
            "sub-2": {"reject": "moved"},
        }
    }
).model_dump()


@pytest.mark.parametrize("step", pipeline.NAMES[1:])
def test_step_gets_the_settings_it_declares_and_no_others(step: str) -> None:
    plan, found = pipeline.BY_NAME[step], resolve(step, DOCUMENT).settings
    assert tuple(found) == plan.sections
    for section, values in found.items():
        keys = plan.keys(section)
        assert values == (DOCUMENT[section] if keys is None else {key: DOCUMENT[section][key] for key in keys})


def test_override_of_a_scan_wins_over_that_of_its_participant_and_counts_where_it_is_declared() -> None:
    found = resolve("begin_time", DOCUMENT)
    values = found.of_scan("sub-1", "sub-1_unloc")
    assert (values["begin_time_us"], values["protocol_fields"]) == (5.0, ["EchoTime"])
    assert found.of_scan("sub-1", "sub-1_svs")["begin_time_us"] == 3.0
    assert found.of_scan("sub-3", "sub-3_unloc") == found.settings["fit"]
    assert resolve("fit", DOCUMENT).overrides == {}
    assert resolve("qc", DOCUMENT).overrides == {}
    assert resolve("verdict", DOCUMENT).overrides == {"sub-1": {"qc": {"min_snr": 1.0}}}


def test_overrides_and_rejections_of_others_than_the_targets_do_not_count() -> None:
    assert set(resolve("begin_time", DOCUMENT, targets=["sub-1", "sub-1_svs"]).overrides) == {"sub-1"}
    assert resolve("begin_time", DOCUMENT, targets=["sub-3"]).overrides == {}
    assert resolve("pages", DOCUMENT, targets=["sub-2"]).reject == {"sub-2": "moved"}
    assert resolve("pages", DOCUMENT, targets=["sub-1"]).reject == {}


def test_rejections_and_pooled_values_reach_the_steps_that_take_them() -> None:
    specs = {step: resolve(step, DOCUMENT, pooled=POOLED) for step in pipeline.NAMES[1:]}
    assert {name for name, found in specs.items() if found.pooled} == {"fit"}
    assert {name for name, found in specs.items() if found.reject} == {"cohort", "pages", "report"}


@pytest.mark.parametrize(
    ("key", "value", "steps"),
    [
        ("qc.warn_snr", 20.0, {"verdict"}),
        ("qc.align_transients", False, {"qc"}),
        ("fit.protocol_fields", ["EchoTime"], {"begin_time"}),
        ("fit.pool_begin_time", False, {"fit"}),
        ("fit.fit_begin_time", False, {"begin_time", "fit"}),
        ("magnesium.t1_s", {"PCr": 6.5}, {"magnesium"}),
        ("convert.conjugate", True, {"convert"}),
        ("cohort.method", None, set()),
    ],
)
def test_setting_changes_the_spec_of_the_scan_level_steps_that_declare_it(
    key: str, value: object, steps: set[str]
) -> None:
    section, _, name = key.partition(".")
    document = load_settings().model_dump()
    changed = document | {section: document[section] | {name: value}}
    texts = {step: (resolve(step, document).text(), resolve(step, changed).text()) for step in pipeline.SCAN_STEPS}
    assert {step for step, (before, after) in texts.items() if before != after} == steps


def test_spec_is_read_back_from_its_text_which_names_the_software() -> None:
    found = resolve("fit", DOCUMENT, pooled=POOLED)
    assert Spec.from_text(found.text()) == found
    assert {"python", "numpy", "pydantic"} <= set(json.loads(found.text())["software"])


def test_digest_of_a_scan_tells_settings_and_pooled_values_apart() -> None:
    base = Spec("fit", {"fit": {"a": 1}}, overrides={"sub-1": {"fit": {"a": 2}}})
    digests = [
        base.digest_of_scan("sub-1", "x"),
        base.digest_of_scan("sub-2", "x"),
        replace(base, pooled=POOLED).digest_of_scan("sub-2", "x"),
    ]
    assert len(set(digests)) == 3
    assert base.digest_of_scan("sub-3", "y") == digests[1]
    assert base.digest_of_study() != replace(base, reject={"sub-1": "moved"}).digest_of_study()


@pytest.fixture
def _no_cache() -> Iterator[None]:
    """Digests as a new process would find them, before and after."""
    step_code.cache_clear()
    yield
    step_code.cache_clear()


@pytest.mark.usefixtures("_no_cache")
def test_code_of_a_step_changes_with_its_own_entry_in_the_plan_and_not_with_that_of_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = {step: step_code(step) for step in pipeline.NAMES[1:]}
    assert len(set(before.values())) == len(before)
    changed = replace(pipeline.BY_NAME["fit"], reads=("preproc",))
    steps = tuple(changed if step.name == "fit" else step for step in pipeline.STEPS)
    monkeypatch.setattr(pipeline, "STEPS", steps)
    monkeypatch.setattr(pipeline, "BY_NAME", {step.name: step for step in steps})
    step_code.cache_clear()
    # The settings step writes down what the whole plan says.
    assert {step for step in before if step_code(step) != before[step]} == {"fit", "settings"}


@pytest.mark.parametrize("step", pipeline.NAMES[1:])
def test_the_plan_counts_in_no_other_way(step: str) -> None:
    assert code.PACKAGE / "pipeline.py" not in code._closure(spec._script(step))
    assert code.PACKAGE / "ledger" / "harness.py" in code._closure(spec._script(step))

"""The record of pH and magnesium, and what other calibrations say of the same shifts."""

import pytest

from fit_samples import GUPTA, SETTINGS, SPECIATION, T1_S, fit_record
from myomag.core.calibration import mg_mmol_l
from myomag.core.families import shift_calibration
from myomag.errors import SettingsError
from myomag.io.scan_records import scan_record_bytes
from myomag.settings.load import parse_settings
from myomag.steps.magnesium import magnesium_scan
from record_samples import quality_record


def test_mg_interval_is_the_mapped_pmg_interval(run):
    record = run()
    assert record.mg_ci95_low_mmol_l == pytest.approx(mg_mmol_l(record.pmg_ci95_high))
    assert record.mg_ci95_high_mmol_l == pytest.approx(mg_mmol_l(record.pmg_ci95_low))
    assert record.mg_ci95_low_mmol_l < record.mg_mmol_l < record.mg_ci95_high_mmol_l
    assert record.mg_reason is None


def test_same_fit_gives_the_same_bytes(tmp_path):
    inputs = {"fit": tmp_path / "fit.json", "quality": tmp_path / "quality.json"}
    inputs["fit"].write_bytes(scan_record_bytes(fit_record()))
    inputs["quality"].write_bytes(scan_record_bytes(quality_record()))
    first, second = (magnesium_scan("sub-1_unloc", inputs, SETTINGS)["magnesium"] for _ in range(2))
    assert first == second


def test_a_negligible_probability_is_zero_and_not_the_rounding_of_a_tail(run):
    assert run().mg_p_undefined == 0.0


def test_sensitivity_names_every_calibration_once_and_the_one_in_use_first(run):
    record = run()
    names = [row.calibration for row in record.ph_by_calibration]
    assert names == ["taylor1983", "muscle_common", "brain7t", "petroff1985", "unattributed"]
    assert [row.calibration for row in record.mg_by_calibration] == ["iotti1996"]
    assert record.ph_by_calibration[0].ph == record.ph
    assert record.mg_by_calibration[0].mg_ci95_low_mmol_l == record.mg_ci95_low_mmol_l
    for row, document in zip(record.ph_by_calibration[1:], SETTINGS.compare_calibrations[1:], strict=False):
        assert row.ph == pytest.approx(shift_calibration(document, "ph").value(4.85), abs=1e-8)
        assert row.standing == document["standing"]


def test_sensitivity_holds_the_calibrations_the_user_declares(run):
    record = run({"compare_calibrations": [GUPTA, SPECIATION]})
    own, joint = record.mg_by_calibration[1:]
    assert (own.calibration, own.standing) == ("own_limits", "unverified")
    assert own.mg_mmol_l == pytest.approx(mg_mmol_l(shift_calibration(GUPTA, "mg").value(-7.43 + 15.88)), rel=1e-8)
    assert joint.calibration == "invented"
    assert joint.mg_mmol_l > 0
    assert record.mg_mmol_l == run().mg_mmol_l


def test_magnesium_that_depends_on_ph_is_given_for_each_calibration_of_ph(run):
    rows = {row.calibration: row for row in run({"mg_calibration": SPECIATION}).mg_by_calibration}
    others = [each for each in SETTINGS.compare_calibrations if each["quantity"] == "ph"][1:]
    assert list(rows) == ["invented", "iotti1996", *(f"invented with {each['name']}" for each in others)]
    for each in others:
        alone = run({"mg_calibration": SPECIATION, "ph_calibration": each})
        assert rows[f"invented with {each['name']}"].mg_mmol_l == pytest.approx(alone.mg_mmol_l)


def test_settings_of_energetics_and_calibrations_are_checked_before_anything_runs():
    section = parse_settings({"magnesium": {"mg_calibration": SPECIATION, "t1_s": T1_S}}).magnesium
    assert section.mg_calibration == SPECIATION
    assert [document["name"] for document in section.compare_calibrations][-1] == "iotti1996"


@pytest.mark.parametrize(
    ("magnesium", "message"),
    [
        ({"compare_calibrations": ["tailor1983"]}, "did you mean 'taylor1983'"),
        ({"compare_calibrations": [GUPTA | {"range": {"lower_ppm": 1.0, "upper_ppm": 2.0}}]}, "compare_calibrations"),
        ({"mg_calibration": SPECIATION | {"family": "specification"}}, "iotti, gupta_moore, speciation"),
        ({"temperature_c": 310.15}, "within 4 to 50 °C"),
        ({"t1_s": {"PCr": 6500.0}}, "within 0.05 to 30 s"),
        ({"t1_s": {"PCr": 6.5, 3: {"PCr": 6.5}}}, "either the T1 of each line, or field strengths"),
    ],
)
def test_wrong_settings_stop_with_one_line(magnesium, message):
    with pytest.raises(SettingsError) as error:
        parse_settings({"magnesium": magnesium}, label="myomag.yaml")
    assert message in str(error.value)
    assert "\n" not in str(error.value)

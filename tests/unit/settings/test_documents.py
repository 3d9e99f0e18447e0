"""Prior knowledge and calibrations: what they may be, and where they may lie."""

import json
import re
from pathlib import Path

import pytest

from myomag.core.prior_knowledge import PriorKnowledge
from myomag.io.places import CONFIG_DIR
from myomag.io.records import canonical
from myomag.settings.documents import shipped_document
from myomag.settings.load import parse_settings
from settings_text import refusal, written


def test_resource_from_a_file_of_the_study(tmp_path: Path) -> None:
    prior = (CONFIG_DIR / "prior_knowledge" / "muscle_rest.yaml").read_text().replace("name: muscle_rest", "name: mine")
    calibration = (CONFIG_DIR / "calibrations" / "iotti1996.yaml").read_text().replace("iotti1996", "ours")
    written(tmp_path / "priors" / "mine.yaml", prior)
    written(tmp_path / "ours.yaml", calibration)
    settings = parse_settings(
        {"fit": {"prior_knowledge": "priors/mine.yaml"}, "magnesium": {"mg_calibration": "ours.yaml"}}, root=tmp_path
    )
    assert settings.fit.prior_knowledge["name"] == "mine"  # type: ignore[index]
    assert settings.magnesium.mg_calibration["name"] == "ours"  # type: ignore[index]


PYAMARES = """\
Index,PCr,BATP,BATP2,BATP3
Initial Values,,,,
amplitude,1,1,BATP,BATP/2
chemicalshift,0,-16.1,BATP-15Hz,BATP+15Hz
linewidth,20,25,BATP,BATP
phase,0,0,BATP,BATP
g,0,0,0,0
Bounds,,,,
amplitude,"(0, ","(0, ","(0, ","(0, "
chemicalshift,"(-0.5, 0.5)","(-16.6,-15.6)","(-17,-15)","(-17,-15)"
linewidth,"(1, 60)","(1, 90)","(1, 90)","(1, 90)"
phase,"(-180, 180)","(-180, 180)","(-180, 180)","(-180, 180)"
g,"(0, 1)","(0, 1)","(0, 1)","(0, 1)"
"""


def test_pyamares_table_of_the_study_becomes_prior_knowledge_that_can_be_recorded(tmp_path: Path) -> None:
    written(tmp_path / "pk.csv", PYAMARES)
    settings = parse_settings({"fit": {"prior_knowledge": "pk.csv"}}, root=tmp_path)
    content = json.loads(canonical(settings.model_dump()))["fit"]["prior_knowledge"]
    assert list(content["lines"]) == ["PCr", "BATP", "BATP2", "BATP3"]
    assert PriorKnowledge.from_dict(content) == PriorKnowledge.from_pyamares_csv(PYAMARES, "pk")
    (tmp_path / "pk.csv").write_bytes(b"\xef\xbb\xbf" + PYAMARES.encode())
    assert parse_settings({"fit": {"prior_knowledge": "pk.csv"}}, root=tmp_path) == settings
    for wrong, message in (
        (PYAMARES.replace("BATP/2", "__import__('os')").encode(), "amplitude of BATP3"),
        (b"\xff", "UTF-8"),
    ):
        (tmp_path / "pk.csv").write_bytes(wrong)
        assert re.search(f"pk.csv: .*{message}", refusal({"fit": {"prior_knowledge": "pk.csv"}}, root=tmp_path))


@pytest.mark.parametrize("name", ["../outside.yaml", "link.yaml", "linked/outside.yaml", "{absolute}"])
def test_resource_outside_the_study_is_refused(name: str, tmp_path: Path) -> None:
    outside = written(tmp_path / "outside.yaml", (CONFIG_DIR / "calibrations" / "iotti1996.yaml").read_text())
    study = tmp_path / "study"
    study.mkdir()
    (study / "link.yaml").symlink_to(outside)
    (study / "linked").symlink_to(tmp_path, target_is_directory=True)
    message = refusal({"magnesium": {"mg_calibration": name.format(absolute=outside)}}, root=study)
    assert "inside the study" in message


@pytest.mark.parametrize("name", ["sub", "x\0y", "a" * 200, "Müller.yaml", "two\nlines"])
def test_resource_that_is_no_file_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    message = refusal({"magnesium": {"mg_calibration": name}}, root=tmp_path)
    assert "neither a shipped name nor a file of the study" in message
    assert "\n" not in message


@pytest.mark.parametrize("content", ["[1]", "name: x", "{", b"\xff", "", "name: a\nname: b"])
def test_damaged_resource_is_refused_in_one_line_with_its_name(content: str | bytes, tmp_path: Path) -> None:
    written(tmp_path / "mine.yaml", content)
    message = refusal({"magnesium": {"mg_calibration": "mine.yaml"}}, root=tmp_path)
    assert message.startswith("myomag.yaml: magnesium.mg_calibration: ")
    assert "\n" not in message


def test_shipped_name_is_not_looked_up_in_the_study(tmp_path: Path) -> None:
    written(tmp_path / "iotti1996", "not a calibration")
    settings = parse_settings({"magnesium": {"mg_calibration": "iotti1996"}}, root=tmp_path)
    assert settings.magnesium.mg_calibration["name"] == "iotti1996"  # type: ignore[index]


def test_shipped_document_is_the_callers_own() -> None:
    shipped_document("calibrations", "iotti1996")["name"] = "changed"
    assert shipped_document("calibrations", "iotti1996")["name"] == "iotti1996"


def test_number_that_yaml_reads_as_text_is_refused_by_name() -> None:
    calibration = shipped_document("calibrations", "taylor1983")
    calibration["range"]["lower_ppm"] = "3e0"
    message = refusal({"magnesium": {"ph_calibration": calibration}})
    assert "magnesium.ph_calibration" in message
    assert "lower_ppm" in message

"""Where a derivative may lie, and how it describes itself."""

import json
import re
from pathlib import Path

import pytest

from ledger_samples import Small
from myomag import pipeline
from myomag.errors import SettingsError
from myomag.io.places import REPOSITORY
from myomag.ledger.derivative import check_output, derivative_description


def test_derivative_may_lie_in_the_study_beside_it_or_where_one_is(small: Small) -> None:
    for root in (small.root, small.study / "derivatives/myomag", small.study.parent / "new"):
        check_output(small.study, root)


@pytest.mark.parametrize("place", ["", "sub-1/mrs", "sourcedata/x", "phenotype"])
def test_derivative_among_the_raw_data_is_refused(small: Small, place: str) -> None:
    with pytest.raises(SettingsError, match="among the raw data of the study; name another folder"):
        check_output(small.study, small.study / place)


def test_folder_of_something_else_is_refused(small: Small, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="the folder of myomag itself"):
        check_output(small.study, REPOSITORY)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/holiday.jpg").touch()
    with pytest.raises(SettingsError, match=r"contains other files \(holiday\.jpg, …\)"):
        check_output(small.study, tmp_path / "photos")


def test_derivative_names_its_study_and_explains_each_description_of_a_file(small: Small) -> None:
    (small.study / "dataset_description.json").write_text('{"Name": "Muscle\\n2"}')
    files = derivative_description(small.study, "..")
    description = json.loads(files["dataset_description.json"])
    assert description["Name"] == "myomag: muscle magnesium and pH of Muscle\\n2"
    assert description["DatasetLinks"] == {"raw": ".."}
    header, *rows = files["descriptions.tsv"].decode().splitlines()
    assert header == "desc_id\tdescription"
    names = {name for step in pipeline.STEPS for file in step.writes for name in re.findall("desc-[a-z]+", file.name)}
    assert {row.partition("\t")[0] for row in rows} == names
    assert len(rows) == len(names)


def test_what_bids_has_no_rules_for_is_ignored_by_its_validator(small: Small) -> None:
    ignored = derivative_description(small.study)[".bidsignore"].decode().split()
    assert {"*_desc-*", "cohort.*", "protocols.*", "methods.md", "config.yaml", "ledger", "report"} <= set(ignored)
    assert not [name for name in ignored if name.startswith("dataset_description")]

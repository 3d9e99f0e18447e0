"""A derivative is no study, and says which one it was made from."""

import json

import pytest

from myomag.errors import SettingsError
from myomag.run.snakefile import study_root
from myomag.study.raw_dataset import check_raw


def described(folder, **fields):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dataset_description.json").write_text(json.dumps({"Name": "x", **fields}))
    return folder


@pytest.mark.parametrize("fields", [{}, {"DatasetType": "raw"}, {"DatasetType": None}, {"DatasetType": 3}])
def test_raw_dataset_is_a_study(tmp_path, fields):
    check_raw(described(tmp_path, **fields))


@pytest.mark.parametrize("content", [None, "", "{", "[]", "\ufeff{}"])
def test_description_that_says_nothing_is_no_reason_to_refuse(tmp_path, content):
    if content is not None:
        (tmp_path / "dataset_description.json").write_text(content)
    check_raw(tmp_path)


def test_derivative_inside_its_study_names_the_study(tmp_path):
    study = described(tmp_path / "study")
    results = described(study / "derivatives/tool", DatasetType="derivative", GeneratedBy=[{"Name": "tool"}])
    with pytest.raises(SettingsError, match="contains results of tool, not a study") as error:
        study_root({"study": str(results)})
    assert f"name the study it was made from: {study}. If these are raw data" in str(error.value)


def test_derivative_elsewhere_names_what_it_links_to(tmp_path):
    study = described(tmp_path / "study")
    results = described(tmp_path / "out", DatasetType="derivative", SourceDatasets=[{"URL": "../study"}, {"DOI": "x"}])
    with pytest.raises(SettingsError, match=f"made from: {study}"):
        check_raw(results)


@pytest.mark.parametrize("sources", [None, "x", [], [{"URL": "https://example.org"}], [{"URL": "../gone"}]])
def test_derivative_of_an_unknown_study_is_refused_too(tmp_path, sources):
    with pytest.raises(SettingsError, match="name the study it was made from\\. If these"):
        check_raw(described(tmp_path / "out", DatasetType="Derivative", SourceDatasets=sources))

"""`myomag ratings`: files are imported whole or not at all, and later ones of a rater add to the earlier ones."""

import json
from pathlib import Path

import pytest

from myomag.errors import SettingsError, StudyError
from myomag.ledger.raw import TABLES, entry_ledgers
from myomag.ledger.rows import Row, ledger_bytes, ledger_path
from myomag.ledger.spec import Spec
from myomag.run.ratings import Imported, import_ratings
from myomag.run.snakefile import Flow

SCANS = [f"sub-{number}_unloc" for number in range(1, 5)]


@pytest.fixture
def study(tmp_path: Path) -> Path:
    for scan in SCANS:
        folder = tmp_path / "study" / scan.partition("_")[0] / "mrs"
        folder.mkdir(parents=True)
        (folder / f"{scan}.nii.gz").write_bytes(b"")
    return tmp_path / "study"


def saved(study: Path, name: str, *rows: str) -> Path:
    path = study.parent / name
    path.write_text("\n".join(["scan\trating\treason", *rows]) + "\n", encoding="utf-8")
    return path


def flow(study: Path) -> Flow:
    return Flow({"study": str(study)}, {})


def test_a_second_file_of_a_rater_adds_to_the_first(study: Path) -> None:
    first = saved(study, "AB.tsv", "sub-1_unloc\treject\tlipid", "sub-2_unloc\taccept\tn/a", "sub-3_unloc\taccept\tok")
    second = saved(
        study,
        # As browsers name it.
        "AB (1).tsv",
        "sub-1_unloc\tn/a\tn/a",
        "sub-2_unloc\treject\tmotion",
        "sub-3_unloc\taccept\tok",
        "sub-4_unloc\taccept\tn/a",
    )
    assert import_ratings(flow(study), [first]) == [Imported("AB", "AB.tsv", 3, 0, 0, 0)]
    assert import_ratings(flow(study), [second]) == [Imported("AB", "AB (1).tsv", 1, 1, 1, 1)]
    root = study / "derivatives" / "myomag"
    rows = (root / "ratings" / "AB.tsv").read_text(encoding="utf-8").splitlines()[1:]
    assert rows == ["sub-2_unloc\treject\tmotion", "sub-3_unloc\taccept\tok", "sub-4_unloc\taccept\tn/a"]
    assert json.loads((root / "ratings" / "AB.json").read_bytes())["rating"]["Levels"].keys() == {"accept", "reject"}


@pytest.mark.parametrize(
    ("names", "row", "rater", "error", "message"),
    [
        (["AB.tsv", "CD.tsv"], "sub-1_unlok\taccept\tn/a", None, StudyError, "no such scan.*'sub-1_unloc'"),
        (["AB.tsv", "C D.tsv"], "sub-1_unloc\taccept\tn/a", None, SettingsError, "'C D' is not a valid rater name"),
        (["AB.tsv", "AB(2).tsv"], "sub-1_unloc\taccept\tn/a", None, SettingsError, "second file of rater AB"),
        (["AB.tsv", "ab.tsv"], "sub-1_unloc\taccept\tn/a", None, SettingsError, "there are ratings of AB"),
        (["AB.tsv", "CD.tsv"], "sub-1_unloc\taccept\tn/a", "EF", SettingsError, "one file"),
        (["AB.tsv", "none.tsv"], "", None, StudyError, "none.tsv: cannot be read"),
    ],
)
def test_nothing_is_imported_where_one_file_is_wrong(
    study: Path, names: list[str], row: str, rater: str | None, error: type[Exception], message: str
) -> None:
    saved(study, names[0], "sub-1_unloc\taccept\tn/a")
    if row:
        saved(study, names[1], row)
    with pytest.raises(error, match=message):
        import_ratings(flow(study), [study.parent / name for name in names], rater)
    assert not (study / "derivatives" / "myomag" / "ratings").exists()


def test_a_rejection_is_a_parameter_of_the_jobs_that_take_rejections_and_ratings_are_inputs(study: Path) -> None:
    import_ratings(flow(study), [saved(study, "x.tsv", "sub-1_unloc\treject\tlipid")], "AB")
    found = flow(study)
    reason = {"sub-1_unloc": "rejected by a rater (AB: lipid)"}
    specs = {step: Spec.from_text(found.spec(step)) for step in ("verdict", "cohort", "report")}
    assert [spec.reject for spec in specs.values()] == [{}, reason, reason]
    assert specs["verdict"] == Spec.from_text(Flow({"study": str(study)}, {}, study.parent / "new").spec("verdict"))
    told = json.loads(found.sources())
    assert told["origins"] == {"overrides.sub-1_unloc.reject": "ratings/AB.tsv line 2"}
    listed = {row.scan for row in entry_ledgers(found.found, found.root, 1)[TABLES]}
    assert listed == {"ratings/AB.json", "ratings/AB.tsv"} == told["read"].keys()


def test_ratings_that_are_gone_and_scans_that_are_gone_are_told_of(study: Path) -> None:
    root = study / "derivatives" / "myomag"
    import_ratings(flow(study), [saved(study, "AB.tsv", "sub-1_unloc\treject\tlipid")])
    found = {path: (path, "") for path in ("ratings/AB.tsv", "ratings/CD.json", "ratings/CD.tsv")}
    place = root / ledger_path("settings")
    place.parent.mkdir(parents=True)
    place.write_bytes(ledger_bytes([Row("settings", "", "", inputs=found)]))
    told = [remark for remark in flow(study).remarks() if "ratings" in remark]
    assert told == ["ratings/CD.tsv: gone since the last run, and its ratings with it."]
    (study / "sub-1" / "mrs" / "sub-1_unloc.nii.gz").unlink()
    told = [remark for remark in flow(study).remarks() if "ratings/AB" in remark]
    assert told == ["ratings/AB.tsv: sub-1_unloc: no such scan in the study; its rating is kept."]

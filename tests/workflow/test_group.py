"""Two sites in one cohort, from their derivatives alone."""

import csv
import shutil
from pathlib import Path

import pytest

from lab import Lab
from myomag.audit.record import open_derivative
from myomag.audit.trace import trace
from myomag.audit.trace_text import trace_lines
from myomag.audit.verify import verify
from myomag.errors import LedgerError, SettingsError
from myomag.group.run import make_group
from myomag.run.lock import alone
from running import results

SITES = ("Boston", "leiden2")


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


@pytest.fixture
def places(original: Lab, tmp_path: Path) -> list[Path]:
    """Derivatives of two sites: the first lies beside its study, the second one alone; both are of the same data."""
    shutil.copytree(original.root, tmp_path / "one", ignore=shutil.ignore_patterns("repo"))
    shutil.copytree(original.derivative, tmp_path / "two" / "out")
    return [tmp_path / "one" / "out", tmp_path / "two" / "out"]


def test_cohort_of_two_sites(places: list[Path], tmp_path: Path) -> None:
    settings = tmp_path / "group.yaml"
    settings.write_text("cohort:\n  allow_same_data: true\n")
    before = [results(place) for place in places]
    with pytest.raises(SettingsError, match="two sites have the same name"):
        make_group(tmp_path / "group", places, [], settings)
    out = tmp_path / "group"
    assert make_group(out, places, SITES, settings) == []
    assert [results(place) for place in places] == before

    cohort, single = table(out / "cohort.tsv"), table(places[0] / "cohort.tsv")
    assert [row["site"] for row in cohort] == [site for site in SITES for _ in single]
    assert {row["participant_id"] for row in cohort} == {
        f"sub-{prefix}{row['participant_id'].removeprefix('sub-')}"
        for prefix in ("Boston", "leiden2x")
        for row in single
    }
    for row, own in zip(cohort, single * 2, strict=True):
        assert {key: row[key] for key in ("mg_mmol_l", "status", "age")} == {
            key: own[key] for key in ("mg_mmol_l", "status", "age")
        }
    protocols, pooled = table(out / "protocols.tsv"), table(places[0] / "protocols.tsv")
    assert [row["begin_time_us"] for row in protocols] == [row["begin_time_us"] for row in pooled] * 2
    assert len({row["protocol"] for row in protocols}) == 2 * len(pooled)

    # The same people at both sites: the slope is that of one, and the offset of the site nothing.
    terms = {row["predictor"]: row for row in table(out / "statistics.tsv") if row["model"] == "mg_age"}
    assert terms["age"]["covariates"] == "site"
    assert float(terms["site: leiden2"]["b"]) == pytest.approx(0, abs=1e-9)
    assert (out / "report" / f"{cohort[0]['participant_id']}.html").is_file()


def test_value_is_traced_through_the_derivative_to_raw_data(places: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "group"
    make_group(out, places, SITES, None)
    group = open_derivative(out)
    found = "\n".join(trace_lines(group, trace(group, "sub-Boston001:mg_mmol_l")))
    assert "../one/out/sub-001/ses-1/mrs/" in found
    assert "the same value" in found
    assert "of the study, as recorded" in found
    # By the label of the sites, both; the raw data of one are not here.
    assert len(trace(group, "sub-001:mg_mmol_l").values) == 2
    assert [note.partition(":")[0] for note in group.notes] == ["site leiden2"]
    assert "of the study, missing" in "\n".join(trace_lines(group, trace(group, "sub-leiden2x001:mg_mmol_l")))

    assert verify(group).problems == []
    ledger = next((places[1] / "ledger" / "fit").glob("*.tsv"))
    ledger.write_bytes(ledger.read_bytes() + b"\n")
    (problem,) = verify(open_derivative(out)).problems
    assert (problem.kind, problem.path) == ("changed", f"../two/out/ledger/fit/{ledger.name}")
    assert f"myomag group {out}" in problem.message
    with pytest.raises(LedgerError, match="site leiden2: not finished, or changed since"):
        make_group(out, places, SITES, None)


def test_what_cannot_be_grouped_is_refused(places: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "group"
    with pytest.raises(SettingsError, match="is the derivative of a site"):
        make_group(places[0], places, SITES, None)
    with pytest.raises(SettingsError, match="is not a valid site name"):
        make_group(out, places, ["1", "b"], None)
    (tmp_path / "group.yaml").write_text("qc: {min_snr: 6}\n")
    with pytest.raises(SettingsError, match="qc: is set in the studies"):
        make_group(out, places, SITES, tmp_path / "group.yaml")
    with alone(places[0]), pytest.raises(Exception, match="a run is active here"):
        make_group(out, places, SITES, None)
    assert not out.exists()

"""Scans of different kinds are never averaged, in whichever table."""

import numpy as np
import pytest

from myomag.cohort.catalogue import TABLES, Analysis
from myomag.cohort.columns import flat_result
from myomag.cohort.exclusions import decide
from myomag.cohort.kinds import by_size, kind_of, labels_of, unknown_labels
from myomag.cohort.scans import Scans
from myomag.cohort.sensitivity import build_sensitivity
from myomag.cohort.statistics import build_statistics, included, samples_of_kinds
from myomag.cohort.tables import build_cohort
from myomag.settings.cohort import CohortModel, CohortSettings
from myomag.settings.models import Settings
from myomag.study.tables import read_tables

PEOPLE = 12


@pytest.mark.parametrize(
    ("scan", "kind"),
    [
        ("sub-001_ses-1_acq-fid_nuc-31P_voi-thigh_run-1_unloc", "acq-fid_voi-thigh_unloc"),
        ("sub-001_task-rest_unloc", "task-rest_unloc"),
        ("sub-001_unloc", "unloc"),
        ("sub-001_nuc-31P_run-2_svs", "svs"),
        ("sub-001_rec-a_echo-1_svs", "rec-a_echo-1_svs"),
        ("a file", "unnamed"),
    ],
)
def test_kind_is_the_name_without_who_when_and_which_repeat(scan, kind):
    assert kind_of(scan, CohortSettings().kind_by) == kind


def test_part_of_the_name_that_tells_nothing_can_be_left_out():
    assert kind_of("sub-001_acq-b_voi-calf_unloc", ["voi"]) == "voi-calf"
    assert kind_of("sub-001_acq-b_unloc", ["voi"]) == "all" and kind_of("n", ["voi"]) == "unnamed"


def test_every_entity_of_the_name_has_a_column(make_scan, settings):
    scan = make_scan(scan="sub-001_ses-1_task-rest_acq-fid_nuc-31P_voi-calf_rec-x_run-2_echo-1_inv-3_unloc")
    row = flat_result(scan, settings)
    found = {name: row[name] for name in ("task", "acq", "nuc", "voi", "rec", "run", "echo", "inv")}
    assert found == dict(zip(found, ("rest", "fid", "31P", "calf", "x", "2", "1", "3"), strict=True))
    assert row["kind"] == "task-rest_acq-fid_voi-calf_rec-x_echo-1_inv-3_unloc"
    assert set(labels_of("scan 7", settings.kind_by).values()) == {None}


def test_largest_kind_comes_first():
    assert by_size(["b", "a", "a", "c", "c"], [1, 1, 1, 2, 3]) == ["c", "a", "b"]


@pytest.fixture
def calf_and_brain(make_scan, write_study):
    """Twelve participants: in the calf women and men are alike; the brain of the women has a quarter of the Mg."""

    def study(parts=None, **kind):
        rng = np.random.default_rng(4)
        scans, table = [], "participant_id|sex|age\n"
        for number in range(PEOPLE):
            sex = "FM"[number % 2]
            table += f"sub-{number:03d}|{sex}|{30 + number}\n"
            for voi, pmg in (("calf", 3.35), ("brain", 3.95 if sex == "F" else 3.35)):
                if voi == "brain" and number >= PEOPLE - 2:
                    continue
                name = f"sub-{number:03d}_ses-1_voi-{voi}_unloc"
                value = pmg + float(rng.normal(0, 0.03))
                scans.append(make_scan(number, scan=name, magnesium__pmg=value, magnesium__mg_mmol_l=1000 * 10**-value))
        model = CohortModel(name="mg_sex", outcome="muscle_mg", predictors=["sex"])
        chosen = Settings(cohort=CohortSettings(models=[model], kind=kind, **({"kind_by": parts} if parts else {})))
        rows = Scans.of(scans, chosen.cohort)
        cohort = build_cohort(rows, read_tables(write_study({"participants.tsv": table})))
        return Analysis(rows, cohort, {}, {}, chosen)

    return study


def test_each_kind_has_its_own_statistics(calf_and_brain):
    analysis = calf_and_brain()
    table = TABLES["statistics"].build(analysis).set_index("kind")
    assert list(table.index) == ["voi-calf_unloc", "voi-brain_unloc"]
    assert list(table["n"]) == [PEOPLE, PEOPLE - 2]
    assert table.loc["voi-calf_unloc", "p"] > 0.05 > 1e-4 > table.loc["voi-brain_unloc", "p"]
    alone = calf_and_brain(voi="calf")
    (row,) = TABLES["statistics"].build(alone).to_dict("records")
    assert row["b"] == table.loc["voi-calf_unloc", "b"] and row["kind"] == "voi-calf_unloc"


@pytest.mark.parametrize("name", ["statistics", "sensitivity", "demographics", "repeatability", "longitudinal"])
def test_tables_of_participants_never_mix_kinds(calf_and_brain, name):
    both, calf = (TABLES[name].build(calf_and_brain(**kind)) for kind in ({}, {"voi": "calf"}))
    of_calf = both[both["kind"] == "voi-calf_unloc"]
    assert len(both) > len(of_calf) == len(calf)
    for column in calf.columns:
        assert of_calf[column].astype(str).tolist() == calf[column].astype(str).tolist(), column


def test_kinds_that_the_settings_take_as_one_are_averaged(calf_and_brain):
    (row,) = TABLES["statistics"].build(calf_and_brain(parts=["suffix"])).to_dict("records")
    assert (row["kind"], row["n"]) == ("unloc", PEOPLE)


def test_scans_of_a_kind_that_was_not_chosen_are_accounted_for(make_scan):
    settings = CohortSettings(kind={"voi": "calf", "acq": None})
    assert decide(make_scan(scan="sub-001_voi-calf_unloc"), settings).status == "included"
    assert decide(make_scan(scan="any file"), settings).status == "included"
    other = decide(make_scan(scan="sub-001_acq-b_voi-brain_unloc"), settings)
    assert (other.status, other.step) == ("excluded", "cohort")
    assert other.reason == "another kind of scan (voi-brain, acq-b) than cohort.kind names (voi-calf, no acq-)"
    assert "it has: voi-calf_unloc" in unknown_labels(["sub-001_voi-calf_unloc"], {"voi": "calv"})
    assert unknown_labels(["sub-001_voi-calf_unloc"], {"voi": "calf"}) is None


def test_scans_of_one_kind_are_one_sample_however_they_are_named(make_scan, settings):
    names = ("sub-001_nuc-31P_unloc", "sub-001_run-2_unloc", "sub-002_ses-9_unloc")
    rows = Scans.of([make_scan(int(name[4:7]), scan=name) for name in names], settings)
    cohort = build_cohort(rows, ())
    assert list(samples_of_kinds(included(cohort, settings))) == ["unloc"]
    assert len(build_statistics(included(cohort, settings))) and len(build_sensitivity(rows, cohort, settings))

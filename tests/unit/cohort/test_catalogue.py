"""Every table of the catalogue is written, described and keyed, and says what is missing, however few there are."""

import numpy as np
import pytest

from myomag.cohort.catalogue import TABLES, Analysis
from myomag.cohort.scans import Scans
from myomag.io.tables import table_bytes
from myomag.pipeline import COHORT, PROTOCOLS
from myomag.settings.load import Settings, load_settings

KINDS = ("tsv", "json")
BUILT = [table for table in TABLES.values() if table.build is not None]


def analysis_of(cohort, make_scan, settings: Settings) -> Analysis:
    scans = Scans.of([make_scan(number) for number in range(len(cohort))], settings.cohort)
    return Analysis(scans, cohort, {}, {}, settings)


@pytest.mark.parametrize("participants", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("runs", [1, 2])
@pytest.mark.filterwarnings("error")
def test_every_table_is_written(full_cohort, make_scan, participants, runs):
    chosen = full_cohort.head(participants)
    cohort = chosen.loc[chosen.index.repeat(runs)].reset_index(drop=True)
    rng = np.random.default_rng(1)
    cohort = cohort.assign(
        scan=[f"{person}_run-{k % runs}_unloc" for k, person in enumerate(cohort["participant_id"])],
        pmg=cohort["pmg"] + rng.normal(0, 0.01, len(cohort)),
        session_id="ses-1",
    )
    analysis = analysis_of(cohort, make_scan, load_settings())
    for table in BUILT:
        frame = table.build(analysis)
        assert b"nan" not in table_bytes(frame).lower(), table.name
        if "status" in frame and "reason" in frame and table.key != ("scan",):
            estimated = frame["status"] == "estimated"
            assert frame.loc[~estimated, "reason"].notna().all(), table.name


def test_columns_and_keys_are_those_of_the_tables(full_cohort, make_scan):
    cohort = full_cohort.assign(scan=[f"{person}_unloc" for person in full_cohort["participant_id"]])
    analysis = analysis_of(cohort, make_scan, load_settings())
    for table in BUILT:
        frame, dictionary = table.build(analysis), analysis.dictionary(table.name)
        assert [name for name in frame.columns if table.name != "cohort" or name in dictionary] == list(dictionary)
        assert all(entry["Description"] for entry in dictionary.values())
        assert not frame.duplicated(list(table.key)).any(), table.name
    assert set(TABLES["protocols"].key) <= set(TABLES["protocols"].columns)


def test_a_study_with_one_value_of_everything(full_cohort, make_scan):
    same = full_cohort.assign(pmg=3.3, pmg_sd=0.0, age=60, knee_extension_strength_nm=100.0, serum_mg_mmol_l=0.8)
    cohort = same.assign(scan=[f"{person}_unloc" for person in same["participant_id"]])
    analysis = analysis_of(cohort, make_scan, load_settings())
    for name in ("statistics", "comparisons", "measurement_error", "repeatability", "longitudinal"):
        assert set(TABLES[name].build(analysis)["status"]) <= {"not estimable"}, name


def test_the_plan_names_the_tables_of_the_catalogue():
    for step in (COHORT, PROTOCOLS):
        built = step is COHORT
        names = [f"{table.name}.{kind}" for table in TABLES.values() if bool(table.build) == built for kind in KINDS]
        assert sorted(names) == sorted(file.name for file in step.writes if file.name.endswith("tsv") or file.describes)

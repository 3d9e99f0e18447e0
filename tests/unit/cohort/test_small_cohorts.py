"""However few participants there are, every table is written and says what is missing."""

import numpy as np
import pytest

from myomag.cohort.comparisons import build_comparisons
from myomag.cohort.demographics import build_demographics
from myomag.cohort.error_table import build_measurement_error
from myomag.cohort.longitudinal_table import build_longitudinal
from myomag.cohort.repeatability import build_repeatability
from myomag.cohort.sensitivity import build_sensitivity
from myomag.cohort.statistics import build_statistics, included
from myomag.io.tables import table_bytes

BUILDERS = (
    build_statistics,
    build_comparisons,
    build_measurement_error,
    build_repeatability,
    build_longitudinal,
    build_demographics,
)


@pytest.mark.parametrize("participants", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("runs", [1, 2])
@pytest.mark.filterwarnings("error")
def test_every_table_is_written(full_cohort, make_row, settings, participants, runs):
    chosen = full_cohort.head(participants)
    cohort = chosen.loc[chosen.index.repeat(runs)].reset_index(drop=True)
    rng = np.random.default_rng(1)
    cohort = cohort.assign(
        scan=[f"{person}_run-{k % runs}_unloc" for k, person in enumerate(cohort["participant_id"])],
        pmg=cohort["pmg"] + rng.normal(0, 0.01, len(cohort)),
        session_id="ses-1",
    )
    sample = included(cohort, settings)
    for build in BUILDERS:
        table = build(sample, settings)
        assert b"nan" not in table_bytes(table).lower(), build.__name__
        if "status" in table:
            estimated = table["status"] == "estimated"
            assert table.loc[~estimated, "reason"].notna().all(), build.__name__
    rows = [make_row(k) for k in range(len(cohort))]
    assert len(build_sensitivity(rows, cohort, settings))


def test_a_study_with_one_value_of_everything(full_cohort, settings):
    same = full_cohort.assign(pmg=3.3, pmg_sd=0.0, age=60, knee_extension_strength_nm=100.0, serum_mg_mmol_l=0.8)
    sample = included(same.assign(scan=[f"{p}_unloc" for p in same["participant_id"]]), settings)
    for build in BUILDERS:
        table = build(sample, settings)
        if "status" in table:
            assert set(table["status"]) == {"not estimable"}, build.__name__

"""The flow adds up, in scans and in participants, whatever the scans went through."""

import numpy as np
import pandas as pd
import pytest

from myomag.cohort.flow import FLOW_COLUMNS, build_flow
from myomag.io.tables import table_bytes
from myomag.pipeline import NAMES

REASONS = {
    "failed": ["is truncated", "no PCr line within 50 Hz", "no PCr line within 20 Hz"],
    "excluded": ["verdict fail (PCr SNR 3.1 below 5)", "verdict fail (PCr SNR 4.8 below 5)", "moved\tduring the scan"],
}


def exclusion(person, scan, status="included", step=None, reason=None):
    why = {"status": status, "step": step, "category": step and f"left at {step}", "reason": reason}
    return {"participant_id": person, "scan": scan} | why


def random_account(rng):
    account = []
    for number in range(int(rng.integers(0, 60))):
        person, status = f"sub-{rng.integers(1, 20):03d}", str(rng.choice(["included", "excluded", "failed"]))
        lost = status != "included"
        step = str(rng.choice([*NAMES, "overrides"])) if lost else None
        account.append(
            exclusion(person, f"{person}_{number}_unloc", status, step, lost and rng.choice(REASONS[status]))
        )
    return account


@pytest.mark.parametrize("seed", range(60))
def test_flow_adds_up(seed):
    account = random_account(np.random.default_rng(seed))
    flow = build_flow(pd.DataFrame(account))
    assert tuple(flow.columns) == tuple(FLOW_COLUMNS)
    entered, later = flow.iloc[0], flow.iloc[1:]
    assert (entered["scans"], entered["participants"]) == (
        len(account),
        len({row["participant_id"] for row in account}),
    )
    assert (later["scans"].sum(), later["participants"].sum()) == (entered["scans"], entered["participants"])
    assert (later["participants"] <= later["scans"]).all()
    analysed = flow[flow["stage"] == "analysed"].iloc[0]
    included = [row["participant_id"] for row in account if row["status"] == "included"]
    assert (analysed["scans"], analysed["participants"]) == (len(included), len(set(included)))
    for stage in ("failed", "excluded"):
        scans = sum(row["status"] == stage for row in account)
        assert flow.loc[flow["stage"] == stage, "scans"].sum() == scans


def test_a_participant_counts_where_the_furthest_scan_was_lost():
    account = [
        exclusion("sub-001", "a", "failed", "convert", "is truncated"),
        exclusion("sub-001", "b", "excluded", "qc", "verdict fail (PCr SNR 3 below 5)"),
        exclusion("sub-002", "c", "excluded", "qc", "verdict fail (PCr SNR 4 below 5)"),
        exclusion("sub-002", "d"),
    ]
    flow = build_flow(pd.DataFrame(account)).set_index("stage")
    assert flow["participants"].to_dict() == {"entered": 2, "failed": 0, "excluded": 1, "analysed": 1}
    assert flow.loc["excluded", "reason"] == "verdict fail (PCr SNR 3 to 4 below 5)"


def test_scans_that_several_raters_reject_are_counted_together():
    words = ("1 of 2 raters (AB: fat)", "2 of 2 raters (AB: fat (much); CD: motion 3 mm)")
    account = [
        exclusion(f"sub-{n}", f"s{n}", "excluded", "overrides", f"rejected by {said}") for n, said in enumerate(words)
    ]
    account.append(exclusion("sub-9", "s9", "excluded", "overrides", "rejected by a rater (AB: fat)"))
    flow = build_flow(pd.DataFrame(account))
    assert dict(zip(flow["reason"][1:3], flow["scans"][1:3], strict=True)) == {
        "rejected by 1 to 2 of 2 raters": 2,
        "rejected by a rater (AB: fat)": 1,
    }


def test_empty_flow():
    assert table_bytes(build_flow(pd.DataFrame())).decode().splitlines()[1:] == [
        "entered\tn/a\tn/a\tn/a\t0\t0",
        "analysed\tn/a\tn/a\tn/a\t0\t0",
    ]

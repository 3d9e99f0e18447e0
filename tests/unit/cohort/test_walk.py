"""The walk of docs/statistics.md: from cohort.tsv in statsmodels to the numbers of the machine tables."""

import re
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from myomag.cohort.error_table import build_measurement_error
from myomag.cohort.statistics import build_statistics, included
from myomag.io.places import REPOSITORY
from myomag.io.tables import table_bytes
from myomag.settings.cohort import CohortSettings


@pytest.fixture
def walked(
    full_cohort: pd.DataFrame, settings: CohortSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[dict[str, Any], pd.DataFrame, pd.DataFrame]:
    """What the code of the page finds, and the tables it is to agree with; three people have a second scan."""
    cohort = full_cohort.assign(scan=[f"{person}_run-1_unloc" for person in full_cohort["participant_id"]])
    cohort.loc[5, "knee_extension_strength_nm"] = np.nan
    again = cohort.iloc[:3].assign(pmg=cohort["pmg"][:3] + 0.03, scan=[f"sub-00{k}_run-2_unloc" for k in range(3)])
    lost = cohort.iloc[3:5].assign(status="excluded", pmg=9.0, scan="sub-003_run-3_unloc")
    cohort = pd.concat([cohort, again, lost], ignore_index=True)
    sample = included(cohort, settings)
    tables = {"cohort": cohort, "statistics": build_statistics(sample), "errors": build_measurement_error(sample)}
    for name in ("cohort", "statistics"):
        (tmp_path / f"{name}.tsv").write_bytes(table_bytes(tables[name]))
    page = (REPOSITORY / "docs/statistics.md").read_text(encoding="utf-8")
    walk = page.partition("## The same numbers in R")[2]
    (script,) = re.findall(r"^```python\n(.*?)^```", walk, re.DOTALL | re.MULTILINE)
    (tmp_path / "walk.py").write_text(script, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return runpy.run_path("walk.py"), tables["statistics"], tables["errors"]


def test_statsmodels_finds_the_numbers_of_the_tables(walked):
    found, statistics, errors = walked
    machine = statistics.set_index(["model", "predictor"])
    corrected = errors[errors["method"] == "corrected"].set_index(["model", "predictor"])
    assert len(found["walk"]) == 5
    for key, values in found["walk"].items():
        for name in ("n", "b", "beta", "p"):
            assert values[name] == pytest.approx(machine.loc[key, name], rel=1e-7), (key, name)
        if "*" not in key[1]:
            assert values["b_corrected"] == pytest.approx(corrected.loc[key, "b"], rel=1e-7), key
    assert found["walk"]["strength_mg_women", "log10_mg_mmol_l"]["b_corrected"] != pytest.approx(
        machine.loc[("strength_mg_women", "log10_mg_mmol_l"), "b"], rel=1e-3
    )
    # The last line of the page compares the false discovery rates.
    assert found["difference"] < 1e-9

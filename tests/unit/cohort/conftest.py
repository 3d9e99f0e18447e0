"""Outcomes of scans and small studies for the cohort tests."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from myomag.cohort.columns import FIXED_COLUMNS
from myomag.ledger.results import ScanOutcome
from myomag.settings.cohort import CohortSettings
from record_samples import fit_record, magnesium_record, quality_record

STRENGTH, SERUM = "knee_extension_strength_nm", "serum_mg_mmol_l"


def scan_outcome(
    participant: int | str = 1, session: str | None = "ses-1", run: int = 1, **changes: Any
) -> ScanOutcome:
    """Outcome of a good scan; `changes` replace its own fields or, by role__field, those of a record."""
    label = participant if isinstance(participant, str) else f"sub-{participant:03d}"
    stem = "_".join(part for part in (label, session, f"run-{run}_unloc") if part)
    fields: dict[str, dict[str, Any]] = {
        "quality": {"verdict": "pass", "reasons": [], "pcr_snr": 60.0, "pcr_fwhm_hz": 9.5},
        "fit": {"message": "converged", "begin_time_us": 240.0},
        "magnesium": {"ph": 7.02, "pmg": 3.35, "mg_mmol_l": 1000 * 10**-3.35, "mg_p_undefined": 0.0},
    }
    own = {}
    for key, value in changes.items():
        role, _, name = key.rpartition("__")
        (fields[role] if role else own)[name] = value
    records = {
        "quality": quality_record(**fields["quality"]),
        "fit": fit_record(**fields["fit"]),
        "magnesium": magnesium_record(**fields["magnesium"]),
    }
    named = {"participant_id": label, "session_id": session, "scan": stem}
    return ScanOutcome(**{**named, **records, **own})


@pytest.fixture(scope="session")
def make_scan() -> Callable[..., ScanOutcome]:
    return scan_outcome


@pytest.fixture
def settings() -> CohortSettings:
    return CohortSettings()


@pytest.fixture
def make_cohort():
    """Cohort of n participants with one included scan each, plus the given columns."""

    def make(n, **columns):
        fixed = {column.name: [math.nan if column.numeric else None] * n for column in FIXED_COLUMNS}
        rng = np.random.default_rng(11)
        fixed |= {"participant_id": [f"sub-{k:03d}" for k in range(n)], "status": ["included"] * n}
        fixed |= {"pmg": rng.normal(3.35, 0.08, n), "pcr_fwhm_hz": rng.normal(9, 1, n), "pcr_snr": rng.normal(60, 9, n)}
        fixed |= {"begin_time_us": [240.0] * n, "pmg_sd": rng.uniform(0.01, 0.05, n)}
        return pd.DataFrame(fixed | columns)

    return make


@pytest.fixture
def full_cohort(make_cohort):
    rng = np.random.default_rng(2)
    return make_cohort(
        60,
        age=rng.uniform(24, 98, 60),
        sex=["F", "M", "F"] * 20,
        **{STRENGTH: rng.normal(120, 30, 60), SERUM: rng.normal(0.85, 0.06, 60)},
    )

"""Names of sites, and settings in which they may and may not differ."""

from pathlib import Path
from typing import Any

import pytest

from myomag.audit.record import Derivative
from myomag.errors import SettingsError
from myomag.group.sites import check_alike, remarks
from myomag.ledger.rows import Row
from myomag.ledger.sites import SiteNames
from myomag.settings.load import load_settings


def derivative(section: str, **changes: Any) -> Derivative:
    made, document = Derivative(Path("a"), Path("a")), load_settings().model_dump()
    made.__dict__["document"] = document | {section: document[section] | changes}
    made.__dict__["ledgers"] = {}
    return made


def test_names_are_valid_and_tell_sites_apart():
    row = Row("sub-001_ses-1_voi-calf_unloc", "sub-001", "ses-1")
    assert SiteNames("site1").row(row) == Row("sub-site1x001_ses-1_voi-calf_unloc", "sub-site1x001", "ses-1")
    same = SiteNames("leiden", same_participants=True)
    assert same.row(row) == Row("sub-001_ses-leiden1_voi-calf_unloc", "sub-001", "ses-leiden1")
    without = Row("sub-001_unloc", "sub-001", "")
    assert same.row(without) == Row("sub-001_ses-leiden_unloc", "sub-001", "ses-leiden")
    assert SiteNames("leiden").target("sub-001") == "sub-leiden001"
    # Site 1 with participant 001 and site 10 with participant 01.
    assert SiteNames("s1").participant("sub-001") != SiteNames("s10").participant("sub-01")


def test_values_on_other_scales_are_refused_and_other_thresholds_told():
    with pytest.raises(SettingsError, match=r"magnesium\.temperature_c 37\.0 → 36\.0"):
        check_alike({"a": derivative("magnesium"), "b": derivative("magnesium", temperature_c=36.0)})
    sites = {"a": derivative("qc"), "b": derivative("qc", min_snr=6.0)}
    check_alike(sites)
    assert list(remarks(sites)) == ["sites a and b have different settings: qc.min_snr 5.0 → 6.0."]

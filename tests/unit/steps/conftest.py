"""What the step magnesium makes of a fit."""

import pytest

from fit_samples import SETTINGS, SIDECAR, fit_record
from myomag.io.records import record_bytes
from myomag.io.scan_records import Magnesium, scan_record_bytes
from myomag.settings.magnesium import MagnesiumSettings
from myomag.steps.magnesium import magnesium_scan


@pytest.fixture
def run(tmp_path):
    def magnesium(settings=None, sidecar=SIDECAR, **changes):
        inputs = {"fit": tmp_path / "fit.json", "preproc_sidecar": tmp_path / "sidecar.json"}
        inputs["fit"].write_bytes(scan_record_bytes(fit_record(**changes)))
        inputs["preproc_sidecar"].write_bytes(record_bytes(sidecar))
        chosen = MagnesiumSettings(**dict(SETTINGS) | (settings or {}))
        return Magnesium.model_validate_json(magnesium_scan("sub-1_unloc", inputs, chosen)["magnesium"])

    return magnesium

"""What the step magnesium makes of a fit."""

import pytest

from fit_samples import SETTINGS, SIDECAR, fit_record
from myomag.io.records import record_bytes
from myomag.io.scan_records import Magnesium, scan_record_bytes
from myomag.settings.magnesium import MagnesiumSettings
from myomag.steps.magnesium import magnesium_scan
from record_samples import quality_record


@pytest.fixture
def run(tmp_path):
    def magnesium(settings=None, sidecar=SIDECAR, undetected=None, withheld=None, **changes):
        inputs = {name: tmp_path / f"{name}.json" for name in ("fit", "quality", "preproc_sidecar")}
        quality = quality_record(undetected=undetected or {}, withheld=withheld)
        inputs["quality"].write_bytes(scan_record_bytes(quality))
        inputs["fit"].write_bytes(scan_record_bytes(fit_record(**changes)))
        inputs["preproc_sidecar"].write_bytes(record_bytes(sidecar))
        chosen = MagnesiumSettings(**dict(SETTINGS) | (settings or {}))
        return Magnesium.model_validate_json(magnesium_scan("sub-1_unloc", inputs, chosen)["magnesium"])

    return magnesium

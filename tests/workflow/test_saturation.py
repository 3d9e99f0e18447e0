"""A setting that makes a step read one file more: T1, for which magnesium needs the sidecar of the averaged FID."""

import json

from lab import BATCHES, Lab
from myomag.io.tables import read_tsv
from running import myomag

SETTINGS = (
    "fit: {pool_begin_time: false}\nmagnesium:\n  t1_s: {PCr: 6.5, gamma-ATP: 4.0, Pi: 6.0, PDE: 5.0, PME: 5.0}\n"
)


def test_ratios_corrected_for_saturation_are_those_of_the_scan_by_itself(lab: Lab) -> None:
    """Without the pooled begin time a scan of the study is fitted as a single file is."""
    before = read_tsv(lab.derivative / "cohort.tsv").set_index("scan")
    (lab.study / "myomag.yaml").write_text(f"batches: {BATCHES}\n{SETTINGS}", encoding="utf-8")
    lab.done()
    found = read_tsv(lab.derivative / "cohort.tsv").set_index("scan")
    scan = str(found.index[found["status"] == "included"][0])
    (file,) = lab.study.rglob(f"{scan}.nii.gz")
    settings = lab.root / "single.yaml"
    settings.write_text(SETTINGS, encoding="utf-8")
    single = json.loads(myomag("scan", file, "--settings", settings, "--json").stdout)
    for name in ("pcr_atp_ratio", "pi_pcr_ratio", "pde_atp_ratio", "pme_atp_ratio"):
        # Ten digits stand in the records of both.
        assert abs(found.loc[scan, name] / single[name] - 1) < 1e-9, name
        assert abs(found.loc[scan, name] / before.loc[scan, name] - 1) > 1e-3, name

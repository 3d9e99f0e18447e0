"""The simulated study is a readable BIDS dataset whose files hold the truth beside it."""

import json

import numpy as np
import pytest

from myomag.core.axes import time_axis
from myomag.core.families import shift_calibration
from myomag.errors import ScanError
from myomag.io.nifti_mrs import read_nifti_mrs
from myomag.settings.load import load_settings
from myomag.study.tables import read_tables


def scan_path(study, participant):
    (path,) = study.glob(f"{participant}/ses-1/mrs/*_unloc.nii.gz")
    return path


def with_defect(truth, defect):
    return truth.index[truth["defect"] == defect][0]


def test_shifts_are_the_inverse_of_the_configured_calibrations(truth):
    magnesium = load_settings().model_dump()["magnesium"]
    ph, mg = (shift_calibration(magnesium[f"{quantity}_calibration"], quantity) for quantity in ("ph", "mg"))
    # Six decimals in the table; the steepest slope, of pMg near its pole, is below 10 per ppm.
    np.testing.assert_allclose(ph.value(truth["pi_ppm"].to_numpy()), truth["ph"], atol=2e-6)
    np.testing.assert_allclose(mg.value(truth["beta_atp_ppm"].to_numpy()), truth["pmg"], atol=1e-5)
    np.testing.assert_allclose(1000 * 10 ** -truth["pmg"], truth["mg_mmol_l"], rtol=1e-5)


def test_good_scan_holds_what_the_truth_says(study, truth):
    for participant in truth.index[truth["defect"].isna()]:
        row = truth.loc[participant]
        scan = read_nifti_mrs(scan_path(study, participant))
        assert scan.nucleus == "31P" and scan.fid.shape == (2048, 16, 1)
        time_s = time_axis(2048, scan.dwell_time_s, row["begin_time_us"] * 1e-6)
        rotation = np.exp(-2j * np.pi * row["pcr_offset_hz"] * time_s - 1j * np.deg2rad(row["phase_deg"]))
        # Filtered to ± 30 Hz by averaging blocks of 50 samples: PCr is left, in phase, falling with its Voigt width.
        pcr = (scan.fid[:, :, 0].mean(axis=1) * rotation)[:400].reshape(8, 50).mean(axis=1)
        assert abs(np.angle(pcr.sum(), deg=True)) < 15, participant
        assert pcr[0].real > 5 * abs(pcr[-1].real), participant


def test_header_echo_time_is_not_the_begin_time(study, truth):
    for participant in truth.index[truth["defect"].isna()]:
        scan = read_nifti_mrs(scan_path(study, participant))
        assert truth.loc[participant, "begin_time_us"] == 240
        assert scan.metadata["EchoTime"] == pytest.approx(200e-6)
        sidecar = json.loads(scan_path(study, participant).with_suffix("").with_suffix(".json").read_text())
        assert sidecar["EchoTime"] == pytest.approx(200e-6) and sidecar["ResonantNucleus"] == "31P"


def test_truncated_file_cannot_be_read(study, truth):
    with pytest.raises(ScanError):
        read_nifti_mrs(scan_path(study, with_defect(truth, "truncated_file")))


def test_wrong_nucleus_is_stated_by_the_file(study, truth):
    assert read_nifti_mrs(scan_path(study, with_defect(truth, "wrong_nucleus"))).nucleus == "1H"


def test_other_defects_are_in_the_signal(study, truth):
    assert truth.loc[with_defect(truth, "low_snr"), "pcr_snr"] < load_settings().qc.min_snr
    broad_ppm = truth.loc[with_defect(truth, "broad_lines"), "pcr_fwhm_hz"] / 51.7
    assert broad_ppm > load_settings().qc.max_linewidth_ppm
    outliers = read_nifti_mrs(scan_path(study, with_defect(truth, "outlier_transients"))).fid[1024:, :, 0]
    energy = np.sort(np.var(outliers, axis=0))
    assert energy[-3] > 30 * energy[-4]


def test_tables_have_a_row_for_every_participant(study, truth):
    tables = {table.name: table for table in read_tables(study)}
    assert {name: table.columns for name, table in tables.items()} == {
        "participants.tsv": ("age", "sex"),
        "phenotype/knee_extension.tsv": ("knee_extension_strength_nm",),
        "phenotype/serum.tsv": ("serum_mg_mmol_l",),
    }
    for table in tables.values():
        assert list(table.rows) == truth.index.tolist()
        assert set(table.columns) < set(table.descriptions)


def test_columns_are_those_the_default_settings_ask_for(study):
    cohort = load_settings().cohort
    columns = {column for table in read_tables(study) for column in table.columns}
    assert columns == {cohort.age_column, cohort.sex_column, cohort.strength_column, cohort.serum_mg_column}

import numpy as np
import pytest

from muscle_fids import BETA_PPM, MG, PH, muscle_fid, noise
from myomag.errors import ScanError
from myomag.io.bruker import files_of_experiment
from myomag.io.nifti_mrs import nifti_mrs_bytes, sidecar_dict
from myomag.io.vendor import read_scan
from myomag.settings.load import load_settings
from myomag.single.scan import analyse_file
from myomag.study.search import find_scans
from vendor_samples import DWELL_S, MHZ, bruker, line

KINDS = [("fid", "PV 5.1"), ("fid", "PV 6.0.1"), ("rawdata.job0", "PV 6.0.1"), ("rawdata.job0", "PV-360.3.5")]
KINDS += [("fid_proc.64", "PV-360.3.5"), ("fid", "PV-360.1.1")]


def coils(transients):
    return line(transients)[:, :, None] * np.array([1, 10j])


def read(path):
    return read_scan([path], [], nucleus=None)


@pytest.mark.parametrize(("kind", "version"), KINDS)
def test_every_kind_of_samples_gives_the_scan(tmp_path, kind, version):
    path = bruker(tmp_path, coils(3), kind=kind, version=version, delay=68)
    mrs = read(path)
    np.testing.assert_allclose(mrs.fid, coils(3), rtol=1e-6, atol=1e-6)
    assert mrs.spectrometer_frequency_mhz == MHZ
    assert mrs.dwell_time_s == pytest.approx(DWELL_S, rel=1e-12)
    assert mrs.nucleus == "31P"
    expected = {"RepetitionTime": 3.0, "FlipAngle": 60.0, "SequenceName": "SINGLEPULSE", "SoftwareVersions": version}
    assert {key: mrs.metadata[key] for key in expected} == expected
    assert b"MARKER" not in nifti_mrs_bytes(mrs)
    assert "MARKER" not in str(sidecar_dict(mrs))
    np.testing.assert_array_equal(read_scan(files_of_experiment(tmp_path), [], nucleus=None).fid, mrs.fid)


@pytest.mark.parametrize(("repetitions", "averages", "measurements"), [(6, 1, 1), (2, 3, 2), (6, 16, 6)])
def test_averages_and_repetitions_are_told_apart(tmp_path, repetitions, averages, measurements):
    path = bruker(tmp_path, coils(6), acqp={"NR": repetitions}, method={"PVM_NAverages": averages})
    assert read(path).measurements == measurements


def test_integers_of_either_byte_order_and_combined_coils(tmp_path):
    fid = np.round(line(2) * 1000)[:, :, None]
    path = bruker(tmp_path, fid, method={"PVM_EncNReceivers": 4}, acqp={"GO_raw_data_format": "GO_32BIT_SGN_INT"})
    held = np.frombuffer(path.read_bytes(), "<f4")
    for order, name in ((">", "big"), ("<", "little")):
        acqp = path.with_name("acqp")
        acqp.write_text(acqp.read_text().replace("BYTORDA=little", f"BYTORDA={name}"))
        path.write_bytes(held.astype(f"{order}i4").tobytes())
        np.testing.assert_array_equal(read(path).fid, fid)
        acqp.write_text(acqp.read_text().replace(f"BYTORDA={name}", "BYTORDA=little"))


def test_what_is_no_single_scan_is_refused_with_the_way_out(tmp_path):
    def refused(match, **changes):
        with pytest.raises(ScanError, match=match):
            read(bruker(tmp_path, coils(2), **changes))

    refused("belongs to an image", acqp={"ACQ_dim_desc": "( 2 )\nSpatial Spatial", "ACQ_dim": 2})
    refused(r"2dseq.*--voxel", acqp={"ACQ_dim_desc": "( 3 )\nSpectroscopic Spatial Spatial", "ACQ_dim": 3})
    refused("not state the number format", acqp={"GO_raw_data_format": None})
    refused("not 7 repetitions", acqp={"NR": 7})
    path = bruker(tmp_path, coils(2))
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(ScanError, match="truncated"):
        read(path)
    bruker(tmp_path, coils(2)).with_name("method").write_text("nothing of the kind")
    with pytest.raises(ScanError, match=r"method: cannot be read as a parameter file of ParaVision"):
        read(path)
    path.with_name("method").unlink()
    with pytest.raises(ScanError, match=r"^fid: needs the ParaVision file method .*spec2nii varian"):
        read(path)


def test_experiment_in_a_folder_of_a_study_is_one_scan(tmp_path):
    stem = "sub-01_nuc-31P_unloc"
    folder = tmp_path / "sourcedata" / "sub-01" / "mrs" / stem
    folder.mkdir(parents=True)
    bruker(folder, coils(3))
    (folder / "pulseprogram").write_text("; beside the samples\n")
    (scan,) = find_scans(tmp_path).scans
    assert (scan.stem, scan.problem) == (stem, "")
    mrs = read_scan([tmp_path / path for path in scan.raw], [], nucleus=None)
    np.testing.assert_allclose(mrs.fid, coils(3), rtol=1e-6)


def test_31p_of_a_folder_gives_ph_and_magnesium(tmp_path):
    clean = np.repeat(muscle_fid(dwell_s=DWELL_S, begin_s=100e-6)[:, None, None], 8, axis=1)
    bruker(tmp_path, clean + noise(np.random.default_rng(5), clean.shape, 1.0), delay=68)
    flat = analyse_file(tmp_path, load_settings()).flat
    assert abs(flat["beta_atp_ppm"] - BETA_PPM) < 4 * flat["beta_atp_sd_ppm"]
    assert abs(flat["ph"] - PH) < 4 * flat["ph_sd"] + 0.005
    assert flat["mg_ci95_low_mmol_l"] < MG < flat["mg_ci95_high_mmol_l"]

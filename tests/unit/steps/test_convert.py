import gzip
import json
import shutil

import numpy as np
import pytest

from myomag.core.axes import time_axis
from myomag.core.lineshapes import line_fid
from myomag.errors import ScanError
from myomag.io.nifti_mrs import MrsData, nifti_mrs_bytes, read_nifti_mrs
from myomag.settings.convert import ConvertSettings
from myomag.steps.convert import convert_scan

SCAN = "sub-001_acq-fid_nuc-31P_voi-calf_unloc"
UNNAMED = "sub-001_acq-fid_voi-calf_unloc"
SETTINGS = ConvertSettings()
CALF = "sub-calf01_acq-fid_nuc-31P_voi-calf_unloc"
VENDOR = ("SVS_30.IMA", "SVS_30.rda", "SVS_XA60.dcm", "philips_press.SDAT", "philips_press.SPAR", "jmrui.txt")


@pytest.fixture
def raw(tmp_path):
    fid = line_fid(time_axis(256, 2e-4), frequency_hz=150.0, lorentzian_fwhm_hz=10.0)[:, None, None] * np.ones((4, 2))
    path = tmp_path / f"{SCAN}.nii.gz"
    path.write_bytes(nifti_mrs_bytes(MrsData(fid.astype(np.complex64), 2e-4, 51.7, "31P", {"Manufacturer": "Philips"})))
    return path


def sidecar(folder, name="a.json", **fields):
    path = folder / name
    path.write_text(json.dumps(fields))
    return path


def read_back(tmp_path, outputs):
    path = tmp_path / "back.nii.gz"
    path.write_bytes(outputs["fid"])
    return read_nifti_mrs(path)


def test_output_holds_every_transient_and_coil(tmp_path, raw):
    outputs = convert_scan(SCAN, {"raw": raw}, SETTINGS)
    assert set(outputs) == {"fid", "sidecar"}
    np.testing.assert_array_equal(read_back(tmp_path, outputs).fid, read_nifti_mrs(raw).fid)
    assert json.loads(outputs["sidecar"])["NumberOfTransients"] == 4


def test_same_input_gives_the_same_bytes(tmp_path, raw):
    fields = {"EchoTime": 2.3e-4, "RepetitionTime": 2, "BodyPart": "LEG"}
    first = convert_scan(SCAN, {"raw": raw, "sidecar": sidecar(tmp_path, **fields)}, SETTINGS)
    turned = sidecar(tmp_path, "b.json", **dict(reversed(fields.items())))
    assert convert_scan(SCAN, {"raw": raw, "sidecar": turned}, SETTINGS) == first


def test_converting_the_output_again_changes_nothing(tmp_path, raw):
    first = convert_scan(SCAN, {"raw": raw, "sidecar": sidecar(tmp_path, EchoTime=2.3e-4)}, SETTINGS)
    again, notes = tmp_path / "again.nii.gz", tmp_path / "again.json"
    again.write_bytes(first["fid"])
    notes.write_bytes(first["sidecar"])
    assert convert_scan(SCAN, {"raw": again, "sidecar": notes}, SETTINGS) == first


def test_nearest_sidecar_wins_whatever_the_order_of_the_roles(tmp_path, raw):
    files = {f"sidecar_{i}": sidecar(tmp_path, f"{i}.json", RepetitionTime=float(i)) for i in range(1, 11)}
    inputs = {"raw": raw} | dict(sorted(files.items())) | {"sidecar": sidecar(tmp_path, RepetitionTime=50.0)}
    assert json.loads(convert_scan(SCAN, inputs, SETTINGS)["sidecar"])["RepetitionTime"] == 10.0


def test_conjugate_setting_is_honoured(tmp_path, raw):
    turned = read_back(tmp_path, convert_scan(SCAN, {"raw": raw}, SETTINGS.model_copy(update={"conjugate": True})))
    np.testing.assert_array_equal(turned.fid, np.conj(read_nifti_mrs(raw).fid))


@pytest.mark.parametrize(
    "content", [b"{not json", b"[1]", b"", b"\xff\xfe", b'{"EchoTime": "short"}', b'{"EchoTime": NaN}']
)
def test_corrupt_sidecar_is_named(tmp_path, raw, content):
    path = tmp_path / "notes.json"
    path.write_bytes(content)
    with pytest.raises(ScanError, match=r"notes\.json|EchoTime") as error:
        convert_scan(SCAN, {"raw": raw, "sidecar": path}, SETTINGS)
    assert str(tmp_path) not in str(error.value)


def test_nothing_personal_passes(tmp_path, raw):
    fields = (
        "PatientName",
        "PatientBirthDate",
        "PatientID",
        "InstitutionName",
        "StationName",
        "Comments",
        "ProtocolName",
    )
    personal = dict.fromkeys(fields, "MARKER")
    notes = sidecar(tmp_path, **personal, DeviceSerialNumber="MARKER", BodyPartDetails="MARKER")
    outputs = convert_scan(SCAN, {"raw": raw, "sidecar": notes}, SETTINGS)
    assert b"MARKER" not in gzip.decompress(outputs["fid"]) + outputs["sidecar"]


def test_name_and_data_must_agree_on_the_nucleus(raw):
    with pytest.raises(ScanError, match="contains 31P data but is named nuc-1H"):
        convert_scan(SCAN.replace("31P", "1H"), {"raw": raw}, SETTINGS)
    with pytest.raises(ScanError, match="nuc- entity = 'xy' is not a known nucleus"):
        convert_scan(SCAN.replace("31P", "XY"), {"raw": raw}, SETTINGS)


@pytest.mark.parametrize("name", VENDOR)
def test_proton_data_are_refused_by_name(shared_data, name):
    for setting in (None, "31P"):
        with pytest.raises(
            ScanError, match=rf"^{name}: contains 1H data \([\d.]+ MHz\): myomag analyses 31P; remove it"
        ):
            convert_scan(
                UNNAMED, {"raw": shared_data / "vendor" / name}, SETTINGS.model_copy(update={"nucleus": setting})
            )


def test_lcmodel_file_needs_a_nucleus_and_does_not_take_a_wrong_one(shared_data, tmp_path):
    path = shared_data / "vendor" / "lcmodel.RAW"
    with pytest.raises(ScanError, match="states no nucleus"):
        convert_scan(UNNAMED, {"raw": path}, SETTINGS)
    with pytest.raises(ScanError, match=r"not a 31P frequency in MHz \(the field would be 17\.2 T"):
        convert_scan(SCAN, {"raw": path}, SETTINGS)
    with pytest.raises(ScanError, match="contains 1H data"):
        convert_scan(UNNAMED, {"raw": path, "sidecar": sidecar(tmp_path, ResonantNucleus="1H")}, SETTINGS)


def test_calf_scan_is_the_same_from_twix_and_nifti_mrs(shared_data):
    folder = shared_data / "calf_7t"
    notes = {"sidecar": folder / f"{CALF}.json"}
    twix, nifti = (
        convert_scan(CALF, {"raw": folder / f"{CALF}{suffix}"} | notes, SETTINGS) for suffix in (".dat", ".nii.gz")
    )
    # As numbers: what made the NIfTI-MRS file turned zeros into negative ones.
    fids = [np.frombuffer(gzip.decompress(each["fid"])[-2048 * 96 * 8 :], "<c8") for each in (twix, nifti)]
    np.testing.assert_array_equal(*fids)
    both = [json.loads(outputs["sidecar"]) for outputs in (twix, nifti)]
    for key in (
        "EchoTime",
        "RepetitionTime",
        "SpectralWidth",
        "SpectrometerFrequency",
        "NumberOfTransients",
        "FlipAngle",
    ):
        assert both[0][key] == pytest.approx(both[1][key], rel=1e-9)
    assert "SoftwareVersions" in both[0]
    assert b"PRE_96Avg" not in twix["sidecar"] + gzip.decompress(twix["fid"]), "the name of the protocol is dropped"


def test_companion_role_of_the_philips_pair(shared_data, tmp_path):
    folder = shared_data / "vendor"
    sdat, spar = tmp_path / "a.SDAT", tmp_path / "b" / "a.SPAR"
    spar.parent.mkdir()
    shutil.copyfile(folder / "philips_press.SDAT", sdat)
    text = (folder / "philips_press.SPAR").read_text()
    spar.write_text(text.replace("nucleus : 1H", "nucleus : 31P").replace("127750896", "51710000"))
    outputs = convert_scan(UNNAMED, {"raw": sdat, "raw_1": spar}, SETTINGS)
    assert read_back(tmp_path, outputs).fid.shape == (2048, 1, 1)

import json

import numpy as np
import pytest
from pydicom import Dataset, dcmread

from dicom_sample import write_csa, write_dicom, write_philips
from myomag.errors import ScanError
from myomag.io.nifti_mrs import nifti_mrs_bytes, sidecar_dict
from myomag.io.vendor import read_scan
from vendor_samples import DWELL_S, MHZ, POINTS, line

PROTOCOL = "alTE[0] = 230\nalTR[0] = 1500000\nlContrasts = 1\nsSpecPara.lVectorSize = 128\n"


def read(path, **kwargs):
    return read_scan([path], [], nucleus=None, **kwargs)


def siemens_xa(path, fid, **changes):
    return write_dicom(path, fid[:, 0], dwell_s=DWELL_S, mhz=MHZ, **changes)


def philips(path, fid, **changes):
    return write_philips(path, fid, dwell_s=DWELL_S, mhz=MHZ, **changes)


@pytest.mark.parametrize(("write", "transients"), [(write_csa, 3), (siemens_xa, 1), (philips, 3)])
def test_every_form_gives_the_same_scan(tmp_path, write, transients):
    mrs = read(write(tmp_path / "scan.dcm", line(3)[:, :transients]))
    np.testing.assert_allclose(mrs.fid[:, :, 0], line(transients), atol=1e-6)
    assert (mrs.dwell_time_s, mrs.spectrometer_frequency_mhz) == (pytest.approx(DWELL_S), pytest.approx(MHZ))
    assert mrs.nucleus == "31P"
    expected = {"EchoTime": 2.3e-4, "RepetitionTime": 1.5, "FlipAngle": 90.0}
    assert {key: mrs.metadata[key] for key in expected} == pytest.approx(expected)


@pytest.mark.parametrize("write", [write_csa, siemens_xa, philips])
def test_nothing_personal_passes(tmp_path, write):
    path = write(tmp_path / "scan.dcm", line())
    assert b"MARKER" in path.read_bytes()
    mrs = read(path)
    assert b"MARKER" not in nifti_mrs_bytes(mrs) + json.dumps(sidecar_dict(mrs)).encode()


@pytest.mark.parametrize("write", [write_csa, siemens_xa, philips])
def test_truncated_file_is_refused(tmp_path, write):
    path = write(tmp_path / "scan.dcm", line())
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ScanError, match=r"^scan\.dcm: "):
        read(path)


@pytest.mark.parametrize(
    ("frames", "averages", "measurements"), [(1, None, 1), (1, 3, 1), (1, 8, 3), (2, None, 3), (2, 2, 3), (2, 8, 6)]
)
def test_files_and_frames_of_a_series_are_told_apart(tmp_path, frames, averages, measurements):
    tags = {"NumberOfAverages": ("DS", str(averages))} if averages else {}
    paths = [write_csa(tmp_path / f"{index}.IMA", line(frames), **tags) for index in range(3)]
    mrs = read_scan(paths, [], nucleus=None)
    assert (mrs.fid.shape, mrs.measurements) == ((POINTS, 3 * frames, 1), measurements)


# --- Siemens VA to VE -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("protocol", "stated", "echo_time_s"),
    [
        ("alTE[0] = 350\nalTE[1] = 20000\nlContrasts = 1\n", "0.35", 350e-6),
        ("alTE[0] = 350\nalTE[1] = 20000\n", "0.35", 350e-6),
        ("alTE[0] = 350\nalTE[1] = 20000\nlContrasts = 1\n", None, 350e-6),
        ("alTE[0] = 350\nalTE[1] = 20000\nlContrasts = 2\n", "0.35", 350e-6),
        # semi-LASER: three parts of one echo time, and a fourth left over.
        ("alTE[0]=9000\nalTE[1]=10000\nalTE[2]=10000\nalTE[3]=70000\nlContrasts=3\n", "29.0", 29e-3),
        ("alTE[0]\t = \t9000\nalTE[1]\t = \t20000\nlContrasts\t = \t0x2\n", "9", 9e-3),
        ("lContrasts = 1\n", "0.23", 230e-6),
        ("", "0.23", 230e-6),
        ("", None, None),
    ],
)
def test_echo_time_is_of_the_entry_in_use(tmp_path, protocol, stated, echo_time_s):
    stated = ("DS", stated) if stated else None
    mrs = read(write_csa(tmp_path / "scan.IMA", line(), protocol=protocol, EchoTime=stated))
    assert mrs.metadata.get("EchoTime") == pytest.approx(echo_time_s)


def test_header_without_voxel_frames_or_points_is_read(tmp_path):
    path = write_csa(
        tmp_path / "scan.IMA", line(2), protocol=PROTOCOL, NumberOfFrames=None, DataPointColumns=None, Rows=None
    )
    np.testing.assert_allclose(read(path).fid[:, :, 0], line(2), atol=1e-6)


def test_samples_in_another_private_block_are_found(tmp_path):
    assert read(write_csa(tmp_path / "scan.IMA", line(), block=0x11)).fid.shape == (POINTS, 1, 1)


@pytest.mark.parametrize(
    ("message", "tags"),
    [
        ("contains 128 of 8 x 128 points", {"Rows": ("US", "8")}),
        ("processed spectrum", {"SignalDomainColumns": ("CS", "FREQUENCY")}),
        ("not state the number of points", {"DataPointColumns": None}),
        ("contains 128 of 4 x 128 points", {"NumberOfFrames": ("IS", "4")}),
        ("states no frequency", {"ImagingFrequency": None}),
        ("states no dwell time", {"RealDwellTime": None}),
        ("states no nucleus", {"ImagedNucleus": None, "MagneticFieldStrength": None}),
    ],
)
def test_siemens_file_that_is_no_single_fid_is_refused(tmp_path, message, tags):
    with pytest.raises(ScanError, match=rf"^scan\.IMA: .*{message}"):
        read(write_csa(tmp_path / "scan.IMA", line(), **tags))


def test_dicom_of_another_manufacturer_is_refused_with_the_way_out(tmp_path):
    with pytest.raises(ScanError, match=r"unsupported manufacturer; for GE give the P-file .*spec2nii uih"):
        read(philips(tmp_path / "scan.dcm", line(), Manufacturer="GE MEDICAL SYSTEMS"))


# --- enhanced ---------------------------------------------------------------------------------------------------------


def test_water_reference_of_philips_is_no_transient(tmp_path):
    fid = line(2)
    announced = philips(tmp_path / "a.dcm", fid, WaterReferencedPhaseCorrection="YES")
    # The other way they write it: one frame, and twice the points.
    silent = philips(tmp_path / "b.dcm", fid, NumberOfFrames=1)
    for path in (announced, silent):
        np.testing.assert_allclose(read(path).fid[:, :, 0], fid[:, :1], atol=1e-6)
    with pytest.raises(ScanError, match="which of its 3 frames"):
        read(philips(tmp_path / "c.dcm", line(3), WaterReferencedPhaseCorrection="YES"))


def test_frames_that_philips_marks_as_reference_are_left_out(tmp_path):
    path = philips(tmp_path / "scan.dcm", line(3), WaterReferencedPhaseCorrection="YES")
    described_frames(path, [0, 1, 0])
    np.testing.assert_allclose(read(path).fid[:, :, 0], line(3)[:, [0, 2]], atol=1e-6)


def test_older_private_form_of_philips_is_read(tmp_path):
    left_out = dict.fromkeys(("SpectralWidth", "TransmitterFrequency", "ResonantNucleus", "NumberOfFrames"))
    path = philips(tmp_path / "scan.dcm", line(), SpectroscopyAcquisitionDataColumns=None, **left_out)
    described_frames(path, [0])
    content = dcmread(path)
    samples = content[0x5600, 0x0020].value
    del content[0x5600, 0x0020]
    for tag, kind, value in (
        ((0x2001, 0x1083), "DS", str(MHZ)),
        ((0x2001, 0x1087), "LO", "31P"),
        ((0x2005, 0x1357), "FL", 1 / DWELL_S),
        ((0x2005, 0x1270), "OF", samples),
    ):
        content.add_new((tag[0], 0x0010), "LO", "Philips")
        content.add_new(tag, kind, value)
    content.save_as(path)
    mrs = read(path)
    np.testing.assert_allclose(mrs.fid[:, :, 0], line(), atol=1e-6)
    assert (mrs.dwell_time_s, mrs.spectrometer_frequency_mhz, mrs.nucleus) == (DWELL_S, MHZ, "31P")


def described_frames(path, flags):
    """Add the private sequence in which Philips tells frames apart."""
    content = dcmread(path)
    items = []
    for flag in flags:
        item = Dataset()
        item.SpectroscopyAcquisitionDataColumns = POINTS
        item.add_new((0x2005, 0x0013), "LO", "Philips")
        item.add_new((0x2005, 0x1304), "SS", flag)
        items.append(item)
    content.add_new((0x2005, 0x0014), "LO", "Philips")
    content.add_new((0x2005, 0x140F), "SQ", items)
    content.save_as(path)


@pytest.mark.parametrize(
    ("message", "changes"),
    [
        ("several voxels of a Philips scan.*--voxel", {"SpectroscopyAcquisitionPhaseRows": 8}),
        ("several voxels of a Philips scan.*--voxel", {"Rows": 8, "Columns": 8}),
        ("no complex FID", {"SignalDomainColumns": "FREQUENCY"}),
        ("no complex FID", {"DataRepresentation": "MAGNITUDE"}),
        ("not state the number of points", {"SpectroscopyAcquisitionDataColumns": None}),
        ("truncated", {"NumberOfFrames": 3}),
        ("unsupported", {"Manufacturer": "Another"}),
    ],
)
def test_enhanced_file_that_is_no_single_fid_is_refused(tmp_path, message, changes):
    with pytest.raises(ScanError, match=rf"^scan\.dcm: .*{message}"):
        read(philips(tmp_path / "scan.dcm", line(), **changes))


def test_frames_of_several_echo_times_are_refused(tmp_path):
    from dicom_sample import groups

    frames = [groups(MREchoSequence={"EffectiveEchoTime": time}) for time in (0.23, 30.0)]
    with pytest.raises(ScanError, match="2 echo times"):
        read(philips(tmp_path / "scan.dcm", line(2), PerFrameFunctionalGroupsSequence=frames))


def test_localisation_names_the_sequence(tmp_path):
    path = philips(tmp_path / "scan.dcm", line(), VolumeLocalizationTechnique="PRESS", EchoPulseSequence="SPIN")
    assert read(path).metadata["PulseSequenceType"] == "PRESS"


# --- cases ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["dicom_stale_alte", "dicom_no_voxel", "dicom_va_no_frames"])
def test_siemens_cases(shared_cases, name):
    mrs = read(shared_cases / f"{name}.IMA")
    assert mrs.fid.shape == (2048, 1, 1)
    assert mrs.metadata["EchoTime"] == pytest.approx(350e-6)
    assert (mrs.dwell_time_s, mrs.spectrometer_frequency_mhz, mrs.nucleus) == (pytest.approx(333.4e-6), 51.7, "31P")
    tops = np.abs(np.fft.fft(mrs.fid[:, 0, 0]))
    ppm = np.fft.fftfreq(2048, mrs.dwell_time_s) / mrs.spectrometer_frequency_mhz
    below, above = (tops[np.abs(ppm - ppm[tops.argmax()] - offset) < 0.3].max() for offset in (-7.5, 7.5))
    assert below > 2 * above


def test_files_of_a_scan_follow_each_other_by_number_or_else_by_name(tmp_path):
    numbered = [write_csa(tmp_path / f"{9 - k}.IMA", k * line(1)) for k in (1, 2, 3)]
    for number, path in enumerate(numbered, start=1):
        dataset = dcmread(path)
        dataset.InstanceNumber = number
        dataset.save_as(path)
    named = [write_csa(tmp_path / f"MR.{k}.IMA", k * line(1)) for k in (2, 10, 9)]
    for paths, order in ((numbered, (1, 2, 3)), (named, (2, 9, 10))):
        mrs = read_scan(sorted(paths), [], nucleus=None)
        np.testing.assert_allclose(np.abs(mrs.fid[0, :, 0]), np.abs(line(1)[0, 0]) * np.array(order), rtol=1e-5)


def test_file_that_is_there_twice_is_refused(tmp_path):
    path = write_csa(tmp_path / "1.IMA", line(1))
    (tmp_path / "2.IMA").write_bytes(path.read_bytes())
    with pytest.raises(ScanError, match=r"^2\.IMA: is a copy of 1\.IMA; remove one"):
        read_scan([path, tmp_path / "2.IMA"], [], nucleus=None)

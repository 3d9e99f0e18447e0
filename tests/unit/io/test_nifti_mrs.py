import gzip
import json
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from nibabel.nifti1 import Nifti1Extension, Nifti1Image
from nibabel.nifti2 import Nifti2Image

from myomag.core.axes import time_axis
from myomag.core.lineshapes import line_fid
from myomag.errors import ScanError
from myomag.io.nifti_mrs import MrsData, dimensions, nifti_mrs_bytes, read_nifti_mrs, sidecar_dict, stored_gzip

POINTS, DWELL_S, MHZ = 256, 2e-4, 51.7
HEADER = {"SpectrometerFrequency": [MHZ], "ResonantNucleus": ["31P"], "SpectralWidth": 1 / DWELL_S}


def line(frequency_hz=150.0, points=POINTS):
    return line_fid(time_axis(points, DWELL_S), frequency_hz=frequency_hz, lorentzian_fwhm_hz=10.0)


def scan(transients=3, coils=2, **metadata):
    weights = np.arange(1, transients * coils + 1).reshape(transients, coils)
    fid = (line()[:, None, None] * weights).astype(np.complex64)
    return MrsData(fid, DWELL_S, MHZ, "31P", metadata)


def write(path, data, header=None, *, kind=Nifti2Image, extensions=None, **fields):
    """File made with nibabel alone, independently of the writer under test."""
    image = kind(np.asarray(data), np.diag([1e4, 1e4, 1e4, 1]))
    image.header.set_xyzt_units("mm", fields.pop("unit", "sec"))
    image.header["intent_name"] = b"mrs_v0_10"
    image.header["pixdim"][4] = fields.pop("dwell", DWELL_S)
    for key, value in fields.items():
        image.header[key] = value
    if extensions is None:
        extensions = [(44, json.dumps(HEADER if header is None else header).encode())]
    for code, content in extensions:
        image.header.extensions.append(Nifti1Extension(code, content))
    raw = image.to_bytes()
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    return path


def stored(points=POINTS):
    """One FID as a NIfTI-MRS file holds it."""
    return np.conj(line(points=points)).astype(np.complex64).reshape(1, 1, 1, points)


def test_higher_ppm_is_stored_as_negative_exponent_and_read_as_positive(tmp_path):
    time = time_axis(POINTS, DWELL_S)
    path = write(tmp_path / "a.nii.gz", np.exp(-2j * np.pi * 150.0 * time).reshape(1, 1, 1, -1))
    np.testing.assert_allclose(read_nifti_mrs(path).fid[:, 0, 0], np.exp(2j * np.pi * 150.0 * time), atol=1e-6)


@pytest.mark.parametrize(("transients", "coils"), [(1, 1), (5, 1), (1, 4), (3, 2)])
def test_written_scan_reads_back_unchanged(tmp_path, transients, coils):
    original = scan(transients, coils, EchoTime=2.3e-4, FlipAngle=90.0, ReceiveCoilName="31P", BodyPart="LEG")
    path = tmp_path / "a.nii.gz"
    path.write_bytes(nifti_mrs_bytes(original))
    back = read_nifti_mrs(path)
    np.testing.assert_array_equal(back.fid, original.fid)
    assert (back.dwell_time_s, back.spectrometer_frequency_mhz, back.nucleus) == (DWELL_S, MHZ, "31P")
    assert back.metadata == original.metadata


def test_written_bytes_are_deterministic_and_any_gzip_reader_takes_them():
    first, second = nifti_mrs_bytes(scan(EchoTime=1e-3)), nifti_mrs_bytes(scan(EchoTime=1e-3))
    assert first == second
    assert first[4:8] == b"\0\0\0\0"
    assert gzip.decompress(first)[4:7] == b"n+2"


@pytest.mark.parametrize("size", [1, 65535, 65536, 200_000])
def test_stored_gzip_is_valid_at_block_boundaries(size):
    data = np.random.default_rng(1).bytes(size)
    assert gzip.decompress(stored_gzip(data)) == data


def test_written_file_passes_the_validator_of_the_standard(tmp_path):
    validator = pytest.importorskip("nifti_mrs.validator")
    from nifti_mrs.nifti_mrs import NIFTI_MRS

    path = tmp_path / "a.nii.gz"
    path.write_bytes(nifti_mrs_bytes(scan(3, 2, EchoTime=1e-3, PulseSequenceType="fid", FlipAngle=45.0)))
    image = NIFTI_MRS(str(path))
    validator.validate_nifti_mrs(image)
    assert image.dim_tags[:2] == ["DIM_DYN", "DIM_COIL"]
    # The reference implementation presents data in the physicist's sign, too.
    np.testing.assert_array_equal(np.squeeze(image[:]), scan(3, 2).fid)
    path.write_bytes(nifti_mrs_bytes(replace(scan(6, 2), measurements=3)))
    image = NIFTI_MRS(str(path))
    validator.validate_nifti_mrs(image)
    assert image.dim_tags == ["DIM_DYN", "DIM_MEAS", "DIM_COIL"]


@pytest.mark.parametrize("tag", ["DIM_MEAS", "DIM_REP"])
def test_transients_and_measurements_are_told_apart(tmp_path, tag):
    numbers = np.arange(1, 7).reshape(2, 3, order="F")
    header = HEADER | {"dim_5": "DIM_DYN", "dim_6": tag}
    mrs = read_nifti_mrs(write(tmp_path / "a.nii.gz", stored()[..., None, None] * numbers.astype(np.complex64), header))
    np.testing.assert_allclose(np.abs(mrs.fid[0, :, 0]), [1, 2, 3, 4, 5, 6], rtol=1e-6)
    assert mrs.measurements == 3
    assert dimensions(mrs) == {"DIM_DYN": 2, "DIM_MEAS": 3}


def test_transients_of_a_measurement_follow_each_other_wherever_its_dimension_stands(tmp_path):
    numbers = np.arange(1, 7).reshape(3, 2)
    header = HEADER | {"dim_5": "DIM_MEAS", "dim_6": "DIM_DYN"}
    mrs = read_nifti_mrs(write(tmp_path / "a.nii.gz", stored()[..., None, None] * numbers.astype(np.complex64), header))
    np.testing.assert_allclose(np.abs(mrs.fid[0, :, 0]), [1, 2, 3, 4, 5, 6], rtol=1e-6)
    assert mrs.measurements == 3


def test_measurements_and_coils_in_three_dimensions(tmp_path):
    numbers = np.arange(1, 25).reshape(2, 3, 4, order="F")
    header = HEADER | {"dim_5": "DIM_DYN", "dim_6": "DIM_MEAS", "dim_7": "DIM_COIL"}
    data = stored()[..., None, None, None] * numbers
    mrs = read_nifti_mrs(write(tmp_path / "a.nii.gz", data.astype(np.complex64), header))
    np.testing.assert_allclose(np.abs(mrs.fid[0]), np.arange(1, 25).reshape(6, 4, order="F"), rtol=1e-6)
    again = tmp_path / "again.nii.gz"
    again.write_bytes(nifti_mrs_bytes(mrs))
    assert Nifti2Image.from_filename(again).shape == (1, 1, 1, POINTS, 2, 3, 4)
    back = read_nifti_mrs(again)
    np.testing.assert_array_equal(back.fid, mrs.fid)
    assert back.measurements == 3


@pytest.mark.parametrize(
    ("transients", "measurements", "expected"),
    [
        (6, 3, {"DIM_DYN": 2, "DIM_MEAS": 3, "DIM_COIL": 2}),
        (6, 6, {"DIM_MEAS": 6, "DIM_COIL": 2}),
        (6, 1, {"DIM_DYN": 6, "DIM_COIL": 2}),
        # The average of a scan, and what is left after an outlier was dropped.
        (1, 3, {"DIM_COIL": 2}),
        (5, 3, {"DIM_DYN": 5, "DIM_COIL": 2}),
    ],
)
def test_dimensions_of_a_scan(transients, measurements, expected):
    assert dimensions(replace(scan(transients, 2), measurements=measurements)) == expected


def test_coils_before_transients_end_in_their_place(tmp_path):
    data = stored()[..., None, None] * np.arange(1, 7).reshape(2, 3)
    header = HEADER | {"dim_5": "DIM_COIL", "dim_6": "DIM_DYN"}
    fid = read_nifti_mrs(write(tmp_path / "a.nii.gz", data.astype(np.complex64), header)).fid
    np.testing.assert_allclose(np.abs(fid[0]), np.arange(1, 7).reshape(2, 3).T, rtol=1e-6)


@pytest.mark.parametrize(("unit", "factor"), [("sec", 1), ("msec", 1e3), ("usec", 1e6)])
def test_dwell_time_honours_its_unit(tmp_path, unit, factor):
    mrs = read_nifti_mrs(write(tmp_path / "a.nii.gz", stored(), unit=unit, dwell=DWELL_S * factor))
    assert mrs.dwell_time_s == pytest.approx(DWELL_S, rel=1e-12)


@pytest.mark.parametrize("kind", [Nifti1Image, Nifti2Image])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_both_versions_precisions_and_packings(tmp_path, kind, suffix, dtype):
    mrs = read_nifti_mrs(write(tmp_path / f"a{suffix}", stored().astype(dtype), kind=kind))
    np.testing.assert_allclose(mrs.fid[:, 0, 0], line(), rtol=1e-6, atol=1e-7)
    assert mrs.fid.dtype == np.complex64
    # NIfTI-1 keeps the dwell time in single precision.
    assert mrs.dwell_time_s == pytest.approx(DWELL_S, rel=1e-7)


def test_big_endian_file_and_scale_factor(tmp_path):
    image = Nifti2Image(stored(), np.eye(4))
    header = image.header.as_byteswapped(">")
    header["pixdim"][4], header["scl_slope"] = DWELL_S, 2.0
    content = json.dumps(HEADER).encode().ljust(-(-(len(json.dumps(HEADER)) + 8) // 16) * 16 - 8, b"\0")
    header["vox_offset"] = 544 + 8 + len(content)
    extension = b"\1\0\0\0" + struct.pack(">2i", len(content) + 8, 44) + content
    path = tmp_path / "a.nii"
    path.write_bytes(header.binaryblock + extension + stored().astype(">c8").tobytes(order="F"))
    np.testing.assert_allclose(read_nifti_mrs(path).fid[:, 0, 0], 2 * line(), rtol=1e-6, atol=1e-7)


def test_frequency_in_hz_is_converted_where_unambiguous(tmp_path):
    path = write(tmp_path / "a.nii.gz", stored(), HEADER | {"SpectrometerFrequency": MHZ * 1e6})
    assert read_nifti_mrs(path).spectrometer_frequency_mhz == pytest.approx(MHZ, rel=1e-12)


REFUSED = {
    "SpectrometerFrequency": [
        HEADER | {"SpectrometerFrequency": [0.0517]},
        HEADER | {"SpectrometerFrequency": [51700.0]},
        HEADER | {"SpectrometerFrequency": [-51.7]},
        HEADER | {"SpectrometerFrequency": "51.7"},
        HEADER | {"SpectrometerFrequency": True},
        HEADER | {"SpectrometerFrequency": [51.7, 127.0]},
        HEADER | {"SpectrometerFrequency": []},
        {key: value for key, value in HEADER.items() if key != "SpectrometerFrequency"},
    ],
    "ResonantNucleus": [
        HEADER | {"ResonantNucleus": ["31Q"]},
        HEADER | {"ResonantNucleus": ["31P", "1H"]},
        HEADER | {"ResonantNucleus": 31},
        {key: value for key, value in HEADER.items() if key != "ResonantNucleus"},
    ],
    "SpectralWidth": [HEADER | {"SpectralWidth": 1.006 / DWELL_S}],
    "MagneticFieldStrength": [HEADER | {"MagneticFieldStrength": {"Value": 7.0}}],
    "EchoTime": [HEADER | {"EchoTime": 230}, HEADER | {"EchoTime": "short"}, HEADER | {"EchoTime": float("nan")}],
}


@pytest.mark.parametrize(("field", "header"), [(key, header) for key, headers in REFUSED.items() for header in headers])
def test_wrong_header_field_is_named(tmp_path, field, header):
    with pytest.raises(ScanError, match=rf"a\.nii\.gz: .*{field}"):
        read_nifti_mrs(write(tmp_path / "a.nii.gz", stored(), header))


def test_spectral_width_within_tolerance_passes(tmp_path):
    path = write(tmp_path / "a.nii.gz", stored(), HEADER | {"SpectralWidth": 1.004 / DWELL_S})
    assert read_nifti_mrs(path).dwell_time_s == DWELL_S


@pytest.mark.parametrize(
    ("message", "extensions"),
    [
        ("0 header extensions", []),
        ("2 header extensions", [(44, json.dumps(HEADER).encode())] * 2),
        ("not valid JSON", [(44, b"{not json")]),
        ("not valid JSON", [(44, b"[" * 100_000)]),
        ("must be a JSON object", [(44, b"[1, 2]")]),
    ],
)
def test_wrong_extension_is_refused(tmp_path, message, extensions):
    with pytest.raises(ScanError, match=message):
        read_nifti_mrs(write(tmp_path / "a.nii.gz", stored(), extensions=extensions))


@pytest.mark.parametrize(
    ("message", "data", "header"),
    [
        ("voxels", np.ones((2, 1, 1, POINTS), np.complex64), HEADER),
        ("dim_5 .size 2. is tagged 'None'", stored()[..., None] * np.ones(2), HEADER),
        ("DIM_EDIT", stored()[..., None] * np.ones(2), HEADER | {"dim_5": "DIM_EDIT"}),
        ("DIM_INDIRECT_0", stored()[..., None] * np.ones(2), HEADER | {"dim_5": "DIM_INDIRECT_0"}),
        (
            "DIM_COIL",
            stored()[..., None, None] * np.ones((2, 2)),
            HEADER | {"dim_5": "DIM_COIL", "dim_6": "DIM_COIL"},
        ),
        ("too few", stored(63), HEADER),
        ("datatype", np.ones((1, 1, 1, POINTS), np.float32), HEADER),
        ("4 to 7 dimensions", np.ones((1, 1, POINTS), np.complex64), HEADER),
        ("1 of 256 samples are NaN", np.where(np.arange(POINTS) == 5, np.nan, stored()), HEADER),
        ("infinite", np.where(np.arange(POINTS) == 5, np.inf, stored()), HEADER),
        ("infinite", stored().astype(complex) * 1e300, HEADER),
        ("every sample is zero", stored() * 0, HEADER),
        ("real part of every sample is zero", 1j * stored().imag, HEADER),
        ("imaginary part of every sample is zero", stored().real + 0j, HEADER),
        ("65792 points are too many", stored(65792), HEADER),
    ],
)
def test_wrong_data_are_refused(tmp_path, message, data, header):
    data = data if data.dtype == np.float32 else data.astype(np.result_type(data, np.complex64))
    with pytest.raises(ScanError, match=message):
        read_nifti_mrs(write(tmp_path / "a.nii.gz", data, header))


def test_edit_dimension_of_size_one_passes(tmp_path):
    path = write(tmp_path / "a.nii.gz", stored()[..., None], HEADER | {"dim_5": "DIM_EDIT"})
    assert read_nifti_mrs(path).fid.shape == (POINTS, 1, 1)


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        ("pixdim", {"dwell": 0.0}),
        ("pixdim", {"dwell": -1e-4}),
        ("pixdim", {"dwell": np.nan}),
        ("dwell time = 0.5 s", {"dwell": 0.5}),
        ("xyzt_units", {"xyzt_units": 32}),
        ("vox_offset", {"vox_offset": 3}),
        ("scl_inter", {"scl_inter": 1.0, "scl_slope": 1.0}),
        ("header describes", {"dim": [4, 1, 1, 1, 2**40, 1, 1, 1]}),
        ("header describes", {"dim": [7, 1, 1, 1, 2**62, 2**62, 2**62, 2**62]}),
        ("fewer bytes", {"dim": [5, 1, 1, 1, POINTS, 3, 1, 1]}),
        ("more bytes", {"dim": [4, 1, 1, 1, POINTS // 2, 1, 1, 1]}),
        ("at least 1", {"dim": [5, 1, 1, 1, POINTS, 0, 1, 1]}),
    ],
)
def test_lying_header_is_refused(tmp_path, message, fields):
    header = HEADER | ({"SpectralWidth": None} if "dwell" in fields else {})
    path = write(tmp_path / "a.nii.gz", stored(), header)
    raw = bytearray(gzip.decompress(path.read_bytes()))
    image = Nifti2Image.header_class(bytes(raw[:540]), check=False)
    for key, value in fields.items():
        if key == "dwell":
            image["pixdim"][4] = value
        else:
            image[key] = value
    raw[:540] = image.binaryblock
    path.write_bytes(gzip.compress(bytes(raw)))
    with pytest.raises(ScanError, match=message):
        read_nifti_mrs(path)


def test_compression_bomb_is_refused_before_it_is_unpacked(tmp_path):
    header = Nifti2Image(np.zeros((1, 1, 1, 64), np.complex64), np.eye(4)).header
    header["dim"] = [4, 1, 1, 1, 2**29, 1, 1, 1]
    path = tmp_path / "a.nii.gz"
    path.write_bytes(gzip.compress(header.binaryblock + bytes(8 * 2**20)))
    with pytest.raises(ScanError, match="header describes"):
        read_nifti_mrs(path)


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b", b"hello", b"\x1f\x8b\x08\0" + bytes(40), bytes(5000)])
def test_no_nifti_file_is_refused(tmp_path, content):
    path = tmp_path / "a.nii.gz"
    path.write_bytes(content)
    with pytest.raises(ScanError, match=r"^a\.nii\.gz: "):
        read_nifti_mrs(path)


def test_missing_file_is_a_scan_error_without_the_path(tmp_path):
    with pytest.raises(ScanError, match=r"^a\.nii\.gz: cannot be read"):
        read_nifti_mrs(tmp_path / "a.nii.gz")


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_damaged_files_give_a_scan_or_a_scan_error(tmp_path, suffix):
    original = write(tmp_path / f"good{suffix}", stored()).read_bytes()
    rng = np.random.default_rng(20)
    path = tmp_path / f"a{suffix}"
    outcomes = {"read": 0, "refused": 0}
    for trial in range(300):
        content = bytearray(original)
        # Half of the flips hit the header, where they do the most.
        reach = 900 if trial % 2 else len(content)
        if trial % 3 == 0:
            del content[int(rng.integers(len(content))) :]
        else:
            for position in rng.integers(0, reach, int(rng.integers(1, 6))):
                content[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(bytes(content))
        try:
            mrs = read_nifti_mrs(path)
        except ScanError as error:
            outcomes["refused"] += 1
            assert str(error).startswith(path.name)
            assert "\n" not in str(error)
        else:
            outcomes["read"] += 1
            assert np.isfinite(mrs.fid).all()
            assert trial % 3, "a truncated file was read"
    assert outcomes["refused"] > 100
    if suffix == ".nii.gz":
        assert outcomes["read"] <= 15, "the checksum of gzip catches all damage but that of its own optional fields"


PERSONAL = {
    "PatientName": "MARKER^Jane",
    "PatientDoB": "19700101MARKER",
    "PatientID": "MARKER-17",
    "PatientSex": "MARKER",
    "PatientWeight": "MARKER",
    "InstitutionName": "MARKER clinic",
    "InstitutionAddress": "1 MARKER street",
    "DeviceSerialNumber": "MARKER4711",
    "ProtocolName": "MARKER follow-up",
    "OriginalFile": ["/home/MARKER/scan.dat"],
    "ConversionTime": "2020-01-01 MARKER",
    "AdditionalInformation": {"Value": "MARKER", "Description": "comment"},
    "Manufacturer": "Siemens\nMARKER",
    "SequenceName": "/data/MARKER/fid",
    "ManufacturersModelName": "MARKER " * 20,
}


def test_nothing_personal_passes(tmp_path):
    extensions = [(44, json.dumps(HEADER | PERSONAL).encode()), (6, b"MARKER comment"), (4, b"MARKER")]
    path = write(
        tmp_path / "a.nii.gz",
        stored(),
        extensions=extensions,
        descrip=b"MARKER",
        aux_file=b"MARKER",
    )
    mrs = read_nifti_mrs(path)
    assert b"MARKER" not in gzip.decompress(nifti_mrs_bytes(mrs))
    assert "MARKER" not in json.dumps(sidecar_dict(mrs))


def test_sidecar_states_what_the_header_states():
    sidecar = sidecar_dict(scan(3, 2, RepetitionTime=1.5, EchoTime=2.3e-4))
    assert sidecar == {
        "ResonantNucleus": "31P",
        "SpectrometerFrequency": MHZ,
        "SpectralWidth": pytest.approx(5000.0),
        "NumberOfSpectralPoints": POINTS,
        "NumberOfTransients": 3,
        "NumberReceiveCoilActiveElements": 2,
        "EchoTime": 2.3e-4,
        "RepetitionTime": 1.5,
    }


def test_reading_imports_no_heavy_package():
    code = (
        "import sys, myomag.io.vendor, myomag.steps.convert;"
        "print([name for name in ('pandas', 'pydicom', 'mapvbvd', 'jinja2') if name in sys.modules])"
    )
    root = Path(__file__).resolve().parents[3] / "workflow"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert run.stdout.strip() == "[]"

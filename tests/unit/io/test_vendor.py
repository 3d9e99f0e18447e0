import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from ge_sample import pfile
from myomag.errors import ScanError
from myomag.io.nifti_mrs import nifti_mrs_bytes, read_nifti_mrs, sidecar_dict
from myomag.io.time_zero import stated_begin_time
from myomag.io.twix import read_twix
from myomag.io.vendor import read_scan
from vendor_samples import (
    DWELL_S,
    EVERY,
    MHZ,
    ONE_TRANSIENT,
    POINTS,
    STORED,
    bruker,
    data_list,
    jmrui_text,
    lcmodel,
    line,
    mrui,
    philips,
    rda,
    readout,
    twix,
    twix_vb,
)

CALF = "sub-calf01_acq-fid_nuc-31P_voi-calf_unloc"


def read(path, sidecar=None, nucleus=None, **kwargs):
    return read_scan([path], [sidecar] if sidecar else [], nucleus=nucleus, **kwargs)


def written(mrs):
    """Everything of a scan that is written, as one string of bytes (the gzip of the package is not compressed)."""
    return nifti_mrs_bytes(mrs) + json.dumps(sidecar_dict(mrs)).encode()


# --- every format, one truth -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", EVERY)
def test_every_format_gives_the_same_scan(tmp_path, kind):
    transients = 1 if kind in ONE_TRANSIENT else 3
    mrs = read(EVERY[kind](tmp_path, line(3)), nucleus="31P")
    # Seven printed digits are the coarsest any of the formats keeps.
    np.testing.assert_allclose(mrs.fid[:, :, 0] / STORED.get(kind, 1), line(transients), atol=3e-6)
    assert mrs.fid.shape == (POINTS, transients, 1)
    assert mrs.dwell_time_s == pytest.approx(DWELL_S, rel=1e-9)
    assert mrs.spectrometer_frequency_mhz == pytest.approx(MHZ, rel=1e-9)
    assert mrs.nucleus == "31P"


@pytest.mark.parametrize("kind", EVERY)
def test_nothing_personal_passes(tmp_path, kind):
    path = EVERY[kind](tmp_path, line(2))
    assert b"MARKER" in b"".join(file.read_bytes() for file in tmp_path.iterdir())
    sidecar = {"PatientName": "MARKER", "InstitutionName": "MARKER", "Comment": "MARKER", "BodyPart": "LEG\nMARKER"}
    assert b"MARKER" not in written(read(path, sidecar, nucleus="31P"))


@pytest.mark.parametrize("kind", EVERY)
def test_conjugate_turns_the_frequency_axis(tmp_path, kind):
    path = EVERY[kind](tmp_path, line())
    plain, turned = (read(path, nucleus="31P", conjugate=flag) for flag in (False, True))
    np.testing.assert_array_equal(turned.fid, np.conj(plain.fid))


@pytest.mark.parametrize("kind", EVERY)
def test_truncated_file_is_refused(tmp_path, kind):
    path = EVERY[kind](tmp_path, line())
    content = path.read_bytes()
    # A .mrui file cut within its free text has lost nothing: cut into the samples.
    keep = 512 + POINTS * 8 if kind == "mrui" else int(len(content) * 0.8)
    path.write_bytes(content[:keep])
    with pytest.raises(ScanError, match=rf"^{path.name}: "):
        read(path, nucleus="31P")


@pytest.mark.parametrize("kind", EVERY)
def test_extension_in_any_case(tmp_path, kind):
    path = EVERY[kind](tmp_path, line())
    other = path.with_suffix(path.suffix.swapcase())
    shutil.move(path, other)
    samples = read(other, nucleus="31P").fid[:, 0, 0] / STORED.get(kind, 1)
    np.testing.assert_allclose(samples, line()[:, 0], atol=3e-6)


@pytest.mark.parametrize("kind", EVERY)
def test_damaged_files_give_a_scan_or_a_scan_error(tmp_path, kind):
    path = EVERY[kind](tmp_path, line(2))
    original = path.read_bytes()
    rng = np.random.default_rng(7)
    refused = 0
    for trial in range(60):
        content = bytearray(original)
        if trial % 3 == 0:
            del content[int(rng.integers(len(content))) :]
        else:
            for position in rng.integers(0, 1200 if trial % 2 else len(content), 4):
                content[int(position) % len(content)] ^= 1 << int(rng.integers(8))
        path.write_bytes(bytes(content))
        try:
            assert np.isfinite(read(path, nucleus="31P").fid).all()
        except ScanError as error:
            refused += 1
            assert "\n" not in str(error)
            assert str(tmp_path) not in str(error)
    assert refused


@pytest.mark.parametrize(
    "make", [pfile, lambda path, fid: data_list(path.parent, fid), lambda p, fid: bruker(p.parent, fid)]
)
def test_damaged_headers_give_a_scan_or_a_scan_error(tmp_path, make):
    given = make(tmp_path / "scan.7", line(2)[:, :, None])
    original = {path: path.read_bytes() for path in tmp_path.iterdir()}
    rng = np.random.default_rng(8)
    refused = 0
    for trial in range(90):
        path = sorted(original)[trial % len(original)]
        content = bytearray(original[path])
        for position in rng.integers(0, min(len(content), 2000), 4):
            content[int(position)] ^= 1 << int(rng.integers(8))
        path.write_bytes(bytes(content[: None if trial % 4 else int(rng.integers(len(content)))]))
        try:
            assert np.isfinite(read(given, nucleus="31P").fid).all()
        except ScanError as error:
            refused += 1
            assert "\n" not in str(error)
            assert str(tmp_path) not in str(error)
        path.write_bytes(original[path])
    assert refused


# --- what a file must state ------------------------------------------------------------------------------------------


def test_nucleus_is_never_guessed(tmp_path):
    path = lcmodel(tmp_path / "scan.RAW", line())
    with pytest.raises(ScanError, match="states no nucleus"):
        read(path)
    assert read(path, {"ResonantNucleus": "31P"}).nucleus == "31P"
    assert read(path, nucleus="31P").nucleus == "31P"


@pytest.mark.parametrize("reader", ["text", "binary"])
def test_field_and_frequency_identify_the_nucleus(tmp_path, reader):
    def scan(mhz, tesla):
        if reader == "binary":
            return mrui(tmp_path / "scan.mrui", line(), hz=mhz * 1e6, tesla=tesla)
        return jmrui_text(tmp_path / "scan.txt", line(), TransmitterFrequency=mhz * 1e6, MagneticField=tesla)

    assert read(scan(51.7, 3.0)).nucleus == "31P"
    assert read(scan(127.7, 3.0)).nucleus == "1H"
    # 1 % is the limit: 49.9 MHz in a magnet sold as 3 T is 3.5 % away.
    for mhz, tesla in ((49.9, 3.0), (51.7, 0.0)):
        with pytest.raises(ScanError, match="states no nucleus"):
            read(scan(mhz, tesla))
        assert read(scan(mhz, tesla), nucleus="31P").nucleus == "31P"


@pytest.mark.parametrize(
    "changes",
    [
        {"TypeOfNucleus": "31P", "TransmitterFrequency": 127.7e6},
        {"TypeOfNucleus": "1.0E0"},
        {"TypeOfNucleus": "2.0E0", "MagneticField": 7.0},
    ],
)
def test_nucleus_that_contradicts_the_field_is_refused(tmp_path, changes):
    with pytest.raises(ScanError, match="nucleus"):
        read(jmrui_text(tmp_path / "scan.txt", line(), **changes))


def test_begin_time_of_jmrui_becomes_the_echo_time(tmp_path):
    assert read(jmrui_text(tmp_path / "scan.txt", line(), BeginTime="0.265")).metadata["EchoTime"] == pytest.approx(
        2.65e-4
    )


def test_hz_for_mhz_is_converted(tmp_path):
    raw = lcmodel(tmp_path / "scan.RAW", line(), seqpar={"hzpppm": MHZ * 1e6, "dwellTime": DWELL_S})
    assert read(raw, nucleus="31P").spectrometer_frequency_mhz == pytest.approx(MHZ)
    text = jmrui_text(tmp_path / "scan.txt", line(), TransmitterFrequency=MHZ)
    assert read(text).spectrometer_frequency_mhz == pytest.approx(MHZ)


def test_frequency_in_khz_is_refused(tmp_path):
    raw = lcmodel(tmp_path / "scan.RAW", line(), seqpar={"hzpppm": MHZ * 1e3, "dwellTime": DWELL_S})
    with pytest.raises(ScanError, match="frequency = 51700 is not a 31P frequency"):
        read(raw, nucleus="31P")


def test_sidecar_completes_a_file_without_parameters(tmp_path):
    path = lcmodel(tmp_path / "scan.RAW", line(), seqpar={"seq": "'fid'"})
    with pytest.raises(ScanError, match="SpectrometerFrequency"):
        read(path, nucleus="31P")
    with pytest.raises(ScanError, match="SpectralWidth"):
        read(path, {"SpectrometerFrequency": MHZ}, nucleus="31P")
    mrs = read_scan(
        [path],
        [
            {"SpectrometerFrequency": 49.9, "RepetitionTime": 2.0},
            {"SpectrometerFrequency": [MHZ], "SpectralWidth": 4000},
        ],
        nucleus="31P",
    )
    assert (mrs.spectrometer_frequency_mhz, mrs.dwell_time_s) == (MHZ, DWELL_S)
    assert mrs.metadata["RepetitionTime"] == 2.0


@pytest.mark.parametrize(
    ("sidecar", "values"),
    [
        ({"ResonantNucleus": "1H"}, ("1H", "31P")),
        ({"ResonantNucleus": ["13C"]}, ("13C", "31P")),
        ({"SpectrometerFrequency": MHZ * 1.006}, ("52.0102", "51.7")),
        ({"SpectralWidth": 4024.1}, ("4024.1", "4000")),
        ({"MagneticFieldStrength": 1.5}, ("1.5", "51.7")),
        ({"EchoTime": 230}, ("EchoTime", "230")),
        ({"SpectralWidth": "wide"}, ("SpectralWidth", "str")),
        ({"SpectrometerFrequency": [50, 60]}, ("SpectrometerFrequency", "list")),
        ({"NumberOfSpectralPoints": 1024}, ("NumberOfSpectralPoints", "1024", str(POINTS))),
    ],
)
def test_sidecar_that_contradicts_the_file_is_refused(tmp_path, sidecar, values):
    with pytest.raises(ScanError) as error:
        read(rda(tmp_path / "scan.rda", line()), sidecar)
    assert all(value in str(error.value) for value in values), str(error.value)


def test_sidecar_within_tolerance_passes(tmp_path):
    sidecar = {"SpectrometerFrequency": MHZ * 1.004, "SpectralWidth": 4016, "MagneticFieldStrength": 2.9}
    mrs = read(rda(tmp_path / "scan.rda", line()), sidecar)
    assert (mrs.spectrometer_frequency_mhz, mrs.dwell_time_s) == (MHZ, pytest.approx(DWELL_S))


@pytest.mark.parametrize("printed", ["0.000083", "3.3E-4", "0.000333"])
def test_dwell_time_rounded_too_much_needs_the_width(tmp_path, printed):
    dwell = float(printed)
    path = lcmodel(tmp_path / "scan.RAW", line(), seqpar={"hzpppm": MHZ, "dwellTime": printed})
    with pytest.raises(ScanError, match="rounded too much"):
        read(path, nucleus="31P")
    width = 1.003 / dwell
    assert read(path, {"SpectralWidth": width}, nucleus="31P").dwell_time_s == pytest.approx(1 / width, rel=1e-12)


@pytest.mark.parametrize("printed", ["5e-05", "0.000200", "0.00033333", "8.3333E-05"])
def test_exact_dwell_time_needs_nothing(tmp_path, printed):
    path = lcmodel(tmp_path / "scan.RAW", line(), seqpar={"hzpppm": MHZ, "dwellTime": printed})
    assert read(path, nucleus="31P").dwell_time_s == float(printed)


# --- particulars of the formats --------------------------------------------------------------------------------------


def test_fortran_numbers_without_spaces(tmp_path):
    plain = read(lcmodel(tmp_path / "a.RAW", line()), nucleus="31P")
    tight = read(lcmodel(tmp_path / "b.RAW", line(), row="{:13.6E}{:13.6E}"), nucleus="31P")
    np.testing.assert_array_equal(plain.fid, tight.fid)


def test_jmrui_text_with_decimal_commas_is_the_same_scan(tmp_path):
    plain = jmrui_text(tmp_path / "a.txt", line(2), BeginTime="3.5E-1")
    commas = tmp_path / "b.txt"
    commas.write_text(plain.read_text().replace(".", ","))
    one, other = read(plain, nucleus="31P"), read(commas, nucleus="31P")
    np.testing.assert_array_equal(one.fid, other.fid)
    assert other.metadata == one.metadata == {"EchoTime": pytest.approx(350e-6), "MagneticFieldStrength": 3.0}
    assert (other.dwell_time_s, other.spectrometer_frequency_mhz) == (one.dwell_time_s, one.spectrometer_frequency_mhz)


@pytest.mark.parametrize("separator", [", ", ",", ";", " ; "])
def test_columns_of_jmrui_text_separated_otherwise(tmp_path, separator):
    path = jmrui_text(tmp_path / "scan.txt", line())
    expected = read(path, nucleus="31P").fid
    path.write_text(path.read_text().replace("\t", separator))
    np.testing.assert_array_equal(read(path, nucleus="31P").fid, expected)


def test_jmrui_case_with_decimal_commas(shared_cases):
    mrs = read(shared_cases / "jmrui_decimal_comma.txt")
    assert (mrs.fid.shape, mrs.nucleus, mrs.spectrometer_frequency_mhz) == ((2048, 1, 1), "31P", pytest.approx(51.7))
    assert mrs.fid[0, 0, 0] == pytest.approx(64.0517 + 13.10981j)
    assert mrs.dwell_time_s == pytest.approx(1 / 3000)
    assert mrs.metadata["EchoTime"] == pytest.approx(300e-6)


@pytest.mark.parametrize("flag", ["bruker", "seqacq"])
def test_unsupported_lcmodel_flag_is_refused(tmp_path, flag):
    with pytest.raises(ScanError, match=flag):
        read(lcmodel(tmp_path / "scan.RAW", line(), **{flag: ".TRUE."}), nucleus="31P")
    assert read(lcmodel(tmp_path / "scan.RAW", line(), **{flag: "F"}), nucleus="31P").nucleus == "31P"


def test_overflowed_fortran_number_is_refused(tmp_path):
    path = lcmodel(tmp_path / "scan.RAW", line())
    path.write_text(re.sub(r"\S+\n$", "*************\n", path.read_text()))
    with pytest.raises(ScanError, match="not a number"):
        read(path, nucleus="31P")


def test_two_fids_in_one_lcmodel_file_are_refused(tmp_path):
    path = lcmodel(tmp_path / "scan.RAW", line())
    path.write_text(path.read_text() * 2)
    with pytest.raises(ScanError, match="one FID per file"):
        read(path, nucleus="31P")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("write", "name"), [(lcmodel, "scan.RAW"), (jmrui_text, "scan.txt")])
def test_number_beyond_the_largest_is_refused_without_a_warning(tmp_path, write, name):
    path = write(tmp_path / name, line())
    path.write_text(re.sub(r"E([-+]\d\d)", r"E+999", path.read_text()))
    with pytest.raises(ScanError):
        read(path, nucleus="31P")


def test_text_of_mrui_longer_than_a_frame_is_no_frame(tmp_path):
    text = b"NAME MARKER; " * POINTS
    assert len(text) > 16 * POINTS / 2
    assert read(mrui(tmp_path / "scan.mrui", line(2), text=text * 3)).fid.shape == (POINTS, 2, 1)


@pytest.mark.parametrize(
    "changes", [{"points": 1e300}, {"points": -5}, {"points": np.nan}, {"dwell_ms": 0.0}, {"hz": np.inf}]
)
def test_impossible_mrui_header_is_refused(tmp_path, changes):
    with pytest.raises(ScanError, match=r"^scan\.mrui: "):
        read(mrui(tmp_path / "scan.mrui", line(), **changes))


def test_old_spar_with_the_bare_necessities(tmp_path):
    bare = dict.fromkeys(("examination_name", "scan_id", "patient_name", "rows", "echo_time", "repetition_time"))
    mrs = read(philips(tmp_path, line(2), **bare))
    assert mrs.fid.shape == (POINTS, 2, 1)
    with pytest.raises(ScanError, match="states no nucleus"):
        read(philips(tmp_path, line(), nucleus=None))


def test_either_file_of_the_pair_in_any_case(tmp_path):
    sdat = philips(tmp_path, line())
    expected = read(sdat).fid
    spar = shutil.move(tmp_path / "scan.SPAR", tmp_path / "SCAN.spar")
    np.testing.assert_array_equal(read(spar).fid, expected)
    np.testing.assert_array_equal(read_scan([sdat, spar], [], nucleus=None).fid, expected)
    spar.unlink()
    with pytest.raises(ScanError, match=r"scan\.SDAT: needs one scan\.SPAR beside it, found 0"):
        read(sdat)


def test_phase_encoded_philips_data_are_refused(tmp_path):
    with pytest.raises(ScanError, match="phase encoded"):
        read(philips(tmp_path, line(4), phase_encoding_enable='"yes"'))


def test_rda_needs_no_voxel_and_reads_decimal_commas(tmp_path):
    mrs = read(rda(tmp_path / "scan.rda", line(), MRFrequency="51,7", TE="0,23"))
    assert mrs.spectrometer_frequency_mhz == MHZ
    assert mrs.metadata["EchoTime"] == pytest.approx(2.3e-4)


def test_twix_keeps_transients_and_coils_apart_in_the_order_acquired(tmp_path):
    fid = line(4)[:, :, None] * np.array([1, 10j, -100])
    # The inner loop is Rep (6), the outer Set (7).
    mrs = read(twix(tmp_path / "scan.dat", fid, loops={6: [0, 1, 0, 1], 7: [0, 0, 1, 1]}))
    np.testing.assert_allclose(mrs.fid, fid.astype(np.complex64), rtol=1e-6)
    assert mrs.metadata == {
        "EchoTime": pytest.approx(2.3e-4),
        "RepetitionTime": 1.5,
        "FlipAngle": 90.0,
        "SequenceName": "fid",
    }


@pytest.mark.parametrize(
    ("average", "repetition", "measurements"),
    [
        ([0, 1, 2, 0, 1, 2], [0, 0, 0, 1, 1, 1], 2),
        ([0, 0, 0, 0, 0, 0], [0, 1, 2, 3, 4, 5], 6),
        ([0, 1, 2, 3, 4, 5], [0, 0, 0, 0, 0, 0], 1),
        # Long-term averaging goes through the repetitions for each average: in time they are not apart.
        ([0, 0, 1, 1, 2, 2], [0, 1, 0, 1, 0, 1], 1),
        ([0, 1, 2, 3, 0, 1], [0, 0, 0, 0, 1, 1], 1),
    ],
)
def test_averages_and_repetitions_of_twix_are_told_apart(tmp_path, average, repetition, measurements):
    path = twix(tmp_path / "scan.dat", line(6)[:, :, None], loops={1: average, 6: repetition})
    mrs = read(path)
    assert mrs.measurements == measurements
    np.testing.assert_allclose(np.abs(mrs.fid[0, :, 0]), np.arange(1, 7), rtol=1e-6)
    back = tmp_path / "back.nii.gz"
    back.write_bytes(nifti_mrs_bytes(mrs))
    assert read_nifti_mrs(back).measurements == measurements
    np.testing.assert_array_equal(read_nifti_mrs(back).fid, mrs.fid)


@pytest.mark.parametrize(
    ("changes", "measurements"),
    [
        ({}, 1),
        ({"averages": 1}, 1),
        # As many rows as averages: each row is one of them.
        ({"averages": 4}, 1),
        ({"averages": 8}, 4),
        ({"time_series_enable": '"yes"'}, 4),
    ],
)
def test_rows_of_sdat_are_transients_or_measurements(tmp_path, changes, measurements):
    assert read(philips(tmp_path, line(4), **changes)).measurements == measurements


@pytest.mark.parametrize(
    ("sequence", "centre", "start_s"),
    [("svs_se", 6, -6 * DWELL_S), ("svs_se", 0, None), ("svs_se", POINTS // 2, None), ("fid", 6, None)],
)
def test_centre_column_of_a_twix_echo_is_its_top(tmp_path, sequence, centre, start_s):
    metadata = read(twix(tmp_path / "scan.dat", line(2)[:, :, None], sequence=sequence, centre=centre)).metadata
    assert metadata.get("AcquisitionStartTime") == (None if start_s is None else pytest.approx(start_s))
    stated = stated_begin_time(metadata)
    assert stated.value_s == pytest.approx(2.3e-4 if sequence == "fid" else start_s or 0.0)


def test_twix_names_its_sequence_by_string_or_file(tmp_path):
    protocol = 'tSequenceFileName = ""%SiemensSeq%\\svs_se""\n'
    path = twix(tmp_path / "scan.dat", line(2)[:, :, None], sequence="", protocol=protocol)
    assert read(path).metadata["SequenceName"] == "svs_se"


def test_echo_time_of_twix_is_of_the_entry_in_use(tmp_path):
    path = twix(tmp_path / "scan.dat", line(2)[:, :, None], protocol="alTE[1] = 20000\nlContrasts = 1\n")
    assert read(path).metadata["EchoTime"] == pytest.approx(2.3e-4)


def test_twix_is_what_mapvbvd_reads(tmp_path, shared_data):
    """Samples and header of VD and VB files and of the calf scan; mapvbvd comes with spec2nii."""
    mapvbvd = pytest.importorskip("mapvbvd")
    fid = np.stack([line(6), 2j * line(6)], axis=2)
    loops = {1: [0, 1, 2] * 2, 6: [0] * 3 + [1] * 3}
    masks = [1 << 3, 1 << 25, 1 << 3, 1 << 22 | 1 << 23, 1 << 5, 1 << 3]
    calf = shared_data / "calf_7t" / f"{CALF}.dat"
    for path in (
        twix(tmp_path / "vd.dat", fid, loops=loops, centre=7),
        twix(tmp_path / "mixed.dat", fid, loops=loops, masks=masks, sequence=""),
        twix_vb(tmp_path / "vb.dat", fid),
        calf,
    ):
        read_out, theirs = read_twix(path), mapvbvd.mapVBVD(str(path), quiet=True)
        theirs.image.flagRemoveOS = False
        expected = np.asarray(theirs.image.unsorted()).reshape(*(int(theirs.image.NCol), int(theirs.image.NCha), -1))
        np.testing.assert_array_equal(read_out.fid, expected.transpose(0, 2, 1))
        meas, yaps, dicom = theirs.hdr["Meas"], theirs.hdr["MeasYaps"], theirs.hdr.get("Dicom", {})
        assert read_out.frequency == meas["Frequency"]
        assert read_out.nucleus == meas["ResonantNucleus"]
        assert read_out.field_t == (meas.get("flMagneticFieldStrength") or dicom.get("flMagneticFieldStrength"))
        assert read_out.dwell_time_s == pytest.approx(yaps["sRXSPEC", "alDwellTime", "0"] * 1e-9)
        stated = read_out.metadata
        assert stated["RepetitionTime"] == pytest.approx(yaps["alTR", "0"] * 1e-6)
        assert stated["FlipAngle"] == yaps["adFlipAngleDegree", "0"]
        assert (stated["SequenceName"] or "") == meas["tSequenceString"]
        for key in ("Manufacturer", "ManufacturersModelName", "SoftwareVersions"):
            assert stated[key] == dicom.get(key)


def test_twix_of_one_other_kind_is_read(tmp_path):
    noise_adjust = 1 << 25
    fid = line(2)[:, :, None]
    mrs = read(twix(tmp_path / "scan.dat", fid, masks=[noise_adjust] * 2))
    np.testing.assert_allclose(mrs.fid, fid.astype(np.complex64), rtol=1e-6)


def test_twix_of_two_other_kinds_or_none_is_refused(tmp_path):
    with pytest.raises(ScanError, match="found noise, rtfeedback"):
        read(twix(tmp_path / "scan.dat", line(2)[:, :, None], masks=[1 << 25, 1 << 1]))
    with pytest.raises(ScanError, match=r"^scan\.dat: "):
        read(twix(tmp_path / "scan.dat", line(1)[:, :0, None]))


@pytest.mark.parametrize(("position", "loop"), [(0, "Lin"), (3, "Par"), (4, "Eco"), (8, "Seg")])
def test_twix_with_encoded_readouts_is_refused(tmp_path, position, loop):
    with pytest.raises(ScanError, match=f"loop {loop} has 2 steps"):
        read(twix(tmp_path / "scan.dat", line(2)[:, :, None], loops={position: [0, 1]}))


def test_twix_that_ends_early_is_refused(tmp_path):
    with pytest.raises(ScanError, match="truncated"):
        read(twix(tmp_path / "scan.dat", line(3)[:, :, None], end=False))


def test_twix_readouts_of_different_size_are_refused(tmp_path):
    path = twix(tmp_path / "scan.dat", line(1)[:, :, None], end=False)
    path.write_bytes(path.read_bytes() + readout(line()[:64], 1 << 3, [0] * 14))
    with pytest.raises(ScanError, match="differ in size"):
        read(path)


def test_two_raw_files_for_one_scan_are_refused(tmp_path):
    paths = [rda(tmp_path / f"{stem}.rda", line()) for stem in "ab"]
    with pytest.raises(ScanError, match="one of 2 raw files"):
        read_scan(paths, [], nucleus=None)


@pytest.mark.parametrize("name", ["scan.hdf", "scan.txt", "scan.rda", "scan.dcm", "scan.RAW", "scan"])
def test_file_of_another_format_is_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b"something else entirely\n" * 50)
    with pytest.raises(ScanError, match=rf"^{name}: is not one of the supported formats"):
        read(tmp_path / name)


def test_scan_archive_is_refused_with_the_way_out(tmp_path):
    (tmp_path / "ScanArchive_1.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(5000))
    with pytest.raises(ScanError, match=r"GE ScanArchive.*P-file"):
        read(tmp_path / "ScanArchive_1.h5")


def test_missing_file_is_a_scan_error(tmp_path):
    with pytest.raises(ScanError, match=r"^scan\.dat: cannot be read"):
        read(tmp_path / "scan.dat")


# --- files of real scanners ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "points", "mhz"),
    [
        ("SVS_30.IMA", 1024, 123.234655),
        ("SVS_30.rda", 1024, 123.234655),
        ("SVS_XA60.dcm", 1024, 123.255089),
        ("philips_press.SDAT", 2048, 127.750896),
        ("philips_press.SPAR", 2048, 127.750896),
        ("jmrui.txt", 4096, 297.219948),
        ("lcmodel.RAW", 4096, 297.219948),
    ],
)
def test_vendor_file_converts(shared_data, tmp_path, name, points, mhz):
    # LCModel cannot state the nucleus.
    mrs = read(shared_data / "vendor" / name, nucleus="1H" if name.endswith("RAW") else None)
    assert (mrs.fid.shape, mrs.nucleus) == ((points, 1, 1), "1H")
    assert mrs.spectrometer_frequency_mhz == pytest.approx(mhz, rel=1e-9)
    back = tmp_path / "back.nii.gz"
    back.write_bytes(nifti_mrs_bytes(mrs))
    np.testing.assert_array_equal(read_nifti_mrs(back).fid, mrs.fid)


def test_the_same_scan_as_jmrui_text_and_lcmodel_raw(shared_data):
    folder = shared_data / "vendor"
    text, raw = read(folder / "jmrui.txt"), read(folder / "lcmodel.RAW", nucleus="1H")
    np.testing.assert_array_equal(text.fid, raw.fid)


def test_sign_of_jmrui_puts_naa_below_water(shared_data):
    mrs = read(shared_data / "vendor" / "jmrui.txt")
    spectrum = np.abs(np.fft.fft(mrs.fid[:, 0, 0]))
    ppm = np.fft.fftfreq(len(spectrum), mrs.dwell_time_s) / mrs.spectrometer_frequency_mhz
    # Carrier on water (4.7 ppm): the N-acetyl singlet of brain at 2.0 ppm is the tallest line.
    assert ppm[spectrum.argmax()] == pytest.approx(2.0 - 4.7, abs=0.1)


def test_the_same_scan_as_dicom_and_rda(shared_data):
    folder = shared_data / "vendor"
    dicom, rda_scan = read(folder / "SVS_30.IMA"), read(folder / "SVS_30.rda")
    np.testing.assert_array_equal(dicom.fid, rda_scan.fid)


def test_the_same_scan_as_twix_and_nifti_mrs(shared_data):
    folder = shared_data / "calf_7t"
    twix_scan, nifti = read(folder / f"{CALF}.dat"), read(folder / f"{CALF}.nii.gz")
    np.testing.assert_array_equal(twix_scan.fid, nifti.fid)
    assert twix_scan.fid.shape == (2048, 96, 1)
    assert twix_scan.dwell_time_s == nifti.dwell_time_s
    assert twix_scan.metadata["EchoTime"] == pytest.approx(nifti.metadata["EchoTime"])


def test_sign_of_twix_puts_atp_below_phosphocreatine(shared_data):
    mrs = read(shared_data / "calf_7t" / f"{CALF}.dat")
    spectrum = np.abs(np.fft.fft(mrs.fid.mean(axis=(1, 2))))
    ppm = np.fft.fftfreq(len(spectrum), mrs.dwell_time_s) / mrs.spectrometer_frequency_mhz
    pcr = ppm[spectrum.argmax()]
    below, above = (spectrum[np.abs(ppm - pcr - offset) < 0.3].max() for offset in (-7.5, 7.5))
    assert below > 5 * above


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("SVS_30.IMA", "dicom"),
        ("SVS_XA60.dcm", "dicom"),
        ("SVS_30.rda", "rda"),
        ("philips_press.SDAT", "philips"),
        ("jmrui.txt", "jmrui"),
    ],
)
def test_own_readers_agree_with_spec2nii(shared_data, tmp_path, name, command):
    pytest.importorskip("spec2nii", reason="spec2nii is the independent reader to compare with")
    path = shared_data / "vendor" / name
    companions = [path.with_suffix(".SPAR")] if command == "philips" else []
    code = "import sys; from spec2nii.spec2nii import main; sys.exit(main())"
    arguments = [
        sys.executable,
        "-c",
        code,
        command,
        str(path),
        *map(str, companions),
        "-f",
        "out",
        "-o",
        str(tmp_path),
    ]
    subprocess.run(arguments, check=True, capture_output=True)
    reference = read_nifti_mrs(tmp_path / "out.nii.gz")
    mrs = read(path)
    np.testing.assert_array_equal(mrs.fid, reference.fid)
    assert mrs.dwell_time_s == pytest.approx(reference.dwell_time_s, rel=1e-12)
    assert mrs.spectrometer_frequency_mhz == pytest.approx(reference.spectrometer_frequency_mhz, rel=1e-12)


def test_damaged_vendor_files_give_a_scan_or_a_scan_error(shared_data, tmp_path):
    rng = np.random.default_rng(3)
    files = [path for path in (shared_data / "vendor").iterdir() if path.suffix != ".SPAR"]
    files += [shared_data / "calf_7t" / f"{CALF}.dat"]
    shutil.copyfile(shared_data / "vendor" / "philips_press.SPAR", tmp_path / "philips_press.SPAR")
    for original in sorted(files):
        path = tmp_path / original.name
        for trial in range(10):
            content = bytearray(original.read_bytes())
            if trial % 2:
                for position in rng.integers(0, 4000 if trial % 4 == 1 else len(content), 6):
                    content[int(position)] ^= 1 << int(rng.integers(8))
            else:
                del content[int(rng.integers(len(content))) :]
            path.write_bytes(bytes(content))
            try:
                mrs = read(path, nucleus="1H" if path.suffix == ".RAW" else None)
            except ScanError as error:
                assert str(error).startswith(path.name)
            else:
                assert trial % 2, f"{path.name} was read although truncated"
                assert np.isfinite(mrs.fid).all()


def test_dicom_cut_within_its_samples_is_refused(shared_data, tmp_path):
    path = tmp_path / "SVS_30.IMA"
    path.write_bytes((shared_data / "vendor" / "SVS_30.IMA").read_bytes()[:110_696])
    with pytest.raises(ScanError, match="truncated"):
        read(path)


def test_dicom_without_extension_is_recognised(shared_data, tmp_path):
    path = tmp_path / "0001"
    shutil.copyfile(shared_data / "vendor" / "SVS_30.IMA", path)
    assert read(path).nucleus == "1H"


def test_dicom_files_of_different_scans_are_refused(shared_data):
    paths = [shared_data / "vendor" / name for name in ("SVS_30.IMA", "SVS_XA60.dcm")]
    with pytest.raises(ScanError, match="differ"):
        read_scan(paths, [], nucleus=None)


def test_dicom_files_of_a_series_become_transients(shared_data, tmp_path):
    paths = [tmp_path / f"{index}.IMA" for index in range(3)]
    content = (shared_data / "vendor" / "SVS_30.IMA").read_bytes()
    for index, path in enumerate(paths):
        # Repetitions differ in their noise: here in the last bit of the last sample.
        path.write_bytes(content[:-4] + bytes([content[-4] ^ index]) + content[-3:])
    assert read_scan(paths, [], nucleus=None).fid.shape == (1024, 3, 1)


def test_reading_dicom_says_nothing(shared_data, capfd):
    read(shared_data / "vendor" / "SVS_30.IMA")
    assert capfd.readouterr() == ("", "")

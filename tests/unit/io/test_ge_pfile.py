import numpy as np
import pytest

from ge_sample import SCALE, TEMPLATE_SAMPLES, header_fields, pfile
from muscle_fids import BETA_PPM, MG, PH, muscle_fid, noise
from myomag.core.axes import frequency_axis_hz, spectrum
from myomag.errors import ScanError
from myomag.io.nifti_mrs import nifti_mrs_bytes, sidecar_dict
from myomag.io.vendor import read_scan
from myomag.settings.load import load_settings
from myomag.single.scan import analyse_file

REVISIONS = (9, 11, 14.0, 14.3, 15.001, 16.0, 20.007, 24.0, 25.004, 26.002, 27.0, 27.001, 28.003, 30.1, 31.0)


def frames(count=4, coils=2, points=256):
    """Transients of a muscle FID, coils of other gain and phase."""
    fid = muscle_fid(points=points)
    gains = np.exp(1j * np.arange(coils)) / (1 + np.arange(coils))
    return fid[:, None, None] * np.arange(1, count + 1)[:, None] * gains


def read(path, **kwargs):
    return read_scan([path], [], nucleus=None, **kwargs)


@pytest.mark.parametrize("revision", REVISIONS)
def test_frames_and_header_of_every_known_revision(tmp_path, revision):
    mrs = read(pfile(tmp_path / "P1.7", frames(), revision=revision))
    np.testing.assert_allclose(mrs.fid / SCALE, frames(), rtol=2e-7, atol=1 / SCALE)
    assert mrs.nucleus == "31P"
    assert mrs.spectrometer_frequency_mhz == pytest.approx(51.7, rel=1e-9)
    assert mrs.dwell_time_s == pytest.approx(1 / 3000, rel=1e-7)
    expected = {"EchoTime": 320e-6, "RepetitionTime": 3.0, "FlipAngle": 60.0, "SequenceName": "fidcsi"}
    assert {key: mrs.metadata[key] for key in expected} == expected
    assert "MARKER" not in str(sidecar_dict(mrs))
    assert b"MARKER" not in nifti_mrs_bytes(mrs)


def test_31p_in_the_container_of_a_real_file_gives_ph_and_magnesium(shared_data, tmp_path):
    header = (shared_data / "vendor" / "ge_press_1H.7").read_bytes()[:TEMPLATE_SAMPLES]
    clean = np.repeat(muscle_fid(begin_s=320e-6)[:, None, None], 8, axis=1)
    fid = clean + noise(np.random.default_rng(3), clean.shape, 1.0)
    path = pfile(tmp_path / "P2.7", fid, revision=9, template=header, sequence=b"ia/stable/fidall")
    flat = analyse_file(path, load_settings()).flat
    # The ppm of a line are those at which it was put, in the sign the scanner writes: lines below PCr stay below.
    assert abs(flat["beta_atp_ppm"] - BETA_PPM) < 4 * flat["beta_atp_sd_ppm"]
    assert abs(flat["ph"] - PH) < 4 * flat["ph_sd"] + 0.005
    assert flat["mg_ci95_low_mmol_l"] < MG < flat["mg_ci95_high_mmol_l"]


def test_metabolites_of_a_real_proton_file_lie_below_water(shared_data):
    mrs = read(shared_data / "vendor" / "ge_press_1H.7")
    assert (mrs.nucleus, mrs.fid.shape) == ("1H", (2048, 24, 1))
    # Eight frames of water come first; what is left of it is 1 % in the others.
    spectra = [np.abs(spectrum(part.sum(axis=(1, 2)))) for part in np.split(mrs.fid, [8], axis=1)]
    ppm = frequency_axis_hz(2048, mrs.dwell_time_s) / mrs.spectrometer_frequency_mhz
    from_water = ppm - ppm[spectra[0].argmax()]
    aliphatic, mirrored = ((from_water > low) & (from_water < low + 2.5) for low in (-4.0, 1.5))
    assert spectra[1][aliphatic].max() > 5 * spectra[1][mirrored].max()


@pytest.mark.parametrize(("averages", "turned"), [(1, True), (2, False)])
def test_alternating_excitation_is_turned_back(tmp_path, averages, turned):
    fid = np.repeat(muscle_fid(points=256)[:, None, None], 6, axis=1)
    signs = (-1.0) ** np.arange(6)[:, None]
    mrs = read(pfile(tmp_path / "P3.7", fid * signs, counts=(1, averages, 6)))
    np.testing.assert_allclose(mrs.fid / SCALE, fid if turned else fid * signs, rtol=2e-7, atol=1 / SCALE)


def test_two_byte_samples_and_frames_without_a_baseline(tmp_path):
    fid = frames() * 1e-4
    mrs = read(pfile(tmp_path / "P4.7", fid, word="<i2", baseline=0))
    np.testing.assert_allclose(mrs.fid / SCALE, fid, atol=1 / SCALE)


def test_what_is_no_single_scan_is_refused_with_the_way_out(tmp_path):
    def refused(match, **changes):
        with pytest.raises(ScanError, match=match):
            read(pfile(tmp_path / "P5.7", frames(), **changes))

    refused(r"^P5\.7: contains 8x8x1 phase encodings .*--voxel", rhr_xcsi=8, rhr_ycsi=8)
    # Steps left over from another scan count for nothing where the file is not encoded.
    leftover = {"rhr_xcsi": 8, "rhr_rh_file_contents": 0}
    assert read(pfile(tmp_path / "P5.7", frames(), **leftover)).fid.shape == frames().shape
    refused("contains 3 slices", rhr_rh_nslices=3)
    refused("contains 2 echoes", counts=(2, 1, 4))
    refused("are inconsistent", counts=(1, 1, 9))
    path = pfile(tmp_path / "P6.7", frames())
    path.write_bytes(np.float32(41).tobytes() + path.read_bytes()[4:])
    with pytest.raises(ScanError, match=r"revision 41; known are .*Orchestra"):
        read(path)
    pfile(path, frames())
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ScanError, match="truncated"):
        read(path)


def test_the_table_of_names_is_that_of_the_scanner(shared_data):
    """The names that the samples of this test are written by find the fields of a real file."""
    content = bytearray((shared_data / "vendor" / "ge_press_1H.7").read_bytes())
    header = header_fields(9).from_buffer(content)
    assert (header.rhi_psdname, header.rhr_rh_frame_size, header.rhi_te) == (b"probe-p", 2048, 30000)

import numpy as np
import pytest

from muscle_fids import BETA_PPM, MG, PH, muscle_fid, noise
from myomag.errors import ScanError
from myomag.io.vendor import read_scan
from myomag.settings.load import load_settings
from myomag.single.scan import analyse_file
from vendor_samples import DWELL_S, MHZ, data_list, line, spar


def read(path, sidecar=None):
    return read_scan([path], [sidecar] if sidecar else [], nucleus=None)


def coils(transients):
    return line(transients)[:, :, None] * np.array([1, 10j])


def test_averages_and_dynamics_in_time_and_coils_apart(tmp_path):
    # Averages of a dynamic follow each other, in whatever order the scanner lists them.
    path = data_list(tmp_path, coils(4), loops={"dyn": [1, 0, 0, 1], "aver": [0, 1, 0, 1]})
    for given in (path, path.with_suffix(".list")):
        mrs = read(given)
        np.testing.assert_allclose(mrs.fid, coils(4)[:, [2, 1, 0, 3]], rtol=1e-6)
        assert mrs.measurements == 2
    # An index without the line that names its columns.
    np.testing.assert_allclose(read(data_list(tmp_path, coils(2), columns=())).fid, coils(2), rtol=1e-6)


def test_without_spar_the_sidecar_describes_the_scan(tmp_path):
    path = data_list(tmp_path, coils(2), described=False)
    with pytest.raises(ScanError, match=r"states no nucleus; add ResonantNucleus"):
        read(path)
    sidecar = {"ResonantNucleus": "31P", "SpectrometerFrequency": MHZ, "SpectralWidth": 1 / DWELL_S}
    np.testing.assert_allclose(read(path, sidecar).fid, coils(2), rtol=1e-6)


def test_what_is_no_single_scan_is_refused(tmp_path):
    for loop in ("kx", "echo", "mix", "loca"):
        path = data_list(tmp_path, coils(2), loops={"aver": [0, 0], loop: [0, 1]})
        with pytest.raises(ScanError, match=rf"^scan\.list: loop {loop} has 2 steps.*SPAR/SDAT"):
            read(path)
    with pytest.raises(ScanError, match="twice or not at all"):
        read(data_list(tmp_path, coils(2), loops={"aver": [0, 0]}))
    with pytest.raises(ScanError, match="does not have the columns"):
        read(data_list(tmp_path, coils(2), columns=["typ", "mix", "dyn"]))
    path = data_list(tmp_path, coils(2))
    spar(tmp_path / "scan.SPAR", samples=64)
    with pytest.raises(ScanError, match="describes 64 points"):
        read(path)
    path.with_suffix(".list").unlink()
    with pytest.raises(ScanError, match=r"needs one scan\.LIST beside it"):
        read(path)


def test_31p_in_data_list_gives_ph_and_magnesium(tmp_path):
    clean = np.repeat(muscle_fid(dwell_s=DWELL_S, begin_s=230e-6)[:, None, None], 8, axis=1) * np.array([1, 0.5j])
    path = data_list(tmp_path, clean + noise(np.random.default_rng(4), clean.shape, 1.0))
    flat = analyse_file(path, load_settings()).flat
    assert abs(flat["beta_atp_ppm"] - BETA_PPM) < 4 * flat["beta_atp_sd_ppm"]
    assert abs(flat["ph"] - PH) < 4 * flat["ph_sd"] + 0.005
    assert flat["mg_ci95_low_mmol_l"] < MG < flat["mg_ci95_high_mmol_l"]

"""pH and Mg of muscle at rest, at work and after it, from the file on."""

import numpy as np
import pytest

from muscle_fids import MG, muscle_fid, noise, write_scan
from myomag.settings.load import load_settings
from myomag.single.scan import analyse_file
from series_samples import series, write_series

SETTINGS = load_settings()


def pi_ppm(ph):
    """Shift of Pi by 6.75/3.27/5.69."""
    base = 1 / (1 + 10 ** (6.75 - ph))
    return 3.27 + (5.69 - 3.27) * base


def skip_beyond_the_prior(ph):
    """The bounds of Pi belong to the prior knowledge of resting muscle, which may end before."""
    bounds = SETTINGS.fit.prior_knowledge["lines"]["Pi"]["shift_ppm"]
    if not bounds["lower"] + 0.02 < pi_ppm(ph) < bounds["upper"] - 0.02:
        pytest.skip(f"the prior knowledge ends before pH {ph}")


@pytest.mark.parametrize("mhz", [25.85, 51.7, 120.3])
@pytest.mark.parametrize(
    ("ph", "pcr", "pi"),
    # At pH 7.35 Pi stands where alkaline Pi is expected.
    [(6.05, 14, 22), (6.3, 18, 18), (6.5, 20, 16), (6.8, 25, 11), (7.2, 33, 4.0), (7.35, 33, 4.0), (7.5, 33, 4.0)],
)
def test_ph_is_found_wherever_muscle_has_it(tmp_path, ph, pcr, pi, mhz):
    skip_beyond_the_prior(ph)
    dwell_s = 51.7 / mhz / 3000
    fid = muscle_fid(mhz=mhz, dwell_s=dwell_s, PCr=(0.0, pcr), Pi=(pi_ppm(ph), pi))
    fid = fid + noise(np.random.default_rng(7), 2048, 33 / 40)
    path = write_scan(tmp_path / "scan.nii.gz", fid, {"EchoTime": 320e-6}, dwell_s=dwell_s, mhz=mhz)
    found = analyse_file(path, SETTINGS).outcome.magnesium
    assert found.ph == pytest.approx(ph, abs=max(4 * found.ph_sd, 0.01))
    assert found.ph_sd < 0.05
    low, high = np.log([found.mg_ci95_low_mmol_l, found.mg_ci95_high_mmol_l])
    # The 95 % interval, widened to 99.9 %.
    assert abs(np.log(MG) - (low + high) / 2) < 0.84 * (high - low)


@pytest.mark.parametrize(("name", "ph"), [("muscle_ph6.5", 6.5), ("muscle_ph7.2", 7.2)])
def test_the_cases(shared_cases, name, ph):
    skip_beyond_the_prior(ph)
    found = analyse_file(shared_cases / f"{name}.nii.gz", SETTINGS).outcome.magnesium
    assert found.ph == pytest.approx(ph, abs=max(4 * found.ph_sd, 0.01))
    if name == "muscle_ph6.5":
        assert found.mg_ci95_low_mmol_l < MG < found.mg_ci95_high_mmol_l


def test_a_scan_whose_pcr_falls_and_stays_low_is_no_series_and_gives_no_number(tmp_path):
    truth = series(rng=np.random.default_rng(1), repetitions=(16, 24, 0))
    result = analyse_file(write_series(tmp_path, truth, events=False), SETTINGS)
    assert (result.flat["status"], result.outcome.step, result.outcome.magnesium) == ("failed", "qc", None)
    assert "PCr falls to 0.5" in result.flat["reason"] and "state its phases in an events file" in result.flat["reason"]


def test_a_series_is_averaged_where_the_settings_ask_for_it(shared_cases):
    asked = SETTINGS.model_copy(update={"qc": SETTINGS.qc.model_copy(update={"min_state_p": 0.0})})
    assert analyse_file(shared_cases / "series_dyn.nii.gz", asked).outcome.quality.state_p < 1e-6

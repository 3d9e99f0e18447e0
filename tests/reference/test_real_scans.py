"""Real scans against the ranges of earlier, independent fits (README.md in this folder)."""

import math

import numpy as np
import pytest

from myomag.core.amares import fit_amares
from myomag.core.leading_samples import samples_to_skip
from myomag.core.prior_knowledge import PriorKnowledge
from myomag.settings.documents import shipped_document
from myomag.settings.load import load_settings
from myomag.single.scan import analyse_file

CALF = "sub-calf01_acq-fid_nuc-31P_voi-calf_unloc"


@pytest.fixture(scope="module")
def calf(shared_data):
    """Results of the 7 T calf from the scanner's file and from the NIfTI-MRS file beside it."""
    files = [shared_data / "calf_7t" / f"{CALF}{extension}" for extension in (".dat", ".nii.gz")]
    if missing := [file.name for file in files if not file.is_file()]:
        pytest.skip(f"{missing[0]} is not among the shared data")
    return [analyse_file(file, load_settings()) for file in files]


def test_the_vendor_file_and_the_nifti_file_give_the_same_result(calf):
    vendor, nifti = (result.flat for result in calf)
    assert vendor.keys() == nifti.keys()
    for key, value in vendor.items():
        if isinstance(value, float):
            # The NIfTI file holds the samples in single precision.
            assert nifti[key] == pytest.approx(value, rel=1e-6), key
        else:
            assert nifti[key] == value, key


def test_the_calf_lies_where_independent_fits_put_it(calf):
    flat = calf[0].flat
    assert flat["status"] == "included"
    assert flat["verdict"] == "pass"
    # Ranges over model choices (baseline, first samples, line shape, coupling) of fits made outside this package.
    assert flat["beta_atp_ppm"] == pytest.approx(-15.90, abs=0.02)
    # Those fits had one line for Pi. The data ask for a second pool beside it (4.98 ppm), and the first moves down by
    # .016 ppm, the pH by .013.
    assert flat["ph"] == pytest.approx(7.035, abs=0.02)
    assert 0.36 < flat["mg_mmol_l"] < 0.45
    assert 250 < flat["begin_time_us"] < 280
    assert flat["gamma_atp_ppm"] == pytest.approx(-2.3785, abs=0.005)
    assert flat["alpha_atp_ppm"] == pytest.approx(-7.4515, abs=0.012)
    assert flat["pi_ppm"] == pytest.approx(4.862, abs=0.02)
    assert flat["pcr_fwhm_hz"] == pytest.approx(19.5, abs=2)


def test_the_intervals_of_the_calf_are_plausible(calf):
    flat = calf[0].flat
    # Thermal noise alone gives about .002 ppm; the model choices move β by .045.
    assert 0.002 < flat["beta_atp_sd_ppm"] < 0.02
    assert flat["mg_ci95_low_mmol_l"] < flat["mg_mmol_l"] < flat["mg_ci95_high_mmol_l"]
    assert 0 <= flat["mg_p_undefined"] < 0.01


def test_nothing_of_the_calf_ends_at_a_bound(calf):
    fit = calf[0].outcome.fit
    assert fit.converged
    assert all(not line.at_bound for line in fit.lines)


def test_the_calf_hardly_depends_on_how_many_first_samples_are_left_out(shared_data):
    settings = load_settings()
    file = shared_data / "calf_7t" / f"{CALF}.nii.gz"
    if not file.is_file():
        pytest.skip(f"{file.name} is not among the shared data")
    shifts = []
    for skip_us in (200.0, 450.0, 700.0):
        changed = settings.model_copy(update={"fit": settings.fit.model_copy(update={"skip_time_us": skip_us})})
        shifts.append(analyse_file(file, changed).flat)
    for key, spread in (("beta_atp_ppm", 0.02), ("ph", 0.01)):
        values = [flat[key] for flat in shifts]
        assert max(values) - min(values) < spread, key


@pytest.fixture(scope="module")
def thigh(shared_data):
    """Fit of the 3 T thigh with the default prior knowledge and the default first samples left out."""
    file = shared_data / "thigh_3t" / "rest.npz"
    if not file.is_file():
        pytest.skip(f"{file.name} is not among the shared data")
    data = np.load(file, allow_pickle=False)
    dwell_s, mhz = float(data["dwell"]), float(data["MHz"])
    skipped = samples_to_skip(dwell_s, mhz)
    return fit_amares(
        data["fid"][skipped:],
        dwell_time_s=dwell_s,
        spectrometer_frequency_mhz=mhz,
        prior=PriorKnowledge.from_dict(shipped_document("prior_knowledge", "muscle_rest")),
        begin_time_s=float(data["deadtime"]) + skipped * dwell_s,
        fit_begin_time=True,
    )


def test_the_thigh_agrees_with_the_reported_fit_within_both_uncertainties(thigh):
    at = {name: index for index, name in enumerate(thigh.names)}
    beta = thigh.shifts_ppm[at["beta-ATP"]] - thigh.shifts_ppm[at["PCr"]]
    # The FID is apodised, so that its noise is not white and our SD too small: the reported one counts.
    assert beta == pytest.approx(-15.891, abs=2 * math.hypot(0.013, thigh.shifts_ppm_sd[at["beta-ATP"]]))
    pi = thigh.shifts_ppm[at["Pi"]] - thigh.shifts_ppm[at["PCr"]]
    ph = 6.75 + math.log10((pi - 3.27) / (5.69 - pi))
    # The reported 6.944 has no SD; resting muscle lies between 6.9 and 7.1.
    assert 6.9 < ph < 7.1
    assert thigh.converged
    # UDPG does not show in it; nothing that pH and Mg rest on ends at a bound.
    assert not [entry for entry in thigh.at_bound if entry.split(":")[1] in ("PCr", "Pi", "beta-ATP")]

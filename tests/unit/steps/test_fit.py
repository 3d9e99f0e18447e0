"""Step fit: its record, what is null in it, and what the settings and the sidecar decide."""

import math

import numpy as np
import pytest

from myomag.core.leading_samples import samples_to_skip
from myomag.errors import ScanError
from myomag.io.nifti_mrs import MrsData, nifti_mrs_bytes
from myomag.io.records import record_bytes
from myomag.io.scan_records import BeginTime, Fit, PooledBeginTime, read_scan_record, scan_record_bytes
from myomag.settings.fit import FitSettings
from myomag.settings.load import load_settings
from myomag.simulate.synthetic import ScanTruth, resting_muscle, simulate_fid
from myomag.steps.begin_time import begin_time_scan
from myomag.steps.fit import fit_scan
from record_samples import measures_record

SCAN = "sub-001_nuc-31P_voi-thigh_unloc"
MHZ, DWELL_S, BEGIN_S = 51.7, 1 / 3000, 240e-6
TRUTH = ScanTruth(
    lines=resting_muscle(pi_ppm=4.82, beta_atp_ppm=-15.89),
    spectrometer_frequency_mhz=MHZ,
    dwell_time_s=DWELL_S,
    points=1024,
    transients=1,
    begin_time_s=BEGIN_S,
    phase_deg=25.0,
    pcr_snr=60.0,
)


@pytest.fixture
def fitted(tmp_path):
    """Run the first estimate and the fit of one simulated scan; returns the fit record."""

    def run(*, fid=None, sidecar=None, pooled=None, prior=None, **settings):
        rng = np.random.default_rng(1)
        if fid is None:
            fid = simulate_fid(TRUTH) + TRUTH.noise_sd * (rng.normal(size=1024) + 1j * rng.normal(size=1024))
        data = MrsData(np.asarray(fid, dtype=np.complex64)[:, None, None], DWELL_S, MHZ, "31P", {})
        contents = {
            "preproc": nifti_mrs_bytes(data),
            "preproc_sidecar": record_bytes({"EchoTime": BEGIN_S} if sidecar is None else sidecar),
            "measures": scan_record_bytes(measures_record(noise_sd=TRUTH.noise_sd)),
        }
        inputs = {}
        for role, content in contents.items():
            inputs[role] = tmp_path / (f"{role}.nii.gz" if role == "preproc" else f"{role}.json")
            inputs[role].write_bytes(content)
        section = load_settings().fit.model_dump() | settings
        if prior:
            section["prior_knowledge"] = prior(section["prior_knowledge"])
        section = FitSettings(**section)
        inputs["begintime"] = tmp_path / "begintime.json"
        inputs["begintime"].write_bytes(begin_time_scan(SCAN, inputs, section)["begintime"])
        own = read_scan_record(inputs["begintime"], BeginTime)
        known = {own.protocol: pooled(own)} if pooled else {}
        return Fit.model_validate_json(fit_scan(SCAN, inputs, section, known)["fit"])

    return run


def line(record, name):
    return next(entry for entry in record.lines if entry.name == name)


def test_the_record_holds_all_that_later_steps_and_the_report_read(fitted):
    record = fitted()
    assert record.scan == SCAN
    assert record.prior_knowledge == "muscle_rest"
    assert record.points == 1024
    assert record.converged
    names = [entry.name for entry in record.lines]
    assert {"PCr", "Pi", "gamma-ATP", "alpha-ATP", "beta-ATP", "PME", "PDE", "NAD"} <= set(names)
    covariance = record.covariance
    assert covariance.parameters == [f"{q}:{n}" for q in ("shift_ppm", "amplitude", "linewidth_hz") for n in names]
    size = len(covariance.parameters)
    assert [len(row) for row in covariance.matrix] == [size] * size


def test_the_record_says_what_was_simulated(fitted):
    record = fitted()
    beta = line(record, "beta-ATP")
    assert beta.shift_ppm == pytest.approx(-15.89, abs=4 * beta.shift_sd_ppm)
    assert len(beta.offsets_hz) == 3
    assert beta.weights == [0.25, 0.5, 0.25]
    assert record.phase_deg == pytest.approx(25.0, abs=4 * record.phase_sd_deg)
    # Four SDs of a residual over 2·1021 values; the first samples, where the hump is, are not in it.
    assert record.noise_sd == pytest.approx(TRUTH.noise_sd, rel=4 / math.sqrt(4 * 1021))
    assert record.skipped_points == samples_to_skip(DWELL_S, MHZ)
    assert record.begin_time_us == pytest.approx(BEGIN_S * 1e6, abs=4 * record.begin_time_sd_us)


def test_the_sds_of_the_lines_are_those_of_the_covariance(fitted):
    record = fitted()
    names, matrix = record.covariance.parameters, record.covariance.matrix
    for entry in record.lines:
        for quantity, sd in (("shift_ppm", "shift_sd_ppm"), ("amplitude", "amplitude_sd")):
            index = names.index(f"{quantity}:{entry.name}")
            if getattr(entry, sd) is not None:
                assert math.sqrt(matrix[index][index]) == pytest.approx(getattr(entry, sd), rel=1e-8)


def test_the_same_scan_gives_the_same_bytes(fitted):
    assert fitted() == fitted()


def test_what_the_data_do_not_determine_is_null_and_flagged(fitted):
    def brain_bounds(prior):
        prior["lines"]["beta-ATP"]["shift_ppm"] = {"start": -16.15, "lower": -16.3, "upper": -16.0}
        return prior

    record = fitted(prior=brain_bounds)
    beta = line(record, "beta-ATP")
    assert beta.at_bound == ["shift_ppm"]
    assert beta.shift_sd_ppm is None
    # The interval begins at the bound and reaches inwards.
    assert -16.3 < beta.bound_limits_95["shift_ppm"] < -16.0
    assert beta.shift_ppm == pytest.approx(-16.0)
    assert beta.amplitude_sd > 0
    assert "shift_ppm:beta-ATP" in record.message
    assert line(record, "PCr").shift_sd_ppm > 0


def test_a_stated_begin_time_can_be_kept(fitted):
    record = fitted(fit_begin_time=False)
    assert record.begin_time_us == pytest.approx(BEGIN_S * 1e6, rel=1e-9)
    assert record.begin_time_sd_us is None
    assert record.begin_time_fitted is False


@pytest.mark.parametrize(
    ("sidecar", "setting", "expected"),
    [({"EchoTime": 0.0003}, None, 300), ({"EchoTime": 0.0003}, 200.0, 200), ({}, None, 0)],
)
def test_the_setting_wins_over_the_sidecar_and_nothing_means_zero(fitted, sidecar, setting, expected):
    record = fitted(sidecar=sidecar, begin_time_us=setting, fit_begin_time=False)
    assert record.begin_time_us == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("skip_us", "samples"), [(0.0, 0), (1.0, 1), (1000.0, 3), (1001.0, 4)])
def test_the_first_stretch_that_is_left_out_can_be_set(fitted, skip_us, samples):
    record = fitted(skip_time_us=skip_us)
    assert record.skipped_points == samples
    # The begin time remains that of the first sample acquired, to within the pull of the hump.
    assert record.begin_time_us == pytest.approx(BEGIN_S * 1e6, abs=60)


def test_a_pooled_begin_time_is_used_and_named(fitted):
    own = fitted(skip_time_us=1000.0)
    record = fitted(skip_time_us=1000.0, pooled=lambda _: PooledBeginTime(240.0, 0.5, 1.0))
    assert record.begin_time_prior.source == "protocol"
    assert record.begin_time_sd_us < 0.5 * own.begin_time_sd_us
    assert line(record, "beta-ATP").shift_sd_ppm < line(own, "beta-ATP").shift_sd_ppm


def test_scan_that_does_not_fit_its_protocol_is_fitted_by_itself(fitted):
    record = fitted(pooled=lambda own: PooledBeginTime(400.0, 0.5, 1.0, (own.scan,)))
    assert record == fitted().model_copy(
        update={"begin_time_prior": record.begin_time_prior.model_copy(update={"outlying": True})}
    )


def test_an_outlying_begin_time_that_the_data_do_not_insist_on_takes_that_of_its_protocol(fitted):
    record = fitted(
        pooled=lambda own: PooledBeginTime(own.begin_time_us + 2 * own.begin_time_sd_us, 0.5, 1.0, (own.scan,))
    )
    assert (record.begin_time_prior.source, record.begin_time_prior.outlying) == ("protocol", False)
    assert record.begin_time_prior.common_sd_us == 0.5


def test_a_later_expected_begin_time_moves_the_shifts_as_the_record_says(fitted):
    at, later = (
        fitted(skip_time_us=1000.0, pooled=lambda _, t=t: PooledBeginTime(t, 3.0, 1.0)) for t in (240.0, 241.0)
    )
    assert at.begin_time_prior.common_sd_us > 0
    shifts = [{line.name: line.shift_ppm for line in record.lines} for record in (at, later)]
    for line in ("PCr", "Pi", "beta-ATP"):
        # Linear in so small a change.
        expected = at.shift_per_begin_time[line] * (later.begin_time_prior.mean_us - at.begin_time_prior.mean_us)
        assert shifts[1][line] - shifts[0][line] == pytest.approx(expected, rel=0.1, abs=2e-6), line
    assert fitted(skip_time_us=1000.0).begin_time_prior.common_sd_us == 0


def test_pooled_value_to_which_no_other_scan_contributed_is_left_alone(fitted):
    record = fitted(pooled=lambda own: PooledBeginTime(own.begin_time_us, own.begin_time_sd_us, 0.0))
    assert record == fitted()


@pytest.mark.parametrize("points", [64, 8])
def test_an_fid_too_short_for_the_model_fails_the_scan_alone(fitted, points):
    with pytest.raises(ScanError, match=r"samples cannot determine|points|samples"):
        fitted(fid=simulate_fid(TRUTH)[:points], skip_time_us=20_000.0)


def test_an_fid_of_zeros_fails_the_scan_alone(fitted):
    with pytest.raises(ScanError, match="zero"):
        fitted(fid=np.zeros(1024))

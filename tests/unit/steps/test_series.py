"""Series through all steps of a scan: kinetics, courses, events, and why there are none."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import brentq

from fit_samples import SPECIATION
from muscle_fids import LINES, MG, write_scan
from myomag.core.calibration import mg_mmol_l
from myomag.core.energetics import equilibrium_constants, free_adp_umol_l
from myomag.core.families import shift_calibration
from myomag.core.speciation import ShiftModel, speciation_calibration
from myomag.errors import ScanError
from myomag.io.events import Event, read_events
from myomag.io.series_records import SUMMARY, Series
from myomag.settings.documents import shipped_document
from myomag.settings.load import load_layers, load_settings
from myomag.single.course import GUTTER, ROWS, course_lines
from myomag.single.scan import ScanSteps
from myomag.single.sources import source_of
from myomag.steps.series_phases import TimeAxis, stated_phases
from series_samples import BEGIN_S, DWELL_S, MHZ, series, write_series

SHIFTS = SPECIATION["coefficients"]
DOCUMENT = SPECIATION | {"coefficients": {"beta-ATP": SHIFTS["beta-ATP"]}}
PH = shift_calibration(shipped_document("calibrations", "taylor1983"), "ph")


def analysed(path: Path, settings=None) -> tuple[Series, dict]:
    with ScanSteps(source_of(path), settings or load_settings()) as steps:
        result = steps.result()
        assert result.flat["status"] != "failed", result.flat["reason"]
        return steps.record(Series), json.loads(json.dumps(result.document()))


def covered(values, sds, truth):
    known = np.array([value is not None for value in values])
    z = (np.array(values, dtype=float)[known] - truth[known]) / np.array(sds, dtype=float)[known]
    return np.mean(np.abs(z) < 1.96), known.mean()


def test_a_series_gives_kinetics_courses_and_the_magnesium_of_its_rest(tmp_path):
    truth = series(rng=np.random.default_rng(1), snr=40.0, drift_hz=3.0)
    record, said = analysed(write_series(tmp_path, truth))
    assert set(said["series"]) == set(SUMMARY)
    assert said["series"]["tau_pcr_ci95_low_s"] < truth.tau_s < said["series"]["tau_pcr_ci95_high_s"]
    assert said["series"]["k_pcr_per_s"] == pytest.approx(1 / said["series"]["tau_pcr_s"])
    depletion = 1 - truth.pcr.min() / truth.pcr[0]
    assert abs(record.pcr_depletion - depletion) < 4 * record.pcr_depletion_sd
    assert said["mg_ci95_low_mmol_l"] < MG < said["mg_ci95_high_mmol_l"]
    share, known = covered(record.course.ph, record.course.ph_sd, truth.ph)
    # 64 repetitions: the share in the interval of 95 % has a standard error of .027.
    assert known == 1 and share > 0.95 - 4 * 0.027
    course = record.course
    ends = np.array([course.mg_ci95_low_mmol_l, course.mg_ci95_high_mmol_l])
    assert np.mean((ends[0] < MG) & (ends[1] > MG)) > 0.95 - 4 * 0.027
    assert (record.ph_end_exercise, record.ph_min) == pytest.approx((truth.ph.min(), truth.ph.min()), abs=0.02)
    assert not record.phases_proposed and [phase.kind for phase in record.phases] == ["rest", "exercise", "recovery"]
    for braille, blanks in ((True, "⠀┊ "), (False, "| ")):
        drawn = list(course_lines(record, 80, braille=braille))
        assert len(drawn) == 3 * ROWS + 2 and max(map(len, drawn)) <= 80
        assert braille or "".join(drawn).isascii()
        # PCr at rest on the left is in the highest row, at the end of exercise in the lowest.
        top, bottom = (
            [x for x, mark in enumerate(line[GUTTER:]) if mark not in blanks] for line in (drawn[0], drawn[3])
        )
        assert top[0] == 0 and min(bottom) > 18 and 25 <= max(bottom) <= 40
        assert drawn[-2].split() == ["rest", "exercise", "recovery"] and drawn[-1].split() == [
            "0",
            "48",
            "96",
            "192",
            "s",
        ]
    # V·(1 + Km/ADP) with ADP of tens of µM is of the size of k·PCr.
    assert 0.5 < record.qmax_adp_mmol_l_s / record.qmax_linear_mmol_l_s < 2


def test_phases_nobody_stated_are_proposed_and_said_to_be(tmp_path):
    truth = series(rng=np.random.default_rng(2), snr=20.0)
    record, _ = analysed(write_series(tmp_path, truth, events=False))
    assert record.phases_proposed
    assert record.tau_pcr_ci95_low_s < truth.tau_s < record.tau_pcr_ci95_high_s
    depletion = 1 - truth.pcr.min() / truth.pcr[0]
    assert abs(record.pcr_depletion - depletion) < 4 * record.pcr_depletion_sd + 0.02


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"repetitions": (0, 20, 40)}, "no rest before exercise"),
        ({"repetitions": (16, 16, 9)}, "recovery"),
        ({"pcr": (33.0, 31.0)}, "exercise consumed"),
        ({"ph": (7.03, 6.45)}, "acidosis slows the recovery"),
        ({"repetitions": (16, 20, 0)}, "no recovery after exercise"),
    ],
)
def test_a_bout_that_tells_no_time_constant_says_why(tmp_path, changes, reason):
    truth = series(rng=np.random.default_rng(3), **changes)
    record, said = analysed(write_series(tmp_path, truth))
    assert record.status == "not estimable" and reason in record.reason
    assert said["series"]["tau_pcr_s"] is said["series"]["k_pcr_per_s"] is None
    if changes.get("repetitions", (1,))[0] == 0:
        assert record.ph_rest is record.mg_rest_mmol_l is None
        assert "no rest" in said["mg_reason"]


def test_a_spoiled_repetition_is_left_out(tmp_path):
    truth = series(rng=np.random.default_rng(4))
    truth.fids[:, 40] = 20 * np.roll(truth.fids[:, 40], 7)
    record, _ = analysed(write_series(tmp_path, truth))
    assert record.course.spoiled[40] and sum(record.course.spoiled) == 1
    assert record.tau_pcr_ci95_low_s < truth.tau_s < record.tau_pcr_ci95_high_s


def test_kinetics_are_judged_by_the_more_acid_pool_of_pi(tmp_path):
    truth = series(rng=np.random.default_rng(5), snr=20, ph=(7.03, 6.95), acid=(0.4, 6.45))
    record, _ = analysed(write_series(tmp_path, truth))
    course, bout = record.course, record.bouts[0]
    last = 31
    assert record.ph_end_exercise == pytest.approx(truth.ph[last], abs=0.02), "by all Pi it is above the limit"
    assert bout.ph_acid_end_exercise == pytest.approx(truth.pools[1][last], abs=0.03)
    assert bout.acid_share_end_exercise == pytest.approx(0.4, abs=0.03)
    assert record.status == "not estimable" and "of Pi at the end of exercise, below 6.6" in record.reason
    for name, true in (("ph", truth.ph), ("ph_neutral", truth.pools[0]), ("ph_acid", truth.pools[1])):
        share, _ = covered(getattr(course, name), getattr(course, f"{name}_sd"), true)
        # Some 40 repetitions, of which neighbours share knots.
        assert share > 0.95 - 4 * np.sqrt(0.95 * 0.05 / 20)
    share, _ = covered(course.pi, course.pi_sd, truth.pi)
    assert share > 0.95 - 4 * 0.027


def test_a_step_of_the_gain_in_recovery_is_no_recovery(tmp_path):
    truth = series(rng=np.random.default_rng(6), snr=25)
    truth.fids[:, 40:] *= 1.15
    record, _ = analysed(write_series(tmp_path, truth))
    assert record.tau_pcr_s is record.pcr_depletion is None
    assert "the ATP signal, which exercise does not change, steps by +1" in record.reason


def test_motion_moves_no_proposed_phase(tmp_path):
    truth = series(rng=np.random.default_rng(7), snr=25)
    for k in (20, 33, 36):
        truth.fids[:, k] *= 0.5j
    record, _ = analysed(write_series(tmp_path, truth, events=False))
    assert [record.course.spoiled[k] for k in (20, 33, 36)] == [True] * 3
    # The lowest repetition is the last of work and the first of recovery alike.
    assert all(abs(phase.first - first) <= 1 for phase, first in zip(record.phases, (0, 16, 32), strict=True))
    assert record.tau_pcr_ci95_low_s < truth.tau_s < record.tau_pcr_ci95_high_s


def test_magnesium_follows_by_all_shifts_with_the_ph(tmp_path):
    """β stays while Pi moves, so that by speciation Mg changes with the pH: the truth solves both shifts exactly."""
    calibration = speciation_calibration(DOCUMENT)
    model = ShiftModel(calibration, PH, equilibrium_constants(), ("Pi", "beta-ATP"))
    truth = series(rng=np.random.default_rng(8), snr=40)
    pmg = [
        brentq(lambda x, ph=ph: model.shifts_ppm(np.array([ph, x]))[0][1] - LINES["beta-ATP"][0], 2, 6)
        for ph in truth.ph
    ]
    settings = load_layers([("test", {"magnesium": {"mg_calibration": DOCUMENT}})])
    record, _ = analysed(write_series(tmp_path, truth), settings)
    course, true = record.course, mg_mmol_l(np.array(pmg))
    ends = np.array([course.mg_ci95_low_mmol_l, course.mg_ci95_high_mmol_l])
    assert np.ptp(true) > 5 * np.median(np.ptp(ends, axis=0) / 4), "it changes by more than its SD"
    assert np.mean((ends[0] < true) & (ends[1] > true)) > 0.95 - 4 * 0.027
    assert covered(course.ph, course.ph_sd, truth.ph)[0] > 0.95 - 4 * 0.027


def test_the_case_of_a_series(shared_cases):
    """Truth: PCr 33 → 17 recovers with 24 s, pH 7.03 → 6.70, Mg .42 throughout."""
    record, said = analysed(shared_cases / "series_dyn.nii.gz")
    assert record.tau_pcr_ci95_low_s < 24 < record.tau_pcr_ci95_high_s
    assert record.ph_rest == pytest.approx(7.03, abs=0.005) and record.ph_min == pytest.approx(6.70, abs=0.015)
    assert record.pcr_depletion == pytest.approx(1 - 17 / 33, abs=0.02)
    assert said["mg_ci95_low_mmol_l"] < 0.42 < said["mg_ci95_high_mmol_l"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("onset\tduration\n0\t10\n", "no column trial_type"),
        ("onset\tduration\ttrial_type\n0\t10\tcue\n", "no trial_type is one of rest, exercise, recovery; found cue"),
        ("onset\tduration\ttrial_type\n0\tn/a\trest\n", "line 2: duration = 'n/a' is not a time in s"),
        ("onset\tduration\ttrial_type\n0\t8\trest\n8,5\t9\texercise\n", "line 3: onset = '8,5' .* decimal point"),
        ("onset\tduration\ttrial_type\n0\t0\trest\n", "above 0"),
        ("Onset\tduration\tphase\n0\t10\trest\n", "no column onset; .* this one Onset, duration, phase"),
        ("onset,duration,trial_type\n0,10,rest\n", "separate its columns by tabs"),
        ("", "no column onset"),
    ],
)
def test_events_that_state_no_phases_are_refused_by_field(tmp_path, text, message):
    path = tmp_path / "sub-1_events.tsv"
    path.write_text(text)
    with pytest.raises(ScanError, match=message):
        read_events(path)


def test_times_of_uneven_repetitions_are_those_stated(tmp_path):
    """Without its pauses the recovery would take 2/3 of the time: far outside of the interval."""
    gaps = np.where(np.arange(63) % 2, 3.0, 6.0)
    times = np.concatenate([[0.0], np.cumsum(gaps)])
    truth = series(rng=np.random.default_rng(6), time_s=times, tau_s=30.0)
    stated = {"VolumeTiming": (5 + times).tolist()}
    record, _ = analysed(write_series(tmp_path, truth, **stated))
    assert record.course.time_s == pytest.approx(times)
    assert record.tau_pcr_ci95_low_s < truth.tau_s < record.tau_pcr_ci95_high_s
    assert record.phases[1].start_s == times[16] and record.phases[1].first == 16
    proposed, _ = analysed(write_series(tmp_path / "proposed", truth, events=False, **stated))
    assert proposed.phases_proposed and proposed.tau_pcr_ci95_low_s < truth.tau_s < proposed.tau_pcr_ci95_high_s


def test_without_a_repetition_time_no_second_is_said(tmp_path):
    truth = series(rng=np.random.default_rng(2))
    record, said = analysed(write_series(tmp_path, truth, events=False, tr_s=None))
    assert record.tau_pcr_s is None and "no RepetitionTime" in said["series"]["reason"]
    assert set(record.course.time_s) == {None} and {phase.start_s for phase in record.phases} == {None}


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([(0, 60, "rest"), (48, 48, "exercise")], "exercise starts at 48 s, before rest ends at 60 s"),
        (
            [(0, 48e3, "rest"), (48e3, 48e3, "exercise")],
            "64 repetitions and lasts 192 s; write s from its start, not ms",
        ),
        ([(48e3, 48e3, "exercise")], "starts at 48000 s"),
        ([(0, 16, "rest"), (16, 16, "exercise"), (32, 32, "recovery")], "end at 64, .*; write s, not repetitions"),
    ],
)
def test_events_that_do_not_fit_their_series_are_refused(events, message):
    with pytest.raises(ScanError, match=message):
        stated_phases([Event(*event) for event in events], TimeAxis(3.0), 64, "a")


def test_small_overlaps_and_an_end_behind_that_of_the_series_are_fine():
    events = [Event(0, 48.9, "rest"), Event(48, 48, "exercise"), Event(96, 900, "recovery")]
    found = stated_phases(events, TimeAxis(3.0), 64, "a")
    assert [(phase.kind, phase.first, phase.end) for phase in found.phases] == [
        ("rest", 0, 16),
        ("exercise", 16, 32),
        ("recovery", 32, 64),
    ]
    assert found.end_s == 192


def test_means_of_several_transients_show_the_middle_of_their_repetition(tmp_path):
    """Taken for its start, PCr at the end of exercise would be that 2.25 s later: 9 % of the depletion."""
    truth = series(rng=np.random.default_rng(7), repetitions=(40, 40, 80), tr_s=1.5, snr=40.0)
    metadata = {"EchoTime": BEGIN_S, "RepetitionTime": 1.5}
    path = tmp_path / "sub-1_task-x_nuc-31P_unloc.nii.gz"
    write_scan(path, truth.fids, metadata, dwell_s=DWELL_S, mhz=MHZ, measurements=40)
    rows = "0\t60\trest\n60\t60\texercise\n120\t500\trecovery\n"
    (tmp_path / "sub-1_task-x_nuc-31P_events.tsv").write_text(f"onset\tduration\ttrial_type\n{rows}")
    record, _ = analysed(path)
    assert record.course.time_s[:2] == [2.25, 8.25] and record.repetition_s == 6.0
    assert record.tau_pcr_ci95_low_s < truth.tau_s < record.tau_pcr_ci95_high_s
    # 4 SDs, and 1 % for the curve within a repetition.
    assert abs(record.pcr_depletion - 16 / 33) < 4 * record.pcr_depletion_sd + 0.01


def test_rest_alone_is_not_taken_for_what_the_muscle_did(tmp_path):
    path = write_series(tmp_path, series(rng=np.random.default_rng(8)), events=False)
    (tmp_path / "sub-1_task-plantar_nuc-31P_events.tsv").write_text("onset\tduration\ttrial_type\n0\t48\trest\n")
    with ScanSteps(source_of(path), load_settings()) as steps:
        flat = steps.result().flat
    assert flat["status"] == "failed" and "PCr falls to" in flat["reason"] and "state no exercise" in flat["reason"]


def test_free_adp_rises_in_work_if_saturation_is_corrected(tmp_path):
    # Equal T1 leave the ratios as they are, so that the truth is that of the amplitudes.
    t1_s = dict.fromkeys(("PCr", "Pi", "gamma-ATP", "PDE", "PME"), 3.0)
    settings = load_layers([("test", {"magnesium": {"t1_s": t1_s}})])
    truth = series(rng=np.random.default_rng(7), snr=40.0)
    course = analysed(write_series(tmp_path, truth, FlipAngle=90), settings)[0].course
    constants = equilibrium_constants()
    assumed = settings.magnesium
    adp = [
        free_adp_umol_l(
            constants,
            ph=ph,
            pmg=3 - np.log10(MG),
            pcr_atp=pcr / LINES["gamma-ATP"][1],
            atp_mmol_l=assumed.atp_mmol_l,
            total_creatine_mmol_l=assumed.total_creatine_mmol_l,
        ).value
        for pcr, ph in zip(truth.pcr, truth.ph, strict=True)
    ]
    # Repetitions share the noise of their knots and of ATP: some ten are independent.
    ratio = truth.pi / truth.pcr
    for name, sd, true in (("adp_umol_l", "adp_sd_umol_l", adp), ("pi_pcr_ratio", "pi_pcr_ratio_sd", ratio)):
        share, given = covered(getattr(course, name), getattr(course, sd), np.array(true))
        assert share > 0.95 - 4 * np.sqrt(0.95 * 0.05 / 10) and given == 1
    without = analysed(write_series(tmp_path / "other", truth))[0].course
    assert set(without.adp_umol_l) == {None} and without.pi_pcr_ratio == pytest.approx(course.pi_pcr_ratio)

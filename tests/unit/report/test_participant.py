"""The page of one participant."""

import re
from dataclasses import replace

import numpy as np
import pytest

from html_page import Node, assert_self_contained, axis_labels, parse, table
from myomag.io.scan_records import Covariance
from myomag.report.page import TEMPLATES
from myomag.report.participant import participant_page
from myomag.report.spectrum import COLOURS
from myomag.wording.text import line_label
from record_samples import LINES, fit_record, magnesium_record, quality_record
from report_samples import SETTINGS, complete_view, failed_view, undefined_view, unfitted_view

HOSTILE = '"><script>window.hacked = 1</script>'


@pytest.fixture(scope="module")
def page() -> Node:
    return parse(participant_page("sub-001", [complete_view()], SETTINGS))


def test_page_is_self_contained_and_readable_aloud(page):
    assert_self_contained(page)


def test_the_shift_axis_falls_from_left_to_right(page):
    figures = [node for node in page.find("svg") if node.attributes.get("class") in {"spectrum", "close-up"}]
    assert len(figures) == 3
    for figure in figures:
        labels = axis_labels(figure)
        assert len(labels) > 2
        assert labels == sorted(labels, reverse=True)
    low, high = SETTINGS.report.spectrum_min_ppm, SETTINGS.report.spectrum_max_ppm
    assert all(low <= label <= high for label in axis_labels(figures[0]))


def test_every_line_stands_in_the_table_the_labels_and_the_toggles(page):
    names = {line_label(line[0]) for line in LINES}
    rows = {row[0]: row[1:] for row in table(page, "Lines")}
    assert set(rows) == names
    assert rows["β-ATP"] == ["8.20 ± 0.11", "1.3", "−15.903 ± 0.010", "13.75 ± 0.62", "no"]
    assert rows["NAD"][3:] == ["13.75", "▲ lorentzian_hz"]
    spectrum = page.find("svg", **{"class": "spectrum"})[0]
    assert {node.text for node in spectrum.find("text", **{"class": "label middle halo"})} == names
    assert [node.text for node in spectrum.find("text", **{"class": "result middle halo"})] == [
        "pH 7.03",
        "Mg 0.401 mM",
    ]
    assert names < {label.text for label in page.find("fieldset")[0].find("label")}


def test_results_are_given_with_interval_calibration_and_standing(page):
    rows = {row[0]: row[1:] for row in table(page, "Results")}
    assert rows["pH"][:2] == ["7.031 ± 0.008", "7.015 to 7.047"]
    assert rows["Free Mg²⁺ (mM)"][:2] == ["0.401", "0.365 to 0.456"]
    assert rows["P(Mg undefined)"][0] == "< 0.001"
    calibrations = {row[0]: row[1:] for row in table(page, "Calibrations")}
    assert calibrations["pH"][:2] == ["taylor1983", "unverified"]
    assert calibrations["Free Mg²⁺"][:2] == ["iotti1996", "found"]


def test_quality_names_reasons_metrics_thresholds_and_rejected_transients(page):
    assert "frequency drift 16.2 Hz above 15 Hz" in [node.text for node in page.find("li")]
    metrics = {row[0]: row[1:] for row in table(page, "Metrics")}
    assert metrics["PCr SNR"] == ["36.7", "warn below 15, fail below 5"]
    assert metrics["Transients used"][0] == "30 of 32"
    assert metrics["Repetition time"][0] == "1.50 s"
    assert metrics["Echo time in the header"][0] == "not stated"
    assert ["rejected: shift beyond 50 Hz", "22"] in table(page, "Transients left out")
    plot = page.find("svg", **{"class": "transients"})[0]
    assert len(plot.find("circle")) == 30
    assert len(plot.find("path", **{"class": "rejected"})) == 2


def test_the_fit_states_begin_time_and_how_well_it_describes_the_data(page):
    facts = {row[0]: row[1:] for row in table(page, "The fit as a whole")}
    stated = "fitted without the other scans; stated 230 ± 100 µs (EchoTime 0.00023 s)"
    assert facts["Begin time"] == ["265.0 ± 6.2 µs", stated]
    assert facts["Residual over noise"][0] == "1.10"
    assert facts["Residual"] == ["not white", "not white around these lines, whose SDs were raised: PCr × 2.5"]
    assert facts["Convergence"][0] == "converged"


def test_correlations_come_from_the_covariance_of_the_main_lines():
    names = ["shift_ppm:Pi", "amplitude:Pi", "linewidth_hz:Pi", "shift_ppm:beta-ATP", "amplitude:beta-ATP"]
    sds = np.diag([0.01, 2.0, 3.0, 0.02, 4.0])
    wanted = np.eye(5)
    wanted[0, 1] = wanted[1, 0] = 0.92
    wanted[3, 0] = wanted[0, 3] = -0.4
    matrix = (sds @ wanted @ sds).tolist()
    # The data do not determine this one.
    matrix[4] = [None] * 5
    for row in matrix:
        row[4] = None
    fit = fit_record(covariance=Covariance(parameters=names, matrix=matrix))
    page = parse(participant_page("sub-001", [replace(complete_view(), fit=fit)], SETTINGS))
    rows = table(page, "Correlation of the parameters")
    assert rows == [["δ β-ATP", "−0.40", ""], ["A Pi", "0.92", "0.00"]]
    strong = [node.text for node in page.find("td") if "strong" in (node.attributes.get("class") or "")]
    assert strong == ["0.92"]


# Machado et al. 2009, doi 10.1109/TVCG.2009.113, severity 1: what each kind of dichromat sees of linear RGB.
SEEN_BY = {
    "normal": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def cielab(linear_rgb: np.ndarray) -> np.ndarray:
    relative = linear_rgb @ TO_XYZ.T / TO_XYZ.sum(axis=1)
    x, y, z = np.where(relative > 0.008856, np.cbrt(relative), 7.787 * relative + 16 / 116).T
    return np.column_stack([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("sight", SEEN_BY)
@pytest.mark.parametrize("mode", [0, 1])
def test_the_colours_of_any_two_lines_are_told_apart(sight, mode):
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    tones = re.findall(r"--tone: light-dark\(#(\w+), #(\w+)\)", style)
    assert len(tones) == COLOURS
    rgb = np.array([[int(tone[mode][at : at + 2], 16) / 255 for at in (0, 2, 4)] for tone in tones])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    lab = cielab(np.clip(linear @ np.array(SEEN_BY[sight]).T, 0, 1))
    apart = np.linalg.norm(lab[:, None] - lab[None], axis=2)[np.triu_indices(len(lab), 1)]
    # A difference of 2.3 is just noticeable side by side; ten times that is seen across a drawing. Tritanopia is rare.
    assert apart.min() > (18 if sight == "tritan" else 23)


def test_provenance_links_each_file_with_its_digests(page):
    rows = table(page, "Files, and what made them")
    assert [row[0] for row in rows] == ["convert", "qc", "fit", "magnesium"]
    assert rows[0][2] == "1" * 64
    assert rows[0][3] == "6" * 12
    hrefs = [node.attributes["href"] for node in page.find("a")]
    assert any(href.startswith("../sub-001/ses-1/mrs/") for href in hrefs)


def test_a_raw_file_of_the_study_is_named_but_not_linked_into_the_derivative():
    raw = {
        "step": "raw",
        "file": "sub-001/mrs/raw.dat",
        "sha256": "0" * 64,
        "settings_digest": None,
        "source_digest": None,
    }
    page = parse(participant_page("sub-001", [replace(failed_view(), provenance=[raw])], SETTINGS))
    assert table(page, "Files, and what made them") == [
        ["raw", "sub-001/mrs/raw.dat (of the study)", "0" * 64, "–", "–"]
    ]
    assert not [node for node in page.find("a") if "raw.dat" in (node.attributes["href"] or "")]


def test_an_undefined_magnesium_is_shown_as_such():
    page = parse(participant_page("sub-001", [undefined_view()], SETTINGS))
    rows = {row[0]: row[1:] for row in table(page, "Results")}
    assert rows["Free Mg²⁺ (mM)"][:2] == ["undefined (P = 0.62)", "–"]
    assert "where iotti1996 ends" in rows["Free Mg²⁺ (mM)"][2]
    assert rows["pMg"][0] == "–"
    assert "Excluded from the statistics at the step magnesium." in page.text


def test_a_failed_scan_says_where_and_why_and_draws_nothing():
    page = parse(participant_page("sub-001", [failed_view()], SETTINGS))
    assert_self_contained(page)
    assert "Stopped at the step convert." in page.text
    assert "ends after 4096 of 65536 samples" in page.text
    assert not page.find("svg")
    assert not page.find("figure")


def test_a_scan_whose_fit_failed_shows_its_spectrum_and_quality_alone():
    page = parse(participant_page("sub-001", [unfitted_view()], SETTINGS))
    assert_self_contained(page)
    assert len(page.find("svg", **{"class": "spectrum"})) == 1
    assert not page.find("fieldset")
    assert table(page, "Metrics")
    captions = [node.text for node in page.find("caption")]
    assert not [caption for caption in captions if caption.startswith(("Lines", "Results"))]


def test_all_visits_of_a_participant_are_listed_in_order():
    views = [failed_view(), unfitted_view(), undefined_view(), complete_view()]
    page = parse(participant_page("sub-001", views, SETTINGS))
    assert_self_contained(page)
    assert [row[1] for row in table(page, "Scans of this participant")] == ["ses-1", "ses-2", "ses-3", "ses-4"]
    assert len(page.find("section", **{"class": "scan"})) == 4


def test_the_bytes_depend_on_nothing_but_the_content():
    views = [complete_view(), undefined_view()]
    assert participant_page("sub-001", views, SETTINGS) == participant_page("sub-001", views[::-1], SETTINGS)


def test_one_scan_stays_small_and_reads_well_without_session_or_scale():
    content = participant_page("sub-002", [complete_view("sub-002", None, scale=1e-7)], SETTINGS)
    assert len(content) < 400_000
    page = parse(content)
    assert page.find("h2")[0].text == "sub-002_acq-fid_nuc-31P_voi-thigh_run-1_unloc"
    heading = next(node.text for node in page.find("th") if node.text.startswith("Amplitude"))
    rows = {row[0]: row[1] for row in table(page, "Lines")}
    assert (heading, rows["PCr"]) == ("Amplitude (10⁻⁶ a.u.)", "3.300 ± 0.011")


def test_records_with_gaps_still_make_a_page():
    gaps = {"amplitude_sd": None, "shift_sd_ppm": None}
    lines = [line.model_copy(update=gaps) for line in fit_record().lines]
    fit = fit_record(begin_time_sd_us=None, begin_time_fitted=False, residual_over_noise=None, lines=lines)
    single = {"transients": 1, "frequency_shifts_hz": [0.0], "phases_deg": [0.0], "rejected_transients": []}
    quality = quality_record(verdict="fail", reasons=[], noise_sd=None, pcr_snr=None, **single)
    numbers = [name for name, value in magnesium_record() if isinstance(value, float)]
    magnesium = magnesium_record(**dict.fromkeys(numbers))
    view = replace(complete_view(), fit=fit, quality=quality, magnesium=magnesium, provenance=())
    page = parse(participant_page("sub-001", [view], SETTINGS))
    assert_self_contained(page)
    assert "nan" not in page.find("main")[0].text.lower().split()
    assert not page.find("svg", **{"class": "transients"})


def test_markup_in_a_study_stays_text():
    changed = {"name": HOSTILE, "at_bound": [HOSTILE]}
    lines = [line.model_copy(update=changed) for line in fit_record().lines]
    calibration = dict.fromkeys(("name", "source", "standing"), HOSTILE)
    hostile = replace(
        complete_view(),
        scan=HOSTILE,
        session_id=HOSTILE,
        status="excluded",
        step=HOSTILE,
        reason=HOSTILE,
        fit=fit_record(lines=lines, message=HOSTILE, prior_knowledge=HOSTILE),
        quality=quality_record(verdict=HOSTILE, reasons=[HOSTILE], snr_definition=HOSTILE),
        magnesium=magnesium_record(mg_reason=HOSTILE, mg_calibration=calibration),
        provenance=[dict.fromkeys(("step", "file", "sha256", "settings_digest", "source_digest"), HOSTILE)],
    )
    page = parse(participant_page(HOSTILE, [hostile, failed_view()], SETTINGS))
    assert_self_contained(page)
    assert len(page.find("script")) == 1
    assert "hacked" not in page.find("script")[0].text

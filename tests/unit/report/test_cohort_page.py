"""The page of the cohort."""

import re
from typing import Any

import pytest

from html_page import Node, assert_self_contained, parse, table
from myomag.cohort.longitudinal_table import LONGITUDINAL_COLUMNS
from myomag.cohort.raters import rater_rows
from myomag.cohort.repeatability import REPEATABILITY_COLUMNS
from myomag.cohort.statistics import STATISTICS_COLUMNS
from myomag.report.cohort import INDEX, cohort_report
from myomag.settings.load import Settings
from myomag.settings.report import ReportSettings
from myomag.study.ratings import Rating
from myomag.wording.labels import Labels
from report_samples import RUN, SETTINGS, TABLES, cohort_rows, frames_of, group_spectra, tables_of

METHODS = "# Methods\n\nSpectra were fitted.\n\n- mg_age: mg_mmol_l on age.\n"
HOSTILE = '"><script>window.hacked = 1</script>'


def report_of(cohort: list[dict[str, Any]], settings: Settings = SETTINGS, **tables: Any) -> dict[str, bytes]:
    frames, spectra = frames_of(tables_of(cohort, **tables)), group_spectra(cohort)
    return dict(cohort_report(frames, settings, TABLES, RUN, METHODS, spectra=spectra))


def page_of(cohort: list[dict[str, Any]], settings: Settings = SETTINGS, **tables: Any) -> bytes:
    return report_of(cohort, settings, **tables)[INDEX]


@pytest.fixture(scope="module")
def content() -> bytes:
    return page_of(cohort_rows(441))


@pytest.fixture(scope="module")
def page(content) -> Node:
    return parse(content)


def classed(root: Node, tag: str, name: str) -> list[Node]:
    return [node for node in root.find(tag) if name in (node.attributes.get("class") or "").split()]


def test_page_is_self_contained_readable_aloud_and_small(content, page):
    assert_self_contained(page)
    assert len(content) < 3_000_000


def test_the_answers_come_first_each_with_its_interval_and_what_threatens_it(page):
    sections = [node.attributes["id"] for node in page.find("section") if "id" in node.attributes]
    assert sections[0] == "results"
    (answers,) = classed(page, "div", "answers")
    assert [node.text for node in answers.find("h3")] == [
        "Is muscle Mg related to age?",
        "Does muscle Mg differ by sex?",
        "Is muscle Mg related to strength?",
        "Does the slope of strength on free Mg²⁺ differ by sex?",
        "Is muscle or serum Mg more closely related to the outcome?",
    ]
    for node in answers.find("p"):
        assert re.search(r"95 % CI.*n = \d+\)", node.text) or node.text.startswith("Caution: ")
    assert [node.attributes["id"] for node in answers.find("figure")] == ["figure-mg_age", "figure-strength_mg"]
    assert "day-to-day variation of Mg is not known" in answers.text


def test_the_spectra_of_the_group_are_drawn_and_the_worst_lead_to_their_pages(page):
    figure = page.find("figure", id="figure-spectra")[0].find("svg")[0]
    assert len(classed(figure, "path", "one")) == 3
    assert len(classed(figure, "path", "average")) == 2
    items = page.find("ul", **{"class": "thumbnails"})[0].find("li")
    scan = cohort_rows(441)[0]
    assert items[0].find("a")[0].attributes["href"] == f"sub-001.html#{scan['scan']}"
    assert f"SNR {scan['pcr_snr']:.1f}; included" in items[0].text


def test_the_flow_accounts_for_every_scan(page):
    counts = [
        int(node.find("strong")[0].text) for node in classed(page, "div", "flow")[0].children if isinstance(node, Node)
    ]
    entered, failed, excluded, included = counts
    assert (entered, failed, excluded, included) == (441, 3, 4, 434)
    for name, total in (("failed", failed), ("excluded", excluded)):
        box = next(node for node in classed(page, "div", "loss") if name in node.attributes["class"])
        assert sum(int(item.text) for item in classed(box, "span", "count")) == total


def test_reasons_that_differ_in_numbers_and_names_alone_are_counted_together(page):
    items = [item.text for item in classed(page, "div", "flow")[0].find("li")]
    assert items == [
        "2 convert: file ends early",
        "1 convert: no PCr line found",
        "3 qc: verdict fail (PCr SNR 2.2 to 4.8 below 5)",
        "1 qc: Mg undefined (beyond the calibration)",
    ]


def test_many_kinds_of_reasons_still_add_up():
    cohort = cohort_rows(30)
    for index, row in enumerate(cohort[:14]):
        row |= {"status": "excluded", "reason": "reason " + "abcdefghijklmn"[index]}
    box = next(
        node for node in classed(parse(page_of(cohort)), "div", "loss") if "excluded" in node.attributes["class"]
    )
    counts = [int(item.text) for item in classed(box, "span", "count")]
    assert sum(counts) == 14
    assert counts[-1] == 6


def test_models_are_shown_with_all_their_numbers_and_those_not_estimable_with_the_reason(page):
    rows = table(page, "Results of the models")
    statistics = tables_of(cohort_rows(441))["statistics"]
    first = statistics[0]
    assert rows[0][0].startswith("free Mg²⁺ against age")
    assert "myomag trace STUDY statistics:mg_age" in rows[0][0]
    assert rows[0][1] == str(first["n"])
    assert rows[0][2].startswith(f"{first['beta']:.2f} [".replace("-", "−"))
    assert "mmol/L" not in rows[0][3]
    assert rows[1][0].startswith("free Mg²⁺ against age, adjusted for sex")
    estimated = [row for row in rows if "not estimable" not in row[2]]
    assert len(rows) == sum(row["role"] == "main" for row in statistics)
    assert len(estimated) == sum(row["role"] == "main" and row["status"] == "estimated" for row in statistics)
    controls = [row[0] for row in table(page, "Negative controls")]
    assert [control.split(" origin")[0] for control in controls][
        1
    ] == "free Mg²⁺ against PCr SNR, adjusted for sex, age"


def test_a_tripped_control_stands_beside_the_results_it_threatens():
    cohort = cohort_rows(120)
    for row in cohort:
        if row["status"] == "included":
            row["pmg"] = 3.5 - 0.002 * row["pcr_snr"] + 0.1 * (row["pmg"] - 3.4)
    page = parse(page_of(cohort))
    for section in ("results", "models"):
        place = next(node for node in page.find("section") if node.attributes.get("id") == section)
        (banner,) = [node for node in classed(place, "div", "notice") if "control tripped" in node.text]
        assert "Free Mg²⁺ is related to PCr SNR" in banner.text
        assert any(item.text.startswith("free Mg²⁺ against age: β") for item in banner.find("li"))
    assert "control tripped" not in page_of(cohort_rows(120)).decode()


def test_a_model_that_is_not_estimable_says_why():
    cohort = cohort_rows(40)
    for row in cohort:
        row |= {"serum_mg_mmol_l": 0.85}
    rows = {row[0].split(" origin")[0]: row for row in table(parse(page_of(cohort)), "Results of the models")}
    assert rows["serum Mg against age"][2].startswith("not estimable : ")
    assert "constant" in rows["serum Mg against age"][2] or "same" in rows["serum Mg against age"][2]
    assert "−" in rows["free Mg²⁺ against age"][2]


def test_table_one_has_a_column_per_age_group_and_the_counts_of_the_tables(page):
    part = page.find("table", **{"class": "numbers table-one"})[0]
    bodies = part.find("tbody")
    assert [body.find("th")[0].text for body in bodies] == ["Women", "Men", "All"]
    sizes = [[int(cell.text.rpartition("n = ")[2]) for cell in body.find("tr")[0].find("th")[1:]] for body in bodies]
    women, men, everyone = sizes
    assert everyone[-1] == 434
    assert [w + m for w, m in zip(women, men, strict=True)] == everyone
    assert sum(everyone[:-1]) == everyone[-1]


def test_table_one_has_the_same_decimals_throughout_a_row(page):
    part = page.find("table", **{"class": "numbers table-one"})[0]
    for row in part.find("tr"):
        numbers = [re.findall(r"\d+\.?(\d*)", cell.text.partition("(")[0]) for cell in row.find("td")]
        assert len({len(decimals) for cell in numbers for decimals in cell}) <= 1


def test_units_are_those_of_the_data_dictionaries_as_papers_print_them():
    units = {"knee_extension_strength_nm": "N.m", "girth": "cm"}
    labels = Labels.of(SETTINGS.cohort, units)
    assert labels.axis("knee_extension_strength_nm") == "Strength (N·m)"
    assert labels.axis("girth") == "Girth (cm)"
    assert labels.axis("age") == "Age (years)"
    assert labels.unit("mmol/L per unit of pcr_snr") == "mM per unit of PCr SNR"
    assert labels.unit("N.m per mmol/L") == "N·m per mM"
    assert labels.unit("mmol/L per us") == "mM per µs"


def model_row(name, **changes):
    empty = dict.fromkeys(STATISTICS_COLUMNS)
    row = {"model": name, "outcome": "mg_mmol_l", "predictor": "age", "role": "main", "stratum": "all", "n": 9}
    return empty | row | {"status": "estimated", "beta": -0.1, "ci95_low": -0.4, "ci95_high": 0.2} | changes


def test_models_of_the_same_variables_are_told_apart():
    """Strata of any column, subsets and models without a simple version; none is taken for another's adjusted one."""
    statistics = [
        model_row("site_A", stratum="A"),
        model_row("site_adjusted_A", stratum="A", covariates="sex"),
        model_row("old"),
        model_row("young", beta=None, ci95_low=None, ci95_high=None),
        model_row("group", predictor="pcr_snr", covariates="age, sex"),
    ]
    rows = cohort_rows(6)
    made = parse(dict(cohort_report(frames_of(tables_of(rows, statistics=statistics)), SETTINGS, TABLES, RUN))[INDEX])
    shown = [(row[0].partition("origin")[0].strip(), row[2]) for row in table(made, "Results of the models")]
    assert shown == [
        ("free Mg²⁺ against age, A", "−0.10 [−0.40 to 0.20]"),
        ("free Mg²⁺ against age, A, adjusted for sex", "−0.10 [−0.40 to 0.20]"),
        ("free Mg²⁺ against age (old)", "−0.10 [−0.40 to 0.20]"),
        ("free Mg²⁺ against age (young)", "–"),
        ("free Mg²⁺ against PCr SNR, adjusted for age, sex", "−0.10 [−0.40 to 0.20]"),
    ]
    indented = [row for row in made.find("tr") if "adjusted" in row.attributes.get("class", "")]
    assert len(indented) == 1


def test_two_scans_of_a_session_are_told_apart_by_their_run():
    rows = cohort_rows(2)
    for number, row in enumerate(rows, 1):
        row |= {"participant_id": "sub-001", "session_id": "ses-1", "scan": f"sub-001_ses-1_run-{number}_unloc"}
    shown = table(parse(dict(cohort_report(frames_of(tables_of(rows)), SETTINGS, TABLES, RUN))[INDEX]), "All scans")
    assert [row[1] for row in shown] == ["ses-1 run-1", "ses-1 run-2"]


def test_muscle_and_serum_are_compared_as_one_test(page):
    rows = table(page, "Muscle against serum Mg")
    assert [row[0] for row in rows] == ["age", "strength, women", "strength, men"]
    assert all("[" in row[4] for row in rows)


def test_every_table_names_its_file_and_the_command_that_traces_it(page):
    sources = classed(page, "span", "source")
    files = [node.find("a")[0].attributes["href"].removeprefix("../") for node in sources]
    tables = {"demographics", "statistics", "comparisons", "flow"}
    assert {f"{table}.tsv" for table in tables} | {"methods.md"} == set(files)
    commands = [node.find("code")[0].text for node in sources]
    assert commands == [f"myomag trace STUDY {file}" for file in files]


def test_repeats_and_visits_are_shown_and_what_fails_for_one_reason_is_one_row():
    numbers = dict.fromkeys([name for name in REPEATABILITY_COLUMNS if name.endswith(("low", "high", "limit"))], 0.01)
    base = dict.fromkeys(REPEATABILITY_COLUMNS) | numbers
    known = {"participants": 9, "scans": 18, "form": "ICC(A,1)", "icc": 0.94, "sem": 0.025, "bias": -0.017}
    base |= {"repeats": "within a session"}
    rows = [base | known | {"variable": "pmg", "status": "estimated"}]
    rows += [
        base | {"variable": name, "status": "not estimable", "reason": "no repeats"} for name in ("ph", "mg_mmol_l")
    ]
    visit = dict.fromkeys(LONGITUDINAL_COLUMNS) | {
        "variable": "pmg",
        "term": "years",
        "status": "estimated",
        "b": 0.002,
    }
    visit |= {"participants": 40, "sessions": 90, "b_ci95_low": 0.001, "b_ci95_high": 0.003, "p": 0.01}
    page = parse(page_of(cohort_rows(20), repeatability=rows, longitudinal=[visit]))
    assert_self_contained(page)
    shown = table(page, "Agreement")
    assert shown[0][2] == "0.94 [0.01 to 0.01]"
    assert [row[2] for row in shown[1:]] == ["not estimable : no repeats"]
    assert shown[1][0].startswith("pH, Free Mg²⁺ (mM)")
    (change,) = table(page, "Change over years")
    assert change[:3] == ["pMg: years", "40 (90)", "0.00200 [0.00100 to 0.00300]"]


def test_methods_are_written_as_headings_paragraphs_and_lists(page):
    section = page.find("section", id="methods")[0]
    assert section.find("strong")[0].text == "Methods"
    assert "Spectra were fitted." in [node.text for node in section.find("p")]
    assert [node.text for node in section.find("li")] == ["mg_age: mg_mmol_l on age."]


def test_every_scan_is_listed_with_its_numbers_and_its_page(page):
    rows = {row[0]: row[1:] for row in table(page, "All scans")}
    assert len(rows) == 441
    assert rows["sub-012"][4] == "undefined (P = 0.62)"
    assert rows["sub-006"][2:8] == ["–"] * 6
    assert rows["sub-015"][4] == "1.900 [0.900 to undefined]"
    overview = page.find("table", id="overview")[0]
    links = [row.find("th")[0].find("a")[0].attributes["href"] for row in overview.find("tbody")[0].find("tr")]
    scans = [row["scan"] for row in cohort_rows(441)]
    assert links == [f"{scan.partition('_')[0]}.html#{scan}" for scan in scans]


def test_each_number_of_a_scan_leads_to_its_origin(page):
    row = page.find("table", id="overview")[0].find("tbody")[0].find("tr")[0]
    scan = cohort_rows(441)[0]["scan"]
    origins = [node.attributes["href"] for node in row.find("a", **{"class": "from"})]
    columns = ("ph", "mg_mmol_l", "pcr_snr", "pcr_fwhm_hz", "begin_time_us")
    assert origins == [f"sub-001.html#{scan}.{column}" for column in columns]


def test_scatter_plots_show_each_participant_by_colour_and_shape(page):
    plots = {node.attributes["id"]: node for node in page.find("figure") if "id" in node.attributes}
    by_age = plots["figure-mg_age"].find("svg")[0]
    women, men = (len(by_age.find("g", **{"class": marker})[0].find("a")) for marker in ("circle", "triangle"))
    included = [row for row in cohort_rows(441) if row["status"] == "included"]
    assert women == sum(row["sex"] == "F" for row in included)
    assert women + men == len(included)
    assert len(by_age.find("path", **{"class": "regression all"})) == 1
    by_strength = plots["figure-strength_mg"].find("svg")[0]
    lines = [
        node.attributes["class"]
        for node in by_strength.find("path")
        if "regression" in (node.attributes.get("class") or "")
    ]
    assert lines == ["regression circle", "regression triangle"]


def test_distributions_carry_the_thresholds_of_the_settings(page):
    plots = page.find("svg", **{"class": "distribution"})
    labels = [[node.text for node in classed(plot, "text", "note")] for plot in plots]
    assert labels[:4] == [
        ["fail below 5", "warn below 15"],
        ["warn above 0.4", "fail above 0.8"],
        ["warn above 15"],
        ["warn above 0.25", "fail above 0.5"],
    ]
    assert labels[4:] == [[]] * 4


def test_every_scan_is_a_point_that_opens_it_and_none_leaves_the_frame(page):
    rows = cohort_rows(441)
    plot = page.find("svg", **{"class": "distribution"})[0]
    points = plot.find("a")
    known = [row for row in rows if row["pcr_snr"] is not None]
    assert len(points) == len(known)
    assert {node.attributes["href"] for node in points} == {
        f"{row['participant_id']}.html#{row['scan']}" for row in known
    }
    assert sum(node.attributes["class"] == "out" for node in points) == sum(r["status"] != "included" for r in known)
    assert [node.attributes["tabindex"] for node in points].count("0") == 1
    values = {row["participant_id"]: row["pcr_snr"] for row in known}
    order = [values[node.attributes["href"].partition(".")[0]] for node in points]
    assert order == sorted(order)
    circles = [node.find("circle")[0].attributes for node in points]
    places = [tuple(float(circle[key]) for key in ("cx", "cy", "r")) for circle in circles]
    assert len({place[:2] for place in places}) == len(places)
    assert all(22 <= x <= 458 and 42 <= y <= 152 - r + 0.01 for x, y, r in places)


def test_thousands_of_scans_are_bars_and_the_remarkable_points_among_them():
    rows = cohort_rows(1600)
    plot = parse(page_of(rows)).find("svg", **{"class": "distribution"})[0]
    assert len(plot.find("path", **{"class": "bar"})) == 1
    outside = [row for row in rows if row["status"] != "included" and row["pcr_snr"] is not None]
    assert len(plot.find("a")) == len(outside)


def test_calibrations_settings_and_software_are_named(page):
    rows = {row[0]: row[1:] for row in table(page, "Calibrations")}
    assert rows["Free Mg²⁺"][0] == "iotti1996"
    assert "pk = 4.24" in rows["Free Mg²⁺"][1]
    assert rows["pH"][2] == "unverified"
    settings = dict(table(page, "Resolved settings"))
    assert settings["qc.min_snr"] == "5"
    assert settings["magnesium.mg_calibration"] == "iotti1996"
    assert dict(table(page, "What the results depend on"))["software.numpy"] == "2.4.6"


def test_a_study_of_one_scan_has_no_empty_chart():
    page = parse(page_of(cohort_rows(1)))
    assert_self_contained(page)
    assert [node.attributes["id"] for node in page.find("figure")] == []
    cards = [node.text for node in page.find("dd", **{"class": "value"})]
    assert "[" in cards[0]
    assert len(cards) == 4
    assert "1 scan of 1 participant: 1 included, 0 excluded, 0 failed." in page.text


def test_a_study_without_a_usable_scan_says_so():
    cohort = cohort_rows(5)
    for row in cohort:
        row |= {"status": "failed", "reason": "file ends early"}
    for rows in (cohort, []):
        page = parse(page_of(rows))
        assert_self_contained(page)
        assert "No scan entered the statistics" in page.text
        assert not page.find("svg", **{"class": "scatter"})


def test_values_missing_from_the_tables_leave_their_figures_out():
    cohort = cohort_rows(20)
    for row in cohort:
        row |= {"age": None}
    names = {path for path in report_of(cohort) if path.endswith(".svg")}
    assert not {"report/figures/mg_age.svg", "report/figures/age_trend.svg"} & names
    assert "report/figures/strength_mg.svg" in names


def test_a_top_coded_age_and_an_unknown_sex_are_drawn():
    cohort = cohort_rows(12)
    cohort[0] |= {"age": "89+"}
    cohort[1] |= {"sex": None}
    plots = {node.attributes["id"]: node for node in parse(page_of(cohort)).find("figure") if "id" in node.attributes}
    assert len(plots["figure-mg_age"].find("a", tabindex="-1")) == 12
    assert len(plots["figure-mg_age"].find("g", **{"class": "diamond"})[0].find("a")) == 1


def test_the_bytes_depend_on_nothing_but_the_content():
    assert report_of(cohort_rows(60)) == report_of(cohort_rows(60))


def test_markup_in_a_study_stays_text():
    cohort = cohort_rows(50)
    for row in cohort[:12]:
        row |= dict.fromkeys(("participant_id", "session_id", "verdict", "reason", "sex", "mg_calibration"), HOSTILE)
        row |= {"status": "excluded" if row is cohort[0] else "included"}
    tables = tables_of(cohort)
    for name in ("statistics", "comparisons", "demographics", "flow", "sensitivity", "exclusions"):
        tables[name] = [
            row | {key: HOSTILE for key, value in row.items() if isinstance(value, str)} for row in tables[name]
        ]
    tables["flow"][0]["stage"] = "entered"
    tables["protocols"] = [{HOSTILE: HOSTILE}]
    cohort_settings = SETTINGS.cohort.model_copy(update={"age_column": HOSTILE})
    settings = SETTINGS.model_copy(update={"cohort": cohort_settings, "report": ReportSettings(title=HOSTILE)})
    provenance = [dict.fromkeys(("step", "file", "sha256", "settings_digest", "source_digest"), HOSTILE)]
    run = {HOSTILE: {HOSTILE: HOSTILE}}
    content = dict(cohort_report(frames_of(tables), settings, provenance, run, HOSTILE))[INDEX]
    page = parse(content)
    assert_self_contained(page)
    assert len(page.find("script")) == 1
    assert "hacked" not in page.find("script")[0].text


def test_of_many_scans_the_table_lists_those_to_look_at(monkeypatch):
    monkeypatch.setattr("myomag.report.overview.MOST_LISTED", 20)
    cohort = cohort_rows(30)
    shown = table(parse(page_of(cohort)), "Scans left out or with a warning")
    remarkable = [row["scan"] for row in cohort if row["status"] != "included" or row["verdict"] != "pass"]
    assert 0 < len(shown) == len(remarkable) < 20


def test_of_many_scans_left_out_the_first_are_listed(monkeypatch):
    monkeypatch.setattr("myomag.report.cohort.MOST_LISTED", 4)
    cohort = [row | {"status": "excluded", "reason": "moved"} for row in cohort_rows(30)]
    tables = tables_of(cohort_rows(30)) | {"cohort": cohort, "exclusions": [row | {"step": "qc"} for row in cohort]}
    page = parse(dict(cohort_report(frames_of(tables), SETTINGS, TABLES, RUN))[INDEX])
    shown = table(page, "Failed and excluded scans, the first 4 of 30; exclusions.tsv has all")
    assert [row[0] for row in shown] == [row["scan"] for row in cohort[:4]]


def test_agreement_of_raters_stands_on_the_page_only_where_there_are_ratings(content: bytes) -> None:
    assert b'id="raters"' not in content
    rated = {"AB": {"a": Rating(True), "b": Rating(False, "fat")}, "CD": {"a": Rating(True), "b": Rating(True)}}
    told = page_of(cohort_rows(3), raters=rater_rows(rated, ["a", "b"])).decode()
    assert "AB 2 scans, 1 rejected; CD 2 scans, 0 rejected." in told
    assert "Cohen&#39;s kappa of AB and CD: 0.00" in told


def test_dates_of_scans_do_not_reach_the_page():
    cohort = [row | {"acq_time": f"2020-03-{n + 1:02d}T10:00:00"} for n, row in enumerate(cohort_rows(12))]
    variables = [{"column": "acq_time", "type": "text", "levels": "2020-03-01T10:00:00 (1), …"}]
    made = report_of(cohort, variables=variables)
    assert not [path for path, content in made.items() if b"2020-03" in content]
    assert b"in the order of acquisition" in made[INDEX]

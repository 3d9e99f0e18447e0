"""The report pages in a real browser: nothing is loaded, nothing fails, and what can be pressed works."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from chromium import Page

from myomag.report.cohort import INDEX, cohort_report
from myomag.report.participant import participant_page
from myomag.settings.report import ReportSettings
from report_samples import (
    RUN,
    SETTINGS,
    TABLES,
    cohort_rows,
    complete_view,
    failed_view,
    frames_of,
    tables_of,
    undefined_view,
    unfitted_view,
)

HOSTILE = '"><script>window.hacked = 1</script><img src=x onerror="window.hacked = 1">'
FIGURE = "document.querySelector('figure.spectrum')"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    views = [complete_view(), undefined_view(), failed_view(), unfitted_view()]
    hostile = replace(complete_view(), scan=HOSTILE, status="excluded", reason=HOSTILE)
    cohort = cohort_rows(60)
    cohort[2] |= {"reason": HOSTILE}
    (folder / "sub-001.html").write_bytes(participant_page("sub-001", views, SETTINGS))
    (folder / "hostile.html").write_bytes(participant_page(HOSTILE, [hostile], SETTINGS))
    settings = SETTINGS.model_copy(update={"report": ReportSettings(title=HOSTILE)})
    content = dict(cohort_report(frames_of(tables_of(cohort)), settings, TABLES, RUN))
    (folder / "index.html").write_bytes(content.pop(INDEX))
    for path, data in content.items():
        place = folder / path.removeprefix("report/")
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(data)
    return folder


def ticks(browser: Page) -> list[float]:
    labels = browser.evaluate(f"[...{FIGURE}.querySelectorAll('g.ticks.x text')].map((mark) => mark.textContent)")
    return [float(label.replace("\N{MINUS SIGN}", "-")) for label in labels]


def shown_participants(browser: Page) -> list[str]:
    rows = "[...document.querySelectorAll('#overview tbody tr')]"
    names: list[str] = browser.evaluate(f"{rows}.filter((row) => !row.hidden).map((row) => row.cells[0].textContent)")
    return names


@pytest.mark.parametrize("name", ["index.html", "sub-001.html", "hostile.html"])
def test_a_page_loads_only_itself_and_without_complaint(browser, pages, name):
    browser.open(pages / name)
    assert browser.evaluate("document.styleSheets.length") == 1
    assert browser.evaluate("typeof window.hacked") == "undefined"
    assert browser.problems == []
    assert browser.requests == [(pages / name).resolve().as_uri()]


@pytest.mark.parametrize("name", ["index.html", "sub-001.html"])
@pytest.mark.parametrize("width", [400, 1200])
def test_a_page_fits_its_window(browser, pages, name, width):
    browser.open(pages / name, width=width)
    assert browser.evaluate("document.documentElement.scrollWidth") <= width


def test_a_line_is_hidden_and_shown_by_its_box(browser, pages):
    browser.open(pages / "sub-001.html")
    visible = (
        f"[...{FIGURE}.querySelectorAll('[data-part=\"component-1\"]')].map((part) => getComputedStyle(part).display)"
    )
    assert browser.evaluate(visible) == ["inline", "inline"]
    browser.evaluate(f"{FIGURE}.querySelector('input[value=component-1]').click()")
    assert browser.evaluate(visible) == ["none", "none"]
    browser.evaluate(f"{FIGURE}.querySelector('input[value=component-1]').click()")
    assert browser.evaluate(visible) == ["inline", "inline"]


def test_dragging_zooms_and_a_key_shows_the_whole_range_again(browser, pages):
    browser.open(pages / "sub-001.html")
    whole = ticks(browser)
    browser.evaluate(f"{FIGURE}.scrollIntoView()")
    box = browser.evaluate(f"{FIGURE}.querySelector('svg').getBoundingClientRect().toJSON()")
    left, right = (box["x"] + box["width"] * share for share in (0.2, 0.4))
    browser.drag(left, right, box["y"] + 60)
    zoomed = ticks(browser)
    # The plot spans 10 … −20 ppm over nearly the whole drawing: a fifth to two fifths is about 4 … −2 ppm.
    assert zoomed == sorted(zoomed, reverse=True)
    assert max(zoomed) == pytest.approx(4.0, abs=0.5)
    assert min(zoomed) == pytest.approx(-2.0, abs=0.5)
    beta_outside = f"{FIGURE}.querySelector('g.peak[data-ppm=\"-15.9030\"]').classList.contains('outside')"
    assert browser.evaluate(beta_outside) is True
    browser.evaluate(f"{FIGURE}.querySelector('.stage').focus()")
    browser.key("Escape")
    assert ticks(browser) == whole
    assert browser.evaluate(beta_outside) is False
    assert browser.problems == []


def test_the_pointer_and_the_arrow_keys_read_the_shift(browser, pages):
    browser.open(pages / "sub-001.html")
    browser.evaluate(f"{FIGURE}.scrollIntoView()")
    label = f"{FIGURE}.querySelector('.peak[data-ppm=\"4.8620\"] text')"
    box = browser.evaluate(f"{label}.getBoundingClientRect().toJSON()")
    x, y = box["x"] + box["width"] / 2, box["y"]
    browser.mouse("mouseMoved", x, y)
    readout = f"{FIGURE}.querySelector('.readout').textContent"
    ppm = float(browser.evaluate(readout).split()[0])
    # One pixel of the screen is 30 ppm / 1116 px = 0.027 ppm.
    assert ppm == pytest.approx(4.862, abs=0.03)
    browser.evaluate(f"{FIGURE}.querySelector('.stage').focus()")
    browser.key("ArrowRight")
    assert float(browser.evaluate(readout).split()[0]) < ppm


def test_the_keyboard_zooms_about_the_read_out(browser, pages):
    browser.open(pages / "sub-001.html")
    whole = ticks(browser)
    browser.evaluate(f"{FIGURE}.querySelector('.stage').focus()")
    for _ in range(40):
        browser.key("ArrowRight")
    readout = f"{FIGURE}.querySelector('.readout').textContent"
    there = browser.evaluate(readout)
    for _ in range(2):
        browser.key("z")
    assert browser.evaluate(readout) == there
    ppm = float(there.split()[0].replace("\N{MINUS SIGN}", "-"))
    zoomed = ticks(browser)
    # A quarter of 30 ppm, with the read-out in view.
    assert 5 < max(zoomed) - min(zoomed) <= 7.5
    assert min(zoomed) - 1 < ppm < max(zoomed) + 1
    browser.key("Escape")
    assert ticks(browser) == whole
    assert browser.problems == []


def test_the_vertical_scale_magnifies_about_the_baseline(browser, pages):
    browser.open(pages / "sub-001.html")
    browser.evaluate(
        f"{FIGURE}.querySelector('.gain').value = 4; {FIGURE}.querySelector('.gain').dispatchEvent(new Event('input'))"
    )
    group = f"{FIGURE}.querySelector('g.curves')"
    transform, base = browser.evaluate(f"[{group}.getAttribute('transform'), {group}.dataset.base]")
    values = [float(value) for value in transform.removeprefix("matrix(").removesuffix(")").split()]
    assert values[:4] == [1, 0, 0, 4]
    assert 4 * float(base) + values[5] == pytest.approx(float(base))


def test_the_overview_sorts_with_missing_values_last(browser, pages):
    browser.open(pages / "index.html")
    rows = sorted(cohort_rows(60), key=lambda row: row["participant_id"])
    known = sorted((row for row in rows if row["mg_mmol_l"] is not None), key=lambda row: row["mg_mmol_l"])
    missing = [row["participant_id"] for row in rows if row["mg_mmol_l"] is None]
    rising = [row["participant_id"] for row in known]
    press = "document.querySelectorAll('#overview thead button')[5].click()"
    browser.evaluate(press)
    assert shown_participants(browser) == rising + missing
    browser.evaluate(press)
    assert shown_participants(browser) == rising[::-1] + missing
    assert (
        browser.evaluate("document.querySelector('#overview th[aria-sort]').getAttribute('aria-sort')") == "descending"
    )


def test_the_overview_filters_by_text_and_status(browser, pages):
    browser.open(pages / "index.html")
    for field, value in (("status", "excluded"), ("find", "snr")):
        browser.evaluate(
            f"(() => {{const field = document.getElementById('{field}'); field.value = '{value}';"
            "field.dispatchEvent(new Event('input'));})()"
        )
    assert shown_participants(browser) == ["sub-009", "sub-022", "sub-034"]
    assert browser.evaluate("document.getElementById('shown').textContent") == "3 of 60 scans"


def test_a_point_opens_its_scan_and_arrow_keys_go_from_point_to_point(browser, pages):
    browser.open(pages / "index.html")
    first = "document.querySelector('figure.points')"
    browser.evaluate(f"{first}.querySelector('a[tabindex=\"0\"]').focus()")
    told = f"{first}.querySelector('output').textContent"
    values = []
    for _ in range(3):
        values.append(float(browser.evaluate(told).split()[2].rstrip(".")))
        browser.key("ArrowRight")
    assert values == sorted(values)
    assert len(set(values)) > 1
    # The same scan is marked in the other plots that know it.
    assert browser.evaluate("new Set([...document.querySelectorAll('a.same')].map((a) => a.dataset.i)).size") == 1
    assert browser.evaluate("document.querySelectorAll('a.same').length") > 4
    browser.evaluate(f"{first}.querySelector('a[href^=\"sub-001.html\"]').focus()")
    browser.key("Enter")
    browser.wait_for("location.pathname.endsWith('sub-001.html')")
    assert browser.evaluate("document.querySelector(':target').tagName") == "SECTION"


def test_a_number_leads_to_its_origin_and_the_command_is_copied(browser, pages):
    browser.open(pages / "index.html")
    browser.evaluate("document.querySelector('#overview a.from[href*=mg_mmol_l]').click()")
    browser.wait_for("location.hash.endsWith('mg_mmol_l')")
    row = "document.querySelector('tr:target')"
    assert browser.evaluate(f"{row}.closest('details').open") is True
    command = browser.evaluate(f"{row}.querySelector('code.command').textContent")
    assert command == "myomag trace STUDY sub-001/ses-1:mg_mmol_l"
    browser.evaluate("navigator.clipboard.writeText = (text) => { window.copied = text; return Promise.resolve(); }")
    browser.evaluate(f"{row}.querySelector('button.copy').click()")
    assert browser.evaluate("window.copied") == command


def test_a_large_table_is_turned_page_by_page(browser, tmp_path):
    content = dict(cohort_report(frames_of(tables_of(cohort_rows(1203))), SETTINGS, TABLES, RUN))[INDEX]
    (tmp_path / "index.html").write_bytes(content)
    browser.open(tmp_path / "index.html")
    seen = shown_participants(browser)
    for _ in range(2):
        browser.evaluate("document.querySelectorAll('#pager button')[1].click()")
        seen += shown_participants(browser)
    assert seen == [row["participant_id"] for row in cohort_rows(1203)]
    assert browser.evaluate("document.querySelectorAll('#pager button')[1].disabled") is True
    browser.evaluate("document.querySelectorAll('#overview thead button')[6].click()")
    snr = browser.evaluate("[...document.querySelectorAll('#overview tbody tr')].map((r) => r.cells[6].dataset.sort)")
    assert len(snr) == 500
    assert [float(value) for value in snr] == sorted(float(value) for value in snr)


@pytest.mark.parametrize("name", ["index.html", "sub-001.html"])
def test_a_page_prints_with_its_text_and_without_its_buttons(browser, pages, name):
    browser.open(pages / name)
    document = browser.pdf()
    assert document.startswith(b"%PDF-")
    # Pages and fonts are plain objects of the file; a font with text has a map to the letters.
    assert 3 <= len(re.findall(rb"/Type\s*/Page\b", document)) <= 60
    assert b"/ToUnicode" in document
    browser.call("Emulation.setEmulatedMedia", media="print")
    try:
        assert browser.evaluate("document.body.innerText.includes('Free Mg²⁺')") is True
        visible = "[...document.querySelectorAll('button')].filter((each) => each.offsetParent !== null).length"
        assert browser.evaluate(visible) == 0
        # The headings that sort are text on paper, as a button is painted on the first page of a table alone.
        headings = browser.evaluate("document.querySelector('#overview thead')?.innerText ?? 'PCr SNR'")
        assert "PCr SNR" in " ".join(headings.split())
    finally:
        browser.call("Emulation.setEmulatedMedia", media="")


def test_a_figure_stands_alone(browser, pages):
    files = sorted((pages / "figures").glob("*.svg"))
    assert {path.stem for path in files} >= {
        "forest",
        "mg_age",
        "age_trend",
        "specification_curve",
        "participants_flow",
    }
    for path in files:
        browser.open(path)
        assert browser.problems == []
        assert browser.requests == [path.resolve().as_uri()]
        assert browser.evaluate("document.documentElement.getBoundingClientRect().width") > 400
        outside = (
            "[...document.querySelectorAll('text')].filter((text) => {const box = text.getBoundingClientRect();"
            "const all = document.documentElement.getBoundingClientRect();"
            "return box.left < -1 || box.right > all.right + 1 || box.bottom > all.bottom + 1;})"
            ".map((text) => text.textContent)"
        )
        assert browser.evaluate(outside) == [], path.name

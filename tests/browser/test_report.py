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
    group_spectra,
    tables_of,
    undefined_view,
    unfitted_view,
)

HOSTILE = '"><script>window.hacked = 1</script><img src=x onerror="window.hacked = 1">'


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
    frames, spectra = frames_of(tables_of(cohort)), group_spectra(cohort)
    content = dict(cohort_report(frames, settings, TABLES, RUN, spectra=spectra))
    (folder / "index.html").write_bytes(content.pop(INDEX))
    for path, data in content.items():
        place = folder / path.removeprefix("report/")
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(data)
    return folder


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
    # The letters of the spectrum keep their size: 13 px make a line of about 15 px.
    ticks = "[...document.querySelectorAll('svg.spectrum .tick')].map((each) => each.getBoundingClientRect().height)"
    assert all(height > 12 for height in browser.evaluate(ticks))


@pytest.mark.parametrize(("name", "scheme", "width"), [("index.html", "light", 1200), ("hostile.html", "dark", 390)])
def test_axe_finds_nothing_to_mend(browser, pages, name, scheme, width):
    axe = pytest.importorskip("axe_core_python.base", reason="axe-core-python is not installed").AXE_SCRIPT
    run = "axe.run(%s).then((all) => all.violations.map((each) => [each.id, each.nodes.map((node) => node.html)]))"
    other = {"light": "dark", "dark": "light"}[scheme]
    try:
        browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        browser.open(pages / name, width=width)
        browser.evaluate(f"{axe}; 0")
        # A few rows and points show every kind there is, in a third of the time.
        few = "#overview tbody tr:nth-child(n+8), svg a:nth-of-type(n+4)"
        browser.evaluate(f"document.querySelectorAll('{few}').forEach((each) => each.remove())")
        # What is folded is looked at, too.
        browser.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
        assert browser.evaluate(run % "") == []
        browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": other}])
        assert browser.evaluate(run % "{runOnly: ['color-contrast']}") == [], other
    finally:
        browser.call("Emulation.setEmulatedMedia", features=[])


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
    sheets = len(re.findall(rb"/Type\s*/Page\b", document))
    # One page for the list of the four scans, and one for each.
    assert sheets == 5 if name == "sub-001.html" else 3 <= sheets <= 60
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


def test_the_search_is_two_tabs_away_and_leads_to_the_scan(browser, pages):
    browser.open(pages / "index.html", height=900)
    for _ in range(2):
        browser.key("Tab")
    assert browser.evaluate("document.activeElement.id") == "find"
    browser.type("sub-017")
    assert browser.evaluate("document.getElementById('found').textContent") == "1 of 60 scans: press Enter"
    browser.key("Enter")
    assert browser.evaluate("document.activeElement.textContent") == "sub-017"
    box = "document.activeElement.getBoundingClientRect()"
    bar = "document.querySelector('.bar').getBoundingClientRect().bottom"
    assert browser.evaluate(f"{box}.top > {bar} && {box}.bottom < innerHeight") is True


def test_the_answers_and_their_picture_are_within_two_screens(browser, pages):
    browser.open(pages / "index.html", width=1440, height=900)
    bottom = "document.querySelector('{}').getBoundingClientRect().bottom"
    assert browser.evaluate(bottom.format(".answers p")) < 900
    assert browser.evaluate(bottom.format(".answers figure svg")) < 1800
    # The list of sections stays in view.
    browser.evaluate("scrollTo(0, 5000)")
    assert browser.evaluate("document.querySelector('.bar').getBoundingClientRect().top") == 0


def test_on_a_narrow_screen_the_contents_are_folded_and_estimates_need_no_scrolling(browser, pages):
    browser.open(pages / "index.html", width=390)
    assert browser.evaluate("document.querySelector('.toc').open") is False
    for _ in range(3):
        browser.key("Tab")
    browser.key("Enter")
    assert browser.evaluate("document.querySelector('.toc').open") is True
    browser.evaluate("document.querySelector('.toc a[href=\"#models\"]').click()")
    assert browser.evaluate("document.querySelector('.toc').open") is False
    browser.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    right = (
        "Math.max(...[...document.querySelectorAll('.reflow td')].map((cell) => cell.getBoundingClientRect().right))"
    )
    assert browser.evaluate(right) <= 390


def test_a_link_into_a_folded_part_opens_it_and_on_paper_all_are_open(browser, pages):
    browser.open(pages / "index.html")
    browser.evaluate("document.querySelector('.answers a[href^=\"#model.\"]').click()")
    browser.wait_for("document.querySelector('tr:target').checkVisibility({contentVisibilityAuto: true})")
    closed = "document.querySelectorAll('main details:not([open])').length"
    before = browser.evaluate(closed)
    browser.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert browser.evaluate(closed) == 0
    browser.evaluate("dispatchEvent(new Event('afterprint'))")
    assert browser.evaluate(closed) == before > 0

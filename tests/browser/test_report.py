"""The report pages in a real browser: nothing is loaded, nothing fails, and what can be pressed works."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from chromium import Page

from myomag.core.lineshapes import voigt_fwhm_hz
from myomag.report.cohort import INDEX, cohort_report
from myomag.report.curves import displayed_curves
from myomag.report.participant import participant_page
from myomag.settings.report import ReportSettings
from record_samples import DWELL_S, MHZ, PHASE_DEG, POINTS, model_fid
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
SPECTRUM = f"new Spectrum({FIGURE})"


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
    # The letters of the spectrum keep their size: 13 px make a line of about 15 px.
    ticks = "[...document.querySelectorAll('svg.spectrum .tick')].map((each) => each.getBoundingClientRect().height)"
    assert all(height > 12 for height in browser.evaluate(ticks))


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


def test_the_vertical_scale_magnifies_about_the_baseline_and_the_residual_fills_its_panel(browser, pages):
    browser.open(pages / "sub-001.html")
    # Heights above the baseline of the highest data and of the largest residual in view.
    heights = (
        f"(() => {{const zero = Number({FIGURE}.querySelector('line.zero').getAttribute('y1'));"
        f"const box = (name) => {FIGURE}.querySelector(`path.${{name}}`).getBBox();"
        "return [zero - box('data').y, box('residual').height];})()"
    )
    high, residual = browser.evaluate(heights)
    browser.evaluate(
        f"{FIGURE}.querySelector('.gain').value = 4; {FIGURE}.querySelector('.gain').dispatchEvent(new Event('input'))"
    )
    assert browser.evaluate(heights) == pytest.approx([4 * high, residual], rel=1e-3)
    note = f"{FIGURE}.querySelector('.enlarged').textContent"
    enlarged = float(browser.evaluate(note).split()[-1])
    browser.evaluate(f"{SPECTRUM}.zoom(600, 640)")
    # Between the lines there is noise alone: it fills the panel all the same, at another scale.
    assert float(browser.evaluate(note).split()[-1]) != enlarged
    assert 48 <= browser.evaluate(heights)[1] <= 110
    assert browser.problems == []


def curves(browser: Page, **setting: float | str) -> dict[str, np.ndarray]:
    """Curves of the first spectrum with these values of its controls."""
    values = {"view": "phased", "broadening": 0, "zero-order": 0, "first-order": 0} | setting
    browser.evaluate(f"Object.entries({json.dumps(values)}).forEach(([k, v]) => {{{FIGURE}.querySelector('.' + k).value = v}})")
    drawn = browser.evaluate(
        f"(() => {{const c = {SPECTRUM}.curves; return {{x: [...c.x], data: [...c.data], fit: [...c.fit],"
        "residual: [...c.residual], lines: c.lines.map((line) => [...line])};})()"
    )
    return {name: np.array(values) for name, values in drawn.items()}


def test_the_page_draws_the_curves_of_the_pipeline_and_broadens_and_turns_them(browser, pages):
    browser.open(pages / "sub-001.html")
    view = complete_view()
    expected = displayed_curves(view.fid, DWELL_S, MHZ, view.fit, range_ppm=(-20.0, 10.0))
    shown = curves(browser)
    # float32 keeps 24 bits of each of 2048 samples.
    close = {"rtol": 0, "atol": 2048 * 2.0**-24 * 40}
    np.testing.assert_allclose(shown["x"], expected.ppm, rtol=0, atol=1e-9)
    np.testing.assert_allclose(shown["data"], expected.data, **close)
    np.testing.assert_allclose(shown["fit"], expected.fit, **close)
    np.testing.assert_allclose(shown["lines"], [part.values for part in expected.components], **close)
    np.testing.assert_allclose(curves(browser, **{"zero-order": 180})["data"], -shown["data"], **close)

    pcr = [part.name for part in expected.components].index("PCr")
    line = curves(browser, broadening=10)["lines"][pcr]
    above = shown["x"][line > line.max() / 2]
    # Broadening adds to the Lorentzian part; the grid has steps of 3000 Hz/8192 = .37 Hz at either side.
    assert (above[-1] - above[0]) * MHZ == pytest.approx(voigt_fwhm_hz(4.0 + 10.0, 7.0), abs=0.8)

    turned = curves(browser, **{"first-order": 1000})["lines"][pcr]
    np.testing.assert_allclose(turned[np.argmax(shown["lines"][pcr])], shown["lines"][pcr].max(), rtol=1e-3)
    real, imaginary = (curves(browser, view="raw", **{"zero-order": angle})["data"] for angle in (0, 90))
    np.testing.assert_allclose(curves(browser, view="magnitude")["data"], np.hypot(real, imaginary), **close)
    fid = curves(browser, view="fid")
    np.testing.assert_allclose(fid["data"], np.real(view.fid * np.exp(-1j * np.deg2rad(PHASE_DEG))), atol=1e-4)
    np.testing.assert_allclose(fid["x"], 1e3 * DWELL_S * np.arange(POINTS), atol=1e-9)


def test_the_signals_are_saved_as_csv_svg_and_nifti_mrs(browser, pages, tmp_path):
    browser.open(pages / "sub-001.html")
    view = complete_view()
    shown = curves(browser)
    rows = pd.read_csv(io.StringIO(browser.evaluate(f"viewCsv({SPECTRUM})")))
    names = [line.name for line in sorted(view.fit.lines, key=lambda line: -line.shift_ppm)]
    assert list(rows) == ["shift_ppm", "data", "fit", "residual", *names]
    np.testing.assert_allclose(rows["data"], shown["data"], rtol=1e-6)
    np.testing.assert_allclose(rows[names].sum(axis=1), rows["fit"], rtol=0, atol=1e-5 * rows["fit"].max())

    drawing = ElementTree.fromstring(browser.evaluate(f"viewSvg({SPECTRUM})"))  # noqa: S314 (of this page)
    fills = {part.get("fill") for part in drawing.iter("{http://www.w3.org/2000/svg}path")}
    assert len(fills) == len(names) + 1
    assert all(fill == "none" or fill.startswith("rgb") for fill in fills)

    (tmp_path / "fit.nii").write_bytes(bytes(browser.evaluate(f"[...niftiMrs({SPECTRUM})]")))
    image = nib.load(tmp_path / "fit.nii")
    assert image.shape == (1, 1, 1, POINTS, 3 + len(names))
    assert image.header["pixdim"][4] == pytest.approx(DWELL_S)
    fields = json.loads(image.header.extensions[0].get_content().rstrip(b"\0"))
    assert (fields["SpectrometerFrequency"], fields["ResonantNucleus"]) == ([MHZ], ["31P"])
    assert fields["dim_5_header"]["Signal"]["Value"] == ["data", "fit", "residual", *names]
    data, fit, residual, *lines = np.conj(np.asarray(image.dataobj)[0, 0, 0]).T
    np.testing.assert_array_equal(data, view.fid)
    np.testing.assert_allclose(fit, model_fid(view.fit), rtol=0, atol=1e-4)
    np.testing.assert_allclose(data - fit, residual, rtol=0, atol=1e-4)
    np.testing.assert_allclose(np.sum(lines, axis=0), fit, rtol=0, atol=1e-4)

    browser.evaluate("URL.createObjectURL = (blob) => { window.saved = blob; return '#'; }")
    browser.evaluate(f"{FIGURE}.querySelector('.save[value=csv]').click()")
    assert browser.evaluate("window.saved.text()").startswith("shift_ppm,data,fit,residual")
    assert browser.problems == []


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

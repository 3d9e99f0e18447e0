"""The interactive spectrum in a real browser: what can be pressed works, and its curves are those of the pipeline."""

import io
import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from chromium import Page

from myomag.io.scan_records import Fit, LineShapeRecord
from myomag.report.participant import participant_page
from myomag.steps.curves import Curves, displayed_curves, shape_envelope
from record_samples import DWELL_S, MHZ, PHASE_DEG, POINTS, fit_record, model_fid, simulated_fid
from report_samples import SETTINGS, complete_view

FIGURE = "document.querySelector('figure.spectrum')"
SPECTRUM = f"new Spectrum({FIGURE})"
SHAPE = LineShapeRecord(
    order=4,
    decay_time_s=0.05,
    end=4.0,
    coefficients=[0.1, -0.05, 0.02, 0.03, -0.01],
    pcr_fwhm_hz=9.0,
    pcr_asymmetry=0.1,
)
# Two whole samples are missing before the first, and the lines share a shape.
FIT = fit_record(begin_time_us=700.0, line_shape=SHAPE)
VIEW = replace(complete_view(), fit=FIT, fid=simulated_fid(FIT))
NAMES = [line.name for line in sorted(FIT.lines, key=lambda line: -line.shift_ppm)]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("spectrum") / "sub-001.html"
    path.write_bytes(participant_page("sub-001", [VIEW], SETTINGS))
    return path


def ticks(browser: Page) -> list[float]:
    labels = browser.evaluate(f"[...{FIGURE}.querySelectorAll('g.ticks.x text')].map((mark) => mark.textContent)")
    return [float(label.replace("\N{MINUS SIGN}", "-")) for label in labels]


def test_a_line_is_hidden_and_shown_by_its_box(browser, page):
    browser.open(page)
    visible = (
        f"[...{FIGURE}.querySelectorAll('[data-part=\"component-1\"]')].map((part) => getComputedStyle(part).display)"
    )
    assert browser.evaluate(visible) == ["inline", "inline"]
    browser.evaluate(f"{FIGURE}.querySelector('input[value=component-1]').click()")
    assert browser.evaluate(visible) == ["none", "none"]
    browser.evaluate(f"{FIGURE}.querySelector('input[value=component-1]').click()")
    assert browser.evaluate(visible) == ["inline", "inline"]


def test_dragging_zooms_and_a_key_shows_the_whole_range_again(browser, page):
    browser.open(page)
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


def test_the_pointer_and_the_arrow_keys_read_the_shift(browser, page):
    browser.open(page)
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


def test_the_keyboard_zooms_about_the_read_out(browser, page):
    browser.open(page)
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


def test_the_vertical_scale_magnifies_about_the_baseline_and_the_residual_fills_its_panel(browser, page):
    browser.open(page)
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
    """Curves of the spectrum with these values of its controls."""
    values = {"view": "phased", "broadening": 0, "zero-order": 0, "first-order": 0} | setting
    for name, value in values.items():
        browser.evaluate(f"{FIGURE}.querySelector('.{name}').value = {json.dumps(value)}")
    drawn = browser.evaluate(
        f"(() => {{const c = {SPECTRUM}.curves; return {{x: [...c.x], data: [...c.data], fit: [...c.fit],"
        "residual: [...c.residual], lines: c.lines.map((line) => [...line])};})()"
    )
    return {name: np.array(values) for name, values in drawn.items()}


def of_pipeline(fit: Fit) -> Curves:
    return displayed_curves(VIEW.fid, DWELL_S, MHZ, fit, range_ppm=(-20.0, 10.0))


def test_the_page_draws_the_curves_of_the_pipeline_and_broadens_and_turns_them(browser, page):
    browser.open(page)
    expected, shown = of_pipeline(FIT), curves(browser)
    # float32 keeps 24 bits of each of 2048 samples.
    close = {"rtol": 0, "atol": 2048 * 2.0**-24 * 40}
    np.testing.assert_allclose(shown["x"], expected.ppm, rtol=0, atol=1e-9)
    np.testing.assert_allclose(shown["data"], expected.data, **close)
    np.testing.assert_allclose(shown["fit"], expected.fit, **close)
    np.testing.assert_allclose(shown["residual"], expected.data - expected.fit, **close)
    np.testing.assert_allclose(shown["lines"], [part.values for part in expected.components], **close)

    # Broadening by 10 Hz makes each line one that is 10 Hz wider in its Lorentzian part.
    wider = [line.model_copy(update={"lorentzian_hz": line.lorentzian_hz + 10}) for line in FIT.lines]
    broadened = of_pipeline(FIT.model_copy(update={"lines": wider}))
    np.testing.assert_allclose(curves(browser, broadening=10)["fit"], broadened.fit, **close)
    np.testing.assert_allclose(curves(browser, **{"zero-order": 180})["data"], -shown["data"], **close)
    # A time of 1 ms turns a line at f by 2πf·1 ms, and leaves PCr alone.
    angle, quarter = 2e-3 * np.pi * shown["x"] * MHZ, curves(browser, **{"zero-order": 90})["data"]
    turned = curves(browser, **{"first-order": 1000})["data"]
    np.testing.assert_allclose(turned, shown["data"] * np.cos(angle) + quarter * np.sin(angle), **close)

    real, imaginary = (curves(browser, view="raw", **{"zero-order": angle})["data"] for angle in (0, 90))
    np.testing.assert_allclose(curves(browser, view="magnitude")["data"], np.hypot(real, imaginary), **close)
    fid = curves(browser, view="fid")
    np.testing.assert_allclose(fid["data"], np.real(VIEW.fid * np.exp(-1j * np.deg2rad(PHASE_DEG))), atol=1e-4)
    np.testing.assert_allclose(fid["x"], 1e3 * DWELL_S * np.arange(POINTS), atol=1e-9)
    assert browser.problems == []


def test_the_signals_are_saved_as_csv_svg_and_nifti_mrs(browser, page, tmp_path):
    browser.open(page)
    shown = curves(browser)
    rows = pd.read_csv(io.StringIO(browser.evaluate(f"viewCsv({SPECTRUM})")))
    assert list(rows) == ["shift_ppm", "data", "fit", "residual", *NAMES]
    np.testing.assert_allclose(rows["data"], shown["data"], rtol=1e-6)
    np.testing.assert_allclose(rows[NAMES].sum(axis=1), rows["fit"], rtol=0, atol=1e-5 * rows["fit"].max())

    drawing = ElementTree.fromstring(browser.evaluate(f"viewSvg({SPECTRUM})"))  # noqa: S314 (of this page)
    fills = {part.get("fill") for part in drawing.iter("{http://www.w3.org/2000/svg}path")}
    assert len(fills) == len(NAMES) + 1
    assert all(fill == "none" or fill.startswith("rgb") for fill in fills)

    (tmp_path / "fit.nii").write_bytes(bytes(browser.evaluate(f"[...niftiMrs({SPECTRUM})]")))
    image = nib.load(tmp_path / "fit.nii")
    assert image.shape == (1, 1, 1, POINTS, 3 + len(NAMES))
    assert image.header["pixdim"][4] == pytest.approx(DWELL_S)
    fields = json.loads(image.header.extensions[0].get_content().rstrip(b"\0"))
    assert (fields["SpectrometerFrequency"], fields["ResonantNucleus"]) == ([MHZ], ["31P"])
    assert fields["AcquisitionStartTime"] == pytest.approx(700e-6)
    assert fields["dim_5_header"]["Signal"]["Value"] == ["data", "fit", "residual", *NAMES]
    data, fit, residual, *lines = np.conj(np.asarray(image.dataobj)[0, 0, 0]).T
    np.testing.assert_array_equal(data, VIEW.fid)
    skipped = FIT.skipped_points
    envelope = shape_envelope(SHAPE, POINTS - skipped, DWELL_S)[np.maximum(np.arange(POINTS) - skipped, 0)]
    np.testing.assert_allclose(fit, model_fid(FIT) * envelope, rtol=0, atol=1e-4)
    np.testing.assert_allclose(data - fit, residual, rtol=0, atol=1e-4)
    np.testing.assert_allclose(np.sum(lines, axis=0), fit, rtol=0, atol=1e-4)

    browser.evaluate("URL.createObjectURL = (blob) => { window.saved = blob; return '#'; }")
    browser.evaluate(f"{FIGURE}.querySelector('.save[value=csv]').click()")
    assert browser.evaluate("window.saved.text()").startswith("shift_ppm,data,fit,residual")
    assert browser.problems == []

"""Ratings in a real browser: given on either page, kept, and saved as a table that the command imports."""

import json
import time
from pathlib import Path

import pytest
from chromium import Page

from myomag.report.cohort import INDEX, cohort_report
from myomag.report.participant import participant_page
from myomag.study.ratings import Rating, read_rating_table
from report_samples import RUN, SETTINGS, TABLES, cohort_rows, complete_view, frames_of, tables_of

SCAN = "sub-001_ses-1_acq-fid_nuc-31P_voi-thigh_run-1_unloc"
# Quotes, what a spreadsheet takes for a formula, line ends, an emoji, and what would end a cell or a script.
REASONS = {
    'motion: "a lot", it\'s # bad': None,
    '"quoted"': None,
    "=1+1": None,
    "\\ back\\slash \\n and \u0085 next \u2028 line \u2029 end\ttab\n": "\\ back\\slash \\n and next line end tab",
    "spätes Signal 🧲 ΔpH, \u200b and \x7f": "spätes Signal 🧲 ΔpH, \\u200b and",
    "true": None,
    "</textarea><script>window.hacked = 1</script>": None,
}
"""Reasons as they are given, and as they are read back; None: the same."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Report of twelve scans in a folder of its own, so that the browser knows no ratings of it."""
    content = dict(cohort_report(frames_of(tables_of(cohort_rows(12))), SETTINGS, TABLES, RUN))[INDEX]
    (tmp_path / "index.html").write_bytes(content)
    (tmp_path / "sub-001.html").write_bytes(participant_page("sub-001", [complete_view()], SETTINGS))
    return tmp_path


def press(browser: Page, scan: str, kind: str, reason: str) -> None:
    """Press a button of a scan, type a reason and press Enter."""
    place = f'[data-scan="{scan}"] .rater .{kind}'
    browser.evaluate(f"document.querySelector('{place}').click()")
    assert browser.evaluate("document.getElementById('rating-dialog').open") is True
    browser.type(reason)
    browser.key("Enter")
    assert browser.evaluate("document.getElementById('rating-dialog').open") is False


def saved(browser: Page, folder: Path, name: str = "AB") -> dict[str, Rating | None]:
    """Press the button that saves ratings, and read what was downloaded."""
    path = folder / f"{name}.tsv"
    path.unlink(missing_ok=True)
    browser.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
    browser.evaluate(f"document.getElementById('rater-name').value = {json.dumps(name)}")
    browser.evaluate("document.querySelector('#ratings form button:not([type])').click()")
    deadline = time.monotonic() + 20
    while not path.is_file() and time.monotonic() < deadline:
        time.sleep(0.02)
    return read_rating_table(path)


def words(rated: dict[str, Rating | None]) -> dict[str, str | None]:
    return {scan: rating and str(rating) for scan, rating in rated.items()}


@pytest.mark.parametrize("page", ["index.html", "sub-001.html"])
def test_a_rejection_is_saved_as_a_table_of_the_rater(browser, folder, page):
    browser.open(folder / page)
    assert browser.evaluate("document.getElementById('ratings').hidden") is True
    press(browser, SCAN, "reject", "moved: 'twice'")
    assert words(saved(browser, folder)) == {SCAN: "reject (moved: 'twice')"}
    assert "Saved as AB.tsv" in browser.evaluate("document.querySelector('#ratings output').textContent")
    # The name is kept, and must be one.
    browser.open(folder / page)
    assert browser.evaluate("document.getElementById('rater-name').value") == "AB"
    browser.evaluate("document.getElementById('rater-name').value = 'Ann B.'")
    assert browser.evaluate("document.querySelector('#ratings form').checkValidity()") is False
    assert browser.problems == []


def test_any_reason_survives_the_way_through_the_table(browser, folder):
    browser.open(folder / "index.html")
    for number, reason in enumerate(REASONS):
        # Typing into the field would drop line ends: the page writes one line all the same.
        browser.evaluate(f"ratings.rate('sub-{number}_unloc', 'rejected', {json.dumps(reason)})")
    expected = [read or given for given, read in REASONS.items()]
    assert [rating.reason for rating in saved(browser, folder).values()] == expected
    assert browser.evaluate("typeof window.hacked") == "undefined"


def test_ratings_last_and_are_shared_by_the_pages(browser, folder):
    browser.open(folder / "sub-001.html")
    press(browser, SCAN, "accept", "")
    browser.open(folder / "index.html")
    pressed = f"document.querySelector('tr[data-scan=\"{SCAN}\"] .accept').getAttribute('aria-pressed')"
    assert browser.evaluate(pressed) == "true"
    browser.evaluate("document.getElementById('rating').value = 'accepted'")
    browser.evaluate("document.getElementById('rating').dispatchEvent(new Event('input'))")
    assert browser.evaluate("document.querySelectorAll('#overview tbody tr').length") == 1
    clear = f"document.querySelector('tr[data-scan=\"{SCAN}\"] .clear').click()"
    browser.evaluate(clear)
    assert browser.evaluate("document.getElementById('ratings').hidden") is True
    # What was saved before it was cleared has to be withdrawn.
    browser.evaluate(f"ratings.rate('{SCAN}', 'accepted', '')")
    assert words(saved(browser, folder)) == {SCAN: "accept"}
    browser.evaluate(clear)
    assert saved(browser, folder) == {SCAN: None}


@pytest.mark.parametrize(("kind", "word"), [("reject", "Reject"), ("accept", "Accept")])
def test_the_buttons_of_the_dialog_say_what_they_do(browser, folder, kind, word):
    browser.open(folder / "index.html")
    browser.evaluate(f"document.querySelector('tr[data-scan=\"{SCAN}\"] .{kind}').click()")
    labels = "Array.from(document.querySelectorAll('#rating-dialog button'), (each) => each.textContent)"
    assert browser.evaluate(labels) == [word, "Cancel"]
    assert browser.evaluate("document.getElementById('rating-heading').textContent") == f"{word} this scan"
    assert browser.evaluate("document.activeElement.id") == "rating-reason"
    browser.type("a reason")
    browser.evaluate("document.querySelectorAll('#rating-dialog button')[1].click()")
    assert browser.evaluate("ratings.count()") == 0


def test_a_rejection_needs_a_reason_and_escape_leaves_all_as_it_was(browser, folder):
    browser.open(folder / "index.html")
    browser.evaluate(f"document.querySelector('tr[data-scan=\"{SCAN}\"] .reject').click()")
    for reason in ("", "   "):
        browser.type(reason)
        browser.key("Enter")
        assert browser.evaluate("document.getElementById('rating-dialog').open") is True
    browser.key("Escape")
    assert browser.evaluate("document.getElementById('rating-dialog').open") is False
    assert browser.evaluate("ratings.count()") == 0


def test_a_browser_that_keeps_nothing_says_so_and_saves_all_the_same(browser, folder):
    source = "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('denied'); }});"
    script = browser.call("Page.addScriptToEvaluateOnNewDocument", source=source)["identifier"]
    try:
        browser.open(folder / "index.html")
        press(browser, SCAN, "reject", "poor shim")
        assert words(saved(browser, folder)) == {SCAN: "reject (poor shim)"}
        assert browser.evaluate("document.querySelector('#ratings .fleeting').hidden") is False
        assert browser.problems == []
    finally:
        browser.call("Page.removeScriptToEvaluateOnNewDocument", identifier=script)

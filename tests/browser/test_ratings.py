"""Ratings in a real browser: given on either page, kept, and exported as settings that the pipeline takes."""

import json
from pathlib import Path

import pytest
from chromium import Page

from myomag.cohort.exclusions import decide
from myomag.ledger.results import ScanResult
from myomag.ledger.rows import Row
from myomag.report.cohort import INDEX, cohort_report
from myomag.report.participant import participant_page
from myomag.settings.load import load_settings
from report_samples import RUN, SETTINGS, TABLES, cohort_rows, complete_view, frames_of, tables_of

SCAN = "sub-001_ses-1_acq-fid_nuc-31P_voi-thigh_run-1_unloc"
# Quotes, YAML's own signs, line ends that YAML folds, an emoji, and what would end a comment or a scalar.
REASONS = (
    'motion: "a lot", it\'s # bad',
    "- {a: b}, &x *y !z % @ `",
    "\\ back\\slash \\n and \u0085 next \u2028 line \u2029 end\ttab",
    "spätes Signal 🧲 ΔpH, \u00a0 and \u200b and \x7f",
    "true",
    "</textarea><script>window.hacked = 1</script>",
)


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


def exported(browser: Page) -> str:
    text: str = browser.evaluate("document.getElementById('ratings-yaml').value")
    return text


@pytest.mark.parametrize("page", ["index.html", "sub-001.html"])
def test_a_rejection_becomes_settings_that_exclude_the_scan(browser, folder, page):
    browser.open(folder / page)
    assert browser.evaluate("document.getElementById('ratings').hidden") is True
    press(browser, SCAN, "reject", "moved: 'twice'")
    (folder / "myomag.yaml").write_text(exported(browser), encoding="utf-8")
    overrides = load_settings(folder / "myomag.yaml").overrides
    row = Row(SCAN, "sub-001", "ses-1")
    reject = {target: own.reject for target, own in overrides.items()}
    assert reject == {SCAN: "moved: 'twice'"}
    decision = decide(ScanResult(folder, {"raw": row}).outcome(reject), SETTINGS.cohort)
    assert (decision.status, decision.step, decision.reason) == ("excluded", "overrides", "moved: 'twice'")
    assert browser.problems == []


@pytest.mark.parametrize("reason", REASONS)
def test_any_reason_survives_the_way_through_yaml(browser, folder, reason):
    browser.open(folder / "index.html")
    # Typing into the field would drop line ends: the settings are written by the page all the same.
    browser.evaluate(f"ratings.rate('{SCAN}', 'rejected', {json.dumps(reason)})")
    browser.evaluate(f"ratings.rate('sub-002_unloc', 'accepted', {json.dumps(reason)})")
    (folder / "myomag.yaml").write_text(exported(browser), encoding="utf-8")
    assert load_settings(folder / "myomag.yaml").overrides[SCAN].reject == reason
    assert browser.evaluate("typeof window.hacked") == "undefined"


def test_ratings_last_and_are_shared_by_the_pages(browser, folder):
    browser.open(folder / "sub-001.html")
    press(browser, SCAN, "accept", "")
    browser.open(folder / "index.html")
    assert exported(browser).startswith(f'# accepted: "{SCAN}"')
    pressed = f"document.querySelector('tr[data-scan=\"{SCAN}\"] .accept').getAttribute('aria-pressed')"
    assert browser.evaluate(pressed) == "true"
    browser.evaluate("document.getElementById('rating').value = 'accepted'")
    browser.evaluate("document.getElementById('rating').dispatchEvent(new Event('input'))")
    assert browser.evaluate("document.querySelectorAll('#overview tbody tr').length") == 1
    browser.evaluate(f"document.querySelector('tr[data-scan=\"{SCAN}\"] .clear').click()")
    assert browser.evaluate("document.getElementById('ratings').hidden") is True


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


def test_a_browser_that_keeps_nothing_says_so_and_exports_all_the_same(browser, folder):
    source = "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('denied'); }});"
    script = browser.call("Page.addScriptToEvaluateOnNewDocument", source=source)["identifier"]
    try:
        browser.open(folder / "index.html")
        press(browser, SCAN, "reject", "poor shim")
        assert 'reject: "poor shim"' in exported(browser)
        assert browser.evaluate("document.querySelector('#ratings .fleeting').hidden") is False
        assert browser.problems == []
    finally:
        browser.call("Page.removeScriptToEvaluateOnNewDocument", identifier=script)

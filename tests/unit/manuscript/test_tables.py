"""Printed tables round as journals do, put naive and corrected side by side, and are the same bytes each time."""

import csv
import io
import zipfile

import docx
import numpy as np
import pandas as pd
import pytest

from myomag.cohort.demographics import build_demographics
from myomag.cohort.error_table import build_measurement_error
from myomag.cohort.repeatability import build_repeatability
from myomag.cohort.statistics import build_statistics, included
from myomag.io.tables import table_rows
from myomag.manuscript.blocks import Equation, Heading, Listing, Paragraph
from myomag.manuscript.material import Material
from myomag.manuscript.printed import PrintedTable, p_value, share, with_interval
from myomag.manuscript.tables import printed_tables
from myomag.manuscript.word import table_document, text_document
from myomag.settings.load import load_settings

SETTINGS = load_settings()


@pytest.fixture(scope="module")
def tables() -> dict[str, PrintedTable]:
    rng = np.random.default_rng(4)
    people, age = 60, rng.uniform(30, 90, 60)
    cohort = pd.DataFrame(
        {
            "participant_id": [f"sub-{k:03d}" for k in range(people)],
            "session_id": None,
            "scan": [f"sub-{k:03d}_unloc" for k in range(people)],
            "age": age,
            "sex": ["F", "M"] * 30,
            "pmg": 3.3 + 0.002 * age + rng.normal(0, 0.05, people),
            "pmg_sd": 0.02,
            "ph": rng.normal(7.02, 0.01, people),
            "ph_sd": 0.01,
            "knee_extension_strength_nm": rng.normal(120, 30, people),
            "serum_mg_mmol_l": rng.normal(0.85, 0.05, people),
            "pcr_fwhm_hz": rng.normal(9, 1, people),
            "status": "included",
        }
    )
    cohort["mg_mmol_l"] = 1000 * 10 ** -cohort["pmg"]
    sample = included(cohort, SETTINGS.cohort)
    builders = {
        "demographics": build_demographics,
        "statistics": build_statistics,
        "measurement_error": build_measurement_error,
        "repeatability": build_repeatability,
    }
    built = {name: table_rows(build(sample).assign(kind="thigh")) for name, build in builders.items()}
    material = Material({}, built, SETTINGS, list(cohort.columns), kinds=["thigh"])
    return {table.name: table for table in printed_tables(material)} | {"machine": built}


def test_p_values_and_shares_as_journals_print_them():
    assert [p_value(p) for p in (3e-5, 0.0331, 0.5, 0.9999, None)] == ["<.001", ".033", ".500", ">.999", "–"]
    assert [share(value) for value in (0.0812, -0.29, 0.998, 1.0, None)] == [".08", "−.29", "1.00", "1.00", "–"]
    row = {"b": -0.12345, "low": -0.3, "high": None}
    assert with_interval(row, "b", "low", "high", 3) == "−0.123 (−0.300 to unbounded)"


def test_results_are_rounded_by_their_standard_error_with_the_correction_beside(tables):
    machine = {(row["model"], row["predictor"]): row for row in tables["machine"]["statistics"]}
    table = tables["results"]
    row = dict(zip(table.columns, table.rows[0], strict=True))
    assert (row["Outcome"], row["Predictor"], row["Adjusted for"], row["n"]) == ("Free Mg²⁺", "age", "–", "60")
    naive = machine["mg_age", "age"]
    assert 0.0001 < naive["b_se"] < 0.001
    expected = [f"{naive[key]:.5f}" for key in ("b", "b_ci95_low", "b_ci95_high")]
    assert row["b (95 % CI)"] == "{} ({} to {})".format(*expected).replace("-", "−")
    # An error of the outcome leaves b and p as they are and shrinks β.
    assert row["b, corrected (95 % CI)"] == row["b (95 % CI)"] and row["p, corrected"] == row["p"] == p_value(
        naive["p"]
    )
    corrected, plain = (
        float(row[key].partition(" ")[0].replace("−", "-")) for key in ("β, corrected (95 % CI)", "β (95 % CI)")
    )
    assert corrected < plain < -0.3
    assert any("Units of b: " in note and "log₁₀(Mg) per" in note for note in table.notes)
    assert any("without day-to-day variation" in note for note in table.notes)


def test_every_model_has_its_row_and_what_failed_its_reason(tables):
    rows = tables["machine"]["statistics"]
    for name, role in (("results", "main"), ("controls", "control")):
        assert len(tables[name].rows) == sum(row["role"] == role for row in rows)
        assert all(len(row) == len(tables[name].columns) for row in tables[name].rows)
    assert not any("corrected" in column for column in tables["controls"].columns)
    assert any(note.startswith("Not estimated") and "pcr_snr" in note for note in tables["controls"].notes)
    assert tables["repeatability"].rows == ()
    assert sum(note.startswith("Not estimated") for note in tables["repeatability"].notes) == 2


def test_table_1_has_mean_sd_and_range_by_sex_and_age(tables):
    table = tables["table1"]
    assert table.columns == ("Age (years)", "Characteristic", "Women", "Men", "All")
    assert table.rows[0] == ("All ages", "Participants, n", "30", "30", "60")
    groups = list(dict.fromkeys(row[0] for row in table.rows))
    assert groups == ["All ages", "<40", "40 to <60", "60 to <80", "≥80"]
    assert " ± " in table.rows[1][2] and " to " in table.rows[1][2] and " to " not in table.rows[-1][2]


def test_scans_of_several_kinds_have_a_heading_each():
    rows = [
        {"stratum": "all", "age_group": "all", "participants": 1, "variable": "ph", "kind": kind}
        | {"n": 1, "mean": 7.0, "sd": None, "min": 7.0, "max": 7.0}
        for kind in ("calf", "thigh")
    ]
    material = Material({}, {"demographics": rows}, SETTINGS, kinds=["calf", "thigh"])
    table = printed_tables(material)[0]
    assert [row for row in table.rows if len(row) == 1] == [("Scans of the kind calf",), ("Scans of the kind thigh",)]
    (grid,) = docx.Document(io.BytesIO(table_document([table]))).tables
    assert grid.rows[1].cells[0].text == "Scans of the kind calf"


def test_reporting_table_brackets_what_is_missing():
    item = {"protocol": "aa", "section": "1. Hardware", "item": "a. Field strength", "value": "3 T", "status": "stated"}
    rows = [
        item,
        item | {"item": "e. Additional hardware", "value": "not stated in the headers", "status": "missing"},
        item | {"protocol": "bb"},
        item | {"protocol": "all", "section": "4. Data quality", "value": "no MRSI", "status": "not applicable"},
    ]
    table = printed_tables(Material({}, {"mrsinmrs": rows}, SETTINGS))[-1]
    assert table.rows == (
        ("1. Hardware, protocol aa",),
        ("a. Field strength", "3 T"),
        ("e. Additional hardware", "[not stated in the headers]"),
        ("1. Hardware, protocol bb",),
        ("a. Field strength", "3 T"),
        ("4. Data quality",),
        ("a. Field strength", "not applicable: no MRSI"),
    )


def test_csv_holds_what_the_table_shows_and_no_formula(tables):
    text = tables["results"].csv()
    assert text.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(text.decode("utf-8-sig"))))
    assert tuple(rows[0]) == tables["results"].columns and tuple(rows[1]) == tables["results"].rows[0]
    hostile = PrintedTable("x", "t", ("a", "b"), (("=cmd()", "line\nbreak\x00"),), ())
    assert list(csv.reader(io.StringIO(hostile.csv().decode("utf-8-sig"))))[1] == ["'=cmd()", "line break "]


def test_documents_hold_text_and_tables_and_no_time(tables, monkeypatch):
    blocks = [Heading("Methods", 1), Heading("Fit"), Paragraph("At\x00 3 T."), Equation("x = 1"), Listing(("a", "b"))]
    shown = [tables[name] for name in ("table1", "results")]
    first = text_document(blocks), table_document(shown)
    monkeypatch.setattr("time.time", lambda: 2e9)
    monkeypatch.setattr("time.localtime", lambda *_: (2033, 5, 18, 3, 33, 20, 2, 138, 0))
    assert (text_document(blocks), table_document(shown)) == first
    text, grids = (docx.Document(io.BytesIO(content)) for content in first)
    assert [each.text for each in text.paragraphs] == ["Methods", "Fit", "At  3 T.", "x = 1", "a", "b"]
    for grid, table in zip(grids.tables, shown, strict=True):
        assert tuple(cell.text for cell in grid.rows[0].cells) == table.columns
        assert tuple(cell.text for cell in grid.rows[-1].cells) == table.rows[-1]
    for content in first:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            # Nothing rests on the clock, or on the compressor of the machine.
            assert {each.date_time for each in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}
            assert {each.compress_type for each in parts.infolist()} == {zipfile.ZIP_STORED}
            assert b"1980-01-01" in parts.read("docProps/core.xml")
        assert len(content) < 300_000

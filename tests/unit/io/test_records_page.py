"""The page that documents the records."""

from myomag.io.records_page import records_page
from myomag.io.scan_records import RECORDS, FitLine, Magnesium


def rows_below(title: str) -> dict[str, list[str]]:
    """Cells of the table below a heading, by field."""
    section = records_page().split(f" {title}\n", 1)[1].split("\n#", 1)[0]
    lines = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    return {cells[0].strip("`"): cells[1:] for cells in lines}


def test_every_field_has_its_type_unit_and_meaning() -> None:
    assert list(rows_below("Magnesium")) == list(Magnesium.model_fields)
    assert rows_below("Magnesium")["mg_mmol_l"] == [
        "number or null",
        "mmol/l",
        "Free (ionised) intracellular Mg2+ concentration.",
    ]
    assert rows_below("Measures")["phases_deg"][:2] == ["list of numbers", "degrees"]
    assert list(rows_below("FitLine")) == list(FitLine.model_fields)
    assert rows_below("Fit")["lines"][0] == "list of [FitLine](#fitline)"


def test_every_record_names_the_step_and_the_file_that_hold_it() -> None:
    page = records_page()
    assert all(f"## {model.__name__}\n" in page for model in RECORDS)
    assert "Written by the step `verdict`: `<base>_desc-quality_mrs.json`." in page


def test_fields_of_the_measures_are_not_listed_again_with_the_verdict() -> None:
    assert not set(rows_below("Quality")) & set(rows_below("Measures"))

"""The tables of docs/science.md: the numbers of the calibrations and constants that the code uses."""

import re

import numpy as np
import pytest

from myomag.core.constants import EQUILIBRIA
from myomag.core.families import shift_calibration
from myomag.io.places import CONFIG_DIR, REPOSITORY
from myomag.settings.documents import shipped_document

PAGE = (REPOSITORY / "docs" / "science.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """Cells of the first table below a heading."""
    table = re.search(r"(?:^\|.*\n)+", PAGE.split(f"{heading}\n", 1)[1], re.MULTILINE)
    assert table
    return [[cell.strip() for cell in line.strip("|\n").split("|")] for line in table[0].splitlines()[2:]]


def number(text: str) -> float:
    """Number as the page writes it, such as 2.512 · 10⁻⁸."""
    plain = text.translate(str.maketrans("−⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "--0123456789"))
    return float(plain.replace(" · 10", "e").split()[0])


def test_ph_calibrations_of_the_page_are_those_shipped() -> None:
    found = {}
    for name, *coefficients, ph, _standing in rows("## pH"):
        found[name.split("`")[1]] = [number(cell) for cell in coefficients]
        calibration = shift_calibration(shipped_document("calibrations", name.split("`")[1]), "ph")
        assert calibration.formula.value(np.array(4.82)) == pytest.approx(number(ph), abs=5.1e-4)
    documents = [shipped_document("calibrations", file.stem) for file in (CONFIG_DIR / "calibrations").glob("*.yaml")]
    shipped = {each["name"]: list(each["coefficients"].values()) for each in documents if each["quantity"] == "ph"}
    assert found == shipped


def test_magnesium_of_the_page_is_that_of_the_default() -> None:
    formula = shift_calibration(shipped_document("calibrations", "iotti1996"), "mg").formula
    for shift, mg, change in rows("## Free magnesium"):
        here, beyond = (1000 * 10 ** -formula.value(np.array(number(shift) + step)) for step in (0, 0.0001))
        assert here == pytest.approx(number(mg), abs=5.1e-4)
        assert 100 * (beyond / here - 1) * 100 == pytest.approx(number(change), rel=0.03)


def test_equilibrium_constants_of_the_page_are_those_used() -> None:
    found = [(number(k), number(enthalpy)) for _, k, enthalpy in rows("### Equilibrium constants")]
    assert found == [(pytest.approx(each.k), each.enthalpy_kj_mol) for each in EQUILIBRIA.values()]

"""Runs with another code or another package on the same study: `myomag diff` says why and by how much they differ."""

import json
import re
from typing import Any

import pytest

from lab import Lab, with_package
from running import myomag

FACTOR = 1.001
CHANGED_PACKAGE = """\
import numpy

right = numpy.std
numpy.std = lambda *values, **options: 1.001 * right(*values, **options)
"""
"""Stands for a version of a package that computes SDs a little differently: first those of pH and pMg."""


def compared(a: Lab, b: Lab, *options: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What differs, and the cells of cohort.tsv among it."""
    done = myomag("diff", a.derivative, b.derivative, "--json", *options)
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (0 if found["same"] else 1)
    return found, [cell for cell in found["differences"] if cell["table"] == "cohort.tsv"]


def first_causes(found: dict[str, Any]) -> set[tuple[str, str]]:
    return {(causes[0]["kind"], causes[0]["step"]) for causes in found["changed"].values()}


def test_edited_module_is_named_with_its_step_and_the_size_of_the_difference(lab: Lab, original: Lab) -> None:
    """Every concentration comes out larger by a thousandth."""
    lab.edit("workflow/myomag/steps/magnesium.py", "else mg_mmol_l(value) for", f"else {FACTOR} * mg_mmol_l(value) for")
    lab.done()
    found, cells = compared(original, lab)
    assert len(found["changed"]) == 3, "the scans that could be read"
    assert first_causes(found) == {("code", "magnesium")}
    mg = [cell for cell in cells if cell["column"] == "mg_mmol_l"]
    assert len(mg) == 3
    for cell in mg:
        assert cell["relative"] == pytest.approx(1 - 1 / FACTOR, rel=1e-6)
        assert cell["difference"] == pytest.approx(float(cell["b"]) - float(cell["a"]))
    assert {cell["column"] for cell in cells} >= {"mg_ci95_low_mmol_l", "mg_ci95_high_mmol_l"}
    assert not {"ph", "pmg"} & {cell["column"] for cell in cells}
    assert {cell["cause"]["kind"] for cell in found["differences"]} == {"code"}
    assert compared(original, lab, "--tolerance", "0.002")[1] == []
    text = myomag("diff", original.derivative, lab.derivative).stdout
    assert "code, first at magnesium: source " in text
    assert "cohort.tsv mg_mmol_l: 3 differ" in text


def test_other_version_of_a_package_is_named_where_results_differ_first(lab: Lab, original: Lab) -> None:
    path = with_package(lab, "numpy")
    (lab.root / "installed" / "sitecustomize.py").write_text(CHANGED_PACKAGE, encoding="utf-8")
    outcome = lab.run(PYTHONPATH=path)
    assert outcome.returncode == 0, outcome.stderr
    found, cells = compared(original, lab)
    assert first_causes(found) == {("environment", "magnesium")}
    for causes in found["changed"].values():
        assert re.fullmatch(r"packages\.numpy \S+ → 999\.0", causes[0]["detail"])
    assert {cell["column"] for cell in cells} >= {"pmg_sd", "ph_sd"}
    assert compared(original, lab, "--tolerance", "0.01")[1] == []

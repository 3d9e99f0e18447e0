"""Scans of the simulated study: their lines stand where the calibrations say, and their defects are spread evenly."""

from dataclasses import replace

import numpy as np
import pytest

from myomag.core.families import shift_calibration
from myomag.settings.documents import shipped_document
from myomag.simulate.population import draw_population
from myomag.simulate.simulated_scan import DEFECTS, defect_of, simulated_scan

PH = shift_calibration(shipped_document("calibrations", "muscle_common"), "ph")
MG = shift_calibration(shipped_document("calibrations", "iotti1996"), "mg")


def scan(index=1, run=None):
    rng = np.random.default_rng(index)
    return simulated_scan(index, run, draw_population(rng, 1), (PH, MG), (40.0, 80.0), rng)


def test_lines_stand_where_the_calibrations_have_the_ph_and_the_magnesium():
    made = scan()
    shifts = {line.name: line.shift_ppm for line in made.truth.lines}
    assert PH.value(shifts["Pi"]) == pytest.approx(made.person.ph[0], abs=1e-9)
    assert MG.value(shifts["beta-ATP"]) == pytest.approx(made.person.pmg[0], abs=1e-9)
    assert 40 <= made.truth.pcr_snr <= 80


def test_one_in_twelve_is_broken_later_on_and_no_defect_is_favoured():
    later = [defect_of(index) for index in range(13, 13 + 60 * 12)]
    assert {defect: later.count(defect) for defect in DEFECTS} == dict.fromkeys(DEFECTS, 12)


def test_of_two_scans_the_first_alone_is_bad():
    low = next(index for index in range(1, 13) if defect_of(index) == "low_snr")
    first, second = scan(low, 1), scan(low, 2)
    assert (first.defect, second.defect) == ("low_snr", None)
    assert first.truth == replace(second.truth, pcr_snr=2.0)
    assert first.stem.replace("run-1", "run-2") == second.stem
    assert str(second.folder) == f"sub-{low:03d}/ses-1/mrs"

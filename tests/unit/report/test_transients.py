"""The transients of a scan before and after alignment."""

import re

import numpy as np

from html_page import Node, parse
from myomag.report.transients import STEPS, transient_maps
from record_samples import DWELL_S, fit_record, quality_record, simulated_transients

QUALITY = quality_record(pcr_offset_hz=40.0)


def panels(quality=QUALITY, transients=None) -> list[Node]:
    fids = simulated_transients(fit_record(), quality) if transients is None else transients
    return [parse(str(plot["figure"]).encode()).find("svg")[0] for plot in transient_maps(fids, DWELL_S, quality)]


def darkest(panel: Node) -> dict[float, float]:
    """Middle [px] of the darkest run of each row, by the height of the row."""
    deepest = min(panel.find("g", **{"class": "map"})[0].find("path"), key=lambda path: path.attributes["stroke"])
    runs = re.findall(r"M([\d.]+) ([\d.]+)h(-?[\d.]+)", deepest.attributes["d"])
    return {float(y): float(x) + float(width) / 2 for x, y, width in runs}


def test_alignment_brings_the_transients_into_one_column():
    before, after = panels()
    middle = [darkest(panel) for panel in (before, after)]
    rows = sorted(set(middle[0]) & set(middle[1]))
    assert len(rows) > 25
    # 398 px for twice 2.5 line widths of 9.4 Hz and the largest shift; shifts of ± 4 Hz and a slope of .1 Hz.
    reach_hz = 2 * (2.5 * 9.4 + np.max(np.abs(QUALITY.frequency_shifts_hz)))
    spread = [np.ptp([place[row] for row in rows]) * reach_hz / 398 for place in middle]
    # A run has the step of the grid, and noise moves its ends by a few.
    assert spread[0] > 5
    assert spread[1] < 4 * reach_hz / STEPS


def test_rejected_transients_are_marked_with_their_reason():
    for panel in panels():
        marks = panel.find("path", **{"class": "rejected"})
        assert [mark.find("title")[0].text for mark in marks] == [
            "transient 7, rejected: residual energy 9.1 robust SD above the median",
            "transient 22, rejected: shift beyond 50 Hz",
        ]


def test_a_single_average_has_no_map():
    quality = quality_record(frequency_shifts_hz=[0.0], phases_deg=[0.0], rejected_transients=[])
    assert panels(quality, simulated_transients(fit_record(), quality_record())[:, :1]) == []


def test_hundreds_of_transients_stay_small():
    quality = quality_record(frequency_shifts_hz=[0.0] * 300, phases_deg=[0.0] * 300)
    fids = np.tile(simulated_transients(fit_record(), quality_record())[:, :1], 300)
    assert sum(len(plot["figure"]) for plot in transient_maps(fids, DWELL_S, quality)) < 100_000

"""The reporting table has every item of the consensus, says what headers and settings say, and nothing else."""

import re

import pytest

from acquired_samples import acquired, by_protocol
from myomag.cohort.acquisitions import NOT_STATED, stated
from myomag.cohort.mrsinmrs import MRSINMRS_COLUMNS, build_mrsinmrs
from myomag.cohort.statistics import included
from myomag.settings.load import load_settings

CONSENSUS = {"1": "abcde", "2": "abcdefghi", "3": "abcd", "4": "abcd"}
"""Sections and items of Table 1 of Lin et al. 2021."""


@pytest.fixture
def everything():
    return load_settings()


def table_of(acquisitions, cohort, settings):
    table = build_mrsinmrs(by_protocol(acquisitions), {"": included(cohort, settings.cohort)}, settings)
    assert tuple(table.columns) == tuple(MRSINMRS_COLUMNS)
    return table


def test_values_are_those_of_the_headers_in_the_units_shown():
    members = by_protocol([*acquired(2), *acquired(1, RepetitionTime=2.0, voi="calf")])["aa"]
    assert stated(members, "RepetitionTime", 1e3, "ms") == "1500 to 2000 ms"
    assert stated(members, "voi") == "calf; thigh"
    assert stated(members, "FlipAngle") is None
    some = by_protocol([*acquired(2), *acquired(1, FlipAngle=90.0)])["aa"]
    assert stated(some, "FlipAngle", unit="degrees") == "90 degrees (2 of 3 scans do not state it)"


def test_every_item_of_the_consensus_is_there_in_its_order(full_cohort, everything):
    table = table_of(acquired(), full_cohort, everything)
    found = [(section[0], item[0]) for section, item in zip(table["section"], table["item"], strict=True)]
    assert list(dict.fromkeys(found)) == [(section, item) for section, items in CONSENSUS.items() for item in items]
    assert all(re.match(r"[a-i]\. ", item) for item in table["item"])


def test_each_protocol_has_its_part_and_what_is_unknown_is_missing(full_cohort, everything):
    table = table_of([*acquired(), *acquired(2, "bb", Manufacturer="Other")], full_cohort, everything)
    rows = table.set_index(["protocol", "item"])
    value, status = rows["value"], rows["status"]
    assert value[("aa", "b. Manufacturer")] == "Maker" and value[("bb", "b. Manufacturer")] == "Other"
    assert value[("aa", "d. Repetition time (TR)")] == "1500 ms"
    for item in ("a. Field strength", "h. Shimming method, reference peak, thresholds for acceptance"):
        assert (value[("aa", item)], status[("aa", item)]) == (NOT_STATED, "missing")
    for item in ("g. Water suppression method", "c. Nominal VOI size", "e. ii. Averaging method"):
        assert status[("aa", item)] == "not applicable"
    assert status[("all", "d. Quantification assumptions")] == "not applicable"
    assert "taylor1983 (unverified)" in value[("all", "d. Quantification reference: pH")]
    assert (
        "PCr SNR (amplitude at time zero over noise SD per channel) below 5"
        in value[("all", "b. Data exclusion criteria")]
    )


def test_a_time_series_has_its_items(full_cohort, everything):
    table = table_of(acquired(repetitions=150), full_cohort, everything).set_index("item")
    assert table["value"]["e. iii. Total number of spectra"] == "150"
    assert table["status"]["e. ii. Averaging method"] == "stated"
    assert table["status"]["e. i. Averaged spectra per time point"] == "missing"

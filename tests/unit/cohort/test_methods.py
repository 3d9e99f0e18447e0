"""The reporting table and the methods text say what headers and settings say, and nothing else."""

from collections import defaultdict

import pandas as pd
import pytest

from myomag.cohort.acquisitions import NOT_STATED, Acquisition, Protocol, stated
from myomag.cohort.flow import build_flow
from myomag.cohort.methods import methods_text
from myomag.cohort.mrsinmrs import MRSINMRS_COLUMNS, build_mrsinmrs
from myomag.cohort.statistics import included
from myomag.io.tables import table_rows
from myomag.settings.load import load_settings

FIELDS = {
    "ResonantNucleus": "31P",
    "SpectrometerFrequency": 51.7,
    "SpectralWidth": 3000.0,
    "NumberOfSpectralPoints": 2048,
    "EchoTime": 0.0002,
    "RepetitionTime": 1.5,
    "Manufacturer": "Maker",
    "transients": 16,
    "coils": 1,
    "voi": "thigh",
    "suffix": "unloc",
}


@pytest.fixture
def everything():
    return load_settings()


def acquired(count=3, protocol="aa", **changes):
    return [Acquisition(protocol, FIELDS | changes) for _ in range(count)]


def by_protocol(acquisitions):
    protocols = defaultdict(Protocol)
    for each in acquisitions:
        protocols[each.protocol].add(each)
    return dict(protocols)


def table_of(acquisitions, cohort, settings):
    table = build_mrsinmrs(by_protocol(acquisitions), {"": included(cohort, settings.cohort)}, settings)
    assert tuple(table.columns) == tuple(MRSINMRS_COLUMNS)
    return table.set_index(["protocol", "item"])["value"]


def test_values_are_those_of_the_headers_in_the_units_shown():
    members = by_protocol([*acquired(2), *acquired(1, RepetitionTime=2.0, voi="calf")])["aa"]
    assert stated(members, "RepetitionTime", 1e3, "ms") == "1500 to 2000 ms"
    assert stated(members, "voi") == "calf; thigh"
    assert stated(members, "FlipAngle") is None
    some = by_protocol([*acquired(2), *acquired(1, FlipAngle=90.0)])["aa"]
    assert stated(some, "FlipAngle", unit="degrees") == "90 degrees (2 of 3 scans do not state it)"


def test_each_protocol_has_its_part_and_what_is_unknown_is_said_so(full_cohort, everything):
    table = table_of([*acquired(), *acquired(2, "bb", Manufacturer="Other")], full_cohort, everything)
    assert table[("aa", "b. Manufacturer")] == "Maker" and table[("bb", "b. Manufacturer")] == "Other"
    assert table[("aa", "d. Repetition time")] == "1500 ms"
    assert table[("aa", "h. Shimming")] == table[("aa", "a. Field strength")] == NOT_STATED
    assert "taylor1983 (unverified)" in table[("all", "d. Calibration of pH")]
    assert "PCr SNR below 5" in table[("all", "b. Criteria of exclusion")]


def test_nothing_but_known_fields_reaches_table_and_text(full_cohort, everything):
    planted = {"PatientName": "Planted^Name", "InstitutionName": "Planted House", "SeriesDescription": "Planted"}
    acquisitions = acquired(**planted)
    flow = table_rows(build_flow(pd.DataFrame()))
    text = methods_text(by_protocol(acquisitions), flow, everything, [], {"Python": "3"})
    table = build_mrsinmrs(by_protocol(acquisitions), {"": included(full_cohort, everything.cohort)}, everything)
    assert "Planted" not in text + table.to_csv()


def test_text_follows_settings_headers_and_counts(everything):
    account = [
        {"participant_id": f"sub-{k}", "scan": f"s{k}", "status": "included", "step": None, "reason": None}
        for k in range(5)
    ]
    account[0] |= {"status": "excluded", "step": "qc", "reason": "verdict fail (PCr SNR 3 below 5)"}
    qc = everything.qc.model_copy(update={"min_snr": 7.5, "align_transients": False})
    cohort = everything.cohort.model_copy(update={"body_size_columns": ["girth"]})
    settings = everything.model_copy(update={"qc": qc, "cohort": cohort})
    flow = table_rows(build_flow(pd.DataFrame(account)))
    text = methods_text(by_protocol(acquired()), flow, settings, ["girth"], {"numpy": "9.9"})
    for part in (
        "PCr SNR below 7.5",
        "transients not aligned",
        "5 scans (5 participants) entered.",
        "- excluded at qc: 1 scan (1 participant): verdict fail (PCr SNR 3 below 5)",
        "4 scans (4 participants) were analysed.",
        "- mg_age_adjusted: log10_mg_mmol_l on age; adjusted for sex, girth.",
        "Muscle Mg entered by its decadic logarithm",
        "tested against the slope that the covariance of the fit predicts",
        "TR 1500 ms",
        "field strength, sequence, flip angle: not stated in the headers",
        "numpy 9.9",
        "iotti1996 (found)",
        "robust SDs",
        "not corrected for partial saturation",
    ):
        assert part in text, part
    magnesium = everything.magnesium.model_copy(update={"t1_s": {"3": {"PCr": 6.5}}, "t1_source": "own measurement"})
    corrected = everything.model_copy(update={"magnesium": magnesium})
    text = methods_text(by_protocol(acquired()), flow, corrected, ["girth"], {})
    assert "with T1 at 3 T: PCr 6.5 s (own measurement)" in text and "8.2 mmol/l ATP" in text


def test_text_without_any_scan(everything):
    text = methods_text({}, table_rows(build_flow(pd.DataFrame())), everything, [], {})
    assert "0 scans of 0 protocols could be read." in text


def test_markup_of_a_header_stays_text(everything):
    acquisitions = acquired(PulseSequenceType="<script>alert(1)</script>", ManufacturersModelName="[x](http://x)")
    text = methods_text(by_protocol(acquisitions), table_rows(build_flow(pd.DataFrame())), everything, [], {})
    assert "<script" not in text and "&lt;script>alert(1)" in text and "](" not in text
    assert text.endswith("they stand here as text.\n")

"""The methods text says what settings, headers and results say, in sentences, and cites what it uses."""

import re

import pandas as pd
import pytest

from acquired_samples import acquired, by_protocol
from myomag.cohort.flow import build_flow
from myomag.io.tables import table_rows
from myomag.manuscript.blocks import Equation, Paragraph, markdown
from myomag.manuscript.equations import equation, explained, source
from myomag.manuscript.material import Material
from myomag.manuscript.methods import methods_blocks
from myomag.manuscript.references import REFERENCES
from myomag.settings.load import load_settings
from myomag.settings.models import Settings

SIGNAL = "insufficient signal"


@pytest.fixture
def everything() -> Settings:
    return load_settings()


def account(lost: dict[str, int], analysed: int = 0) -> list[dict]:
    rows = [(category, number) for category, count in lost.items() for number in range(count)]
    kept = {"status": "included", "step": None, "category": None, "reason": None}
    gone = [{"status": "excluded", "step": "qc", "category": category, "reason": "x"} for category, _ in rows]
    named = [*gone, *[kept] * analysed]
    return table_rows(
        build_flow(pd.DataFrame([{"participant_id": f"sub-{k}", "scan": f"s{k}"} | row for k, row in enumerate(named)]))
    )


def text_of(settings, acquisitions=(), flow=None, tables=None, columns=(), **more) -> str:
    tables = {"flow": account({}) if flow is None else flow, "statistics": [{"status": "estimated"}]} | (tables or {})
    return markdown(methods_blocks(Material(by_protocol(list(acquisitions)), tables, settings, columns, **more)))


def test_text_follows_settings_headers_and_counts(everything):
    qc = everything.qc.model_copy(update={"min_snr": 7.5, "align_transients": False})
    cohort = everything.cohort.model_copy(update={"body_size_columns": ["girth"]})
    settings = everything.model_copy(update={"qc": qc, "cohort": cohort})
    text = text_of(settings, acquired(), account({SIGNAL: 1}, 4), columns=["girth"], software={"numpy": "9.9"})
    for part in (
        "noise SD per channel) below 7.5",
        "Transients were not aligned.",
        "transients deviating by more than 5 robust SDs were rejected",
        "Of 5 scans of 5 participants, 1 was not analysed:",
        "- insufficient signal: 1 scan (1 participant)",
        "4 scans of 4 participants were analysed (Table 1).",
        "- Free Mg²⁺ on age, unadjusted and adjusted for sex and girth",
        "repetition time 1500 ms",
        "[flip angle: not stated in the headers]",
        "numpy 9.9",
        "241 ± 1.2 µs (3 scans)",
        "not corrected for partial saturation",
    ):
        assert part in text, part
    assert "Cramér" not in text and "observed information" in text


def test_equations_are_those_of_the_calibrations_with_their_standing(everything):
    text = text_of(everything, acquired())
    assert "pH = 6.75 + log₁₀[(δ − 3.27)/(5.69 − δ)]" in text
    assert "pMg = 4.24 − log₁₀[(δ + 18.58)^0.42/(−15.74 − δ)^0.84]" in text
    assert (
        "taylor1983 (unverified)" in text and "[source of the pH calibration: to be checked before submission]" in text
    )
    assert "iotti1996 (found)" in text and "[source of the Mg calibration" not in text


def test_each_family_has_its_equation():
    gupta = {
        "name": "own",
        "quantity": "mg",
        "family": "gupta_moore",
        "coefficients": {"kd_umol_l": 50.0, "free_shift_ppm": 10.82, "bound_shift_ppm": 8.32},
        "range": {"lower_ppm": 8.32, "upper_ppm": 10.82},
        "source": "own work.",
        "standing": "found",
    }
    assert equation(gupta) == "[Mg²⁺] = 50 µmol/l · (10.82 − δ)/(δ − 8.32)"
    # The formula itself was not read at its source, whatever the limits.
    assert source(gupta).endswith(
        "(unverified): own work. [source of the Mg calibration: to be checked before submission]"
    )
    forms = {"atp_ppm": -18.6, "hatp_ppm": -18.9, "mgatp_ppm": -15.6, "mghatp_ppm": -17.0}
    joint = gupta | {
        "family": "speciation",
        "coefficients": {"beta-ATP": forms},
        "range": {"lower_ph": 6, "upper_ph": 8, "lower_pmg": 2, "upper_pmg": 5},
    }
    assert equation(joint).startswith("δ(β-ATP) = Σ pᵢδᵢ")
    assert "β-ATP: −18.6 (ATP⁴⁻), −18.9 (HATP³⁻), −15.6 (MgATP²⁻), −17 (MgHATP⁻) ppm" in explained(joint)


def test_saturation_brings_energetics_with_their_assumptions(everything):
    plain = text_of(everything, acquired())
    magnesium = everything.magnesium.model_copy(update={"t1_s": {"3": {"PCr": 6.5}}, "t1_source": "own measurement"})
    text = text_of(everything.model_copy(update={"magnesium": magnesium}), acquired())
    for part in (
        "T₁ of PCr 6.5 s at 3 T (own measurement)",
        "8.2 mmol/l ATP",
        "42.5 mmol/l total creatine",
        "37 °C",
        "K′CK",
    ):
        assert part in text and part not in plain, part
    unsaid = text_of(
        everything.model_copy(update={"magnesium": magnesium.model_copy(update={"t1_source": None})}), acquired()
    )
    assert "[source of the T₁: to be given]" in unsaid


def test_what_the_study_does_not_have_is_not_told_of_and_every_citation_has_its_entry(everything):
    text = text_of(everything, acquired())
    for absent in ("PCr(t)", "Repeatability", "Steiger", "regression calibration", "sensitivity analysis", "channels"):
        assert absent not in text, absent
    row = {"status": "estimated", "repeats": "between sessions", "participants": 8, "error_source": "8 participants"}
    names = ("repeatability", "longitudinal", "comparisons", "measurement_error", "sensitivity")
    kinetics = [{"scan": f"s{k}", "status": "estimated"} for k in range(3)]
    tables = {name: [row] for name in names} | {"kinetics": kinetics}
    full = text_of(everything, acquired(coils=8), tables=tables, software={"statsmodels": "1"})
    for part in (
        "3 scans followed the muscle",
        "Repeatability between sessions (n = 8)",
        "(8 participants)",
        "8 receive",
    ):
        assert part in full, part
    for each in (text, full):
        body, _, references = each.partition("## References")
        cited = re.findall(r"[A-Z]\w+(?: and [A-Z]\w+| et al\.)?, \d{4}", body)
        assert set(cited) <= set(REFERENCES)
        assert references.strip().splitlines() == [f"- {REFERENCES[each]}" for each in sorted(set(cited))]


def test_several_protocols_have_a_paragraph_each(everything):
    text = text_of(everything, [*acquired(), *acquired(2, "bb", RepetitionTime=4.0, prior_us=300.0)])
    assert "The 5 scans that could be read were acquired with 2 protocols." in text
    series = text_of(everything, [*acquired(repetitions=76), *acquired(1, repetitions=80)])
    assert "number of repetitions of a series 76 to 80" in series and "repetitions" not in text
    assert "Protocol bb (2 scans): ³¹P spectra" in text and "repetition time 4000 ms" in text
    assert "241 ± 1.2 µs in protocol aa (3 scans) and 300 ± 1.2 µs in protocol bb (2 scans)" in text


def test_studies_of_which_little_is_left(everything):
    nothing = text_of(everything)
    assert "No scan could be read" in nothing and "There was no scan to analyse." in nothing
    lost = text_of(everything, acquired(), account({SIGNAL: 2}))
    assert "Of 2 scans of 2 participants, 2 were not analysed:" in lost and "No scan was left to analyse." in lost
    single = text_of(everything, acquired(1), account({}, 1))
    assert "All 1 scan of 1 participant were analysed." not in single
    assert "The single scan was analysed." in single
    few = text_of(everything, acquired(1), account({}, 1), {"statistics": [{"status": "not estimable"}]})
    assert "too few for any of the models that were planned" in few and "Benjamini" not in few


def test_nothing_but_known_fields_reaches_the_text(everything):
    planted = {"PatientName": "Planted^Name", "InstitutionName": "Planted House", "SeriesDescription": "Planted"}
    assert "Planted" not in text_of(everything, acquired(**planted))


def test_markup_and_controls_of_a_header_stay_text(everything):
    hostile = {"PulseSequenceType": "<script>alert(1)</script>\n# x\x00", "ManufacturersModelName": "[x](http://x)"}
    text = text_of(everything, acquired(**hostile))
    assert "<script" not in text and "&lt;script>alert(1)" in text and "](" not in text and "\n# x" not in text
    assert text.endswith("they stand here as text.\n")


def test_empty_sentences_leave_no_gap():
    assert Paragraph.of("a.", "", "b.").text == "a. b."
    assert markdown([Paragraph(""), Equation("x = 1")]) == "x = 1\n"

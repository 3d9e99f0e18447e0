"""Which lines are there, by the evidence of a fit."""

import pytest

from myomag.settings.qc import QcSettings
from myomag.steps.detected import undetected
from record_samples import fit_record


def _fit(**changes):
    evidence = {
        name: each.model_copy(update=changes.get(name.replace("-", "_"), {}))
        for name, each in fit_record().evidence.items()
    }
    return fit_record(evidence=evidence)


NOISE = {"z": 1.6, "p_chance": 0.5}


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({}, {}),
        ({"beta_ATP": NOISE}, {"beta-ATP": "β-ATP not detected (at best 1.6 SDs of noise and misfit)"}),
        ({"Pi": NOISE}, {"Pi": "Pi not detected (at best 1.6 SDs of noise and misfit)"}),
        # One of them may be lost under another line; one is enough.
        ({"gamma_ATP": NOISE}, {"gamma-ATP": "γ-ATP not detected (at best 1.6 SDs of noise and misfit)"}),
        ({"beta_ATP": {"amplitude": 1.0}}, {"beta-ATP": "β-ATP not detected (at best 0.12 of α- and γ-ATP)"}),
        ({"Pi": {"amplitude": 0.33}}, {"Pi": "Pi not detected (at best 0.01 of PCr)"}),
    ],
)
def test_each_line_that_is_not_there_is_named_with_the_reason(changes, reasons):
    assert undetected(_fit(**changes), QcSettings()) == reasons


def test_what_stands_alone_at_the_place_of_beta_atp_is_not_atp():
    found = undetected(_fit(alpha_ATP=NOISE, gamma_ATP=NOISE), QcSettings())
    assert found["beta-ATP"] == "β-ATP not detected (nor are α- and γ-ATP)"


def test_thresholds_are_those_of_the_settings():
    fit = _fit(beta_ATP={"p_chance": 0.01, "amplitude": 1.0})
    assert undetected(fit, QcSettings(max_chance_detection=0.05, min_beta_atp_ratio=0.1)) == {}

"""Power and size of a study are those of simulated studies, and the command says them."""

import json
import math
import sys

import numpy as np
import pytest
from scipy import stats

from myomag import cli
from myomag.cohort.power import Plan, participants_needed, power
from myomag.errors import SettingsError

TRIALS = 2000


def simulated(plan, n):
    """Share of studies of n participants in which the test of the plan finds something."""
    rng = np.random.default_rng(12)
    between, error = plan.sd * math.sqrt(plan.icc), plan.sd * math.sqrt((1 - plan.icc) / plan.scans)
    half, p = n // 2, []
    for _ in range(TRIALS):
        first, second = between * rng.normal(size=n) + error * rng.normal(size=(2, n))
        if plan.design == "correlation":
            true = rng.normal(size=n)
            other = plan.effect * true + math.sqrt(1 - plan.effect**2) * rng.normal(size=n)
            p.append(stats.pearsonr(between * true + error * rng.normal(size=n), other).pvalue)
        elif plan.design == "groups":
            p.append(stats.ttest_ind(first[:half] + plan.effect, first[half:]).pvalue)
        elif plan.design == "change":
            change = second - first
            p.append(stats.ttest_ind(change[:half] + plan.effect, change[half:]).pvalue)
        else:
            p.append(stats.ttest_rel(second + plan.effect, first).pvalue)
    return np.mean(np.array(p) < plan.alpha)


@pytest.mark.parametrize(
    "plan",
    [
        Plan("correlation", 0.5, icc=0.5, scans=2),
        Plan("groups", 0.08, sd=0.1, icc=0.6),
        Plan("change", 0.06, sd=0.1, icc=0.7),
        Plan("crossover", 0.04, sd=0.1, icc=0.7, scans=2),
    ],
)
def test_power_is_that_of_simulated_studies(plan):
    n = participants_needed(plan, 0.8)
    assert power(plan, n) >= 0.8 > power(plan, n - 2)
    # The crossover pays a degree of freedom for the order, and Fisher's z is an approximation.
    assert simulated(plan, n) == pytest.approx(power(plan, n), abs=3 * math.sqrt(0.16 / TRIALS) + 0.01)


def test_the_command_says_what_a_trial_of_thirty_could_see(monkeypatch, capsys, tmp_path):
    figure = tmp_path / "power.svg"
    arguments = ["power", "change", "--effect", "0.03", "--sd", "0.097", "--icc", "0.35", "-n", "30"]
    for extra in ([], ["--json", "--figure", str(figure)]):
        monkeypatch.setattr(sys, "argv", ["myomag", *arguments, *extra])
        with pytest.raises(SystemExit):
            cli.main()
    lines, _, content = capsys.readouterr().out.partition("\n{")
    found = json.loads("{" + content)
    assert f"{found['participants_needed']} participants in all" in lines and "With 30 the power is 0.1" in lines
    assert found["power_with_participants"] < 0.2 < 0.8 <= found["curve"][-1]["power"]
    assert found["participants_needed_by_icc"]["0.9"] < found["participants_needed"]
    assert figure.read_text(encoding="utf-8").startswith("<?xml")


@pytest.mark.parametrize(
    ("change", "message"),
    [({"icc": 1.2}, "--icc 1.2"), ({"effect": 0.0}, "--effect"), ({"icc": 1.0}, "a change of any size")],
)
def test_plans_that_make_no_sense_name_the_option(change, message):
    with pytest.raises(SettingsError, match=message):
        Plan(**{"design": "change", "effect": 0.03, "sd": 0.1, "icc": 0.5} | change)

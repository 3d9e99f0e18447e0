"""The published effects, from simulated raw transients to the tables: writes docs/validation.md.

    python benchmarks/validation.py --seeds 1 2 3 4 5 --write

Each seed is a study of `myomag demo --preset blsa`, run from its raw transients. Studies lie in a temporary folder
(TMPDIR) and are removed.
"""

import argparse
import math
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from myomag import __version__
from myomag.cohort.regression import linear_regression
from myomag.simulate.demo import PRESETS, write_demo
from myomag.simulate.population import EffectSizes

PAGE = Path(__file__).resolve().parents[1] / "docs" / "validation.md"
RUN = "import sys; sys.argv[0] = 'myomag'; from myomag.cli import main; main()"
EFFECTS = EffectSizes()
AGE, SEX, MG, STRENGTH, SERUM = "age", "woman", "mg_mmol_l", "knee_extension_strength_nm", "serum_mg_mmol_l"
CLAIMS = {
    "mg_age": ("muscle Mg on age", MG, AGE, None, EFFECTS.mg_age),
    "mg_sex": ("muscle Mg, women against men", MG, SEX, None, EFFECTS.mg_sex),
    "strength_mg_women": ("strength on muscle Mg, women", STRENGTH, MG, 1.0, EFFECTS.mg_strength_women),
    "strength_mg_men": ("strength on muscle Mg, men", STRENGTH, MG, 0.0, EFFECTS.mg_strength_men),
    "serum_mg_age": ("serum Mg on age", SERUM, AGE, None, EFFECTS.serum_age),
}
"""Row of statistics.tsv: what it says, outcome, predictor, stratum by sex, β of the population simulated."""
METHODS = ("naive", "corrected")


def main() -> None:
    """Run the studies and print the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--participants", type=int, default=PRESETS["blsa"].participants)
    parser.add_argument("--write", action="store_true", help="write docs/validation.md")
    options = parser.parse_args()
    studies = [recovered(seed, options.participants) for seed in options.seeds]
    estimates = pd.concat([study for study, _ in studies], ignore_index=True)
    errors = pd.DataFrame([scans for _, scans in studies])
    text = page(estimates, errors, options.participants)
    print(text)
    if options.write:
        PAGE.write_text(text, encoding="utf-8")


def recovered(seed: int, participants: int) -> tuple[pd.DataFrame, dict[str, float]]:
    """Estimates of every claim, and how well single scans were measured, of one simulated study."""
    print(f"seed {seed}", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="myomag-validation-") as folder:
        study = Path(folder, "study")
        write_demo(study, preset=PRESETS["blsa"], participants=participants, seed=seed)
        subprocess.run([sys.executable, "-c", RUN, "run", str(study)], check=True, stdout=sys.stderr)
        results = study / "derivatives" / "myomag"
        scans = read(results / "cohort.tsv").merge(read(study / "truth.tsv"), on="scan", suffixes=("", "_true"))
        included = scans[scans["status"] == "included"]
        estimates = pd.DataFrame(_estimates(results, included))
        return estimates.assign(seed=seed), {"seed": seed, "entered": len(scans)} | _quality(results, included)


def read(path: Path) -> pd.DataFrame:
    """Table of a study."""
    return pd.read_csv(path, sep="\t", na_values="n/a", keep_default_na=False)


def _estimates(results: Path, included: pd.DataFrame) -> Iterator[dict[str, object]]:
    """β of each claim as the true Mg of the same people gives it, as estimated, and as corrected."""
    people = included.groupby("participant_id").first().assign(woman=lambda rows: (rows["sex"] == "F").astype(float))
    true = people.assign(**{MG: np.log10(people[f"{MG}_true"])})
    corrected = read(results / "measurement_error.tsv")
    statistics = read(results / "statistics.tsv").query("role == 'main'").set_index("model")
    for model, (_, outcome, predictor, woman, _) in CLAIMS.items():
        group = true if woman is None else true[true["woman"] == woman]
        (exact,) = linear_regression(
            group[outcome].to_numpy(float), {predictor: group[predictor].to_numpy(float)}
        ).coefficients
        row = statistics.loc[model]
        yield {"model": model, "method": "naive", "sample": exact.beta} | _interval(row, "beta", "ci95")
        for _, row in corrected.query("model == @model and method == 'corrected'").iterrows():
            method = {"model": model, "method": "corrected", "sample": exact.beta}
            yield method | _interval(row, "beta", "beta_ci95") | {"reliability": row["reliability"]}


def _interval(row: pd.Series, value: str, limits: str) -> dict[str, float]:
    low, high = (np.nan_to_num(row[f"{limits}_{end}"], nan=far) for end, far in (("low", -np.inf), ("high", np.inf)))
    return {"beta": row[value], "low": low, "high": high}


def _quality(results: Path, included: pd.DataFrame) -> dict[str, float]:
    """How far single scans are from the truth, how far they say they are, and the agreement of repeated scans."""
    error = included["pmg"] - included["pmg_true"]
    low, high = (included[f"mg_ci95_{end}_mmol_l"] for end in ("low", "high"))
    repeated = read(results / "repeatability.tsv").query("variable == 'pmg' and repeats == 'within a session'").iloc[0]
    return {
        "included": len(included),
        "bias": error.mean(),
        "sd": error.std(),
        "stated": math.sqrt((included["pmg_sd"] ** 2).mean()),
        "covered": ((low <= included["mg_mmol_l_true"]) & (included["mg_mmol_l_true"] <= high)).mean(),
        "reliability": included["pmg_true"].var() / included["pmg"].var(),
        "icc": repeated["icc"],
        "icc_low": repeated["icc_ci95_low"],
        "icc_high": repeated["icc_ci95_high"],
        "pairs": repeated["participants"],
    }


TEXT = """\
# The published effects, from raw transients

Made by `python benchmarks/validation.py --write` (myomag {version}): {studies} simulated studies
(`myomag demo --preset blsa --participants {participants} --seed …`) whose population has the effects published by
Cameron et al. 2019, at a PCr SNR of {low:g} to {high:g}, one participant in five scanned twice, one in twelve broken on
purpose. The truth does not enter the analysis.

## Effects

β in SDs. *Population*: what was simulated (β of age and strength as published, |β| of serum Mg derived from the
published p, that of sex chosen, as only its sign is published). *Same people*: what a perfect measurement of the
participants analysed would have given, mean over the studies. Then means over the studies ± Monte-Carlo error, and how
many of the 95 % intervals cover the population value. Mg enters by its logarithm.

| effect | population | same people | naive | corrected |
|---|---|---|---|---|
{claims}

The error of the scans draws the naive estimates towards 0, by the square root of the reliability: {attenuation:.2f} on
average. Serum Mg has no error here, so there is nothing to correct.

## Each study

| effect | seed | same people | naive | corrected |
|---|---|---|---|---|
{each}

## Single scans

Error of pMg against the truth, the SD that the fits state, intervals of Mg that cover the truth, the reliability of
pMg by the truth (variance of the true values over that of the measured ones), and the ICC of the repeated scans, which
knows nothing of the truth.

| seed | scans | included | bias of pMg | SD of its error | SD stated | coverage | reliability | ICC(A,1), pairs |
|---|---|---|---|---|---|---|---|---|
{scans}
"""


def page(estimates: pd.DataFrame, errors: pd.DataFrame, participants: int) -> str:
    """Text of docs/validation.md."""
    low, high = PRESETS["blsa"].pcr_snr
    return TEXT.format(
        version=__version__,
        studies=len(errors),
        participants=participants,
        low=low,
        high=high,
        claims="\n".join(_claim_row(estimates, model) for model in CLAIMS),
        attenuation=math.sqrt(errors["reliability"].mean()),
        each="\n".join(_study_row(estimates, model, seed) for model in CLAIMS for seed in errors["seed"]),
        scans="\n".join(_scan_row(row) for _, row in errors.iterrows()),
    )


def _claim_row(estimates: pd.DataFrame, model: str) -> str:
    rows = estimates[estimates["model"] == model]
    label, *_, population = CLAIMS[model]
    cells = [f"{population:+.3f}", f"{rows.groupby('seed')['sample'].first().mean():+.3f}"]
    for method in METHODS:
        found = rows[rows["method"] == method]
        if found.empty:
            cells.append("–")
            continue
        error = found["beta"].std() / np.sqrt(len(found))
        held = ((found["low"] <= population) & (population <= found["high"])).sum()
        cells.append(f"{found['beta'].mean():+.3f} ± {error:.3f}, {held} of {len(found)}")
    return f"| {label} | {' | '.join(cells)} |"


def _study_row(estimates: pd.DataFrame, model: str, seed: int) -> str:
    rows = estimates[(estimates["model"] == model) & (estimates["seed"] == seed)].set_index("method")
    cells = [f"{rows['sample'].iloc[0]:+.3f}"]
    for method in METHODS:
        known = method in rows.index
        cells.append("{beta:+.3f} ({low:+.3f} to {high:+.3f})".format(**rows.loc[method]) if known else "–")
    return f"| {CLAIMS[model][0]} | {seed} | {' | '.join(cells)} |"


def _scan_row(row: pd.Series) -> str:
    cells = [f"{row['seed']:.0f}", f"{row['entered']:.0f}", f"{row['included']:.0f}", f"{row['bias']:+.4f}"]
    cells += [f"{row['sd']:.4f}", f"{row['stated']:.4f}", f"{100 * row['covered']:.1f} %", f"{row['reliability']:.2f}"]
    icc = f"{row['icc']:.2f} ({row['icc_low']:.2f} to {row['icc_high']:.2f}), {row['pairs']:.0f}"
    return f"| {' | '.join([*cells, icc])} |"


if __name__ == "__main__":
    main()

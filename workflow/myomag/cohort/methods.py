"""Methods section of a paper, written from settings, headers and counts."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from myomag import __version__
from myomag.cohort.acquisitions import NOT_STATED, Protocol, joined, stated
from myomag.cohort.mrsinmrs import calibration, name_of, processing
from myomag.cohort.plan import LOG_MG, Model, planned_models
from myomag.io.tables import TableRow
from myomag.settings.cohort import Range
from myomag.settings.magnesium import MagnesiumSettings
from myomag.settings.models import Settings

HC3 = "HC3: MacKinnon & White 1985, J. Econometrics 29:305"
REFERENCES = (
    "AMARES: Vanhamme et al. 1997, J. Magn. Reson. 129:35",
    "Analysis generalised: Cameron et al. 2019, Front. Physiol. 10:1454",
    "False discovery rate: Benjamini & Hochberg 1995, J. R. Stat. Soc. B 57:289",
    "Dependent correlations: Steiger 1980, Psychol. Bull. 87:245; interval: Zou 2007, Psychol. Methods 12:399",
    "Measurement error: Carroll et al. 2006, Measurement Error in Nonlinear Models; Fuller 1987, Measurement Error "
    "Models; intervals: Fieller 1954, J. R. Stat. Soc. B 16:175",
    "Agreement: McGraw & Wong 1996, Psychol. Methods 1:30; Bland & Altman 1986, Lancet 327:307",
    "Sessions: Laird & Ware 1982, Biometrics 38:963",
    "Reporting: Lin et al. 2021, NMR Biomed. 34:e4484",
)


def methods_text(
    protocols: Mapping[str, Protocol],
    flow: Sequence[TableRow],
    settings: Settings,
    columns: Sequence[str],
    software: Mapping[str, str],
    kinds: Sequence[str] = (),
) -> str:
    """Markdown text of methods.md.

    Parameters
    ----------
    protocols : mapping of str to Protocol
        Scans that could be read, from `acquisitions.by_protocol`.
    flow : sequence of mapping
        Rows of flow.tsv.
    settings : Settings
        Sections `qc`, `fit`, `magnesium` and `cohort`.
    columns : sequence of str
        Columns of the cohort.
    software : mapping of str to str
        Versions by name.
    kinds : sequence of str
        Kinds of the included scans.
    """
    sections = {
        "Acquisition": _acquisition(protocols),
        "Processing and quantification": _quantification(settings),
        "Quality control and exclusions": _exclusions(flow, settings),
        "Statistics": _statistics(settings, columns, kinds),
        "Software": (f"myomag {__version__}; {', '.join(f'{name} {found}' for name, found in software.items())}.",),
        "References": (f"- {reference}." for reference in _references(settings)),
    }
    parts = ["# Methods", "Written by myomag from the settings, the headers of the scans and the results of this run."]
    for title, lines in sections.items():
        parts += [f"## {title}", ("\n" if title == "References" else "\n\n").join(lines)]
    return harmless("\n\n".join(parts)) + "\n"


def harmless(text: str) -> str:
    """Markdown without markup or links that headers or tables brought into it."""
    safe = re.sub(r"<(?=[A-Za-z/!?])", "&lt;", text).replace("](", "] (")
    return safe if safe == text else f"{safe}\n\nSome names hold characters of markup; they stand here as text."


def _references(settings: Settings) -> tuple[str, ...]:
    return (*REFERENCES, HC3) if any(model.robust for model in settings.cohort.models) else REFERENCES


def _acquisition(protocols: Mapping[str, Protocol]) -> Iterator[str]:
    scans = sum(protocol.scans for protocol in protocols.values())
    yield f"{_counted(scans, 'scan')} of {_counted(len(protocols), 'protocol')} could be read."
    for name, protocol in protocols.items():
        said = {
            "field strength": stated(protocol, "MagneticFieldStrength", unit="T"),
            "scanner": joined(protocol, "Manufacturer", "ManufacturersModelName", between=" "),
            "sequence": stated(protocol, "PulseSequenceType"),
            "place": stated(protocol, "voi"),
            "TR": stated(protocol, "RepetitionTime", 1e3, "ms"),
            "TE or delay": stated(protocol, "EchoTime", 1e3, "ms"),
            "flip angle": stated(protocol, "FlipAngle", unit="degrees"),
            "transients": stated(protocol, "transients"),
            "spectral width": stated(protocol, "SpectralWidth", unit="Hz"),
            "points": stated(protocol, "NumberOfSpectralPoints"),
        }
        known = "; ".join(f"{key} {value}" for key, value in said.items() if value)
        silent = ", ".join(key for key, value in said.items() if not value)
        yield f"Protocol {name} ({_counted(protocol.scans, 'scan')}): {known}." + (
            f" {silent}: {NOT_STATED}." if silent else ""
        )


def _quantification(settings: Settings) -> Iterator[str]:
    magnesium, steps = settings.magnesium, processing(settings)
    yield (
        f"{steps[0].upper()}{steps[1:]}. The averaged FID was fitted in the time domain (AMARES) with the "
        f"prior knowledge {name_of(settings.fit.prior_knowledge)} and a line shape that all lines share, taken from "
        f"the scan{_pulse(settings)}. Standard deviations are Cramér-Rao bounds, raised where the residual is not "
        "white; those of pH and pMg hold the choice of the model as well: the sum over other choices (samples left "
        "out, order of the line shape, broad lines, tied widths) of the squared change beyond noise."
    )
    yield (
        f"pH from the shift of Pi by {calibration(magnesium.ph_calibration)}. Free Mg2+ by "
        f"{calibration(magnesium.mg_calibration)}; Mg is given with an interval, and as undefined with its "
        "probability where the shifts lie outside the calibration."
    )
    yield _energetics(magnesium)
    others = ", ".join(map(name_of, magnesium.compare_calibrations)) or "no other calibration"
    yield f"For comparison: {others} (sensitivity.tsv and the record of each scan)."


def _energetics(magnesium: MagnesiumSettings) -> str:
    if magnesium.t1_s is None:
        return (
            "Ratios of amplitudes were not corrected for partial saturation; free ADP and the free energy of ATP "
            "hydrolysis, which need it, were not computed."
        )
    source = f" ({magnesium.t1_source})" if magnesium.t1_source else ""
    return (
        f"Amplitudes were corrected for partial saturation with T1 {_listed(magnesium.t1_s)}{source}. Free ADP was "
        "computed from the creatine kinase equilibrium and the free energy of ATP hydrolysis from it, with "
        f"{magnesium.atp_mmol_l:g} mmol/l ATP, {magnesium.total_creatine_mmol_l:g} mmol/l total creatine, "
        f"{magnesium.temperature_c:g} °C and an ionic strength of {magnesium.ionic_strength_mol_l:g} mol/l assumed."
    )


def _listed(t1_s: Mapping[str, Any]) -> str:
    """T1 of lines, or of the lines at each field strength, in words."""
    return ", ".join(
        f"at {name} T: {_listed(value)}" if isinstance(value, Mapping) else f"{name} {value:g} s"
        for name, value in t1_s.items()
    )


def _pulse(settings: Settings) -> str:
    if settings.fit.pulse is None:
        return ""
    pulse = settings.fit.pulse
    return f", with the phases that a block pulse of {pulse.duration_us:g} µs and {pulse.flip_angle_deg:g}° leaves"


def _exclusions(flow: Sequence[TableRow], settings: Settings) -> Iterator[str]:
    qc, cohort = settings.qc, settings.cohort
    yield (
        f"A scan failed quality control with a PCr SNR below {qc.min_snr:g}, a PCr line wider than "
        f"{qc.max_linewidth_ppm:g} ppm or more than {100 * qc.max_rejected_fraction:g} % of its transients "
        f"rejected. Scans of verdict {' and '.join(cohort.include_verdicts)} entered, if the fit converged and the "
        f"probability of an undefined Mg was at most {cohort.max_p_undefined:g}."
    )
    entered, *lost, analysed = flow
    yield f"{_count(entered)} entered."
    if lost:
        yield "\n".join(f"- {row['stage']} at {row['step']}: {_count(row)}: {row['reason']}" for row in lost)
    yield f"{_count(analysed)} {'was' if analysed['scans'] == 1 else 'were'} analysed."


def _count(row: TableRow) -> str:
    return f"{_counted(row['scans'], 'scan')} ({_counted(row['participants'], 'participant')})"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" + "s" * (number != 1)


def _statistics(settings: Settings, columns: Sequence[str], kinds: Sequence[str]) -> Iterator[str]:
    cohort = settings.cohort
    if len(kinds) > 1:
        yield f"Scans of {len(kinds)} kinds ({', '.join(kinds)}) were analysed apart and never averaged."
    yield (
        "Linear models over participants; repeated scans of one were averaged (Mg as pMg) unless a model says "
        "otherwise. b is the slope in units, beta that in standard deviations; intervals are of 95 %. p is two-sided, "
        "p_fdr adjusted for the false discovery rate over the main terms of all models, controls apart."
    )
    models = planned_models(cohort, columns)
    if any(LOG_MG in model.variables for model in models):
        yield "Muscle Mg entered by its decadic logarithm, whose error does not grow with the value."
    yield "\n".join(f"- {_sentence(model)}" for model in models)
    if any("*" in name for model in models for name in model.predictors):
        yield "Products were of values less their means, beside the values themselves: they test whether slopes differ."
    if any(model.control for model in models):
        yield (
            "Negative controls that come from the same fit as Mg (begin time, phase, pH) were tested against the slope "
            "that the covariance of the fit predicts."
        )
    yield (
        "Muscle and serum Mg were compared as correlates of age and strength by Steiger's test of dependent "
        "correlations. Estimates were corrected for the measurement error by regression calibration, with intervals by "
        "inversion of the t test of the naive slope, which include the scatter of the reliability; the size of the "
        "error is that of repeated scans, where the study has them, else that stated by the fits, without day-to-day "
        "variation. Where scans were repeated: ICC(A,1), standard error of measurement, smallest detectable change, "
        "limits of agreement. Where sessions lie years apart: linear mixed model with random intercept and slope."
    )
    yield (
        "Each conclusion was estimated again under the other calibrations, with verdict pass alone, with other limits "
        "of the probability of an undefined Mg, and without participants whose pMg lies more than "
        f"{cohort.outlier_z:g} robust standard deviations from the median."
    )


def _sentence(model: Model) -> str:
    """One model in words."""
    parts = [f"{model.name}: {model.outcome} on {', '.join(model.predictors)}"]
    if model.covariates:
        parts.append(f"adjusted for {', '.join(model.covariates)}")
    if model.random:
        parts.append(f"with a random intercept of {model.random} (REML)")
    if model.strata:
        parts.append(f"by {model.strata}")
    if model.subset:
        parts.append(f"only {', '.join(f'{name} {_wanted(wanted)}' for name, wanted in model.subset.items())}")
    parts += ["weighted by 1/SD² of the outcome"] * (model.weights is not None) + ["HC3"] * model.robust
    parts += ["negative control"] * model.control + list(model.notes)
    return "; ".join(parts) + "."


def _wanted(wanted: Any) -> str:
    """Levels or range of a subset in words."""
    if not isinstance(wanted, Range):
        return " or ".join(map(str, wanted))
    ends = (("from", wanted.min), ("to", wanted.max))
    return " ".join(f"{word} {end:g}" for word, end in ends if end is not None)

"""From transients to pH, Mg and energetics, in sentences that say what the settings had the programs do."""

from collections.abc import Iterator, Mapping
from statistics import median
from typing import Any

from myomag.cohort.acquisitions import Protocol
from myomag.cohort.procedures import processing
from myomag.core.speciation import FAMILY as SPECIATION
from myomag.manuscript.blocks import Block, Equation, Paragraph, counted, listed
from myomag.manuscript.equations import equation, explained, source
from myomag.manuscript.material import Material
from myomag.settings.base import content
from myomag.settings.magnesium import MagnesiumSettings
from myomag.settings.models import Settings
from myomag.wording.text import line_label


def quantification(material: Material) -> Iterator[Block]:
    """Processing, fit, pH, Mg and energetics."""
    settings = material.settings
    coils = {count for protocol in material.protocols.values() for count in protocol.fields["coils"]}
    yield Paragraph.of(*processing(settings, several_coils=coils != {1}))
    yield from _fit(material)
    yield from _calibration(
        "The intracellular pH was computed from the shift of Pi by", settings.magnesium.ph_calibration
    )
    yield from _calibration("The free Mg²⁺ concentration was computed from", settings.magnesium.mg_calibration)
    yield _undefined(settings.magnesium)
    yield from _energetics(settings.magnesium)


def _fit(material: Material) -> Iterator[Block]:
    fit = material.settings.fit
    prior = content(fit.prior_knowledge)
    about = f"{prior['description']}; " if prior.get("description") else ""
    yield Paragraph(
        "The averaged FID was fitted in the time domain by AMARES (Vanhamme et al., 1997) with the prior knowledge "
        f"{prior['name']} ({about}{_lines(prior['lines'])}). The model was"
    )
    yield Equation("s(τ) = Σ a·exp[iφ + i2πfτ − πLτ − (πGτ)²/(4 ln 2)]·exp[g(t)], τ = t₀ + t")
    yield Paragraph.of(
        "with the amplitude a, phase φ, frequency f and the Lorentzian and Gaussian widths L and G of each component "
        "of a line, the begin time t₀ and the time t from the first sample. The smooth complex function g(t), common "
        "to all lines, described the line shape; its order was chosen from the data.",
        _skipped(material),
        _begin_time(material),
        _pulse(material.settings),
    )
    yield Paragraph(
        "Covariances of the fitted parameters were σ²H⁻¹, where H is half the Hessian of the sum of squares at its "
        "minimum (the observed information; Efron and Hinkley, 1978) and σ² the variance of the residual per channel. "
        "Their SDs were increased where the residual was larger around a line, or during the signal, than on average. "
        "The uncertainty due to the choice of the model was estimated by fits under other choices (first samples left "
        "out, order of the line shape, broad lines, tied widths): the root of the summed squares of what these changed "
        "beyond noise was combined in quadrature with the SD by noise."
    )


def _lines(lines: Mapping[str, Any]) -> str:
    """Lines of the prior knowledge, those apart that a fit has only where the data ask for them."""
    optional = [line_label(name) for name, line in lines.items() if line.get("optional")]
    always = [line_label(name) for name, line in lines.items() if not line.get("optional")]
    where = f"; where the data required them: {listed(optional)}" if optional else ""
    return f"lines: {listed(always)}{where}"


def _skipped(material: Material) -> str:
    """How many of the first samples was left out of the fit."""
    found = dict.fromkeys(
        f"{time:g} ms" for each in material.protocols.values() for time in sorted(each.fields["skipped_ms"])
    )
    if not found:
        return ""
    length = listed(list(found))
    return f"The first {length} of the FID, where broad signals of bone and phospholipids lie, was left out of the fit."


def _begin_time(material: Material) -> str:
    fit = material.settings.fit
    if not fit.fit_begin_time:
        return "The begin time was held at the value stated by the settings or the header."
    pooled = [
        f"{_middle(protocol, 'prior_us')} ± {_middle(protocol, 'prior_sd_us')} µs"
        + (f" in protocol {name}" if len(material.protocols) > 1 else "")
        + f" ({counted(protocol.fields['prior_us'].total(), 'scan')})"
        for name, protocol in material.protocols.items()
        if protocol.fields["prior_us"]
    ]
    if not pooled:
        return "The begin time was fitted in each scan, starting from the value stated by the header or the settings."
    return (
        "The begin time was fitted in each scan. Its prior was the random-effects mean of the begin times of the other "
        f"scans of the protocol (mean ± SD of the mean, scans to which it was applied): {listed(pooled)}."
    )


def _middle(protocol: Protocol, field: str) -> str:
    """Median of a number over the scans that have it."""
    return f"{median(protocol.fields[field].elements()):.3g}"


def _pulse(settings: Settings) -> str:
    if settings.fit.pulse is None:
        return ""
    pulse = settings.fit.pulse
    return f"The model held the phases left by a block pulse of {pulse.duration_us:g} µs and {pulse.flip_angle_deg:g}°."


def _calibration(start: str, named: str | dict[str, Any]) -> Iterator[Block]:
    document = content(named)
    what = "" if document["quantity"] == "ph" else f"{_read(document)} by"
    yield Paragraph(f"{start} {what}".strip())
    yield Equation(equation(document))
    yield Paragraph.of(explained(document), source(document))


def _read(document: Mapping[str, Any]) -> str:
    """What a calibration of Mg reads."""
    return {
        "iotti": "the shift of β-ATP",
        "gupta_moore": "the distance between α-ATP and β-ATP",
        SPECIATION: "the shifts of Pi and ATP",
    }[document["family"]]


def _undefined(settings: MagnesiumSettings) -> Paragraph:
    """Intervals of Mg, and what else was computed."""
    used = {content(each)["name"] for each in (settings.ph_calibration, settings.mg_calibration)}
    others = [name for each in settings.compare_calibrations if (name := content(each)["name"]) not in used]
    return Paragraph.of(
        "The Gaussian error of the shifts was propagated through the calibration, so that intervals of the Mg²⁺ "
        "concentration are asymmetric. Where the shift lay outside the range of the calibration, Mg was undefined; "
        "the probability of this was computed for each scan.",
        f"For comparison, results were computed by the calibrations {listed(others)} as well." if others else "",
    )


def _energetics(settings: MagnesiumSettings) -> Iterator[Block]:
    atp = line_label(settings.atp_line)
    if settings.t1_s is None:
        yield Paragraph.of(
            f"Ratios of amplitudes (ATP by {atp}) were not corrected for partial saturation. Free ADP and the free "
            "energy of ATP hydrolysis, which need this correction, were not computed.",
            _environment(settings) if content(settings.mg_calibration)["family"] == SPECIATION else "",
        )
        return
    given = f" ({settings.t1_source})" if settings.t1_source else " [source of the T₁: to be given]"
    yield Paragraph(
        f"Amplitudes were corrected for partial saturation with T₁ of {_listed(settings.t1_s)}{given}: each was "
        "divided by"
    )
    yield Equation("(1 − E)/(1 − E·cos α), E = exp(−TR/T₁)")
    yield Paragraph(
        "with the repetition time TR and the flip angle α of the header. Free ADP was computed from the equilibrium of "
        "creatine kinase, and the free energy of ATP hydrolysis from it:"
    )
    yield Equation("[ADP] = [ATP]·[Cr]/([PCr]·K′CK), ΔG = RT·ln{[ADP]·[Pi]/([ATP]·K′ATP)}")
    yield Paragraph(
        "with apparent equilibrium constants at the pH and the free Mg²⁺ concentration of the scan (constants of "
        f"Teague et al., 1996). Assumed were {settings.atp_mmol_l:g} mmol/l ATP (amplitude of {atp}) and "
        f"{settings.total_creatine_mmol_l:g} mmol/l total creatine. {_environment(settings)}"
    )


def _environment(settings: MagnesiumSettings) -> str:
    return (
        f"Equilibrium constants were adjusted to an assumed temperature of {settings.temperature_c:g} °C and an ionic "
        f"strength of {settings.ionic_strength_mol_l:g} mol/l."
    )


def _listed(t1_s: Mapping[str, Any]) -> str:
    """T1 of lines, or of the lines at each field strength, in words."""
    return listed(
        [
            f"{_listed(value)} at {name} T" if isinstance(value, Mapping) else f"{line_label(name)} {value:g} s"
            for name, value in t1_s.items()
        ]
    )

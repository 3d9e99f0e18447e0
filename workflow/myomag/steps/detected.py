"""Detection of the lines that results depend on, from the evidence of a fit and the thresholds of the settings."""

from collections.abc import Iterator, Mapping

from myomag.io.scan_records import Fit, LineEvidence
from myomag.settings.qc import QcSettings

SYMBOLS = {"alpha-ATP": "α-ATP", "beta-ATP": "β-ATP", "gamma-ATP": "γ-ATP"}
NEIGHBOURS = ("alpha-ATP", "gamma-ATP")
"""Lines of the same molecule: with β-ATP, at least one of them is present with a similar amplitude."""

CONFIRMS = 0.05
"""Probability allowed for a neighbour, which only confirms β-ATP: at 1.5 T, α-ATP and NAD overlap."""


def undetected(fit: Fit, settings: QcSettings) -> dict[str, str]:
    """Undetected lines, each with the reason.

    β-ATP requires α- or γ-ATP: a single ATP line is something else. Its amplitude and that of Pi must exceed what a
    misfit of the strongest lines leaves.

    Parameters
    ----------
    fit : Fit
        Fit with the evidence for its lines.
    settings : QcSettings
        Probability allowed, and smallest amplitudes.
    """
    return dict(_undetected(fit, settings))


def _undetected(fit: Fit, settings: QcSettings) -> Iterator[tuple[str, str]]:
    sizes = _sizes(fit)
    present = {name for name, each in fit.evidence.items() if each.p_chance <= settings.max_chance_detection}
    for name, evidence in fit.evidence.items():
        objection = None if name in present else f"at best {max(evidence.z, 0):.1f} SDs of noise and misfit"
        if objection is None and name == "beta-ATP":
            objection = _without_its_molecule(fit.evidence, sizes, settings.min_beta_atp_ratio)
        if objection is None and name == "Pi" and evidence.amplitude < settings.min_pi_pcr_ratio * sizes["PCr"]:
            objection = f"at best {evidence.amplitude / sizes['PCr']:.2g} of PCr"
        if objection:
            yield name, f"{SYMBOLS.get(name, name)} not detected ({objection})"


def _without_its_molecule(evidence: Mapping[str, LineEvidence], sizes: Mapping[str, float], least: float) -> str | None:
    """Why the signal at the position of β-ATP is not ATP."""
    beside = [name for name in NEIGHBOURS if name in evidence and evidence[name].p_chance <= CONFIRMS]
    if not beside:
        return "nor are α- and γ-ATP"
    mean, own = sum(sizes[name] for name in beside) / len(beside), evidence["beta-ATP"].amplitude
    return f"at best {own / mean:.2g} of α- and γ-ATP" if own < least * mean else None


def _sizes(fit: Fit) -> dict[str, float]:
    """Amplitude of each line as fitted."""
    return {line.name: line.amplitude for line in fit.lines}

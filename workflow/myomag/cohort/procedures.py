"""What was done to the scans, as the settings say it, in sentences that methods text and reporting table share."""

from myomag.settings.models import Settings


def processing(settings: Settings, *, several_coils: bool = True) -> list[str]:
    """Sentences on the steps from transients to the averaged FID."""
    qc = settings.qc
    aligned = (
        "Transients were aligned in frequency and phase in the time domain (after Near et al., 2015)."
        if qc.align_transients
        else "Transients were not aligned."
    )
    return [
        "Receive channels were combined with weights from their noise covariance and sensitivities (Rodgers and "
        "Robson, 2010)."
        if several_coils
        else "",
        aligned,
        "Transients acquired before the steady state were left out, transients deviating by more than "
        f"{qc.outlier_z:g} robust SDs were rejected, and the others were averaged.",
        "No apodisation was applied.",
    ]


def criteria(settings: Settings) -> str:
    """Criteria of exclusion in a sentence."""
    qc, cohort = settings.qc, settings.cohort
    verdicts = (
        ""
        if set(cohort.include_verdicts) == {"pass", "warn"}
        else f", or a verdict other than {' or '.join(cohort.include_verdicts)}"
    )
    return (
        f"Scans were excluded for a PCr SNR (amplitude at time zero over noise SD per channel) below {qc.min_snr:g}, a "
        f"PCr line wider than {qc.max_linewidth_ppm:g} ppm, more than {100 * qc.max_rejected_fraction:g} % of the "
        f"transients rejected, a residual around PCr, Pi or β-ATP of more than {100 * qc.max_residual_share:g} % of "
        "the line, a fit that did not converge, a line that did not stand out of noise, or a probability of an "
        f"undefined Mg above {cohort.max_p_undefined:g}{verdicts}."
    )

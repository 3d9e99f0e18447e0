"""Reporting table of the experts' consensus MRSinMRS (Lin et al. 2021, NMR Biomed. 34:e4484), filled from headers.

What headers and settings do not tell is marked as such and left to the authors; nothing is guessed.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from myomag import __version__
from myomag.cohort.acquisitions import NOT_STATED, Protocol, joined, stated
from myomag.cohort.sample import Sample
from myomag.settings.base import content
from myomag.settings.models import Settings

if TYPE_CHECKING:
    import pandas as pd

MRSINMRS_COLUMNS = {
    "protocol": "Protocol, as in protocols.tsv; all: the same for all protocols.",
    "scans": "Scans of the protocol that could be read.",
    "section": "Section of the reporting table.",
    "item": "Item of the reporting table.",
    "value": "What headers, file names, settings or results say; a range where scans differ.",
    "source": "Where that comes from.",
}
"""Columns of mrsinmrs.tsv and what they hold."""
HARDWARE, ACQUISITION, ANALYSIS, QUALITY = "1. Hardware", "2. Acquisition", "3. Data analysis", "4. Data quality"
Entry = tuple[str, str, str | None, str]
HEADER, NAME, SETTINGS, RESULTS = "headers", "file names", "settings", "results"


def build_mrsinmrs(
    protocols: Mapping[str, Protocol], samples: Mapping[str, Sample], settings: Settings
) -> "pd.DataFrame":
    """Build mrsinmrs.tsv: hardware and acquisition of each protocol, then analysis and quality of all.

    Parameters
    ----------
    protocols : mapping of str to Protocol
        Scans that could be read, from `acquisitions.by_protocol`.
    samples : mapping of str to Sample
        The included scans of each kind.
    settings : Settings
        Sections `qc`, `fit`, `magnesium` and `cohort`.
    """
    import pandas as pd

    parts = [(name, protocol.scans, [*_acquired(protocol)]) for name, protocol in protocols.items()]
    parts.append(
        (
            "all",
            sum(protocol.scans for protocol in protocols.values()),
            [*_analysed(settings), *_judged(samples, settings)],
        )
    )
    rows = [
        (protocol, scans, section, item, value or NOT_STATED, source if value else None)
        for protocol, scans, entries in parts
        for section, item, value, source in entries
    ]
    return pd.DataFrame(rows, columns=list(MRSINMRS_COLUMNS))


def _acquired(protocol: Protocol) -> Iterator[Entry]:
    """Hardware and acquisition of one protocol."""
    coils, nucleus = stated(protocol, "coils"), stated(protocol, "ResonantNucleus")
    unlocalised = set(protocol.fields["suffix"]) == {"unloc"}
    yield HARDWARE, "a. Field strength", stated(protocol, "MagneticFieldStrength", unit="T"), HEADER
    yield HARDWARE, "b. Manufacturer", stated(protocol, "Manufacturer"), HEADER
    yield HARDWARE, "c. Model and software", joined(protocol, "ManufacturersModelName", "SoftwareVersions"), HEADER
    names = joined(protocol, "TransmitCoilName", "ReceiveCoilName", between=" / ")
    yield HARDWARE, "d. RF coils: name (transmit / receive)", names, HEADER
    yield HARDWARE, "d. RF coils: nucleus and receive channels", f"{nucleus}, {coils}" if coils else nucleus, HEADER
    yield HARDWARE, "e. Additional hardware", None, HEADER
    yield (
        ACQUISITION,
        "a. Pulse sequence",
        joined(protocol, "PulseSequenceType", "SequenceName", "ScanningSequence"),
        HEADER,
    )
    place = stated(protocol, "voi")
    yield ACQUISITION, "b. Place of the volume", place or stated(protocol, "BodyPart"), NAME if place else HEADER
    size = "not localised: the sensitive volume of the coil" if unlocalised else None
    yield ACQUISITION, "c. Nominal size of the volume", size, NAME
    yield ACQUISITION, "d. Repetition time", stated(protocol, "RepetitionTime", 1e3, "ms"), HEADER
    yield ACQUISITION, "d. Echo time, or delay of the acquisition", stated(protocol, "EchoTime", 1e3, "ms"), HEADER
    yield ACQUISITION, "e. Transients per spectrum", stated(protocol, "transients"), HEADER
    yield ACQUISITION, "f. Spectral width", stated(protocol, "SpectralWidth", unit="Hz"), HEADER
    yield ACQUISITION, "f. Points", stated(protocol, "NumberOfSpectralPoints"), HEADER
    yield ACQUISITION, "f. Spectrometer frequency", stated(protocol, "SpectrometerFrequency", unit="MHz"), HEADER
    yield ACQUISITION, "f. Flip angle", stated(protocol, "FlipAngle", unit="degrees"), HEADER
    yield ACQUISITION, "f. Frequency offset", stated(protocol, "TxOffset", unit="ppm"), HEADER
    yield ACQUISITION, "g. Water suppression", "not applicable to 31P" if nucleus == "31P" else None, HEADER
    yield ACQUISITION, "h. Shimming", None, HEADER
    yield ACQUISITION, "i. Triggering and motion correction", None, HEADER


def _analysed(settings: Settings) -> Iterator[Entry]:
    magnesium = settings.magnesium
    yield ANALYSIS, "a. Software", f"myomag {__version__}", RESULTS
    yield ANALYSIS, "b. Processing", processing(settings), SETTINGS
    measures = f"free Mg2+ (mmol/L), pMg and pH from chemical shifts; amplitude ratios to {magnesium.atp_line}"
    yield ANALYSIS, "c. Output measures", measures, SETTINGS
    yield ANALYSIS, "d. Calibration of Mg", calibration(magnesium.mg_calibration), SETTINGS
    yield ANALYSIS, "d. Calibration of pH", calibration(magnesium.ph_calibration), SETTINGS
    prior = content(settings.fit.prior_knowledge)
    model = (
        f"AMARES in the time domain; prior knowledge {prior['name']}: {prior.get('description') or 'no description'}"
    )
    yield ANALYSIS, "d. Fitting model", f"{model}; lines {', '.join(prior['lines'])}", SETTINGS


def _judged(samples: Mapping[str, Sample], settings: Settings) -> Iterator[Entry]:
    qc, cohort = settings.qc, settings.cohort
    for name, sample in _named(samples):
        yield QUALITY, f"a. SNR of PCr (time domain), {name}", _spread(sample, "pcr_snr", ""), RESULTS
        yield QUALITY, f"a. Line width of PCr, {name}", _spread(sample, "pcr_fwhm_hz", "Hz"), RESULTS
    excluded = (
        f"PCr SNR below {qc.min_snr:g}; PCr line width above {qc.max_linewidth_ppm:g} ppm; more than "
        f"{100 * qc.max_rejected_fraction:g} % of the transients rejected; verdict not "
        f"{' or '.join(cohort.include_verdicts)}; fit not converged; Mg undefined, or with a probability above "
        f"{cohort.max_p_undefined:g}"
    )
    yield QUALITY, "b. Criteria of exclusion", excluded, SETTINGS
    bounds = "Cramér-Rao standard deviations with ties and bounds, raised where the residual is not white"
    spreads = "; ".join(f"SD of pMg, {name}: {_spread(sample, 'pmg_sd', '')}" for name, sample in _named(samples))
    yield QUALITY, "c. Quality of the fit", f"{bounds}; {spreads}", RESULTS
    yield QUALITY, "d. Spectra", "report/sub-*.html: each scan with fit and residual", RESULTS


def _named(samples: Mapping[str, Sample]) -> list[tuple[str, Sample]]:
    """Included scans, and what to call them: by their kind where there are several."""
    several = len(samples) > 1
    return [(f"included scans{f' ({kind})' if several else ''}", sample) for kind, sample in samples.items()]


def processing(settings: Settings) -> str:
    """Steps from transients to the fitted FID, as the settings have them."""
    qc, fit = settings.qc, settings.fit
    align = "aligned in frequency and phase" if qc.align_transients else "not aligned"
    begin = "fitted" if fit.fit_begin_time else "held at the stated value"
    pooling = fit.fit_begin_time and fit.pool_begin_time
    pooled = ", pooled over the scans of a protocol as a prior" if pooling else ""
    return (
        f"channels combined; transients {align}, those before the steady state left out, those "
        f"{qc.outlier_z:g} robust SDs out rejected, the others averaged; first samples, with "
        f"broad signals, left out; no apodisation; begin time {begin}{pooled}"
    )


def calibration(document: str | dict[str, Any]) -> str:
    """Name, source and standing of a calibration, given by its content."""
    found = content(document)
    return f"{found['name']} ({found['standing']}): {found['source']}"


def name_of(document: str | dict[str, Any]) -> str:
    """Name of a calibration or prior knowledge, given by its content."""
    return str(content(document)["name"])


def _spread(sample: Sample, name: str, unit: str) -> str | None:
    """Median and range of a column over the included scans."""
    values = sample.column(name).dropna().to_numpy(dtype=np.float64)
    if len(values) == 0:
        return None
    if len(values) == 1:
        return f"{values[0]:.3g} {unit}".strip()
    middle, low, high = (f"{number:.3g}" for number in (np.median(values), values.min(), values.max()))
    return f"median {middle}, {low} to {high} {unit}".strip()

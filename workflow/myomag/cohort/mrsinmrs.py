"""Reporting table of the experts' consensus MRSinMRS (Lin et al. 2021, NMR Biomed. 34:e4484), filled from headers.

Every item of the consensus has its row, in its order. What headers and settings do not state is listed as missing and
left to the authors; nothing is guessed.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from myomag import __version__
from myomag.cohort.acquisitions import NOT_STATED, Protocol, joined, stated
from myomag.cohort.procedures import criteria, processing
from myomag.cohort.sample import Sample
from myomag.settings.base import content
from myomag.settings.models import Settings

if TYPE_CHECKING:
    import pandas as pd

STATED, MISSING, NOT_APPLICABLE = "stated", "missing", "not applicable"
MRSINMRS_COLUMNS = {
    "protocol": "Protocol, as in protocols.tsv; all: the same for all protocols.",
    "scans": "Scans of the protocol that could be read.",
    "section": "Section of the reporting table.",
    "item": "Item of the reporting table, with its letter there.",
    "value": "What headers, file names, settings or results say; a range where scans differ.",
    "status": "stated; missing: for the authors to add; not applicable, for the reason in `value`.",
    "source": "Where the value comes from.",
}
"""Columns of mrsinmrs.tsv and what they hold."""
HARDWARE, ACQUISITION = "1. Hardware", "2. Acquisition"
ANALYSIS, QUALITY = "3. Data analysis methods and outputs", "4. Data quality"
HEADER, NAME, SETTINGS, RESULTS = "headers", "file names", "settings", "results"


class Entry(NamedTuple):
    """One row: section, item, what is known, whence, and why the item does not apply."""

    section: str
    item: str
    value: str | None = None
    source: str = HEADER
    inapplicable: str | None = None

    @property
    def cells(self) -> tuple[str, str, str, str, str | None]:
        """Section, item, value, status and source."""
        if self.inapplicable:
            return self.section, self.item, self.inapplicable, NOT_APPLICABLE, None
        if not self.value:
            return self.section, self.item, NOT_STATED, MISSING, None
        return self.section, self.item, self.value, STATED, self.source


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

    parts = [
        (name, protocol.scans, [*_hardware(protocol), *_acquisition(protocol), *_parameters(protocol)])
        for name, protocol in protocols.items()
    ]
    several = any(count != 1 for protocol in protocols.values() for count in protocol.fields["coils"])
    everything = sum(protocol.scans for protocol in protocols.values())
    parts.append(("all", everything, [*_analysed(settings, several_coils=several), *_judged(samples, settings)]))
    rows = [(protocol, scans, *entry.cells) for protocol, scans, entries in parts for entry in entries]
    return pd.DataFrame(rows, columns=list(MRSINMRS_COLUMNS))


def _hardware(protocol: Protocol) -> Iterator[Entry]:
    names = joined(protocol, "TransmitCoilName", "ReceiveCoilName", between=" / ")
    place = stated(protocol, "BodyPart")
    yield Entry(HARDWARE, "a. Field strength", stated(protocol, "MagneticFieldStrength", unit="T"))
    yield Entry(HARDWARE, "b. Manufacturer", stated(protocol, "Manufacturer"))
    yield Entry(HARDWARE, "c. Model", stated(protocol, "ManufacturersModelName"))
    yield Entry(HARDWARE, "c. Software version", stated(protocol, "SoftwareVersions"))
    yield Entry(HARDWARE, "d. RF coils: nuclei", stated(protocol, "ResonantNucleus"))
    yield Entry(HARDWARE, "d. RF coils: number of channels", stated(protocol, "coils"))
    yield Entry(HARDWARE, "d. RF coils: type (transmit / receive)", names)
    yield Entry(HARDWARE, "d. RF coils: body part", place or stated(protocol, "voi"), HEADER if place else NAME)
    yield Entry(HARDWARE, "e. Additional hardware")


def _acquisition(protocol: Protocol) -> Iterator[Entry]:
    unlocalised = set(protocol.fields["suffix"]) == {"unloc"}
    place = stated(protocol, "voi")
    size = "not localised: the sensitive volume of the coil" if unlocalised else None
    sequence = joined(protocol, "PulseSequenceType", "SequenceName", "ScanningSequence")
    yield Entry(ACQUISITION, "a. Pulse sequence", sequence)
    yield Entry(ACQUISITION, "b. VOI location", place or stated(protocol, "BodyPart"), NAME if place else HEADER)
    yield Entry(ACQUISITION, "c. Nominal VOI size", inapplicable=size)
    yield Entry(ACQUISITION, "d. Repetition time (TR)", stated(protocol, "RepetitionTime", 1e3, "ms"))
    yield Entry(ACQUISITION, "d. Echo time (TE), or delay of the acquisition", stated(protocol, "EchoTime", 1e3, "ms"))
    yield Entry(ACQUISITION, "e. Acquisitions per spectrum", stated(protocol, "transients"))
    series = _range(protocol, "repetitions")
    none = None if series else "no time series"
    method = "none: repetitions fitted together, amplitudes free in each, shifts of Pi and β-ATP smooth over time"
    yield Entry(ACQUISITION, "e. i. Averaged spectra per time point", inapplicable=none)
    yield Entry(ACQUISITION, "e. ii. Averaging method", method, SETTINGS, none)
    yield Entry(ACQUISITION, "e. iii. Total number of spectra", series, HEADER, none)


def _parameters(protocol: Protocol) -> Iterator[Entry]:
    """Further parameters of the sequence, and what was done around it."""
    suffixes, nucleus = set(protocol.fields["suffix"]), stated(protocol, "ResonantNucleus")
    unlocalised = "not localised" if suffixes == {"unloc"} else None
    yield Entry(ACQUISITION, "f. Spectral width", stated(protocol, "SpectralWidth", unit="Hz"))
    yield Entry(ACQUISITION, "f. Number of spectral points", stated(protocol, "NumberOfSpectralPoints"))
    yield Entry(ACQUISITION, "f. Frequency offset", stated(protocol, "TxOffset", unit="ppm"))
    yield Entry(ACQUISITION, "f. Spectrometer frequency", stated(protocol, "SpectrometerFrequency", unit="MHz"))
    yield Entry(ACQUISITION, "f. Flip angle", stated(protocol, "FlipAngle", unit="degrees"))
    mixing = stated(protocol, "MixingTime", 1e3, "ms")
    yield Entry(ACQUISITION, "f. STEAM: mixing time", mixing, inapplicable=unlocalised)
    grid = None if "mrsi" in suffixes else "no MRSI"
    yield Entry(ACQUISITION, "f. MRSI: dimensions, FOV, matrix, acceleration, sampling", inapplicable=grid)
    water = "31P has no signal of water" if nucleus == "31P" else None
    yield Entry(ACQUISITION, "g. Water suppression method", inapplicable=water)
    yield Entry(ACQUISITION, "h. Shimming method, reference peak, thresholds for acceptance")
    yield Entry(ACQUISITION, "i. Triggering or motion correction method")


def _analysed(settings: Settings, *, several_coils: bool) -> Iterator[Entry]:
    magnesium, prior = settings.magnesium, content(settings.fit.prior_knowledge)
    measures = f"free Mg2+ (mmol/L), pMg and pH from chemical shifts; amplitude ratios to {magnesium.atp_line}"
    saturation = (
        "not corrected for partial saturation" if magnesium.t1_s is None else "corrected for partial saturation"
    )
    model = f"AMARES in the time domain; prior knowledge {prior['name']}: {prior.get('description') or 'not described'}"
    assumed = (
        f"{magnesium.temperature_c:g} °C, ionic strength {magnesium.ionic_strength_mol_l:g} mol/l, ATP "
        f"{magnesium.atp_mmol_l:g} mmol/l, total creatine {magnesium.total_creatine_mmol_l:g} mmol/l"
    )
    unused = "ADP and the free energy of ATP hydrolysis were not computed" if magnesium.t1_s is None else None
    yield Entry(ANALYSIS, "a. Analysis software", f"myomag {__version__}", RESULTS)
    yield Entry(
        ANALYSIS,
        "b. Processing steps",
        " ".join(filter(None, processing(settings, several_coils=several_coils))),
        SETTINGS,
    )
    yield Entry(ANALYSIS, "c. Output measure", f"{measures}, {saturation}", SETTINGS)
    yield Entry(ANALYSIS, "d. Quantification reference: Mg", calibration(magnesium.mg_calibration), SETTINGS)
    yield Entry(ANALYSIS, "d. Quantification reference: pH", calibration(magnesium.ph_calibration), SETTINGS)
    yield Entry(ANALYSIS, "d. Quantification assumptions", assumed, SETTINGS, unused)
    yield Entry(ANALYSIS, "d. Fitting model", f"{model}; lines {', '.join(prior['lines'])}", SETTINGS)


def _judged(samples: Mapping[str, Sample], settings: Settings) -> Iterator[Entry]:
    for name, sample in _named(samples):
        yield Entry(QUALITY, f"a. SNR of PCr (time domain), {name}", _spread(sample, "pcr_snr", ""), RESULTS)
        yield Entry(QUALITY, f"a. Linewidth of PCr, {name}", _spread(sample, "pcr_fwhm_hz", "Hz"), RESULTS)
    yield Entry(QUALITY, "b. Data exclusion criteria", criteria(settings), SETTINGS)
    bounds = (
        "SDs from the observed information and the variance of the residual, raised where the residual is not white"
    )
    yield Entry(QUALITY, "c. Quality measures of the fit", bounds, RESULTS)
    for name, sample in _named(samples):
        yield Entry(QUALITY, f"c. SD of pMg, {name}", _spread(sample, "pmg_sd", ""), RESULTS)
        residual = _spread(sample, "residual_over_noise", "") if "residual_over_noise" in sample.columns else None
        yield Entry(QUALITY, f"c. SD of the residual over that of the noise, {name}", residual, RESULTS)
    yield Entry(QUALITY, "d. Sample spectrum", "report/sub-*.html: each scan with fit and residual", RESULTS)


def _named(samples: Mapping[str, Sample]) -> list[tuple[str, Sample]]:
    """Included scans, and what to call them: by their kind where there are several."""
    several = len(samples) > 1
    return [(f"included scans{f' ({kind})' if several else ''}", sample) for kind, sample in samples.items()]


def calibration(document: str | dict[str, Any]) -> str:
    """Name, source and standing of a calibration, given by its content."""
    found = content(document)
    return f"{found['name']} ({found['standing']}): {found['source']}"


def _range(protocol: Protocol, name: str) -> str | None:
    """Number that only some scans of a protocol have."""
    known = protocol.fields[name]
    if not known:
        return None
    return f"{min(known):g}" if len(known) == 1 else f"{min(known):g} to {max(known):g}"


def _spread(sample: Sample, name: str, unit: str) -> str | None:
    """Median and range of a column over the included scans."""
    values = sample.column(name).dropna().to_numpy(dtype=np.float64)
    if len(values) == 0:
        return None
    if len(values) == 1:
        return f"{values[0]:.3g} {unit}".strip()
    middle, low, high = (f"{number:.3g}" for number in (np.median(values), values.min(), values.max()))
    return f"median {middle}, {low} to {high} {unit}".strip()

"""Content of a vendor file, completed to a scan by sidecar and settings."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myomag.errors import ScanError
from myomag.io.nifti_mrs import WIDTH_TOLERANCE, MrsData, check_spectral_width, checked_scan, repetition_shape
from myomag.io.nuclei import (
    GYROMAGNETIC_RATIO_MHZ_T,
    check_field,
    frequency_mhz,
    nucleus_from_field,
    nucleus_name,
    positive,
)
from myomag.io.privacy import public_metadata
from myomag.io.volume_timing import AVERAGES, VOLUME_TIMING, check_volume_timing, times_by_clock


@dataclass(frozen=True)
class RawScan:
    """Content of a raw file; None for a quantity that is not stated.

    Attributes
    ----------
    fid : ndarray, shape (points, transients, coils)
        Complex samples in the physicist's sign.
    dwell_time_s : float or None
        Sampling interval [s].
    frequency : float or None
        Spectrometer frequency as stated [MHz or Hz].
    nucleus : str or None
        Nucleus as stated.
    field_t : float or None
        Static field [T].
    metadata : dict
        Fields under NIfTI-MRS or BIDS names, before the whitelist.
    dwell_is_rounded : bool
        The dwell time was printed with too few digits for a shift in ppm.
    measurements : int
        Repeats of the whole sequence, each with consecutive transients; 1 if they are not divided.
    averages : int
        Number of acquisitions already averaged into each transient.
    clock_s : tuple of float
        Start of each repetition, or each transient, from the headers [s, arbitrary origin]; empty if unknown.
    """

    fid: NDArray[np.complexfloating]
    dwell_time_s: float | None
    frequency: float | None
    nucleus: str | None
    field_t: float | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    dwell_is_rounded: bool = False
    measurements: int = 1
    averages: int = 1
    clock_s: tuple[float, ...] = ()


def completed(raw: RawScan, sidecars: Sequence[Mapping[str, Any]], fallback_nucleus: str | None, name: str) -> MrsData:
    """Scan from a raw file and its sidecars (general first, closest last).

    Parameters
    ----------
    raw : RawScan
        Content of the file.
    sidecars : sequence of mapping
        BIDS fields that complete it; nucleus, frequency and width must agree with the file.
    fallback_nucleus : str or None
        Nucleus if neither file nor sidecar states one.
    name : str
        Name of the file, for messages.

    Raises
    ------
    ScanError
        If something is missing, impossible or contradictory, naming field and values.
    """
    sidecar = {key: value for mapping in sidecars for key, value in mapping.items() if value is not None}
    label = f"{name}: sidecar"
    nucleus = _nucleus(raw, sidecar, fallback_nucleus, name)
    mhz = _frequency_mhz(raw, sidecar, nucleus, name)
    check_field(mhz, nucleus, raw.field_t, f"{name}: magnetic field")
    _check_points(raw, sidecar, f"{label} NumberOfSpectralPoints")
    metadata = public_metadata(raw.metadata, name) | public_metadata(sidecar, label)
    if raw.field_t:
        metadata.setdefault("MagneticFieldStrength", raw.field_t)
    _set_times(raw, metadata, f"{label if VOLUME_TIMING in sidecar else name}: {VOLUME_TIMING}")
    return checked_scan(
        name,
        fid=raw.fid,
        dwell_time_s=_dwell_time_s(raw, sidecar, nucleus, name),
        spectrometer_frequency_mhz=mhz,
        nucleus=nucleus,
        metadata=metadata,
        measurements=raw.measurements,
    )


def _set_times(raw: RawScan, metadata: dict[str, Any], where: str) -> None:
    """Check the times of repetitions, or state those that RepetitionTime does not tell.

    By the clock of the scanner they may be uneven, and a mean of several averages takes as long as all of these.
    """
    transients, repetitions = repetition_shape(raw.fid.shape[1], raw.measurements)
    if raw.averages > 1:
        metadata.setdefault(AVERAGES, raw.averages)
    averages = metadata.get(AVERAGES, 1)
    each_s = metadata["RepetitionTime"] * transients * averages if "RepetitionTime" in metadata else None
    if VOLUME_TIMING in metadata:
        check_volume_timing(metadata[VOLUME_TIMING], repetitions, each_s, where)
    elif times := times_by_clock(raw.clock_s, repetitions, each_s):
        metadata[VOLUME_TIMING] = times
    elif each_s and averages > 1 and repetitions > 1:
        metadata[VOLUME_TIMING] = [each_s * k for k in range(repetitions)]


def _check_points(raw: RawScan, sidecar: Mapping[str, Any], where: str) -> None:
    """Refuse a sidecar for an FID of different length: it belongs to another scan."""
    stated, points = sidecar.get("NumberOfSpectralPoints"), raw.fid.shape[0]
    if stated is not None and positive(stated, where) != points:
        raise ScanError(f"{where} = {stated}, but the file contains {points}; correct the sidecar.")


def _nucleus(raw: RawScan, sidecar: Mapping[str, Any], fallback: str | None, name: str) -> str:
    in_file = nucleus_name(raw.nucleus, f"{name}: nucleus") if raw.nucleus else None
    value = sidecar.get("ResonantNucleus")
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    in_sidecar = nucleus_name(value, f"{name}: sidecar ResonantNucleus") if value else None
    if in_file and in_sidecar and in_file != in_sidecar:
        raise ScanError(
            f"{name}: the sidecar says ResonantNucleus = {in_sidecar}, the file says {in_file}; correct the sidecar."
        )
    from_field = nucleus_from_field(raw.frequency, raw.field_t) if raw.frequency else None
    nucleus = in_file or in_sidecar or from_field or fallback
    if not nucleus:
        raise ScanError(
            f"{name}: states no nucleus; add ResonantNucleus to its sidecar or nuc-31P to its name, "
            "or set convert.nucleus."
        )
    return nucleus


def _frequency_mhz(raw: RawScan, sidecar: Mapping[str, Any], nucleus: str, name: str) -> float:
    field_name = f"{name}: sidecar SpectrometerFrequency"
    stated = sidecar.get("SpectrometerFrequency")
    in_sidecar = frequency_mhz(stated, nucleus, field_name) if stated is not None else None
    if raw.frequency is None:
        if in_sidecar is None:
            raise ScanError(f"{name}: states no frequency; add SpectrometerFrequency [MHz] to its sidecar.")
        return in_sidecar
    _check_scale(raw, nucleus, name)
    in_file = frequency_mhz(raw.frequency, nucleus, f"{name}: spectrometer frequency")
    if in_sidecar and abs(in_sidecar / in_file - 1) > WIDTH_TOLERANCE:
        raise ScanError(f"{field_name} = {in_sidecar:.7g} MHz, the file says {in_file:.7g} MHz; correct the sidecar.")
    return in_file


def _check_scale(raw: RawScan, nucleus: str, name: str) -> None:
    """Report the nucleus as wrong, rather than the frequency, if frequency and field match another nucleus."""
    identified = nucleus_from_field(raw.frequency, raw.field_t) if raw.frequency else None
    if identified and identified != nucleus:
        gamma = GYROMAGNETIC_RATIO_MHZ_T[identified]
        raise ScanError(
            f"{name}: frequency over field is {gamma:.5g} MHz/T, that of {identified}, but the nucleus is given as "
            f"{nucleus}; correct the nucleus."
        )


def _dwell_time_s(raw: RawScan, sidecar: Mapping[str, Any], nucleus: str, name: str) -> float:
    width = sidecar.get("SpectralWidth")
    where = f"{name}: sidecar SpectralWidth"
    width_hz = positive(width, where) if width is not None else None
    if raw.dwell_time_s is None:
        if width_hz is None:
            raise ScanError(f"{name}: states no dwell time; add SpectralWidth [Hz] to its sidecar.")
        return 1 / width_hz
    dwell = positive(raw.dwell_time_s, f"{name}: dwell time")
    if width_hz is not None:
        check_spectral_width(width_hz, dwell, where)
        return 1 / width_hz if raw.dwell_is_rounded else dwell
    # .1 % of the width is .016 ppm at β-ATP and 9 % of Mg; other nuclei are refused later, by name.
    if raw.dwell_is_rounded and nucleus == "31P":
        raise ScanError(
            f"{name}: the dwell time {dwell:g} s is rounded too much for shifts in ppm; "
            "add the exact SpectralWidth [Hz] to its sidecar."
        )
    return dwell


def measurements_of(fids: int, averages: float | None) -> int:
    """Number of measurements among the FIDs of a file: each FID is one if it is a mean of several averages.

    Parameters
    ----------
    fids : int
        Number of FIDs.
    averages : float or None
        Averages of the protocol; with as many FIDs, these are single transients.
    """
    return fids if averages is not None and averages > 1 and averages != fids else 1


def averages_each(fids: int, averages: float | None) -> int:
    """Averages whose mean each FID of a file is, by those of the protocol."""
    return int(averages or 1) if measurements_of(fids, averages) > 1 else 1


def read_bytes(path: Path) -> bytes:
    """Content of a raw file.

    Raises
    ------
    ScanError
        If it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ScanError(f"{path.name}: cannot be read ({error.strerror}).") from error


def number(text: str | None, where: str) -> float | None:
    """Finite number in a header field, None if empty or absent; a decimal comma counts as a point.

    Raises
    ------
    ScanError
        If it is not a number.
    """
    if text is None or not text.strip():
        return None
    try:
        value = float(text.strip().strip("\"'").replace(",", "."))
    except ValueError:
        value = np.inf
    if not np.isfinite(value):
        raise ScanError(f"{where} is not a number; export the scan again.")
    return value


def whole_number(text: str | None, where: str) -> int:
    """Positive count in a header field.

    Raises
    ------
    ScanError
        If it is absent or not such a number.
    """
    value = number(text, where)
    if value is None or value < 1 or value != int(value):
        raise ScanError(f"{where} must be a whole number above 0; export the scan again.")
    return int(value)


def scaled(value: float | None, factor: float) -> float | None:
    """Value in another unit, None if not stated."""
    return None if value is None else value * factor


def is_rounded(dwell_s: float | None, text: str) -> bool:
    """Whether a dwell time was printed with so few digits that the spectral width may be off by more than .01 %.

    One whose inverse is a round number of Hz (5e-05: 20000) is taken to be exact.

    Parameters
    ----------
    dwell_s : float or None
        Dwell time [s].
    text : str
        Its digits as printed, in any unit.
    """
    if not dwell_s or dwell_s <= 0:
        return False
    digits = re.sub(r"[EeDd].*|\D", "", text).lstrip("0")
    width_hz = 1 / dwell_s
    return 0.5 / int(digits or 1) > 1e-4 and abs(width_hz / float(f"{width_hz:.3g}") - 1) > 1e-6

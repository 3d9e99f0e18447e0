"""Metadata that may leave a raw file: a whitelist of technical fields; everything else is dropped.

Names, birth dates, identifiers, weight, sex, institutions, dates, serial numbers, paths, protocol names and comments
are not on it.
"""

import re
from collections.abc import Mapping
from typing import Any

from myomag.errors import ScanError
from myomag.io.volume_timing import AVERAGES, VOLUME_TIMING, volume_timing

NUMBERS = {
    "EchoTime": (0.0, 1.0, "s"),
    "AcquisitionStartTime": (-1.0, 1.0, "s"),
    "RepetitionTime": (0.0, 100.0, "s"),
    "InversionTime": (0.0, 100.0, "s"),
    "MixingTime": (0.0, 10.0, "s"),
    "FlipAngle": (0.0, 3600.0, "degrees"),
    AVERAGES: (1.0, 100_000.0, "averages"),
    "MagneticFieldStrength": (0.0, 30.0, "T"),
    "TxOffset": (-1e6, 1e6, "ppm"),
    "RxOffset": (-1e6, 1e6, "ppm"),
    "SpecFreqChemShift": (-1e3, 1e3, "ppm"),
}
"""Numbers that pass, with range and unit: a number outside it is in another unit (usually ms for s)."""

STRINGS = (
    "Manufacturer",
    "ManufacturersModelName",
    "SoftwareVersions",
    "PulseSequenceType",
    "ScanningSequence",
    "SequenceName",
    "ReceiveCoilName",
    "TransmitCoilName",
    "BodyPart",
    "VoxelOfGrid",
)
"""Short strings that pass."""

BIDS_NAMES = {"ExcitationFlipAngle": "FlipAngle", "RxCoil": "ReceiveCoilName", "TxCoil": "TransmitCoilName"}
"""NIfTI-MRS names that differ in BIDS."""

_TECHNICAL_STRING = re.compile(r"[A-Za-z0-9*][A-Za-z0-9 ._:;,+*()\-]{0,63}")


def public_metadata(fields: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Fields that may be written, under their BIDS names, in a fixed order.

    Parameters
    ----------
    fields : mapping
        Header extension of NIfTI-MRS or BIDS sidecar; a value may be wrapped as {"Value": ...}.
    name : str
        Name of the file, for messages.

    Raises
    ------
    ScanError
        If a whitelisted number is not a number, or is out of range.
    """
    known = {BIDS_NAMES.get(key, key): _unwrapped(value) for key, value in fields.items()}
    public: dict[str, Any] = {}
    for key, (low, high, unit) in NUMBERS.items():
        if known.get(key) is not None:
            public[key] = _number(known[key], low, high, f"{name}: {key}", unit)
    if fields.get(VOLUME_TIMING) is not None:
        stated = fields[VOLUME_TIMING]
        times = stated.get("Value") if isinstance(stated, Mapping) else stated
        public[VOLUME_TIMING] = volume_timing(times, f"{name}: {VOLUME_TIMING}")
    for key in STRINGS:
        value = known.get(key)
        if isinstance(value, str) and _TECHNICAL_STRING.fullmatch(value.strip()):
            public[key] = value.strip()
    return public


def _unwrapped(value: Any) -> Any:
    """Value of a user-defined NIfTI-MRS field (an object with a description), or of a one-element list."""
    if isinstance(value, Mapping):
        value = value.get("Value")
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _number(value: Any, low: float, high: float, where: str, unit: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ScanError(f"{where} must be one number [{unit}].")
    if not low <= value <= high:
        raise ScanError(f"{where} = {str(value)[:12]} is out of range ({low:g} to {high:g} {unit}); check its unit.")
    return float(value)

"""How the scans were acquired, in sentences; what headers do not state is a placeholder for the author."""

import re
from collections.abc import Iterator, Mapping

from myomag.cohort.acquisitions import NOT_STATED, Protocol, joined, stated
from myomag.manuscript.blocks import Paragraph, counted

RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
LOCALISED = {"unloc": "without localisation other than by the coil", "svs": "from a single voxel", "mrsi": "by MRSI"}


def acquisition(protocols: Mapping[str, Protocol]) -> Iterator[Paragraph]:
    """Paragraph on each protocol."""
    scans = sum(protocol.scans for protocol in protocols.values())
    if not scans:
        yield Paragraph("No scan could be read; nothing is known of the acquisition.")
        return
    if len(protocols) > 1:
        yield Paragraph(f"The {scans} scans that could be read were acquired with {len(protocols)} protocols.")
    for name, protocol in protocols.items():
        start = f"Protocol {name} ({counted(protocol.scans, 'scan')}): " if len(protocols) > 1 else ""
        yield Paragraph.of(start + _hardware(protocol), _sequence(protocol), _preparation(protocol))


def _hardware(protocol: Protocol) -> str:
    nucleus = re.sub(r"^\d+", lambda mass: mass[0].translate(RAISED), stated(protocol, "ResonantNucleus") or "31P")
    place = stated(protocol, "voi") or stated(protocol, "BodyPart")
    scanner = joined(protocol, "Manufacturer", "ManufacturersModelName", between=" ")
    coil = joined(protocol, "TransmitCoilName", "ReceiveCoilName", between=" / ")
    return (
        f"{nucleus} spectra of the {place or _missing('muscle')} were acquired at "
        f"{stated(protocol, 'MagneticFieldStrength', unit='T') or _missing('field strength')} (scanner: "
        f"{scanner or _missing('scanner')}; software: "
        f"{stated(protocol, 'SoftwareVersions') or _missing('software version')}; coil: {coil or _missing('coil')})."
    )


def _sequence(protocol: Protocol) -> str:
    named = joined(protocol, "PulseSequenceType", "SequenceName") or _missing("sequence")
    where = [LOCALISED[suffix] for suffix in protocol.fields["suffix"] if suffix in LOCALISED]
    values = {
        "repetition time": stated(protocol, "RepetitionTime", 1e3, "ms"),
        "echo time or acquisition delay": stated(protocol, "EchoTime", 1e3, "ms"),
        "flip angle": stated(protocol, "FlipAngle", unit="degrees"),
        "number of transients averaged": stated(protocol, "transients"),
        "spectral width": stated(protocol, "SpectralWidth", unit="Hz"),
        "number of points": stated(protocol, "NumberOfSpectralPoints"),
    }
    if repetitions := sorted(protocol.fields["repetitions"]):
        values |= {"number of repetitions of a series": f"{repetitions[0]:g}" + _up_to(repetitions)}
    told = ", ".join(f"{name} {value}" if value else _missing(name) for name, value in values.items())
    return f"The sequence was {named}{f', {where[0]}' if len(where) == 1 else ''} ({told})."


def _up_to(numbers: list[float]) -> str:
    return f" to {numbers[-1]:g}" if numbers[-1] > numbers[0] else ""


def _preparation(protocol: Protocol) -> str:
    """Placeholders for what no header tells."""
    coils = stated(protocol, "coils")
    several = f"The signals of {coils} receive channels were recorded. " if coils not in (None, "1") else ""
    return f"{several}{_missing('shimming')} {_missing('position of the limb and of the coil')}"


def _missing(name: str) -> str:
    return f"[{name}: {NOT_STATED}]"

"""How the scans were acquired, as their headers state it, by protocol."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NOT_STATED = "not stated in the headers"


@dataclass(frozen=True)
class Acquisition:
    """Protocol of a scan, and the technical fields of its header and of its quality record."""

    protocol: str
    fields: Mapping[str, Any]


@dataclass
class Protocol:
    """Number of scans of a protocol, and how many of them state each value of a field."""

    scans: int = 0
    fields: dict[str, Counter[Any]] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, acquisition: Acquisition) -> None:
        """Count a scan; of many scans only the values that differ are kept."""
        self.scans += 1
        for name, value in acquisition.fields.items():
            if value is not None:
                self.fields[name][value] += 1


def stated(protocol: Protocol, name: str, scale: float = 1.0, unit: str = "") -> str | None:
    """What the headers of some scans say of a field: one value, the range of numbers or all texts; None for nothing.

    Parameters
    ----------
    protocol : Protocol
        The scans.
    name : str
        Name of the field.
    scale : float
        Factor from the header's unit to the one shown.
    unit : str
        Unit shown.
    """
    values = protocol.fields.get(name)
    if not values:
        return None
    missing = protocol.scans - values.total()
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        low, high = (f"{scale * value:.6g}" for value in (min(values), max(values)))
        text = low if low == high else f"{low} to {high}"
    else:
        text = "; ".join(sorted({str(value) for value in values}))
    text = f"{text} {unit}".strip()
    return f"{text} ({missing} of {protocol.scans} scans do not state it)" if missing else text


def joined(protocol: Protocol, *names: str, between: str = ", ") -> str | None:
    """What the headers say of several fields, one behind the other; None if nothing."""
    return between.join(text for name in names if (text := stated(protocol, name))) or None

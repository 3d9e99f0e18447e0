"""How the scans were acquired, as their headers state it, by protocol."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NOT_STATED = "not stated in the headers"


@dataclass(frozen=True)
class Acquisition:
    """Protocol of a scan, and the technical fields of its header and of its quality record."""

    protocol: str
    fields: Mapping[str, Any]


def by_protocol(acquisitions: Iterable[Acquisition]) -> dict[str, list[Acquisition]]:
    """Acquisitions of each protocol, sorted."""
    groups: dict[str, list[Acquisition]] = {}
    for each in acquisitions:
        groups.setdefault(each.protocol, []).append(each)
    return dict(sorted(groups.items()))


def stated(members: Sequence[Acquisition], field: str, scale: float = 1.0, unit: str = "") -> str | None:
    """What the headers of some scans say of a field: one value, the range of numbers or all texts; None for nothing.

    Parameters
    ----------
    members : sequence of Acquisition
        The scans.
    field : str
        Name of the field.
    scale : float
        Factor from the header's unit to the one shown.
    unit : str
        Unit shown.
    """
    values = [each.fields[field] for each in members if each.fields.get(field) is not None]
    if not values:
        return None
    missing = len(members) - len(values)
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        low, high = (f"{scale * value:.6g}" for value in (min(values), max(values)))
        text = low if low == high else f"{low} to {high}"
    else:
        text = "; ".join(sorted({str(value) for value in values}))
    text = f"{text} {unit}".strip()
    return f"{text} ({missing} of {len(members)} scans do not state it)" if missing else text

"""The measurement protocol in Siemens files, as text (ASCCONV)."""

import re
from collections.abc import Mapping

_BLOCK = re.compile(r"### ASCCONV BEGIN[^\n]*\n(.*?)(?:### ASCCONV END|\Z)", re.DOTALL)
_ENTRY = re.compile(r"^[ \t]*([\w.\[\]]+)[ \t]*=[ \t]*(.*?)[ \t\r]*$", re.MULTILINE)


def protocol_entries(text: str) -> dict[str, str]:
    """Entries of a protocol, for instance {"alTE[0]": "350", "tSequenceFileName": "fid"}; empty if there is none.

    Parameters
    ----------
    text : str
        MrPhoenixProtocol or MrProtocol, whose strings are in doubled quotes.
    """
    block = _BLOCK.search(text)
    return {key: value.strip('"') for key, value in _ENTRY.findall(block[1])} if block else {}


def protocol_number(entries: Mapping[str, str], key: str) -> float | None:
    """Positive number in an entry, None if absent or not such a number."""
    try:
        value = float(entries.get(key, ""))
    except ValueError:
        return None
    return value if 0 < value < float("inf") else None


def echo_time_s(te_us: Mapping[int, float], contrasts: float | None, stated_ms: float | None = None) -> float | None:
    """Echo time of the entries that a protocol uses [s], None if not stated.

    The list alTE keeps entries of earlier protocols: only the first `lContrasts` are in use. Several in use are either
    separate echoes, of which a single-voxel file contains the first, or parts of one echo time, as in semi-LASER, to be
    summed; the image header shows which, and without it they are taken as parts.

    Parameters
    ----------
    te_us : mapping of int to float
        alTE by its index [µs].
    contrasts : float or None
        lContrasts; None counts as 1.
    stated_ms : float or None
        Echo time in the image header [ms].
    """
    used = [te_us[index] for index in range(max(int(contrasts or 1), 1)) if index in te_us]
    if not used:
        return None if stated_ms is None else stated_ms * 1e-3
    first, total = used[0] * 1e-6, sum(used) * 1e-6
    if stated_ms is None:
        return total
    return min((first, total), key=lambda value: abs(value - stated_ms * 1e-3))


def echo_times_us(entries: Mapping[str, str]) -> dict[int, float]:
    """The list alTE of a protocol by its index [µs]."""
    found = {index: protocol_number(entries, f"alTE[{index}]") for index in range(128)}
    return {index: value for index, value in found.items() if value is not None}

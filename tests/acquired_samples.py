"""How scans were acquired, as the cohort counts it."""

from collections import defaultdict
from typing import Any

from myomag.cohort.acquisitions import Acquisition, Protocol

FIELDS = {
    "ResonantNucleus": "31P",
    "SpectrometerFrequency": 51.7,
    "SpectralWidth": 3000.0,
    "NumberOfSpectralPoints": 2048,
    "EchoTime": 0.0002,
    "RepetitionTime": 1.5,
    "Manufacturer": "Maker",
    "transients": 16,
    "coils": 1,
    "voi": "thigh",
    "suffix": "unloc",
    "skipped_ms": 1.0,
    "prior_us": 241.0,
    "prior_sd_us": 1.2,
}


def acquired(count: int = 3, protocol: str = "aa", **changes: Any) -> list[Acquisition]:
    """Scans of a protocol that state the same."""
    return [Acquisition(protocol, FIELDS | changes) for _ in range(count)]


def by_protocol(acquisitions: list[Acquisition]) -> dict[str, Protocol]:
    protocols: dict[str, Protocol] = defaultdict(Protocol)
    for each in acquisitions:
        protocols[each.protocol].add(each)
    return dict(protocols)

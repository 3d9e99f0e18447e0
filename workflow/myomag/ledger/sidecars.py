"""What the sidecar of a derived file says of its origin, in the terms of BIDS."""

import json
from collections.abc import Iterable, Mapping

from myomag import __version__
from myomag.io.files import sha256_bytes
from myomag.io.records import record_bytes

DESCRIBED = {"convert": {"sidecar": "fid"}, "qc": {"preproc_sidecar": "preproc"}}
"""Sidecars a step writes, with the role of the file each describes."""


def with_origin(step: str, results: Mapping[str, bytes], sources: Iterable[str]) -> dict[str, bytes]:
    """Outputs of a step, its sidecars extended by Sources, GeneratedBy and Digest.

    All three follow from the data: no time, host or path outside the study.

    Parameters
    ----------
    step : str
        Name of the step.
    results : mapping of str to bytes
        Outputs by role.
    sources : iterable of str
        Files read, relative to the study for the step convert and to the derivative otherwise.
    """
    dataset = "raw" if step == "convert" else ""
    origin = {
        "Sources": sorted(f"bids:{dataset}:{path}" for path in sources),
        "GeneratedBy": [{"Name": "myomag", "Version": __version__, "Description": f"step {step}"}],
    }
    extended = dict(results)
    for sidecar, described in DESCRIBED.get(step, {}).items():
        digest = {"Digest": {"SHA-256": sha256_bytes(results[described])}}
        extended[sidecar] = record_bytes(json.loads(results[sidecar]) | origin | digest)
    return extended

"""Origin of a derived file in its sidecar, in BIDS terms."""

import json
from collections.abc import Iterable, Mapping

from myomag import __version__
from myomag.io.files import sha256_bytes
from myomag.io.records import record_bytes
from myomag.pipeline import Step, reads_study


def with_origin(step: Step, results: Mapping[str, bytes], sources: Iterable[str]) -> dict[str, bytes]:
    """Outputs of a step, with Sources, GeneratedBy and Digest added to its sidecars.

    All three follow from the data: no time, host or path outside the study.

    Parameters
    ----------
    step : Step
        The step.
    results : mapping of str to bytes
        Outputs by role.
    sources : iterable of str
        Files read, relative to the study for the step convert and to the derivative otherwise.
    """
    dataset = "raw" if reads_study(step) else ""
    origin = {
        "Sources": sorted(f"bids:{dataset}:{path}" for path in sources),
        "GeneratedBy": [{"Name": "myomag", "Version": __version__, "Description": f"step {step.name}"}],
    }
    extended = dict(results)
    for file in step.writes:
        if file.describes:
            digest = {"Digest": {"SHA-256": sha256_bytes(results[file.describes])}}
            extended[file.role] = record_bytes(json.loads(results[file.role]) | origin | digest)
    return extended

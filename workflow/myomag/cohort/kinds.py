"""Kinds of scans: scans that differ in more than session and run are different measurements and never averaged."""

from collections.abc import Collection, Iterable, Mapping
from sys import intern
from typing import TYPE_CHECKING, Any

import numpy as np

from myomag.cohort.participants import by_value
from myomag.cohort.plan import ALL
from myomag.io.tables import is_missing
from myomag.study.names import ENTITIES, entities, split_stem

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

NAMED = ENTITIES[2:]
"""Entities other than participant and session, each a column of cohort.tsv."""
UNNAMED = "unnamed"
"""Kind of scans whose files do not have BIDS names."""
KIND_COLUMN = (
    "Kind of the scans, from the parts of their names listed in cohort.kind_by. Scans of another kind have their own "
    "rows and are never averaged with these."
)


def kind_of(scan: str, parts: Collection[str]) -> str:
    """Kind of a scan by its BIDS stem, such as acq-fid_voi-thigh_unloc.

    Parameters
    ----------
    scan : str
        Stem of the scan.
    parts : collection of str
        Entities (and `suffix`) that distinguish kinds.
    """
    found = entities(scan)
    if not found:
        return UNNAMED
    names = [written(name, found[name]) for name in NAMED if name in parts and name in found]
    return "_".join([*names, *([split_stem(scan)[1]] if "suffix" in parts else [])]) or ALL


def labels_of(scan: str, parts: Collection[str]) -> dict[str, str | None]:
    """Label of each entity in the name of a scan other than participant and session, and its kind."""
    found = entities(scan)
    labels = {name: found.get(name) for name in NAMED} | {"kind": kind_of(scan, parts) if found else None}
    # Each label is kept once, which saves memory in large studies.
    return {name: label if label is None else intern(label) for name, label in labels.items()}


def differs(scan: str, wanted: Mapping[Any, str | None]) -> str | None:
    """Labels of a scan that do not match a kind, such as `voi-brain`; None where all match.

    Parameters
    ----------
    scan : str
        BIDS stem of the scan.
    wanted : mapping of str to str or None
        Label of each entity (or `suffix`) that matters; None for scans without it.
    """
    found: dict[str, str | None] = {**entities(scan)} if wanted else {}
    if not found:
        return None
    found["suffix"] = split_stem(scan)[1]
    wrong = (name for name, label in wanted.items() if found.get(name) != label)
    return ", ".join(written(name, found.get(name)) for name in wrong) or None


def written(name: str, label: str | None) -> str:
    """Entity as written in a name."""
    if name == "suffix":
        return str(label)
    return f"{name}-{label}" if label is not None else f"no {name}-"


def kinds_of(scans: "pd.Series[Any]", parts: Collection[str]) -> "NDArray[Any]":
    """Kind of each scan in a column of stems; UNNAMED where there is no name."""
    return np.asarray(by_value(scans, lambda scan: UNNAMED if is_missing(scan) else kind_of(str(scan), parts), UNNAMED))


def by_size(kinds: Iterable[str], people: Iterable[Any]) -> list[str]:
    """Kinds by number of participants, the largest first; ties by name."""
    members: dict[str, set[Any]] = {}
    for kind, person in zip(kinds, people, strict=True):
        members.setdefault(kind, set()).add(person)
    return sorted(members, key=lambda kind: (-len(members[kind]), kind))


def unknown_labels(scans: Iterable[str], wanted: Mapping[Any, str | None]) -> str | None:
    """Message for a study without any scan of the kind named in the settings."""
    names = list(scans)
    if not wanted or not names or any(entities(scan) and differs(scan, wanted) is None for scan in names):
        return None
    parts = [name for name in (*NAMED, "suffix") if name not in ("nuc", "run") or name in wanted]
    kinds = sorted({kind_of(scan, parts) for scan in names})
    said = ", ".join(written(name, label) for name, label in wanted.items())
    return f"cohort.kind ({said}): the study has no scan of this kind; it has: {', '.join(kinds[:5])}."

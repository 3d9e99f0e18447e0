"""Names of spectroscopy files in BIDS: entities, suffixes, extensions."""

import re

ENTITIES = ("sub", "ses", "task", "acq", "nuc", "voi", "rec", "run", "echo", "inv")
"""Entities of a spectroscopy file name in BIDS order."""

SUFFIXES = ("unloc", "svs", "mrsi")
"""BIDS suffixes of spectra; mrsref contains reference scans, which are not analysed."""

NIFTI = (".nii.gz", ".nii")
VENDOR = (".dat", ".ima", ".dcm", ".rda", ".sdat", ".spar", ".txt", ".mrui", ".raw", ".7", ".data", ".list")

COMPANIONS = (
    frozenset({".sdat", ".spar"}),
    frozenset({".data", ".list"}),
    frozenset({".data", ".list", ".spar"}),
)
"""Extensions that together belong to one scan."""

_NAME = re.compile(
    r"sub-[A-Za-z0-9+]+" + "".join(rf"(_{key}-[A-Za-z0-9+]+)?" for key in ENTITIES[1:]) + rf"_({'|'.join(SUFFIXES)})"
)


def entities(stem: str) -> dict[str, str]:
    """Entities of a BIDS stem, such as {"sub": "001", "nuc": "31P"}; empty if it is not one."""
    if not _NAME.fullmatch(stem):
        return {}
    return dict(part.split("-", 1) for part in stem.split("_")[:-1])


def split_stem(stem: str) -> tuple[str, str]:
    """Stem of a scan without its suffix, and the suffix."""
    base, _, suffix = stem.rpartition("_")
    return base, suffix


def split_extension(name: str) -> tuple[str, str]:
    """File name without its extension, and the extension in lower case."""
    if name.lower().endswith(".nii.gz"):
        return name[: -len(".nii.gz")], ".nii.gz"
    stem, dot, extension = name.rpartition(".")
    return (stem, f".{extension.lower()}") if dot else (name, "")

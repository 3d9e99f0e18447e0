"""Folders as scanners export them, made of small files; each FID is another one."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom

import vendor_samples
from dicom_sample import write_csa
from myomag.importing.plan import PlanRow, read_plan, write_plan


def noise(seed: int, points: int = 256, frames: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(points, frames)) + 1j * rng.normal(size=(points, frames))


def twix(path: Path, seed: int, protocol: str = "fid31P", frames: int = 2) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return vendor_samples.twix(path, noise(seed, frames=frames)[:, :, None], protocol=f'tProtocolName = "{protocol}"\n')


def dicom(path: Path, seed: int, *, number: int = 1, **fields: str) -> Path:
    """Siemens DICOM file of one FID; other fields replace those of the sample, whose persons are called MARKER."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset = pydicom.dcmread(write_csa(path, noise(seed)))
    known = {"InstanceNumber": number, "SeriesNumber": 4, "SeriesDescription": "fid31P", "ProtocolName": "fid31P"}
    for name, value in (known | {"AcquisitionDate": "20240131"} | fields).items():
        setattr(dataset, name, value)
    dataset.save_as(path)
    return path


def edited(plan: Path, edit: Callable[[PlanRow], None]) -> Path:
    """The plan after an edit of each row."""
    rows = read_plan(plan)
    for row in rows:
        edit(row)
    write_plan(plan, rows)
    return plan


def by_name(plan: Path) -> dict[str, PlanRow]:
    """Rows by the name of their first file."""
    return {Path(row.path).name: row for row in read_plan(plan)}

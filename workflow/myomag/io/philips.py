"""Philips SPAR/SDAT.

Read here, not by spec2nii 0.8.15, which needs keys that older SPAR files lack (patient position, inversion time,
protocol name) and does not notice a truncated SDAT file. Philips stores the physicist's sign.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myomag.errors import ScanError
from myomag.io.raw_scan import RawScan, averages_each, measurements_of, number, read_bytes, scaled, whole_number
from myomag.io.voxels import SAVE_GRID


def read_philips(raw: Sequence[Path]) -> RawScan:
    """Content of a SPAR/SDAT pair, given by either file; rows are transients or measurements."""
    spar, sdat = of_pair(raw, ".spar"), of_pair(raw, ".sdat")
    header, name = spar_header(spar), spar.name
    points = whole_number(header.get("samples"), f"{name}: samples")
    samples = _vax_floats(read_bytes(sdat), sdat.name)
    rows = whole_number(header.get("rows") or str(max(samples.size // (2 * points), 1)), f"{name}: rows")
    if rows > 1 and header.get("phase_encoding_enable", "").strip('"').lower() == "yes":
        raise ScanError(f"{name}: is phase encoded, and its voxels cannot be distinguished; {SAVE_GRID}.")
    if samples.size != 2 * points * rows:
        raise ScanError(
            f"{sdat.name}: contains {samples.size // 2} points, {name} describes {rows} x {points}; it is truncated "
            "or belongs to another scan."
        )
    fid = (samples[0::2] + 1j * samples[1::2]).reshape(rows, points).T
    averages = number(header.get("averages"), f"{name}: averages")
    # A series by its header, or where each row is a mean.
    is_series = header.get("time_series_enable", "").strip('"').lower() == "yes"
    measurements = rows if is_series else measurements_of(rows, averages)
    scan = scan_of_spar(fid[:, :, np.newaxis], header, name, measurements)
    return replace(scan, averages=averages_each(rows, averages))


def scan_of_spar(
    fid: NDArray[np.complexfloating], header: Mapping[str, str], name: str, measurements: int = 1
) -> RawScan:
    """Samples (points, transients, coils) with the fields of a SPAR file, any of which may be absent."""
    width = number(header.get("sample_frequency"), f"{name}: sample_frequency")
    return RawScan(
        fid=fid,
        dwell_time_s=1 / width if width else None,
        frequency=number(header.get("synthesizer_frequency"), f"{name}: synthesizer_frequency") or None,
        nucleus=header.get("nucleus") or None,
        metadata={
            "EchoTime": scaled(number(header.get("echo_time"), f"{name}: echo_time"), 1e-3),
            "RepetitionTime": scaled(number(header.get("repetition_time"), f"{name}: repetition_time"), 1e-3),
            "Manufacturer": "Philips",
        },
        measurements=measurements,
    )


def of_pair(raw: Sequence[Path], extension: str) -> Path:
    """File of the pair with `extension` (any case), given or beside the given one.

    Raises
    ------
    ScanError
        If there is none, or several.
    """
    for path in raw:
        if path.suffix.lower() == extension:
            return path
    given = raw[0]
    wanted = f"{given.stem}{extension}".lower()
    found = [path for path in given.parent.iterdir() if path.name.lower() == wanted]
    if len(found) != 1:
        raise ScanError(f"{given.name}: needs one {given.stem}{extension.upper()} beside it, found {len(found)}.")
    return found[0]


def spar_header(path: Path) -> dict[str, str]:
    """Fields of a SPAR file in lower case; its other lines are comments."""
    # A last line without a line end may be cut off within a number.
    complete, _, _ = read_bytes(path).decode("latin-1").rpartition("\n")
    pairs = (line.split(":", 1) for line in complete.splitlines() if ":" in line and not line.startswith("!"))
    return {key.strip().lower(): value.strip() for key, value in pairs}


def _vax_floats(content: bytes, name: str) -> NDArray[np.float64]:
    """Floats in VAX F format: sign, 8 bits of exponent biased by 128, fraction .1f, middle-endian words."""
    if len(content) % 8:
        raise ScanError(f"{name}: ends within a sample; it is truncated.")
    words = np.frombuffer(content, dtype="<u2").astype(np.int64)
    high, low = words[0::2], words[1::2]
    exponent = (high >> 7) & 0xFF
    fraction = 0.5 + (((high & 0x7F) << 16) | low) / 2.0**24
    values = np.where(high >> 15, -1.0, 1.0) * np.ldexp(fraction, exponent - 128)
    return np.where(exponent == 0, 0.0, values)

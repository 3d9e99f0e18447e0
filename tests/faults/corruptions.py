"""A catalogue of what can be wrong with one scan, drawn by a seeded generator.

Each entry says what a reader must do: `refuse` where nothing but a failed row is right, `judge` where the damage may
hit nothing that matters, or samples that no reader can tell from good ones; then the result is compared with that of
the undamaged scan.
"""

import gzip
import json
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator

from myomag.io.nifti_mrs import MrsData, nifti_mrs_bytes, sidecar_dict
from myomag.simulate.synthetic import ScanTruth, resting_muscle, simulate_scan
from vendor_samples import DWELL_S, MHZ, SYNTHETIC

Files = dict[str, bytes]
"""Content of the files of one scan by extension."""

HEADER_BYTES = 540
MODEL = "simulated 3 T, damaged"
"""Keeps survivors out of the protocol of the good scans, whose begin time they would otherwise help to pool."""


@dataclass(frozen=True)
class Fault:
    """One damaged scan."""

    name: str
    files: Files
    refuse: bool


def base_fid(transients: int = 2) -> np.ndarray[Any, Any]:
    """FID of a good scan, shape (points, transients)."""
    truth = ScanTruth(lines=resting_muscle(pi_ppm=4.9, beta_atp_ppm=-16.2), begin_time_s=2.4e-4)
    truth = replace(truth, dwell_time_s=DWELL_S, spectrometer_frequency_mhz=MHZ, transients=transients, points=1024)
    return simulate_scan(truth, np.random.default_rng(5))


def base_scan() -> MrsData:
    """A good scan."""
    return scan_of(base_fid()[:, :, None])


def scan_of(fid: np.ndarray[Any, Any]) -> MrsData:
    """Scan with these samples and the metadata of a good one."""
    metadata = {"EchoTime": 2e-4, "ManufacturersModelName": MODEL, "MagneticFieldStrength": 3.0}
    return MrsData(fid.astype(np.complex64), DWELL_S, MHZ, "31P", metadata)


def plain(mrs: MrsData) -> bytes:
    """NIfTI-MRS without compression, so that nothing notices a flipped bit."""
    return gzip.decompress(nifti_mrs_bytes(mrs))


def sidecar(**changes: Any) -> bytes:
    """Sidecar of the good scan with some fields changed."""
    return json.dumps(sidecar_dict(base_scan()) | changes).encode()


# --- what is done to bytes -------------------------------------------------------------------------------------------


def cut(content: bytes, rng: Generator) -> bytes:
    """Lose the end, often only a little of it."""
    lost = rng.integers(1, 12) if rng.random() < 0.3 else rng.integers(1, len(content))
    return content[: -int(lost)]


def flipped(content: bytes, rng: Generator, start: int = 0, end: int | None = None, count: int = 1) -> bytes:
    """Turn over single bits between `start` and `end`."""
    damaged = bytearray(content)
    for position in rng.integers(start, end or len(content), count):
        damaged[int(position)] ^= 1 << int(rng.integers(8))
    return bytes(damaged)


def patched(content: bytes, offset: int, layout: str, *values: float) -> bytes:
    """Overwrite a field of the NIfTI-2 header."""
    damaged = bytearray(content)
    struct.pack_into("<" + layout, damaged, offset, *values)
    return bytes(damaged)


def with_extension(text: bytes, code: int = 44) -> bytes:
    """The good scan with another text in its header extension."""
    content = plain(base_scan())
    old = int(struct.unpack_from("<q", content, 168)[0])
    size = -(-(len(text) + 8) // 16) * 16
    block = struct.pack("<2i", size, code) + text.ljust(size - 8, b"\0")
    return patched(content[:544] + block + content[old:], 168, "q", 544 + size)


def extension_fields(**changes: Any) -> bytes:
    """The good scan with some fields of its header extension changed; None removes one."""
    content = plain(base_scan())
    size = struct.unpack_from("<i", content, 544)[0]
    fields = json.loads(content[552 : 544 + size].rstrip(b"\0")) | changes
    return with_extension(json.dumps({key: value for key, value in fields.items() if value is not None}).encode())


# --- the catalogue ---------------------------------------------------------------------------------------------------

DATATYPES = {"uint8": 2, "int16": 4, "float32": 16, "rgb": 128, "float64": 64, "complex256": 2048, "unknown": 31_000}
SHAPES = {
    "no dimension": (0, 1, 1, 1, 1024),
    "one dimension": (1, 2048, 1, 1, 1),
    "eight dimensions": (8, 1, 1, 1, 1024),
    "a size of zero": (5, 1, 1, 1, 0, 2),
    "a negative size": (5, 1, 1, 1, -1024, 2),
    "10 GB": (5, 1, 1, 1, 1024, 1_250_000),
    "more than 64 bits": (7, 1, 1, 1, 2**62, 2**62, 2**62, 1),
    "many voxels": (5, 16, 1, 1, 64, 2),
    "seven dimensions": (7, 2, 2, 2, 2, 2, 2, 32),
    "single sample": (5, 1, 1, 1, 1, 2048),
    "more points than samples": (5, 1, 1, 1, 1025, 2),
}
DWELL_TIMES = (-2.5e-4, 0.0, np.nan, np.inf, 1e-300, 2.5e2)
EXTENSION_FIELDS: dict[str, Mapping[str, Any]] = {
    "nucleus missing": {"ResonantNucleus": None},
    "wrong nucleus": {"ResonantNucleus": ["1H"], "SpectrometerFrequency": [127.7], "MagneticFieldStrength": None},
    "nucleus of another field": {"ResonantNucleus": ["1H"]},
    "nucleus unknown": {"ResonantNucleus": ["99Xx\n\x1b[31m"]},
    "nucleus a number": {"ResonantNucleus": 31},
    "two nuclei": {"ResonantNucleus": ["31P", "1H"]},
    "frequency of 1H": {"SpectrometerFrequency": [127.7]},
    "frequency a million too high": {"SpectrometerFrequency": [MHZ * 1e12]},
    "frequency in GHz": {"SpectrometerFrequency": [MHZ / 1e3]},
    "frequency missing": {"SpectrometerFrequency": None},
    "frequency NaN": {"SpectrometerFrequency": [float("nan")]},
    "frequency text": {"SpectrometerFrequency": ["51.7"]},
    "width of another dwell time": {"SpectralWidth": 2000.0},
    "dimension without a tag": {"dim_5": None},
    "dimension edited": {"dim_5": "DIM_EDIT"},
    "echo time in ms": {"EchoTime": 230.0},
    "echo time a huge number": {"EchoTime": 10**400},
    "a list for a number": {"EchoTime": [1, 2]},
}
EXTENSION_TEXTS = {
    "empty": b"",
    "not JSON": b"{'ResonantNucleus'",
    "a list": b"[1, 2]",
    "nested deeply": b"[" * 200_000,
    "not UTF-8": b'{"ResonantNucleus": ["\xff\xfe"]}',
    "a number of many digits": b'{"SpectrometerFrequency": [' + b"9" * 10_000 + b"]}",
}
SIDECARS = {
    "empty": b"",
    "not JSON": b"{EchoTime: 1}",
    "a list": b"[]",
    "nested deeply": b'{"a":' * 100_000,
    "binary": b"\x00\xff\xfe\x80" * 50,
    "other encoding": '{"Manufacturer": "Größe"}'.encode("latin-1"),
    "a number of many digits": b'{"EchoTime": ' + b"1" * 10_000 + b"}",
    "echo time infinite": b'{"EchoTime": Infinity}',
    "echo time NaN": b'{"EchoTime": NaN}',
    "echo time text": b'{"EchoTime": "short"}',
    "another nucleus": sidecar(ResonantNucleus="1H"),
    "another width": sidecar(SpectralWidth=5000.0),
    "another frequency": sidecar(SpectrometerFrequency=120.3),
    "another field": sidecar(MagneticFieldStrength=7.0),
    "width zero": sidecar(SpectralWidth=0),
    "keys twice": b'{"EchoTime": 0.23, "EchoTime": 0.00023}',
    "of another length": sidecar(NumberOfSpectralPoints=2048),
}


def _samples(change: Callable[[np.ndarray[Any, Any]], None]) -> Files:
    fid = base_fid()[:, :, None].astype(np.complex64)
    change(fid)
    return {".nii.gz": nifti_mrs_bytes(scan_of(fid))}


def _bad_samples(rng: Generator) -> dict[str, Files]:
    def at(value: complex) -> Callable[[np.ndarray[Any, Any]], None]:
        def change(fid: np.ndarray[Any, Any]) -> None:
            fid[rng.integers(len(fid)), rng.integers(2)] = value

        return change

    return {
        "a sample NaN": _samples(at(np.nan)),
        "a sample infinite": _samples(at(np.inf)),
        "a sample huge": _samples(at(1e20)),
        "all zero": _samples(lambda fid: fid.fill(0)),
        "constant": _samples(lambda fid: fid.fill(1 + 1j)),
        "denormal": _samples(lambda fid: fid.fill(1e-42)),
        "noise alone": _samples(lambda fid: fid.__setitem__(..., rng.normal(size=(*fid.shape, 2)) @ (1, 1j))),
        "conjugated": _samples(lambda fid: np.conj(fid, out=fid)),
        "real part alone": _samples(lambda fid: fid.imag.fill(0)),
        "too many points": {".nii.gz": nifti_mrs_bytes(scan_of(np.tile(base_fid()[:, :1, None], (65, 1, 1))))},
    }


def fixed_faults(rng: Generator) -> Iterator[Fault]:
    """Every entry of the catalogue that chance has no part in, once."""
    good = plain(base_scan())
    gz = nifti_mrs_bytes(base_scan())
    broken: dict[str, Files] = {f"datatype {n}": {".nii": patched(good, 12, "h", v)} for n, v in DATATYPES.items()}
    broken |= {f"shape: {n}": {".nii": patched(good, 16, f"{len(v)}q", *v)} for n, v in SHAPES.items()}
    broken |= {f"zipped shape: {n}": {".nii.gz": gzip.compress(f[".nii"])} for n, f in broken.items() if "shape" in n}
    broken |= {f"dwell time {v}": {".nii": patched(good, 104 + 32, "d", v)} for v in DWELL_TIMES}
    broken |= {f"header: {n}": {".nii": extension_fields(**v)} for n, v in EXTENSION_FIELDS.items()}
    broken |= {f"extension {n}": {".nii": with_extension(v)} for n, v in EXTENSION_TEXTS.items()}
    broken |= {f"sidecar {n}": {".nii.gz": gz, ".json": v} for n, v in SIDECARS.items()}
    broken |= {f"samples: {n}": files for n, files in _bad_samples(rng).items()}
    broken |= {
        "empty file": {".nii.gz": b""},
        "empty .nii": {".nii": b""},
        "text": {".nii.gz": b"git-annex pointer: SHA256E-s1234\n"},
        "extension of another code": {".nii": with_extension(b"{}", code=6)},
        "offset beyond the file": {".nii": patched(good, 168, "q", 2**40)},
        "offset negative": {".nii": patched(good, 168, "q", -1)},
        "extension beyond the file": {".nii": patched(good, 544, "i", 2**30)},
        "extension of negative size": {".nii": patched(good, 544, "i", -16)},
        "slope infinite": {".nii": patched(good, 176, "d", np.inf)},
        "zipped twice": {".nii.gz": gzip.compress(gz)},
        "two gzip members": {".nii.gz": gz + gz},
        "gzip bomb": {".nii.gz": bomb()},
    }
    yield from (Fault(name, files, refuse=True) for name, files in broken.items())
    yield Fault("huge extension", {".nii": with_extension(extension_text().ljust(3_000_000))}, refuse=False)
    yield Fault("datatype complex128", {".nii": patched(good, 12, "hh", 1792, 128)}, refuse=True)


def extension_text() -> bytes:
    """Text of the header extension of the good scan."""
    content = plain(base_scan())
    return content[552 : 544 + struct.unpack_from("<i", content, 544)[0]].rstrip(b"\0")


def bomb() -> bytes:
    """A .nii.gz of 400 kB whose header promises 400 MB, and which holds them."""
    transients = 50_000
    header = patched(plain(base_scan()), 16, "6q", 5, 1, 1, 1, 1024, transients)
    start = int(struct.unpack_from("<q", header, 168)[0])
    zipper = zlib.compressobj(9, wbits=31)
    parts = [zipper.compress(header[:start]), *(zipper.compress(bytes(8192)) for _ in range(transients))]
    return b"".join([*parts, zipper.flush()])


def drawn_fault(rng: Generator, originals: Mapping[str, Files]) -> Fault:
    """A fault at a random place of a random format.

    Parameters
    ----------
    rng : Generator
        Source of all choices.
    originals : mapping
        Files of undamaged scans by a name of their format.
    """
    kind = sorted(originals)[int(rng.integers(len(originals)))]
    files = dict(originals[kind])
    extension = sorted(files)[int(rng.integers(len(files)))]
    content = files[extension]
    action = ("cut", "header", "anywhere", "many")[int(rng.integers(4))]
    if action == "cut":
        files[extension] = cut(content, rng)
    else:
        end = min(len(content), 800 if action == "header" else len(content))
        files[extension] = flipped(content, rng, end=end, count=40 if action == "many" else 1)
    # What is cut off a .mrui file may be free text, off a .SPAR file a line that is not read.
    return Fault(f"{kind} {extension} {action}", files, refuse=action == "cut" and extension in (".nii", ".nii.gz"))


def originals(folder: Path) -> dict[str, Files]:
    """Undamaged scans of every format, written into `folder` and read back."""
    found: dict[str, Files] = {}
    for kind, write in SYNTHETIC.items():
        place = folder / kind
        place.mkdir(parents=True)
        write(place, base_fid())
        found[kind] = {path.suffix: path.read_bytes() for path in place.iterdir()}
    found["nifti"] = {".nii": plain(base_scan())}
    found["zipped nifti"] = {".nii.gz": nifti_mrs_bytes(base_scan())}
    return found

"""Headers of raw data: GE P-files, Philips data/list, Bruker ParaVision."""

import re
import struct
from collections.abc import Callable
from dataclasses import fields as fields_of
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from myomag.errors import ScanError
from myomag.importing.binary_headers import header_of_scan
from myomag.importing.header import Header, digits, person
from myomag.importing.text_headers import header_of_spar
from myomag.io.bruker import PARAMETER_FILES, read_bruker
from myomag.io.ge_pfile import HEAD_BYTES, Layout, layout_of, pfile_header, scan_of_pfile
from myomag.io.philips_list import read_data_list, spar_of
from myomag.io.raw_scan import RawScan, read_bytes

EXAM_FIELDS = {
    9: {"date": (128, "i"), "id": (4, "13s"), "name": (17, "25s"), "birth": (647, "9s"), "series": (976, "30s")},
    11: {"date": (8, "i"), "id": (324, "13s"), "name": (337, "25s"), "birth": (649, "9s"), "series": (1226, "65s")},
    14: {"date": (8, "i"), "id": (388, "13s"), "name": (401, "25s"), "birth": (713, "9s"), "series": (1338, "65s")},
    20: {"date": (8, "i"), "name": (944, "65s"), "id": (1009, "65s"), "birth": (1091, "9s"), "series": (2370, "65s")},
    24: {"date": (8, "i"), "name": (952, "65s"), "id": (1017, "65s"), "birth": (1099, "9s"), "series": (2370, "65s")},
}
"""Fields of examination and series in a P-file by the first revision with this layout, counted from its field strength.

Found in public code of spec2nii 0.8.15 (GE/ge_hdr_fields.py).
"""
LONG_FIELDS = {9: {"name": 500, "id": 565}, 11: {"name": 502, "id": 567}, 14: {"name": 566, "id": 631}}
"""Where revisions with short names and identifiers store them in full, 65 bytes each."""

BRUKER_PERSON = ("SUBJECT_name_string", "SUBJECT_name", "SUBJECT_dbirth", "SUBJECT_id")


def ge_header(path: Path) -> Header:
    """Header of a P-file; its samples are not read."""
    with path.open("rb") as file:
        content = file.read(HEAD_BYTES)
    layout, size = layout_of(content, path.name), path.stat().st_size

    def scan() -> RawScan:
        header = pfile_header(content, size, path.name)
        shape = (header["points"], header["frames"], header["coils"])
        return scan_of_pfile(header, np.broadcast_to(np.complex128(0), shape))

    header = _completed(_exam(content.ljust(HEAD_BYTES, b"\0"), layout), scan, path.name)
    # PROBE is PRESS or STEAM.
    return replace(header, localised=header.sequence.lower().startswith("probe"))


def _exam(content: bytes, layout: Layout) -> Header:
    """Who was measured and when, from the header of a P-file."""
    first = max(revision for revision in EXAM_FIELDS if revision <= layout.first)
    fields = EXAM_FIELDS[first] | {f"long {key}": (at, "65s") for key, at in LONG_FIELDS.get(first, {}).items()}
    found = {key: struct.unpack_from(f"<{kind}", content, layout.gauss + at)[0] for key, (at, kind) in fields.items()}
    date = _day(found.pop("date"))
    texts = {key: value.partition(b"\0")[0].decode("latin-1").strip() for key, value in found.items()}
    known = person(texts["name"], texts["birth"], texts["id"])
    in_full = person(texts.get("long name"), "", texts.get("long id"))
    return Header(
        date=date,
        protocol=texts["series"],
        patient=known["patient"] or in_full["patient"],
        personal=known["personal"] | in_full["personal"],
    )


def data_list_header(path: Path) -> Header:
    """Header of a Philips data/list pair, completed by the SPAR file beside it."""
    spar = spar_of([path])
    described = replace(header_of_spar(spar), reason="") if spar else Header()
    return _completed(described, lambda: read_data_list([path]), path.name)


def bruker_header(path: Path) -> Header:
    """Header of a Bruker experiment, from its file of samples; the subject is recorded in the parent folder."""
    folder = path.parents[2] if path.parent.parent.name == "pdata" else path.parent
    fields = {key: text for name in PARAMETER_FILES for key, text in _jcamp_fields(folder / name).items()}
    subject = _jcamp_fields(folder.parent / "subject")
    name, other, birth_date, identifier = (subject.get(key, "") for key in BRUKER_PERSON)
    described = Header(
        date=digits(fields.get("ACQ_time")) or _day(_seconds(fields.get("ACQ_abs_time", ""))),
        protocol=fields.get("ACQ_protocol_name", ""),
        **person(f"{name} {other}", birth_date, identifier),
    )
    return _completed(described, lambda: read_bruker([path]), path.name)


def _completed(described: Header, read: Callable[[], RawScan], name: str) -> Header:
    """Header completed by the reader of the scan, or with the reason why it cannot be read, as the person is known."""
    try:
        scan = header_of_scan(read())
    except ScanError as error:
        return replace(described, reason=str(error).removeprefix(f"{name}: ").rstrip("."))
    stated = {field.name: getattr(scan, field.name) for field in fields_of(scan)}
    return replace(described, **{key: value for key, value in stated.items() if value})


def _jcamp_fields(path: Path) -> dict[str, str]:
    """Single values of a parameter file of ParaVision; none if the file is missing."""
    if not path.is_file():
        return {}
    pairs = re.findall(r"(?m)^##\$(\w+)=(?:\( *\d+ *\)\s+)?(.*)$", read_bytes(path).decode("latin-1"))
    return {key: value.strip(" <>") for key, value in pairs}


def _seconds(text: str) -> int:
    """Seconds since 1970, the first number of a text; 0 for none."""
    number = re.match(r"\(?(\d{1,11})", text)
    return int(number[1]) if number else 0


def _day(seconds: int) -> str:
    """Digits of date and time from seconds since 1970; "" if they were removed."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y%m%d%H%M%S") if seconds > 0 else ""

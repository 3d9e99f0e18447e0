"""What can be wrong with a study around its scans: names, links, special files, tables and settings."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

STEM = "sub-bad_acq-{}_nuc-31P_unloc"
"""BIDS stem of a scan of the participant sub-bad."""

NAMES = (
    "sub-bad_\nnewline_unloc",
    "sub-bad_\\nnewline_unloc",
    "sub-bad_\ttab_unloc",
    "-rf",
    "--config study=elsewhere",
    "sub-bad_..unloc",
    "sub-bad_{batch}_unloc",
    "sub-bad_*?[a]_unloc",
    "sub-bad_$(touch pwned)_unloc",
    "sub-bad_;touch pwned;_unloc",
    "sub-bad_'\"`_unloc",
    "sub-bad_\u202eesrever_unloc",
    "sub-bad_\u2028line_unloc",
    "sub-bad_\x1b[31mred_unloc",
    "sub-bad_<script>alert(1)<&_unloc",
    "=cmd|' -C calc'!A1",
    "n",
    " ",
    "n a",
    "sub-bad_unloc",
    "sub-other_unloc",
    "sub-bad_nuc-31P_acq-fid_unloc",
    "sub-bad_acq-fid_acq-fid_unloc",
    "sub-bad_nuc-31P_bold",
    "sub-bäd_unloc",
    "SUB-BAD_UNLOC",
    "sub-bad_" + "x" * 234 + "_unloc",
    os.fsdecode(b"sub-bad_\xff\xfe_unloc"),
)
"""Stems of scans that are not, or hardly, BIDS names; `sub-bad_unloc` is a good one, of a file that is not."""

LONG = STEM.format("x" * 205)
"""A BIDS name that leaves no room for those of the results."""

TWINS = STEM.format("twins")
"""A BIDS name for two files that differ by the case of the extension."""

FOLDERS = (
    "sub-a b",
    "sub-\n",
    "sub-{batch}",
    "sub-$(touch pwned)",
    "sub-..",
    "sub-",
    "sub-<b>",
    "sub-" + "y" * 251,
    os.fsdecode(b"sub-\xff"),
)
"""Names of participants' folders."""


def special_files(folder: Path, outside: Path) -> list[str]:
    """Put things that are no files of the study under names of scans; returns their stems."""
    target = outside / "scan.nii.gz"
    makers: dict[str, Callable[[Path], object]] = {
        "fifo": os.mkfifo,
        "socket": _socket,
        "linkout": lambda path: path.symlink_to(target),
        "linkloop": lambda path: path.symlink_to(path.name),
        "dangling": lambda path: path.symlink_to("nowhere.nii.gz"),
        "linkdevice": lambda path: path.symlink_to("/dev/zero"),
        "linkabove": lambda path: path.symlink_to("../" * 40 + "etc/passwd"),
    }
    if os.geteuid() == 0:
        makers["device"] = lambda path: os.mknod(path, 0o020666, os.makedev(1, 5))
    for name, make in makers.items():
        make(folder / f"{STEM.format(name)}.nii.gz")
    (folder / f"{STEM.format('folder')}.nii.gz").mkdir()
    return [STEM.format(name) for name in makers]


def _socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the path of a socket may not be long
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


TABLES: dict[str, bytes] = {
    "empty": b"",
    "blank": b"\n\n",
    "ragged": b"participant_id\tage\nsub-001\t60\t7\n",
    "short row": b"participant_id\tage\nsub-001\n",
    "no id": b"age\tsex\n60\tF\n",
    "spaces for tabs": b"participant_id age\nsub-001 60\n",
    "commas": b"participant_id,age\nsub-001,60\n",
    "twice": b"participant_id\tage\nsub-001\t60\nsub-001\t61\n",
    "twice with prefix": b"participant_id\tage\nsub-001\t60\n001\t61\n",
    "column twice": b"participant_id\tage\tage\nsub-001\t60\t61\n",
    "column without a name": b"participant_id\t\nsub-001\t60\n",
    "id missing": b"participant_id\tage\nn/a\t60\n",
    "latin-1": "participant_id\tOrt\nsub-001\tKöln\n".encode("latin-1"),
    "utf-16": "participant_id\tage\nsub-001\t60\n".encode("utf-16"),
    "binary": bytes(range(256)) * 20,
    "zip": b"PK\x03\x04" + bytes(500),
}
"""Participants tables that cannot be read."""

ODD_TABLES: dict[str, bytes] = {
    "byte order mark": b"\xef\xbb\xbfparticipant_id\tage\nsub-001\t60\n",
    "carriage returns": b"participant_id\tage\r\nsub-001\t60\r\n",
    "old Mac": b"participant_id\tage\rsub-001\t60\r",
    "NUL": b"participant_id\tage\nsub-001\t6\x000\n",
    "huge numbers": b"participant_id\tage\nsub-001\t" + b"9" * 5000 + b"\n",
    "1e999": b"participant_id\tage\nsub-001\t1e999\n",
    "formula": b"participant_id\tage\tsex\nsub-001\t=1+1\t=cmd|' /C calc'!A0\n",
    "markup": b"participant_id\t<script>alert(1)</script>\nsub-001\t<img src=x onerror=alert(1)>\n",
    "own names": b"participant_id\tmg_mmol_l\tscan\tstatus\nsub-001\t9\tx\tincluded\n",
    "many columns": b"participant_id\t" + b"\t".join(b"c%d" % n for n in range(300)) + b"\nsub-001" + b"\t1" * 300,
    "escapes": b"participant_id\tnote\nsub-001\t\x1b[31mred\x07\n",
    "unicode lines": "participant_id\tnote\nsub-001\ta\u2028b\x85c\x0bd\n".encode(),
    "nobody of the study": b"participant_id\tage\nsub-999\t60\n",
}
"""Participants tables that are odd, but can be read."""

SETTINGS: dict[str, bytes] = {
    "tabs": b"qc:\n\tmin_snr: 3\n",
    "list": b"- 1\n- 2\n",
    "text": b"just text\n",
    "binary": b"\x00\x01\xff\xfe" * 64,
    "latin-1": "report: {title: Größe}".encode("latin-1"),
    "two documents": b"qc: {min_snr: 3}\n---\nqc: {min_snr: 4}\n",
    "key twice": b"qc: {min_snr: 3, min_snr: 4}\n",
    "python tag": b"qc: !!python/object/apply:os.system ['touch pwned']\n",
    "unknown tag": b"qc: !secret x\n",
    "bad int": b"batches: !!int ''\n",
    "bad float": b"qc: {min_snr: !!float x}\n",
    "bad bool": b"convert: {conjugate: !!bool maybe}\n",
    "bad timestamp": b"report: {title: !!timestamp x}\n",
    "bad binary": b"report: {title: !!binary '\xc3\xa4'}\n",
    "bad date": b"report: {title: 2020-99-99}\n",
    "pairs": b"qc: !!omap [a, b]\n",
    "bad merge": b"qc: {<<: 3}\n",
    "recursive": b"overrides: &a {sub-001: *a}\n",
    "recursive list": b"magnesium: {compare_calibrations: &a [*a]}\n",
    "recursive mapping": b"fit: {prior_knowledge: &a {lines: *a}}\n",
    "laughs": b"a: &a [x,x,x,x,x,x,x,x,x]\n"
    + b"".join(b"%c: &%c [%s]\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 9)) for c in range(ord("b"), ord("k"))),
    "laughs in a calibration": b"magnesium:\n  mg_calibration:\n    a: &a [x,x,x,x,x,x,x,x,x]\n"
    + b"".join(b"    %c: &%c [%s]\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 9)) for c in range(ord("b"), ord("k"))),
    "nested deeply": b"a: " + b"[" * 20_000,
    "many digits": b"batches: " + b"9" * 10_000 + b"\n",
    "unhashable key": b"{[1, 2]: 3}\n",
    "number key": b"1: 2\n",
    "undefined alias": b"qc: *a\n",
    "wrong types": b"batches: many\nqc: 3\nfit: [1]\nmagnesium: {temperature_c: [37]}\n",
    "negative": b"batches: -1\n",
    "not a number": b"qc: {min_snr: .nan}\n",
    "half a character": b'report: {title: "\\ud800"}\n',
    "half a character in a calibration": b'magnesium: {mg_calibration: {source: "\\udfff"}}\n',
    "a bound that is none": b"fit: {prior_knowledge: {name: x, lines: {PCr: {shift_ppm: {start: 0, upper: .inf}}}}}\n",
    "a shift no memory holds": b"qc: {max_alignment_shift_hz: 1.0e+20}\n",
    "an outlier in every transient": b"qc: {outlier_z: 1.0e-6}\n",
    "T1 in ms": b"magnesium: {t1_s: {PCr: 6500}}\n",
    "infinite": b"qc: {min_snr: .inf}\n",
    "misspelt": b"qc: {min_snrr: 3}\n",
    "path out": b"fit: {prior_knowledge: ../../../etc/passwd}\n",
    "path absolute": b"fit: {prior_knowledge: /etc/passwd}\n",
    "path of a name too long": b"fit: {prior_knowledge: " + b"x" * 5000 + b"}\n",
    "path with NUL": b'fit: {prior_knowledge: "a\\0b"}\n',
    "path of a folder": b"fit: {prior_knowledge: sub-001}\n",
    "control characters": b'qc: {"\\e[31m": 3}\n',
    "overrides of nothing": b"overrides: {x: {qc: {min_snr: 3}}}\n",
    "override unknown": b"overrides: {sub-001: {cohort: {}}}\n",
}
"""Contents of myomag.yaml that stop before anything runs."""

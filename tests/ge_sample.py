"""GE P-files made by writing simulated frames behind a header, whose fields are named as public code names them."""

import ctypes
import struct
from pathlib import Path

import numpy as np

SCALE = 1e6
"""Of samples of order 1 to integers: rounding is an error of 3e-7."""

TEMPLATE_SAMPLES = 61464
"""Where the samples of revision 9 start, which does not say so."""


def header_fields(revision):
    """Offset and type of each field, by spec2nii's table of names; the reader of the package keeps offsets."""
    from spec2nii.GE.ge_hdr_fields import get_pfile_hdr_fields

    class Header(ctypes.LittleEndianStructure):
        _pack_ = 1
        _fields_ = get_pfile_hdr_fields(revision)

    return Header


def pfile(path: Path, fid, *, revision=25.001, template=b"", dwell_s=1 / 3000, mhz=51.7, sequence=b"fidcsi", **changes):
    """Write `fid` (points, frames, coils; physicist's sign) with a baseline before the frames of each coil."""
    points, frames, coils = fid.shape
    kind = header_fields(revision)
    length = TEMPLATE_SAMPLES if revision == 9 else ctypes.sizeof(kind)
    header = bytearray(template.ljust(length, b"\0"))
    view = kind.from_buffer(header)
    word = np.dtype(changes.pop("word", "<i4"))
    baseline = changes.pop("baseline", 1)
    block = 2 * word.itemsize * points * (frames + baseline) * coils
    fields = {
        "rhr_rh_rdbm_rev": revision,
        "rhr_rdb_hdr_off_data": length,
        "rhr_rh_file_contents": 1,
        "rhr_rh_npasses": 1,
        "rhr_rh_nslices": 1,
        "rhr_rh_frame_size": points,
        "rhr_rh_point_size": word.itemsize,
        "rhr_rh_raw_pass_size": block,
        "rhr_rh_dab[0]_start_rcv": 0,
        "rhr_rh_dab[0]_stop_rcv": coils - 1,
        "rhr_spectral_width": 1 / dwell_s,
        "rhr_rh_ps_mps_freq": round(mhz * 1e7),
        "rhe_magstrength": 30000,
        "rhi_te": 320,
        "rhi_tr": 3_000_000,
        "rhi_mr_flip": 60,
        "rhi_psdname": sequence,
        "rhi_cname": b"31P loop",
        "rhe_patname": b"MARKER^Jane",
        "rhe_dateofbirth": b"MARKER",
        "rhs_se_desc": b"MARKER",
    } | changes
    for name, value in fields.items():
        if hasattr(kind, name):
            setattr(view, name, value)
    # Not named for every revision, but in the same place: echoes, averages and frames.
    struct.pack_into("<3h", header, 146 if revision >= 26 else 70, *changes.get("counts", (1, 1, frames)))
    del view
    stored = np.zeros((coils, frames + baseline, points, 2))
    stored[:, baseline:, :, 0] = fid.real.transpose(2, 1, 0)
    stored[:, baseline:, :, 1] = -fid.imag.transpose(2, 1, 0)
    path.write_bytes(bytes(header) + np.round(stored * SCALE).astype(word).tobytes())
    return path

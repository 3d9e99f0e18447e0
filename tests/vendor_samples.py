"""Small files of every vendor format, written from the definition of the format; personal fields hold MARKER."""

import math
import struct

import numpy as np

from ge_sample import SCALE, pfile
from myomag.core.axes import time_axis
from myomag.core.lineshapes import line_fid

POINTS, DWELL_S, MHZ = 128, 2.5e-4, 51.7
LIST_COLUMNS = (
    *("typ", "mix", "dyn", "card", "echo", "loca", "chan", "extr1", "extr2", "kx", "ky", "kz", "aver"),
    *("sign", "rf", "grad", "enc", "rtop", "rr", "size", "offset"),
)


def line(transients=1):
    fid = line_fid(time_axis(POINTS, DWELL_S), frequency_hz=150.0, lorentzian_fwhm_hz=10.0)
    return fid[:, None] * np.arange(1, transients + 1)


def jmrui_text(path, fid, **changes):
    header = {
        "PointsInDataset": len(fid),
        "DatasetsInFile": fid.shape[1],
        "SamplingInterval": f"{DWELL_S * 1e3:E}",
        "ZeroOrderPhase": "0E0",
        "BeginTime": "0E0",
        "TransmitterFrequency": f"{MHZ * 1e6:.6E}",
        "MagneticField": "3.0E0",
        "TypeOfNucleus": "0E0",
        "NameOfPatient": "MARKER^Jane",
        "DateOfExperiment": "MARKER",
        "Spectrometer": "MARKER",
        "AdditionalInfo": "MARKER: born 1970",
        "SignalNames": "MARKER",
    } | changes
    lines = ["jMRUI Data Textfile", "", "Filename: MARKER.txt", ""]
    lines += [f"{key}: {value}" for key, value in header.items() if value is not None]
    lines += ["", "Signal and FFT", "sig(real)\tsig(imag)\tfft(real)\tfft(imag)"]
    for index, signal in enumerate(fid.T):
        lines.append(f"Signal {index + 1} out of {fid.shape[1]} in file")
        lines += [f"{value.real:.9E}\t{value.imag:.9E}\t0E0\t0E0" for value in signal]
        lines.append("")
    path.write_text("\n".join(lines), encoding="latin-1")
    return path


def mrui(path, fid, *, text=b"MARKER^Jane; born 1970, comment " * 200, **changes):
    header = np.zeros(64)
    values = {
        "points": len(fid),
        "dwell_ms": DWELL_S * 1e3,
        "begin_ms": 0.0,
        "hz": MHZ * 1e6,
        "tesla": 3.0,
        "code": 0.0,
    }
    for position, key in zip((1, 2, 3, 5, 6, 7), values, strict=True):
        header[position] = changes.get(key, values[key])
    path.write_bytes(header.astype(">f8").tobytes() + fid.T.astype(">c16").tobytes() + text)
    return path


def lcmodel(path, fid, *, seqpar=None, row="{:15.6E}{:15.6E}", **nmid):
    seqpar = (
        {"echot": "0.23", "hzpppm": MHZ, "NumberOfPoints": len(fid), "dwellTime": DWELL_S} if seqpar is None else seqpar
    )
    blocks = {"SEQPAR": seqpar, "NMID": {"id": "'MARKER'", "fmtdat": "'(2E15.6)'", "volume": 8.0} | nmid}
    lines = []
    for name, fields in blocks.items():
        lines += [f" ${name}", *(f" {key}= {value}" for key, value in fields.items()), " $END"]
    lines += [row.format(value.real, -value.imag) for value in fid[:, 0]]
    path.write_text("\n".join(lines) + "\n")
    return path


def vax(values):
    """VAX F floats, from the definition: sign, exponent biased by 128, fraction .1f, words swapped."""
    out = b""
    for value in np.asarray(values, dtype=float):
        mantissa, exponent = np.frexp(abs(value))
        fraction = round((mantissa - 0.5) * 2**24)
        bits = (int(value < 0) << 31) | ((int(exponent) + 128) << 23) | fraction if value else 0
        out += struct.pack("<HH", bits >> 16, bits & 0xFFFF)
    return out


def philips(folder, fid, stem="scan", **changes):
    header = {
        "examination_name": "MARKER",
        "scan_id": "MARKER",
        "patient_name": "MARKER",
        "samples": len(fid),
        "rows": fid.shape[1],
        "synthesizer_frequency": int(MHZ * 1e6),
        "sample_frequency": round(1 / DWELL_S),
        "nucleus": "31P",
        "echo_time": 0.23,
        "repetition_time": 1500,
    } | changes
    text = "".join(f"{key} : {value}\n" for key, value in header.items() if value is not None)
    (folder / f"{stem}.SPAR").write_text(f"!--- MARKER\n{text}")
    interleaved = np.stack([fid.T.real, fid.T.imag], axis=-1).ravel()
    (folder / f"{stem}.SDAT").write_bytes(vax(interleaved))
    return folder / f"{stem}.SDAT"


def spar(path, **fields):
    """SPAR file of no more than what is given."""
    path.write_text("".join(f"{key} : {value}\n" for key, value in fields.items()))
    return path


def data_list(folder, fid, stem="scan", *, loops=None, columns=None, described=True):
    """Philips raw export: `fid` (points, transients, coils); `loops` replaces columns of the index by name.

    Noise and a rejected vector stand before the signal, as a scanner writes them; coils are numbered from 20.
    """
    points, transients, coils = fid.shape
    size, vectors, rows = 8 * points, [], []

    def add(kind, samples, **values):
        rows.append({"typ": kind, "sign": 1, "size": size, "offset": size * len(vectors)} | values)
        vectors.append(samples.astype("<c8").tobytes())

    for kind in ("NOI", "REJ"):
        add(kind, np.full(points, 7 + 7j), chan=20)
    for index in range(transients):
        for coil in range(coils):
            at = {key: values[index] for key, values in (loops or {"aver": range(transients)}).items()}
            add("STD", fid[:, index, coil], chan=20 + coil, **at)
    head = "# === DATA DESCRIPTION FILE ===\n# Scan name   : MARKER\n# Patient     : MARKER\n"
    head += f"# {' '.join(columns or LIST_COLUMNS)}\n" if columns != () else ""
    head += ". 0 0 0 number_of_mixes : 1\n"
    text = "".join("  ".join(str(row.get(name, 0)) for name in LIST_COLUMNS) + "\n" for row in rows)
    (folder / f"{stem}.list").write_text(head + text)
    (folder / f"{stem}.data").write_bytes(b"".join(vectors))
    if described:
        fields = {"patient_name": "MARKER", "samples": points, "sample_frequency": round(1 / DWELL_S)}
        fields |= {"synthesizer_frequency": int(MHZ * 1e6), "nucleus": "31P", "echo_time": 0.23}
        spar(folder / f"{stem}.SPAR", **fields)
    return folder / f"{stem}.data"


def bruker(folder, fid, *, kind="fid", version="PV 6.0.1", delay=0, acqp=None, method=None):
    """ParaVision folder of `fid` (points, transients, coils), `delay` samples of a filling filter before each FID."""
    points, transients, coils = fid.shape
    length = 2 * (points + delay)
    parameters = {
        "acqp": {
            "ACQ_sw_version": f"( 65 )\n<{version}>",
            "ACQ_dim": 1,
            "ACQ_dim_desc": "( 1 )\nSpectroscopic",
            "ACQ_size": f"( 1 )\n{length}",
            "ACQ_jobs": f"( 1 )\n({length}, 1, 0, {transients}, 101, {1 / DWELL_S}, {transients}, <job0>)",
            "ACQ_RxFilterInfo": f"( 1 )\n({delay}.2, 0)",
            "ACQ_flip_angle": 60,
            "BF1": MHZ,
            "BYTORDA": "little",
            "GO_block_size": "Standard_KBlock_Format",
            "GO_raw_data_format": "GO_32BIT_FLOAT",
            "NR": transients,
            "NUCLEUS": "( 8 )\n<31P>",
            "PULPROG": "( 256 )\n<SINGLEPULSE.ppg>",
            "SW_h": 1 / DWELL_S,
            "ACQ_operator": "( 64 )\n<MARKER>",
        }
        | (acqp or {}),
        "method": {
            "Method": "<Bruker:SINGLEPULSE>",
            "PVM_EncNReceivers": coils,
            "PVM_NAverages": 1,
            "PVM_RepetitionTime": 3000,
            "PVM_SpecMatrix": f"( 1 )\n{points + delay}",
            **({} if version.startswith("PV-360") else {"PVM_DigShift": delay}),
        }
        | (method or {}),
    }
    for name, fields in parameters.items():
        head = "##TITLE=Parameter List, ParaVision\n##JCAMPDX=4.24\n##ORIGIN=Bruker BioSpin MRI GmbH\n##OWNER=MARKER\n"
        lines = "".join(f"##${key}={value}\n" for key, value in fields.items() if value is not None)
        (folder / name).write_text(f"{head}$$ 1970-01-01 MARKER@host\n{lines}##END=\n")
    filling = np.concatenate([np.zeros((delay, transients, coils)), fid]).transpose(1, 2, 0)
    stored = np.stack([filling.real, filling.imag], axis=-1).reshape(transients * coils, length)
    if kind == "fid" and not version.startswith("PV-360"):
        stored = np.pad(stored, ((0, 0), (0, -length % 256)))
    path = folder / ("pdata/1" if kind == "fid_proc.64" else "") / kind
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(stored.astype("<f8" if kind == "fid_proc.64" else "<f4").tobytes())
    return path


def rda(path, fid, grid=(1, 1, 1), **changes):
    """rda file; `fid` (points, voxels), columns running fastest over the grid."""
    header = {
        "PatientName": "MARKER",
        "PatientBirthDate": "MARKER",
        "InstitutionName": "MARKER",
        "DeviceSerialNumber": "MARKER",
        "ProtocolName": "MARKER",
        "InstanceComments": "MARKER",
        "ModelName": "Skyra",
        "TR": "1500.0",
        "TE": "0.23",
        "DwellTime": round(DWELL_S * 1e6),
        "MRFrequency": MHZ,
        "Nucleus": "31P",
        "VectorSize": len(fid),
        **{f"CSIMatrixSize[{axis}]": size for axis, size in enumerate(grid)},
    } | changes
    lines = [f"{key}: {value}\r\n" for key, value in header.items() if value is not None]
    text = ">>> Begin of header <<<\r\n" + "".join(lines) + ">>> End of header <<<\r\n"
    path.write_bytes(text.encode() + np.conj(fid.T[: math.prod(grid)]).astype("<c16").tobytes())
    return path


def twix(path, fid, *, masks=None, loops=None, end=True, protocol="", sequence="fid", centre=0, ticks=None):
    """VD file of one measurement; `fid` (points, readouts, coils), `loops` the counters of each readout."""
    readouts = fid.shape[1]
    buffers = twix_header(protocol, sequence)
    header = struct.pack("<II", len(buffers) + 8, 2) + buffers
    blocks = b""
    for index in range(readouts):
        counters = [0] * 14
        for position, value in (loops or {1: range(readouts)}).items():
            counters[position] = value[index]
        mask, tick = masks[index] if masks else 1 << 3, ticks[index] if ticks else 0
        blocks += readout(fid[:, index], mask, counters, centre, tick)
    if end:
        blocks += readout(np.zeros((16, 1), complex), 1, [0] * 14)
    table = struct.pack("<IIIIQQ", 0, 1, 1, 1, 512, len(header) + len(blocks)).ljust(512, b"\0")
    path.write_bytes(table + header + blocks)
    return path


def twix_vb(path, fid):
    """VB file: no table of measurements, and a header of 128 bytes before each channel of a readout."""
    _, readouts, coils = fid.shape

    def channel(samples, mask, average=0, coil=0):
        head = bytearray(128)
        struct.pack_into("<I", head, 0, 128 + 8 * len(samples))
        struct.pack_into("<Q", head, 20, mask)
        struct.pack_into("<HHHH", head, 28, len(samples), coils, 0, average)
        struct.pack_into("<H", head, 124, coil)
        return bytes(head) + samples.astype("<c8").tobytes()

    # No header of VB is shorter than 10 kB, by which readers know the file.
    buffers = twix_header().ljust(12_000)
    blocks = [channel(fid[:, index, coil], 1 << 3, index, coil) for index in range(readouts) for coil in range(coils)]
    end = channel(np.zeros(16), 1)
    path.write_bytes(struct.pack("<II", len(buffers) + 8, 2) + buffers + b"".join(blocks) + end)
    return path


def twix_header(protocol="", sequence="fid"):
    meas = (
        f'<ParamString."ResonantNucleus"> {{ "31P" }}\n<ParamDouble."Frequency"> {{ <Precision> 6 {MHZ * 1e6:.1f} }}\n'
        f'<ParamString."tSequenceString"> {{ "{sequence}" }}\n<ParamString."tPatientName"> {{ "MARKER" }}\n'
    )
    yaps = (
        "### ASCCONV BEGIN ###\nsRXSPEC.alDwellTime[0] = 250000\nalTE[0] = 230\nalTR[0] = 1500000\n"
        f"adFlipAngleDegree[0] = 90\n{protocol}### ASCCONV END ###\n"
    )
    named = (("Meas", meas), ("MeasYaps", yaps))
    return b"".join(name.encode() + b"\0" + struct.pack("<I", len(text)) + text.encode() for name, text in named)


def readout(samples, mask, counters, centre=0, tick=0):
    points, coils = samples.shape
    length = 192 + (8 * points + 32) * coils
    head = bytearray(192)
    struct.pack_into("<I", head, 0, length)
    struct.pack_into("<I", head, 12, tick)
    struct.pack_into("<Q", head, 40, mask)
    struct.pack_into("<HH14H", head, 48, points, coils, *counters)
    struct.pack_into("<H", head, 84, centre)
    channels = b"".join(bytes(32) + samples[:, coil].astype("<c8").tobytes() for coil in range(coils))
    return bytes(head) + channels


# What a study finds by the extension alone.
SYNTHETIC = {
    "jmrui": lambda folder, fid: jmrui_text(folder / "scan.txt", fid),
    "mrui": lambda folder, fid: mrui(folder / "scan.mrui", fid),
    "lcmodel": lambda folder, fid: lcmodel(folder / "scan.RAW", fid[:, :1]),
    "philips": lambda folder, fid: philips(folder, fid),
    "rda": lambda folder, fid: rda(folder / "scan.rda", fid[:, :1]),
    "twix": lambda folder, fid: twix(folder / "scan.dat", fid[:, :, None]),
    "datalist": lambda folder, fid: data_list(folder, fid[:, :, None]),
    "ge": lambda folder, fid: pfile(folder / "scan.7", fid[:, :, None], dwell_s=DWELL_S, mhz=MHZ),
}
EVERY = SYNTHETIC | {
    "twix VB": lambda folder, fid: twix_vb(folder / "scan.dat", fid[:, :, None]),
}
ONE_TRANSIENT = ("lcmodel", "rda")
STORED = {"ge": SCALE}
"""What samples are multiplied by in formats that store integers."""

"""Bruker ParaVision: fid, rawdata.job0 or fid_proc.64, described by the files acqp and method of the experiment.

The parameter files are read with brukerapi. The samples are read here: brukerapi 0.4.6 and spec2nii 0.8.15 depend on
lists of sequences and releases, which often lack 31P sequences. The layout of the samples and the group delay of the
digital filter were found in their public code; the sign, the physicist's, there and in FID-A, spant and nmrglue.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myomag.errors import ScanError
from myomag.io.foreign import foreign
from myomag.io.raw_scan import RawScan, averages_each, measurements_of, read_bytes, scaled
from myomag.io.voxels import NAME_IT

SAMPLE_FILES = ("rawdata.job0", "fid", "fid_proc.64")
"""Files of samples, those with separate averages and coils first."""

PARAMETER_FILES = ("acqp", "method")
PROCESSED = "pdata/1/fid_proc.64"
WORDS = {"GO_32BIT_SGN_INT": "i4", "GO_16BIT_SGN_INT": "i2", "GO_32BIT_FLOAT": "f4", "_32_BIT": "i4", "_16_BIT": "i2"}
BLOCK_BYTES = 1024
PULSE_ACQUIRE = ("singlepulse", "nspect")

READ = frozenset(
    (
        *("ACQ_RxFilterInfo", "ACQ_dim", "ACQ_dim_desc", "ACQ_flip_angle", "ACQ_jobs", "ACQ_repetition_time"),
        *("ACQ_size", "ACQ_sw_version", "ACQ_word_size"),
        *("PVM_DigNp", "PVM_DigShift", "PVM_EchoTime", "PVM_EncNReceivers", "PVM_FrqRef", "PVM_FrqWork"),
        *("PVM_NAverages", "PVM_NRepetitions", "PVM_Nucleus1", "PVM_Nucleus1Enum", "PVM_RepetitionTime"),
        *("PVM_SpecMatrix", "PVM_SpecSWH"),
        *(
            "BF1",
            "BYTORDA",
            "GO_block_size",
            "GO_raw_data_format",
            "GRPDLY",
            "Method",
            "NR",
            "NUCLEUS",
            "PULPROG",
            "SW_h",
        ),
    )
)
"""Parameters that are read; none identifies the animal or the person."""

Parameters = dict[str, list[Any]]


def files_of_experiment(folder: Path) -> list[Path]:
    """Samples and parameters in the folder of an experiment; empty if it is not one."""
    samples = [folder / name for name in (*SAMPLE_FILES, PROCESSED) if (folder / name).is_file()]
    parameters = [folder / name for name in PARAMETER_FILES if (folder / name).is_file()]
    return [samples[0], *parameters] if samples and parameters else []


def read_bruker(raw: Sequence[Path]) -> RawScan:
    """Content of a single-voxel or unlocalised experiment: averages and repetitions are transients.

    Raises
    ------
    ScanError
        If parameters are missing, or it contains several voxels or is truncated.
    """
    by_name = {path.name: path for path in raw}
    samples_file = next(by_name[name] for name in SAMPLE_FILES if name in by_name)
    name = samples_file.name
    parameters = _parameters(raw, samples_file)
    _check_kind(parameters, name)
    repetitions, averages = _count(parameters, "NR", "PVM_NRepetitions"), _count(parameters, "PVM_NAverages")
    fid = _fid(samples_file, parameters, repetitions)[_filter_points(parameters) :]
    transients = fid.shape[1]
    series = 1 < repetitions < transients and transients % repetitions == 0
    return RawScan(
        fid=fid,
        dwell_time_s=1 / width if (width := _number(parameters, "SW_h", "PVM_SpecSWH")) else None,
        frequency=_number(parameters, "BF1", "PVM_FrqWork", "PVM_FrqRef"),
        nucleus=_text(parameters, "NUCLEUS", "PVM_Nucleus1Enum", "PVM_Nucleus1") or None,
        metadata=_metadata(parameters),
        measurements=repetitions if series else measurements_of(transients, averages),
        averages=1 if series else averages_each(transients, averages),
    )


def _metadata(parameters: Parameters) -> dict[str, Any]:
    sequence = _text(parameters, "PULPROG").removesuffix(".ppg") or _text(parameters, "Method").rpartition(":")[2]
    return {
        "EchoTime": scaled(_number(parameters, "PVM_EchoTime"), 1e-3),
        "RepetitionTime": scaled(_number(parameters, "PVM_RepetitionTime", "ACQ_repetition_time"), 1e-3),
        "FlipAngle": _number(parameters, "ACQ_flip_angle"),
        "Manufacturer": "Bruker",
        "SoftwareVersions": _text(parameters, "ACQ_sw_version"),
        "SequenceName": sequence,
        "PulseSequenceType": "pulse-acquire" if sequence.lower() in PULSE_ACQUIRE else None,
    }


def _parameters(raw: Sequence[Path], samples: Path) -> Parameters:
    """Parameters of acqp and method, given or found in the experiment's folder, each as a flat list of values."""
    folder = samples.parents[2] if samples.parent.parent.name == "pdata" else samples.parent
    found: Parameters = {}
    for wanted in PARAMETER_FILES:
        path = next((path for path in raw if path.name == wanted), folder / wanted)
        if not path.is_file():
            raise ScanError(
                f"{samples.name}: needs the ParaVision file {wanted} in its folder; copy the whole folder of the "
                "experiment. Convert an Agilent or Varian fid with spec2nii varian."
            )
        with foreign(f"{samples.parent.name}/{wanted}", "as a parameter file of ParaVision"):
            from brukerapi.jcampdx import JCAMPDX

            parameters = JCAMPDX(path)
            keys = [key for key in parameters.keys() if key not in found and key in READ]  # noqa: SIM118 (no mapping)
            found |= {key: _flat(parameters.get_value(key)) for key in keys}
    return found


def _flat(value: Any) -> list[Any]:
    """Values of a parameter, flattened."""
    if isinstance(value, np.ndarray):
        value = value.ravel().tolist()
    return [item for part in value for item in _flat(part)] if isinstance(value, list | tuple) else [value]


def _number(parameters: Parameters, *keys: str) -> float | None:
    """First positive value among some parameters."""
    values = [parameters[key][0] for key in keys if parameters.get(key)]
    numbers = (float(value) for value in values if isinstance(value, int | float) and not isinstance(value, bool))
    return next((value for value in numbers if 0 < value < math.inf), None)


def _count(parameters: Parameters, *keys: str) -> int:
    return int(_number(parameters, *keys) or 1)


def _text(parameters: Parameters, *keys: str) -> str:
    texts = (str(parameters[key][0]).strip("<> ") for key in keys if parameters.get(key))
    return next((text for text in texts if text), "")


def _check_kind(parameters: Parameters, name: str) -> None:
    """Refuse images and spectroscopic images."""
    kinds = [str(kind) for kind in parameters.get("ACQ_dim_desc", ["Spectroscopic"])]
    if "Spectroscopic" not in kinds:
        raise ScanError(f"{name}: belongs to an image; give the experiment with the spectrum.")
    if len(kinds) > 1 or _count(parameters, "ACQ_dim") > 1:
        raise ScanError(
            f"{name}: contains phase encodings not yet reconstructed to voxels; reconstruct it, convert the 2dseq "
            f"with spec2nii bruker -m 2DSEQ, and {NAME_IT}."
        )


def _filter_points(parameters: Parameters) -> int:
    """Samples before the signal, during which the digital filter fills."""
    is_360 = _text(parameters, "ACQ_sw_version").startswith("PV-360")
    return round(_number(parameters, "PVM_DigShift", *(("ACQ_RxFilterInfo",) if is_360 else ()), "GRPDLY") or 0.0)


def _fid(path: Path, parameters: Parameters, repetitions: int) -> NDArray[np.complex128]:
    """Samples in the physicist's sign, shape (points, transients, coils)."""
    name, content = path.name, read_bytes(path)
    values = np.frombuffer(content[: len(content) // 8 * 8], dtype=_word(parameters, name))
    length, block = _lengths(parameters, name, values)
    blocks, rest = divmod(values.size, block)
    if rest or not blocks or blocks % repetitions:
        raise ScanError(
            f"{name}: contains {values.size} numbers, not {repetitions} repetitions of {length // 2} points; it is "
            "truncated or from another experiment."
        )
    coils = _count(parameters, "PVM_EncNReceivers")
    # Some releases write combined coils.
    coils = coils if blocks % (repetitions * coils) == 0 else 1
    with np.errstate(invalid="ignore"):
        pairs = values.reshape(blocks, block)[:, :length].reshape(-1, coils, length // 2, 2).astype(np.float64)
    return np.asarray((pairs[..., 0] + 1j * pairs[..., 1]).transpose(2, 0, 1))


def _word(parameters: Parameters, name: str) -> np.dtype[Any]:
    order = ">" if _text(parameters, "BYTORDA").lower() == "big" else "<"
    if name == "fid_proc.64":
        return np.dtype(f"{order}f8")
    stated = _text(parameters, "GO_raw_data_format", "ACQ_word_size")
    if stated not in WORDS:
        raise ScanError(
            f"{name}: acqp does not state the number format (GO_raw_data_format, ACQ_word_size); copy it again."
        )
    return np.dtype(order + WORDS[stated])


def _lengths(parameters: Parameters, name: str, values: NDArray[Any]) -> tuple[int, int]:
    """Numbers in one FID, and in its storage block."""
    if name == "fid_proc.64":
        length = 2 * _count(parameters, "PVM_SpecMatrix", "PVM_DigNp")
        return length, length
    in_jobs = name != "fid" or _text(parameters, "ACQ_sw_version").startswith("PV-360")
    length = _count(parameters, *(("ACQ_jobs", "ACQ_size") if in_jobs else ("ACQ_size",)))
    if length % 2 or length < 2:
        raise ScanError(f"{name}: acqp states {length} numbers per FID, which are not whole samples; copy it again.")
    padded = name == "fid" and _text(parameters, "GO_block_size") == "Standard_KBlock_Format" and not in_jobs
    size = values.dtype.itemsize
    return length, math.ceil(length * size / BLOCK_BYTES) * BLOCK_BYTES // size if padded else length

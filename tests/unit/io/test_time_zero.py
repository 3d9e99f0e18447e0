import gzip
import json
import re

import pytest

from myomag.io.nifti_mrs import MrsData, nifti_mrs_bytes, read_nifti_mrs, sidecar_dict
from myomag.io.time_zero import stated_begin_time
from vendor_samples import line

FID = {"PulseSequenceType": "pulse-acquire"}


@pytest.mark.parametrize(
    ("sidecar", "value_s", "kind", "source"),
    [
        # An FID: EchoTime is the begin time.
        ({"EchoTime": 350e-6}, 350e-6, "fid", "EchoTime 0.00035 s"),
        ({"EchoTime": 350e-6} | FID, 350e-6, "fid", "EchoTime 0.00035 s"),
        ({"EchoTime": 2.3e-3, "SequenceName": "csi_fid"}, 2.3e-3, "fid", "EchoTime 0.0023 s"),
        ({"EchoTime": 7e-3, "SequenceName": "fid"}, 7e-3, "fid", "EchoTime"),
        ({"EchoTime": 230e-6, "PulseSequenceType": "ISIS"}, 230e-6, "fid", "EchoTime"),
        ({"EchoTime": 6e-3, "ScanningSequence": "gradient echo"}, 6e-3, "fid", "EchoTime"),
        # An echo: sampling starts at its top, however short.
        ({"EchoTime": 29e-3}, 0.0, "echo", "EchoTime 0.029 s is too long for an FID"),
        ({"EchoTime": 20e-3, "PulseSequenceType": "ISIS"}, 0.0, "echo", "EchoTime 0.02 s"),
        ({"EchoTime": 3e-3, "PulseSequenceType": "STEAM"}, 0.0, "echo", "PulseSequenceType STEAM"),
        ({"EchoTime": 350e-6, "SequenceName": "*svs_se"}, 0.0, "echo", r"SequenceName \*svs_se"),
        ({"EchoTime": 0.35, "SequenceName": "eja_svs_slaser"}, 0.0, "echo", "SequenceName eja_svs_slaser"),
        ({"SequenceName": "svs_st"}, 0.0, "echo", "SequenceName svs_st"),
        *(
            ({"EchoTime": 4e-3, "PulseSequenceType": name}, 0.0, "echo", f"PulseSequenceType {name}")
            for name in ("PRESS", "semi-LASER", "sLASER", "spin echo", "Spin-Echo", "SE", "Hahn echo", "MEGA-PRESS")
        ),
        # The unit slips, and what is not known.
        ({"EchoTime": 0.35}, None, "unknown", r"EchoTime 0\.35 s: milliseconds\?"),
        (
            {"EchoTime": 0.35} | FID,
            None,
            "fid",
            r"EchoTime 0\.35 s: milliseconds\?, as PulseSequenceType pulse-acquire",
        ),
        ({"EchoTime": 0.05} | FID, None, "fid", r"EchoTime 0\.05 s: milliseconds\?"),
        ({"AcquisitionStartTime": 0.35, "EchoTime": 350e-6}, None, "fid", r"AcquisitionStartTime 0\.35 s: millisec"),
        ({}, None, "unknown", "no EchoTime"),
        ({"EchoTime": None, "SequenceName": None}, None, "unknown", "no EchoTime"),
        ({"EchoTime": 0.0}, None, "fid", "EchoTime 0 s: not set"),
        ({"EchoTime": True}, None, "unknown", "no EchoTime"),
        (FID, None, "fid", "no EchoTime"),
        # AcquisitionStartTime goes first.
        ({"AcquisitionStartTime": 340e-6, "EchoTime": 0.35} | FID, 340e-6, "fid", "AcquisitionStartTime"),
        ({"AcquisitionStartTime": 340e-6} | FID, 340e-6, "fid", "AcquisitionStartTime 0.00034 s"),
        ({"AcquisitionStartTime": 340e-6, "EchoTime": 350e-6}, 340e-6, "fid", "AcquisitionStartTime"),
        ({"AcquisitionStartTime": 0.0, "EchoTime": 29e-3}, 0.0, "echo", "AcquisitionStartTime 0 s"),
        ({"AcquisitionStartTime": -1e-3, "EchoTime": 29e-3}, -1e-3, "echo", "AcquisitionStartTime -0.001 s"),
        ({"AcquisitionStartTime": 500e-6, "SequenceName": "svs_se"}, 500e-6, "echo", "AcquisitionStartTime"),
        ({"AcquisitionStartTime": 0.0, "EchoTime": 350e-6}, 350e-6, "fid", "from EchoTime 0.00035 s"),
        ({"AcquisitionStartTime": -1e-3, "EchoTime": 350e-6}, -650e-6, "fid", "from EchoTime"),
        # Names that contradict each other name nothing.
        ({"EchoTime": 350e-6, "SequenceName": "fid", "PulseSequenceType": "PRESS"}, 350e-6, "fid", "EchoTime"),
        ({"EchoTime": 29e-3, "SequenceName": "confidential compression"}, 0.0, "echo", "EchoTime"),
        ({"EchoTime": 350e-6, "SequenceName": "blood pressure"}, 350e-6, "fid", "EchoTime"),
    ],
)
def test_begin_time_and_where_it_comes_from(sidecar, value_s, kind, source):
    stated = stated_begin_time(sidecar)
    assert stated.value_s == (None if value_s is None else pytest.approx(value_s, abs=1e-12))
    assert stated.kind == kind
    assert re.search(source, stated.source), stated.source


FIELDS = {"AcquisitionStartTime": 340e-6, "RxOffset": -2.5, "SpecFreqChemShift": 0.0, "EchoTime": 350e-6}


def test_fields_of_the_standard_are_kept_in_file_and_sidecar(tmp_path):
    path = tmp_path / "scan.nii.gz"
    path.write_bytes(
        nifti_mrs_bytes(MrsData(line().astype("complex64")[:, :, None], 2.5e-4, 51.7, "31P", dict(FIELDS)))
    )
    raw = gzip.decompress(path.read_bytes())
    assert b"mrs_v0_11" in raw[:540]
    assert {key: json.loads(raw[552 : raw.index(b"}", 552) + 1])[key] for key in FIELDS} == FIELDS
    mrs = read_nifti_mrs(path)
    assert mrs.metadata == FIELDS
    assert stated_begin_time(sidecar_dict(mrs)).value_s == 340e-6


@pytest.mark.parametrize(
    ("name", "value_s", "source"),
    [
        ("spin_echo_te29", 0.0, "EchoTime 0.029 s is too long for an FID: an echo, sampled from its top"),
        ("echo_time_in_ms", None, "EchoTime 0.35 s: milliseconds?"),
        ("series_dyn", 300e-6, "EchoTime 0.0003 s"),
        ("no_atp_1", None, "no EchoTime"),
    ],
)
def test_cases(shared_cases, name, value_s, source):
    stated = stated_begin_time(sidecar_dict(read_nifti_mrs(shared_cases / f"{name}.nii.gz")))
    assert (stated.value_s, stated.source) == (value_s, source)


def test_calf_scan_is_an_fid(shared_data):
    path = next((shared_data / "calf_7t").glob("*.json"))
    stated = stated_begin_time(json.loads(path.read_text()))
    assert (stated.value_s, stated.kind) == (pytest.approx(230e-6), "fid")

"""Origin in sidecars: BIDS URIs of the sources, the digest of the described file, and nothing that varies."""

import hashlib
import json

from myomag.ledger.sidecars import with_origin
from myomag.pipeline import BY_NAME

SIDECAR = b'{"EchoTime": 0.00023}'


def test_sidecar_of_a_converted_file_names_raw_sources() -> None:
    results = {"fid": b"samples", "sidecar": SIDECAR}
    extended = with_origin(BY_NAME["convert"], results, ["sub-001/mrs/b.json", "sourcedata/sub-001/mrs/a.dat"])
    sidecar = json.loads(extended["sidecar"])
    assert sidecar["EchoTime"] == 0.00023
    assert sidecar["Sources"] == ["bids:raw:sourcedata/sub-001/mrs/a.dat", "bids:raw:sub-001/mrs/b.json"]
    assert sidecar["Digest"] == {"SHA-256": hashlib.sha256(b"samples").hexdigest()}
    assert extended["fid"] == b"samples"


def test_sidecar_of_a_later_step_replaces_what_it_inherited() -> None:
    inherited = json.loads(with_origin(BY_NAME["convert"], {"fid": b"x", "sidecar": SIDECAR}, ["raw.dat"])["sidecar"])
    results = {"preproc": b"y", "preproc_sidecar": json.dumps(inherited).encode(), "measures": b"{}"}
    extended = with_origin(BY_NAME["qc"], results, ["sub-001/mrs/x.nii.gz"])
    sidecar = json.loads(extended["preproc_sidecar"])
    assert sidecar["Sources"] == ["bids::sub-001/mrs/x.nii.gz"]
    assert sidecar["GeneratedBy"][0]["Description"] == "step qc"
    assert extended["measures"] == b"{}"


def test_steps_without_sidecars_are_left_alone() -> None:
    assert with_origin(BY_NAME["fit"], {"fit": b"{}"}, ["a"]) == {"fit": b"{}"}


def test_bytes_do_not_depend_on_the_order_of_the_sources() -> None:
    results = {"fid": b"samples", "sidecar": SIDECAR}
    assert with_origin(BY_NAME["convert"], results, ["a", "b"]) == with_origin(BY_NAME["convert"], results, ["b", "a"])

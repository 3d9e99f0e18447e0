"""A voxel of a grid: the same one, by column, row and slice, from every format that holds grids."""

import json

import numpy as np
import pytest
from pydicom import dcmread

from dicom_sample import write_csa, write_dicom
from myomag.errors import ScanError
from myomag.io.nibabel_headers import Nifti1Extension, Nifti2Image
from myomag.io.nifti_mrs import sidecar_dict
from myomag.io.vendor import read_scan
from myomag.io.voxels import parsed_voxel
from vendor_samples import DWELL_S, MHZ, POINTS, line, rda

GRID = (3, 4, 2)
COUNT = 24


def fids():
    """FIDs (points, voxels), the voxel with index n in the order of a file of amplitude n + 1."""
    return line() * np.arange(1, COUNT + 1)


def amplitude(column, row, plane):
    """Of a voxel: columns run fastest, slices slowest."""
    return column + 3 * (row - 1) + 12 * (plane - 1)


def nifti(path):
    samples = np.conj(fids()).T.reshape(*GRID[::-1], POINTS).transpose(2, 1, 0, 3)
    image = Nifti2Image(samples.astype(np.complex64), np.eye(4))
    image.header.set_xyzt_units("mm", "sec")
    image.header["pixdim"][4] = DWELL_S
    fields = {"SpectrometerFrequency": [MHZ], "ResonantNucleus": ["31P"]}
    image.header.extensions.append(Nifti1Extension(44, json.dumps(fields).encode()))
    path.write_bytes(image.to_bytes())
    return path


def csa(path):
    rows = {"Rows": ("US", "4"), "Columns": ("US", "3"), "NumberOfFrames": ("IS", "2"), "DataPointColumns": None}
    protocol = f"sSpecPara.lVectorSize = {POINTS}\n"
    return write_csa(path, fids(), protocol=protocol, **rows)


def enhanced(path):
    content = dcmread(write_dicom(path, fids()[:, 0], dwell_s=DWELL_S, mhz=MHZ))
    content.Rows, content.Columns, content.NumberOfFrames = 4, 3, 2
    content[0x5600, 0x0020].value = fids().T.astype("<c8").tobytes()
    content.save_as(path)
    return path


FORMATS = {
    "grid.nii": nifti,
    "grid.rda": lambda path: rda(path, fids(), GRID),
    "grid.IMA": csa,
    "grid.dcm": enhanced,
}


@pytest.mark.parametrize("name", FORMATS)
def test_the_named_voxel_is_taken_and_recorded(tmp_path, name):
    path = FORMATS[name](tmp_path / name)
    for voxel in ([1, 1, 1], [3, 1, 1], [2, 3, 1], [3, 4, 2]):
        mrs = read_scan([path], [], nucleus=None, voxel=voxel)
        np.testing.assert_allclose(mrs.fid[:, :, 0], line() * amplitude(*voxel), rtol=1e-6, atol=1e-6)
        assert sidecar_dict(mrs)["VoxelOfGrid"] == ",".join(map(str, voxel))


@pytest.mark.parametrize("name", FORMATS)
def test_a_grid_without_a_named_voxel_or_with_a_wrong_one_is_refused(tmp_path, name):
    path = FORMATS[name](tmp_path / name)
    with pytest.raises(
        ScanError, match=rf"^{name}: contains 3x4x2 voxels; select one: scan --voxel i,j,k .*convert\.voxel"
    ):
        read_scan([path], [], nucleus=None)
    for voxel in ([4, 1, 1], [1, 1, 3], [0, 1, 1]):
        with pytest.raises(ScanError, match=rf"^{name}: has no voxel {voxel[0]},1,{voxel[2]}; its grid is 3x4x2"):
            read_scan([path], [], nucleus=None, voxel=voxel)


def test_one_voxel_is_no_grid(tmp_path):
    path = rda(tmp_path / "one.rda", line())
    np.testing.assert_array_equal(
        read_scan([path], [], nucleus=None, voxel=[1, 1, 1]).fid[:, :, 0], np.complex64(line())
    )
    with pytest.raises(ScanError, match=r"contains only one; omit --voxel and convert\.voxel"):
        read_scan([path], [], nucleus=None, voxel=[1, 2, 1])


def test_one_voxel_of_a_phase_encoded_siemens_scan_is_read(tmp_path):
    steps = {"SpectroscopyAcquisitionPhaseColumns": ("US", "8"), "SpectroscopyAcquisitionPhaseRows": ("US", "8")}
    path = write_csa(tmp_path / "one.IMA", line(), protocol="sSpecPara.lFinalMatrixSizePhase = 16\n", **steps)
    np.testing.assert_allclose(read_scan([path], [], nucleus=None).fid[:, :, 0], line(), atol=1e-6)
    path = write_dicom(tmp_path / "one.dcm", line()[:, 0], dwell_s=DWELL_S, mhz=MHZ)
    content = dcmread(path)
    geometry = content.SharedFunctionalGroupsSequence[0].MRSpectroscopyFOVGeometrySequence[0]
    geometry.SpectroscopyAcquisitionPhaseRows = geometry.SpectroscopyAcquisitionPhaseColumns = 8
    content.save_as(path)
    np.testing.assert_allclose(read_scan([path], [], nucleus=None).fid[:, :, 0], line(), atol=1e-6)


@pytest.mark.parametrize("text", ["", "3", "3,4", "3,4,0", "3,4,1,1", "a,b,c", "1.5,2,3", "-1,2,3", "3 4 1", "1,,2"])
def test_what_names_no_voxel(text):
    assert parsed_voxel("3,4,1") == [3, 4, 1]
    with pytest.raises(ValueError, match="i,j,k"):
        parsed_voxel(text)

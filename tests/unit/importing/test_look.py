"""What `look` proposes for the files of a scanner's folder."""

import os
import tarfile
import time
from pathlib import Path

import pytest

import vendor_samples
from dicom_sample import write_csa, write_dicom, write_philips
from import_samples import by_name, dicom, edited, noise, twix
from myomag.errors import SettingsError, StudyError
from myomag.importing.grouping import find_units
from myomag.importing.look import look
from myomag.importing.make import make
from myomag.importing.plan import read_plan
from myomag.io.vendor import read_scan
from myomag.settings.convert import ConvertSettings
from myomag.steps.convert import convert_scan

CALF = "calf_7t/sub-calf01_acq-fid_nuc-31P_voi-calf_unloc.dat"


def test_table_has_the_columns_that_are_documented(tmp_path: Path) -> None:
    twix(tmp_path / "in/a.dat", 1)
    look([tmp_path / "in"], tmp_path / "plan.tsv")
    columns = "use participant session task acq voi run suffix path files format nucleus field_t date protocol"
    header = (tmp_path / "plan.tsv").read_text().splitlines()[0]
    assert header.replace("\t", " ") == f"{columns} te_ms tr_ms transients points remark"


def test_real_files_of_each_format_are_told_by_their_headers(tmp_path: Path, shared_data: Path) -> None:
    folder = tmp_path / "flat"
    folder.mkdir()
    (folder / "meas_MID00843_fid.dat").symlink_to(shared_data / CALF)
    for path in (shared_data / "vendor").iterdir():
        (folder / path.name).symlink_to(path)
    (folder / "notes.pdf").write_text("none of it")
    found = look([folder], tmp_path / "plan.tsv")
    rows = by_name(tmp_path / "plan.tsv")
    calf = rows.pop("meas_MID00843_fid.dat")
    assert (calf.use, calf.format, calf.nucleus, calf.suffix) == ("yes", "Siemens twix", "31P", "unloc")
    assert (calf.field_t, calf.te_ms, calf.tr_ms, calf.transients, calf.points) == (
        "6.98",
        "0.23",
        "5000",
        "96",
        "2048",
    )
    assert "participant" in calf.remark
    assert {row.use for row in rows.values()} == {"no"}
    assert rows["philips_press.SPAR"].files == "2"
    assert "philips_press.SDAT" not in rows
    hydrogen = ("SVS_30.IMA", "SVS_XA60.dcm", "SVS_30.rda", "philips_press.SPAR", "ge_press_1H.7", "jmrui.txt")
    assert {rows[name].remark for name in hydrogen} == {"1H, not 31P"}
    assert {rows[name].suffix for name in hydrogen[:5]} == {"svs"}
    assert "not a frequency of 31P" in rows["lcmodel.RAW"].remark
    ge = rows["ge_press_1H.7"]
    assert (ge.format, ge.te_ms, ge.transients, ge.points) == ("GE P-file", "30", "24", "2048")
    assert found.others == {".pdf": 1}


def test_dicom_files_of_one_series_are_one_row(tmp_path: Path, shared_cases: Path) -> None:
    with tarfile.open(shared_cases / "dicom_series_study.tar.gz") as archive:
        # The first releases of Python 3.11 know no filters.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(tmp_path)  # noqa: S202
    look([tmp_path / "dcmseries"], tmp_path / "plan.tsv")
    (row,) = read_plan(tmp_path / "plan.tsv")
    assert (row.files, row.transients, row.participant, row.voi) == ("2", "2", "01", "calf")


def test_series_are_told_apart_by_number_time_and_person(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        dicom(tmp_path / f"in/A.MR.X.0004.{number:04d}.2024.IMA", number, number=number)
    dicom(tmp_path / "in/B.MR.X.0005.0001.2024.IMA", 5, SeriesNumber="5")
    dicom(tmp_path / "in/C.MR.X.0004.0001.2024.IMA", 6, PatientID="another")
    look([tmp_path / "in"], tmp_path / "plan.tsv")
    assert sorted((row.files, row.participant, row.run) for row in read_plan(tmp_path / "plan.tsv")) == [
        ("1", "001", "2"),
        ("1", "002", ""),
        ("3", "001", "1"),
    ]


def test_images_and_derived_data_are_listed_and_not_used(tmp_path: Path) -> None:
    for number in (1, 2):
        path = dicom(tmp_path / f"in/loc_{number}.dcm", number, number=number, SeriesNumber="1", Rows=8)
        _without_samples(path)
    dicom(tmp_path / "in/sum.dcm", 3, SeriesNumber="9", ImageType=["DERIVED", "PRIMARY"])
    look([tmp_path / "in"], tmp_path / "plan.tsv")
    rows = by_name(tmp_path / "plan.tsv")
    assert (rows["loc_1.dcm"].use, rows["loc_1.dcm"].files, rows["loc_1.dcm"].remark) == ("no", "2", "an image")
    assert rows["sum.dcm"].use == "no"
    assert "derived" in rows["sum.dcm"].remark


def _without_samples(path: Path) -> None:
    import pydicom

    dataset = pydicom.dcmread(path)
    for element in [element for element in dataset if element.tag.group == 0x7FE1]:
        del dataset[element.tag]
    dataset.save_as(path)


@pytest.mark.parametrize(
    ("names", "participants", "sessions"),
    [
        (("P01/visit1/a.dat", "P02/visit1/b.dat", "P02/visit2/c.dat"), ["P01", "P02", "P02"], ["1", "1", "2"]),
        (("raw/anna/a.dat", "raw/ben/b.dat"), ["anna", "ben"], ["", ""]),
        (("sub-07_ses-2_x.dat", "sub-08_ses-1_x.dat"), ["07", "08"], ["2", "1"]),
        # Their headers name the same person.
        (("meas_MID00843_a.dat", "meas_MID00844_b.dat"), ["001", "001"], ["", ""]),
        (("subj_003_fid.dat", "subj_004_fid.dat"), ["subj003", "subj004"], ["", ""]),
    ],
)
def test_participants_come_from_folders_and_names(
    tmp_path: Path, names: tuple[str, ...], participants: list[str], sessions: list[str]
) -> None:
    for seed, name in enumerate(names):
        twix(tmp_path / "in" / name, seed)
    look([tmp_path / "in"], tmp_path / "plan.tsv")
    rows = sorted(read_plan(tmp_path / "plan.tsv"), key=lambda row: row.path)
    assert [row.participant for row in rows] == participants
    assert [row.session for row in rows] == sessions


def test_pattern_names_the_parts_of_a_path(tmp_path: Path) -> None:
    for seed, name in enumerate(("MM12_v3_calf.dat", "MM12_v3_thigh.dat", "other.dat")):
        twix(tmp_path / "in" / name, seed)
    pattern = r"(?P<participant>MM\d+)_v(?P<session>\d)_(?P<voi>\w+)\.dat"
    look([tmp_path / "in"], tmp_path / "plan.tsv", pattern=pattern)
    rows = by_name(tmp_path / "plan.tsv")
    assert (rows["MM12_v3_calf.dat"].participant, rows["MM12_v3_calf.dat"].session) == ("MM12", "3")
    assert [rows[f"MM12_v3_{voi}.dat"].voi for voi in ("calf", "thigh")] == ["calf", "thigh"]
    assert "does not match" in rows["other.dat"].remark
    for wrong in ("(", r"\d+", r"(?P<person>\d+)"):
        with pytest.raises(SettingsError, match="--pattern"):
            look([tmp_path / "in"], tmp_path / "plan.tsv", pattern=wrong)


def test_days_become_sessions_protocols_acq_and_repeats_runs(tmp_path: Path) -> None:
    for seed, (day, series, protocol) in enumerate(
        (("20240131", "4", "rest"), ("20240131", "5", "rest"), ("20240131", "6", "low TR"), ("20250131", "4", "rest"))
    ):
        fields = {
            "AcquisitionDate": day,
            "SeriesNumber": series,
            "SeriesDescription": protocol,
            "ProtocolName": protocol,
        }
        dicom(tmp_path / f"in/{seed}.dcm", seed, **fields)
    look([tmp_path / "in"], tmp_path / "plan.tsv")
    rows = sorted(read_plan(tmp_path / "plan.tsv"), key=lambda row: row.path)
    assert [(row.participant, row.session, row.acq, row.run) for row in rows] == [
        ("001", "1", "rest", "1"),
        ("001", "1", "rest", "2"),
        ("001", "1", "lowTR", ""),
        ("001", "2", "rest", ""),
    ]


def test_the_form_nearest_to_the_scanner_is_used(tmp_path: Path) -> None:
    twix(tmp_path / "in/P01/a.dat", 1)
    dicom(tmp_path / "in/P01/b.dcm", 2)
    twix(tmp_path / "in/P02/c.dat", 3)
    look([tmp_path / "in"], tmp_path / "plan.tsv")
    rows = by_name(tmp_path / "plan.tsv")
    assert (rows["a.dat"].use, rows["b.dcm"].use) == ("yes", "no")
    assert "closer to the scanner's format" in rows["b.dcm"].remark


def test_a_second_look_keeps_what_a_person_wrote_and_adds_what_is_new(tmp_path: Path) -> None:
    plan = tmp_path / "plan.tsv"
    dicom(tmp_path / "in/a.dcm", 1)
    twix(tmp_path / "in/b.dat", 2)
    look([tmp_path / "in"], plan)
    edited(plan, lambda row: row.__dict__.update(participant="X7", use="no") if row.path.endswith(".dcm") else None)
    dicom(tmp_path / "in/c.dcm", 3, AcquisitionDate="20250131")
    found = look([tmp_path / "in"], plan, pattern=r"(?P<participant>b)\.dat")
    rows = by_name(plan)
    assert (rows["a.dcm"].participant, rows["a.dcm"].use) == ("X7", "no")
    assert rows["b.dat"].participant == "001"
    # The same patient has the label of the plan, not a new number.
    assert rows["c.dcm"].participant == "X7"
    assert found.new == 1


def test_nucleus_is_taken_from_the_name_only_where_the_frequency_allows_it(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    vendor_samples.lcmodel(folder / "P01_31P.RAW", vendor_samples.line())
    vendor_samples.lcmodel(folder / "P02.RAW", vendor_samples.line(2))
    look([folder], tmp_path / "plan.tsv")
    rows = by_name(tmp_path / "plan.tsv")
    assert (rows["P01_31P.RAW"].use, rows["P01_31P.RAW"].nucleus) == ("yes", "31P")
    assert rows["P02.RAW"].use == "no"
    assert "states no nucleus" in rows["P02.RAW"].remark


def test_headers_agree_with_the_readers(tmp_path: Path) -> None:
    """What the plan says of each format is what the conversion makes of it."""
    folder = tmp_path / "in"
    for kind, write in vendor_samples.SYNTHETIC.items():
        (folder / kind).mkdir(parents=True)
        write(folder / kind, vendor_samples.line(1 if kind in vendor_samples.ONE_TRANSIENT else 3))
    for name, write in (("xa", write_dicom), ("enhanced", write_philips)):
        (folder / name).mkdir()
        fid = vendor_samples.line()
        write(folder / name / "a.dcm", fid[:, 0] if name == "xa" else fid, dwell_s=vendor_samples.DWELL_S, mhz=51.7)
    (folder / "bruker").mkdir()
    vendor_samples.bruker(folder / "bruker", vendor_samples.line(3)[:, :, None])
    units = {(unit.path if unit.path.is_dir() else unit.path.parent).name: unit for unit in find_units([folder]).units}
    assert set(units) == {*vendor_samples.SYNTHETIC, "xa", "enhanced", "bruker"}
    for unit in units.values():
        scan = read_scan([path for path in unit.files if path.suffix != ".json"], [], nucleus="31P")
        header = unit.header
        assert header.reason == ""
        assert header.points == len(scan.fid)
        assert header.transients in (scan.fid.shape[1], None)
        assert header.frequency_mhz == pytest.approx(scan.spectrometer_frequency_mhz)
        assert header.te_s in (scan.metadata.get("EchoTime"), None)
        assert header.tr_s in (scan.metadata.get("RepetitionTime"), None)


def test_looking_is_faster_than_converting(tmp_path: Path, shared_data: Path) -> None:
    """By a factor of three: it reads headers, and of the samples no more than how many there are."""
    source = shared_data / CALF
    for number in range(6):
        (tmp_path / f"meas_MID{number:05d}.dat").symlink_to(source)
    find_units([tmp_path])
    convert_scan("sub-01_unloc", {"raw": source}, ConvertSettings())
    looked = min(_seconds(lambda: find_units([tmp_path])) for _ in range(3)) / 6
    converted = min(
        _seconds(lambda: convert_scan("sub-01_unloc", {"raw": source}, ConvertSettings())) for _ in range(3)
    )
    assert looked < converted


def _seconds(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def test_what_is_not_here_is_listed_with_the_way_to_fetch_it(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.dat").symlink_to("../.git/annex/objects/aa/bb/KEY/KEY")
    (folder / "broken.dat").write_bytes(b"no scan" * 100)
    vendor_samples.bruker(folder, noise(1)[:, :, None])
    (folder / "fid").write_bytes(b"/annex/objects/MD5-1\n")
    index = vendor_samples.data_list(folder, noise(2)[:, :, None]).with_suffix(".list")
    index.unlink()
    index.symlink_to("../.git/annex/objects/aa/bb/KEY/KEY")
    look([folder], tmp_path / "plan.tsv")
    rows = by_name(tmp_path / "plan.tsv")
    for name, missing in (("a.dat", "a.dat"), ("in", "fid"), ("scan.data", "scan.list")):
        assert f"fetch it: datalad get {folder / missing}" in rows[name].remark
    assert "truncated" in rows["broken.dat"].remark
    assert {row.use for row in rows.values()} == {"no"}


def test_a_plan_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "plan.tsv").write_text("use\tparticipant\nyes\t1\n")
    twix(tmp_path / "in/a.dat", 1)
    with pytest.raises(StudyError, match="no column 'suffix'"):
        look([tmp_path / "in"], tmp_path / "plan.tsv")
    with pytest.raises(SettingsError, match="no such folder"):
        look([tmp_path / "none"], tmp_path / "other.tsv")


def test_a_study_made_in_the_same_folder_is_not_taken_for_new_files(tmp_path: Path) -> None:
    twix(tmp_path / "P01_fid.dat", 1)
    look([tmp_path], tmp_path / "plan.tsv")
    make(tmp_path / "plan.tsv", tmp_path / "study", "link")
    twix(tmp_path / "P02_fid.dat", 2)
    found = look([tmp_path], tmp_path / "plan.tsv")
    assert [row.participant for row in found.rows] == ["P01", "P02"]
    assert found.others["study made by an import"] == 1


def test_what_cannot_be_read_is_one_row_for_each_scan_with_the_way_out(tmp_path: Path) -> None:
    for name in ("exp/1/fid", "exp/1/acqp", "exp/1/method", "raw.data", "raw.list", "P12345.7"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(b"some content" * 20)
    (tmp_path / "in/ScanArchive_1.h5").write_bytes(b"\x89HDF" * 20)
    look([tmp_path / "in"], tmp_path / "plan.tsv")
    rows = by_name(tmp_path / "plan.tsv")
    assert {name: (row.use, row.files, row.format) for name, row in rows.items()} == {
        "1": ("no", "3", "Bruker"),
        "raw.data": ("no", "2", "Philips data/list"),
        "P12345.7": ("no", "1", "GE P-file"),
        "ScanArchive_1.h5": ("no", "1", ""),
    }
    assert "have the scanner also save a P-file" in rows["ScanArchive_1.h5"].remark


def test_grids_are_listed_with_the_way_to_name_a_voxel(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    vendor_samples.rda(tmp_path / "in/P01_csi.rda", noise(1, frames=24), (3, 4, 2))
    grid = {"Rows": ("US", "4"), "Columns": ("US", "3"), "NumberOfFrames": ("IS", "2"), "DataPointColumns": None}
    write_csa(tmp_path / "in/P01_csi.IMA", noise(2, frames=24), protocol="sSpecPara.lVectorSize = 256\n", **grid)
    look([tmp_path / "in"], tmp_path / "plan.tsv")
    rows = read_plan(tmp_path / "plan.tsv")
    assert len(rows) == 2
    for row in rows:
        assert (row.use, row.suffix, row.nucleus) == ("no", "mrsi", "31P")
        assert row.remark.startswith("a grid of 3x4x2 voxels; set use to yes and select one: scan --voxel i,j,k")


@pytest.mark.parametrize("missing", ["SPAR", "SDAT"])
def test_half_of_a_pair_is_not_used(tmp_path: Path, missing: str) -> None:
    vendor_samples.philips(tmp_path, vendor_samples.line())
    (tmp_path / f"scan.{missing}").unlink()
    look([tmp_path], tmp_path / "plan.tsv")
    (row,) = read_plan(tmp_path / "plan.tsv")
    assert (row.use, row.remark) == ("no", f"has no {missing} file of the same name beside it; export both")


def test_a_name_that_is_no_text_is_listed(tmp_path: Path) -> None:
    path = twix(tmp_path / "a.dat", 1)
    (tmp_path / "in").mkdir()
    try:
        os.rename(os.fsencode(path), os.fsencode(tmp_path / "in") + b"/P01_\xff.dat")  # noqa: PTH104 (bytes)
    except OSError:
        pytest.skip("this file system has no such names")
    look([tmp_path / "in"], tmp_path / "plan.tsv")
    (row,) = read_plan(tmp_path / "plan.tsv")
    assert "rename it" in row.remark


def test_a_series_is_a_task_by_the_name_of_its_exercise(tmp_path: Path) -> None:
    for name, frames in (("exercise", 16), ("knee_extension", 16), ("recovery_short", 4), ("rest", 16)):
        twix(tmp_path / f"in/exercise/{name}.dat", len(name), protocol="fid", frames=frames)
    look([tmp_path / "in"], tmp_path / "plan.tsv")
    tasks = {name: row.task for name, row in by_name(tmp_path / "plan.tsv").items()}
    wanted = {
        "exercise.dat": "exercise",
        "knee_extension.dat": "kneeextension",
        "recovery_short.dat": "",
        "rest.dat": "",
    }
    assert tasks == wanted

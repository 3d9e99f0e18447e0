"""The study folder: what is found, what is refused, and how often a folder is looked at."""

import os
from collections import Counter
from pathlib import Path

import pytest

from myomag.errors import StudyError
from myomag.run.snakefile import Flow
from myomag.study.names import entities, split_extension
from myomag.study.remarks import listed_participants
from myomag.study.search import Scan, Study, find_scans

STEM = "sub-001_ses-1_acq-fid_nuc-31P_voi-thigh_run-1_unloc"


def place(root: Path, *names: str) -> Path:
    """Empty files in the folder the BIDS stem of each name belongs to."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def only(study: Study) -> Scan:
    (scan,) = study.scans
    return scan


@pytest.mark.parametrize(
    "stem",
    [
        "sub-001_unloc",
        "sub-001_ses-pre_svs",
        "sub-A+1_task-rest_unloc",
        "sub-001_ses-1_task-rest_acq-fid_nuc-31P_voi-thigh_rec-raw_run-01_echo-1_inv-2_mrsi",
        STEM,
    ],
)
def test_any_subset_of_the_entities_in_bids_order_is_a_name(stem: str) -> None:
    parts = [part.split("-", 1) for part in stem.split("_")[:-1]]
    assert entities(stem) == dict(parts)


@pytest.mark.parametrize(
    "stem",
    [
        "sub-001_nuc-31P_acq-fid_unloc",
        "sub-001_acq-a_acq-b_unloc",
        "sub-001_bold",
        "sub-001_color-red_unloc",
        "sub-00 1_unloc",
        "sub-001_ses-_unloc",
        "sub-001_unloc\n",
        "ses-1_unloc",
        "-rf_unloc",
        "",
    ],
)
def test_what_is_not_a_bids_name_has_no_entities(stem: str) -> None:
    assert entities(stem) == {}


def test_scan_with_session_and_sidecar(tmp_path: Path) -> None:
    folder = "sub-001/ses-1/mrs"
    place(tmp_path, f"{folder}/{STEM}.nii.gz", f"{folder}/{STEM}.json")
    assert only(find_scans(tmp_path)) == Scan(
        STEM, "sub-001", "ses-1", (f"{folder}/{STEM}.nii.gz",), (f"{folder}/{STEM}.json",), ""
    )


def test_scan_without_session(tmp_path: Path) -> None:
    scan = only(find_scans(place(tmp_path, "sub-001/mrs/sub-001_unloc.nii")))
    assert (scan.session_id, scan.raw, scan.problem) == ("", ("sub-001/mrs/sub-001_unloc.nii",), "")


def test_scans_are_sorted_and_reference_scans_and_other_files_are_left_out(tmp_path: Path) -> None:
    place(
        tmp_path,
        "sub-002/mrs/sub-002_unloc.nii.gz",
        "sub-001/mrs/sub-001_run-2_unloc.nii.gz",
        "sub-001/mrs/sub-001_run-1_unloc.nii.gz",
        "sub-001/mrs/sub-001_mrsref.nii.gz",
        "sub-001/mrs/.sub-001_run-3_unloc.nii.gz.part",
        "sub-001/mrs/notes.txt",
        "sub-001/anat/sub-001_T1w.nii.gz",
        "derivatives/myomag/sub-009/mrs/sub-009_unloc.nii.gz",
        "code/sub-008_unloc.nii.gz",
    )
    study = find_scans(tmp_path)
    assert [scan.stem for scan in study.scans] == ["sub-001_run-1_unloc", "sub-001_run-2_unloc", "sub-002_unloc"]
    assert study.remarks == []
    assert study.participants == ["sub-001", "sub-002"]


def test_vendor_file_is_found_under_the_stem_in_sourcedata(tmp_path: Path) -> None:
    scan = only(find_scans(place(tmp_path, f"sourcedata/sub-001/ses-1/mrs/{STEM}.IMA")))
    assert scan.raw == (f"sourcedata/sub-001/ses-1/mrs/{STEM}.IMA",)
    assert scan.problem == ""


def test_nifti_is_preferred_over_the_vendor_file_and_keeps_to_its_own_sidecar(tmp_path: Path) -> None:
    place(
        tmp_path, *(f"{base}sub-001/ses-1/mrs/{STEM}.{end}" for base in ("", "sourcedata/") for end in ("json", "dat"))
    )
    assert only(find_scans(tmp_path)).raw == (f"sourcedata/sub-001/ses-1/mrs/{STEM}.dat",)
    assert only(find_scans(tmp_path)).sidecars[-1] == f"sourcedata/sub-001/ses-1/mrs/{STEM}.json"
    place(tmp_path, f"sub-001/ses-1/mrs/{STEM}.nii.gz")
    scan = only(find_scans(tmp_path))
    assert (scan.raw, scan.sidecars) == ((f"sub-001/ses-1/mrs/{STEM}.nii.gz",), (f"sub-001/ses-1/mrs/{STEM}.json",))


@pytest.mark.parametrize("ends", [("SDAT", "spar"), ("data", "list"), ("SPAR", "data", "list"), ("7",)])
def test_files_of_one_scan_belong_together(tmp_path: Path, ends: tuple[str, ...]) -> None:
    raw = tuple(f"sourcedata/sub-001/mrs/sub-001_svs.{end}" for end in ends)
    scan = only(find_scans(place(tmp_path, *raw)))
    assert (scan.raw, scan.problem) == (raw, "")


@pytest.mark.parametrize(
    ("first", "second"),
    [("nii.gz", "nii"), ("dat", "IMA"), ("SDAT", "dat"), ("dat", "DAT"), ("7", "data"), ("SPAR", "list")],
)
def test_two_files_for_one_scan_are_a_problem(tmp_path: Path, first: str, second: str) -> None:
    base = "" if first.startswith("nii") else "sourcedata/"
    scan = only(find_scans(place(tmp_path, *(f"{base}sub-001/mrs/sub-001_unloc.{end}" for end in (first, second)))))
    assert "two files for one scan" in scan.problem
    assert f"sub-001_unloc.{first}" in scan.problem
    assert "run-" in scan.problem


def test_vendor_file_among_nifti_files_gets_a_remark(tmp_path: Path) -> None:
    study = find_scans(place(tmp_path, "sub-001/mrs/sub-001_unloc.dat", "sub-001/mrs/sub-001_svs.mat"))
    assert study.scans == []
    assert [remark.split(": ")[0].rpartition(".")[2] for remark in study.remarks] == ["mat", "dat"]
    assert "sourcedata/" in study.remarks[1]


@pytest.mark.parametrize("folder", ["sub-001_unloc", "sub-001_unloc.dcm", "sub-001_unloc.IMA"])
def test_files_of_a_folder_are_one_scan(tmp_path: Path, folder: str) -> None:
    names = [f"sourcedata/sub-001/mrs/{folder}/{name}" for name in ("1.2.840.10008", "IM_0002", "x.dcm")]
    place(tmp_path, "sourcedata/sub-001/mrs/sub-001_unloc.json", *names)
    scan = only(find_scans(tmp_path))
    assert (scan.stem, scan.problem, list(scan.raw)) == ("sub-001_unloc", "", names)
    assert scan.sidecars == ("sourcedata/sub-001/mrs/sub-001_unloc.json",)


def test_folder_of_files_and_a_file_beside_it_are_two_for_one_scan(tmp_path: Path) -> None:
    folder = "sourcedata/sub-001/mrs/sub-001_unloc"
    assert "two files for one scan" in only(find_scans(place(tmp_path, f"{folder}/1.dcm", f"{folder}.dat"))).problem


def test_folder_of_files_elsewhere_or_without_files_is_told_of(tmp_path: Path) -> None:
    study = find_scans(place(tmp_path, "sub-001/mrs/sub-001_unloc/1.dcm"))
    assert study.scans == [] and "move it to sourcedata/" in study.remarks[0]
    (tmp_path / "sourcedata/sub-002/mrs/sub-002_unloc").mkdir(parents=True)
    assert "contains no files" in only(find_scans(tmp_path)).problem


@pytest.mark.parametrize("mark", ["_", "-", ".", ""])
def test_numbered_files_beside_each_other_are_told_how_to_be_one_scan(tmp_path: Path, mark: str) -> None:
    names = [f"sourcedata/sub-001/mrs/sub-001_nuc-31P_unloc{mark}{number:04d}.IMA" for number in range(1, 9)]
    scan = only(find_scans(place(tmp_path, *names)))
    assert scan.raw == tuple(names) and scan.stem == "sub-001_nuc-31P_unloc (8 numbered files)"
    assert "and 5 more: files of one scan? Put them into a folder sub-001_nuc-31P_unloc/" in scan.problem


KEY = "SHA256E-s1--x.nii.gz"


def annexed(study: Path, repository: Path, git: str = ".git") -> Path:
    """Link of a scan into the annex of a repository, with its content."""
    content = repository / git / "annex/objects/aa/bb" / KEY
    place(content, KEY)
    link = study / "sub-001/mrs/sub-001_unloc.nii.gz"
    link.parent.mkdir(parents=True)
    link.symlink_to(os.path.relpath(content / KEY, link.parent))
    return link


def test_link_into_the_annex_of_a_superdataset_is_followed(tmp_path: Path) -> None:
    annexed(tmp_path / "super/raw/study", tmp_path / "super")
    assert only(find_scans(tmp_path / "super/raw/study")).problem == ""


@pytest.mark.parametrize("kind", ["file", "link"])
def test_link_into_the_annex_of_a_submodule_is_followed(tmp_path: Path, kind: str) -> None:
    annexed(tmp_path / "super/study", tmp_path / "super", ".git/modules/study")
    git = tmp_path / "super/study/.git"
    if kind == "file":
        git.write_text("gitdir: ../.git/modules/study\n")
    else:
        git.symlink_to("../.git/modules/study")
    assert only(find_scans(tmp_path / "super/study")).problem == ""


@pytest.mark.parametrize("kind", ["beside", "file", "link", "other name", "folder"])
def test_no_other_link_out_of_the_study_is_followed(tmp_path: Path, kind: str) -> None:
    """An annex beside the study, one that a false .git leads to, what is no object, and a folder of objects."""
    place(tmp_path / "super/.git", "config")
    link = annexed(tmp_path / "super/study", tmp_path / ("super" if kind in ("other name", "folder") else "other"))
    git = tmp_path / "super/study/.git"
    if kind == "file":
        git.write_text("gitdir: ../../other/.git\n")
    elif kind == "link":
        git.symlink_to("../../other/.git")
    elif kind in ("other name", "folder"):
        link.unlink()
        place(tmp_path / "super/.git/annex/objects", "secret")
        link.symlink_to(tmp_path / "super/.git/annex/objects" / ("secret" if kind == "other name" else "aa/bb"))
    assert "a link to a file outside the study" in only(find_scans(tmp_path / "super/study")).problem


def test_object_of_an_annex_that_leads_further_is_not_followed(tmp_path: Path) -> None:
    annexed(tmp_path / "super/study", tmp_path / "super")
    content = tmp_path / f"super/.git/annex/objects/aa/bb/{KEY}/{KEY}"
    content.unlink()
    content.symlink_to(place(tmp_path / "outside", "x") / "x")
    assert "a link to a file outside the study" in only(find_scans(tmp_path / "super/study")).problem


@pytest.mark.parametrize("where", ["study", "super"])
def test_content_that_was_not_fetched_is_called_that(tmp_path: Path, where: str) -> None:
    root = tmp_path / "super" / ("study" if where == "super" else "")
    annexed(root, tmp_path / "super")
    (tmp_path / f"super/.git/annex/objects/aa/bb/{KEY}/{KEY}").unlink()
    path = "sub-001/mrs/sub-001_unloc.nii.gz"
    assert f"its content is not here; fetch it: datalad get {path} (" in only(find_scans(root)).problem
    # A file that git-annex unlocked is no link, and holds a pointer instead.
    (root / path).unlink()
    (root / path).write_text(f"/annex/objects/{KEY}\n")
    assert f"its content is not here; fetch it: datalad get {path} (" in only(find_scans(root)).problem


@pytest.mark.parametrize(
    "name", ["scan_unloc", "sub-001_nuc-31P_acq-fid_unloc", "sub-001_bold", "sub-001_acq-a_acq-b_unloc", "sub-001"]
)
def test_name_that_is_not_bids_is_listed_with_the_expected_form(tmp_path: Path, name: str) -> None:
    scan = only(find_scans(place(tmp_path, f"sub-001/mrs/{name}.nii.gz")))
    assert scan.problem.startswith(f"{name}.nii.gz: not a BIDS name")
    assert "ses task acq nuc voi" in scan.problem


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("sub-002/mrs", "sub-001_unloc"),
        ("sub-001/ses-2/mrs", "sub-001_ses-1_unloc"),
        ("sub-001/ses-1/mrs", "sub-001_unloc"),
        ("sub-001/mrs", "sub-001_ses-1_unloc"),
    ],
)
def test_name_must_match_its_folder(tmp_path: Path, folder: str, name: str) -> None:
    scan = only(find_scans(place(tmp_path, f"{folder}/{name}.nii.gz")))
    assert "does not match its folder" in scan.problem
    assert folder.removesuffix("/mrs") in scan.problem


def test_file_in_a_wrong_place_does_not_take_the_name_of_a_scan(tmp_path: Path) -> None:
    place(tmp_path, *(f"sub-00{n}/mrs/{name}.nii.gz" for n in (1, 2) for name in ("sub-002_unloc", "holiday_unloc")))
    assert {scan.stem: bool(scan.problem) for scan in find_scans(tmp_path).scans} == {
        "holiday_unloc (in sub-001)": True,
        "sub-002_unloc (in sub-001)": True,
        "holiday_unloc (in sub-002)": True,
        "sub-002_unloc": False,
    }


def test_scans_that_differ_by_the_suffix_alone_collide(tmp_path: Path) -> None:
    study = find_scans(place(tmp_path, "sub-001/mrs/sub-001_svs.nii.gz", "sub-001/mrs/sub-001_unloc.nii.gz"))
    assert [bool(scan.problem) for scan in study.scans] == [False, True]
    assert "sub-001_svs" in study.scans[1].problem


def test_sidecars_apply_from_the_general_to_the_particular(tmp_path: Path) -> None:
    names = [
        "unloc.json",
        "acq-fid_unloc.json",
        "sub-001/sub-001_unloc.json",
        "sub-001/ses-1/sub-001_ses-1_unloc.json",
        "sub-001/ses-1/mrs/sub-001_ses-1_unloc.json",
        "sub-001/ses-1/mrs/sub-001_ses-1_acq-fid_unloc.json",
        f"sub-001/ses-1/mrs/{STEM}.json",
    ]
    foreign = [
        "svs.json",
        "acq-press_unloc.json",
        "participants.json",
        "sub-001/ses-1/mrs/sub-001_ses-1_voi-calf_unloc.json",
        "sub-002/sub-002_unloc.json",
        "sub-001/ses-2/sub-001_ses-2_unloc.json",
    ]
    place(tmp_path, *names, *foreign, f"sub-001/ses-1/mrs/{STEM}.nii.gz", "sub-002/mrs/sub-002_unloc.nii.gz")
    assert list(find_scans(tmp_path).scans[0].sidecars) == names


def test_sidecar_in_a_sibling_folder_does_not_apply(tmp_path: Path) -> None:
    place(tmp_path, "sub-001/mrs/sub-001_unloc.json", "sub-001/ses-1/mrs/sub-001_ses-1_unloc.nii.gz")
    assert only(find_scans(tmp_path)).sidecars == ()


@pytest.mark.parametrize("end", ["nii.gz", "json"])
def test_link_out_of_the_study_is_refused(tmp_path: Path, end: str) -> None:
    outside = place(tmp_path / "outside", f"x.{end}")
    root = place(tmp_path / "study", *(f"sub-001/mrs/sub-001_unloc.{other}" for other in {"nii.gz", "json"} - {end}))
    (root / f"sub-001/mrs/sub-001_unloc.{end}").symlink_to(outside / f"x.{end}")
    scan = only(find_scans(root))
    assert scan.problem.startswith(f"sub-001_unloc.{end}: a link to a file outside the study")
    assert not any("outside" in path for path in (*scan.raw, *scan.sidecars))


def test_link_inside_the_study_is_followed(tmp_path: Path) -> None:
    place(tmp_path, ".git/annex/objects/content", "sub-001/mrs/x")
    (tmp_path / "sub-001/mrs/sub-001_unloc.nii.gz").symlink_to("../../.git/annex/objects/content")
    assert only(find_scans(tmp_path)).problem == ""


@pytest.mark.parametrize("folder", ["sub-001", "sub-001/ses-1", "sub-001/ses-1/mrs", "sourcedata"])
def test_folder_that_is_a_link_out_of_the_study_is_not_read(tmp_path: Path, folder: str) -> None:
    tree = {"sub-001": "ses-1/mrs", "sub-001/ses-1": "mrs", "sub-001/ses-1/mrs": ".", "sourcedata": "sub-001/ses-1/mrs"}
    place(tmp_path / "outside", f"{tree[folder]}/{STEM}.nii.gz")
    root = place(tmp_path / "study", "sub-002/mrs/sub-002_unloc.nii.gz")
    (root / folder).parent.mkdir(parents=True, exist_ok=True)
    (root / folder).symlink_to(tmp_path / "outside", target_is_directory=True)
    study = find_scans(root)
    assert [scan.participant_id for scan in study.scans] == ["sub-002"]
    assert [remark.split(":")[0] for remark in study.remarks] == [folder]


def test_circle_of_links_does_no_harm(tmp_path: Path) -> None:
    root = place(tmp_path, "sub-001/mrs/sub-001_unloc.nii.gz")
    (root / "sub-002").symlink_to("sub-003")
    (root / "sub-003").symlink_to("sub-002")
    study = find_scans(root)
    assert len(study.scans) == 1
    assert len(study.remarks) == 2


def test_study_reached_through_a_link_is_read(tmp_path: Path) -> None:
    place(tmp_path / "real", "sub-001/mrs/sub-001_unloc.nii.gz")
    (tmp_path / "study").symlink_to("real", target_is_directory=True)
    assert only(find_scans(tmp_path / "study")).problem == ""


HOSTILE = [
    b"a b",
    "Müller_β".encode(),
    b"new\nline",
    b"tab\there",
    b"-rf",
    b"\xff\xfe",
    b"quo'te\"",
    b"{x}%s$HOME;",
    b"\x1b[31m",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_name_becomes_one_printable_problem(tmp_path: Path, name: bytes) -> None:
    place(tmp_path, f"sub-001/mrs/{os.fsdecode(name)}_unloc.nii.gz")
    scan = only(find_scans(tmp_path))
    assert "not a BIDS name" in scan.problem
    assert (scan.stem + scan.problem).isprintable()
    (scan.stem + scan.problem).encode()


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_participant_folder_is_accounted_for(tmp_path: Path, name: bytes) -> None:
    place(tmp_path, f"sub-{os.fsdecode(name)}/mrs/sub-001_unloc.nii.gz")
    scan = only(find_scans(tmp_path))
    assert "does not match its folder" in scan.problem
    assert (scan.stem + scan.problem).isprintable()


def test_each_folder_is_listed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        label = f"sub-{number:02d}"
        place(tmp_path, *(f"{label}/ses-{s}/mrs/{label}_ses-{s}_unloc.nii.gz" for s in (1, 2)))
        place(tmp_path, f"sourcedata/{label}/ses-1/mrs/{label}_ses-1_unloc.dat", f"{label}/anat/x.nii.gz")
    listed: Counter[str] = Counter()
    scandir = os.scandir

    def counting(path: str) -> object:
        listed[os.path.realpath(path)] += 1
        return scandir(path)

    monkeypatch.setattr(os, "scandir", counting)
    assert len(find_scans(tmp_path).scans) == 40
    assert set(listed.values()) == {1}
    # The root, sourcedata, and per participant: itself, two sessions with mrs; in sourcedata itself, one session, mrs.
    assert len(listed) == 2 + 20 * (1 + 4 + 3)


def test_scans_beside_the_folder_mrs_are_named(tmp_path: Path) -> None:
    places = ("sub-1/sub-1_unloc.nii.gz", "sub-2/ses-1/sub-2_ses-1_svs.dat", "sub-3/MRS/sub-3_unloc.nii.gz")
    study = find_scans(place(tmp_path, *places, "sub-4/anat/sub-4_T1w.nii.gz", "sub-4/sub-4_scans.tsv"))
    assert (study.scans, study.remarks) == (
        [],
        [
            "sub-1/sub-1_unloc.nii.gz: not read here; move it to sub-1/mrs/.",
            "sub-2/ses-1/sub-2_ses-1_svs.dat: not read here; move it to sub-2/ses-1/mrs/.",
            "sub-3/MRS: not read; rename the folder to mrs.",
        ],
    )


def test_missing_study_is_an_error_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="nowhere: no such study folder"):
        find_scans(tmp_path / "nowhere")


def test_empty_study_has_no_scans(tmp_path: Path) -> None:
    assert find_scans(tmp_path).scans == []


def test_participants_table(tmp_path: Path) -> None:
    assert listed_participants(tmp_path) is None
    table = tmp_path / "participants.tsv"
    table.write_bytes(b"\xef\xbb\xbfparticipant_id\tage\r\nsub-001\t30\r\n002\t40\r\n")
    assert listed_participants(tmp_path) == {"sub-001", "sub-002"}
    for content in (b"subject\tage\n", b"", b"\xff\xfe", b"participant_id\tage\nsub-001\t30\n\nsub-002\t40\n"):
        table.write_bytes(content)
        with pytest.raises(StudyError, match=r"participants\.tsv"):
            listed_participants(tmp_path)


def test_participant_missing_from_the_table_is_named(tmp_path: Path) -> None:
    place(tmp_path, "sub-001/mrs/sub-001_unloc.nii.gz", "sub-002/mrs/sub-002_unloc.nii.gz")
    (tmp_path / "participants.tsv").write_text("participant_id\nsub-002\nsub-003\n")
    (remark,) = Flow({"study": str(tmp_path)}, {}).remarks()
    assert remark.startswith("sub-001: has scans but no row in participants.tsv")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.NII.GZ", ("a", ".nii.gz")),
        ("a.b.IMA", ("a.b", ".ima")),
        ("P123.7", ("P123", ".7")),
        ("noextension", ("noextension", "")),
        (".json", ("", ".json")),
    ],
)
def test_extension(name: str, expected: tuple[str, str]) -> None:
    assert split_extension(name) == expected

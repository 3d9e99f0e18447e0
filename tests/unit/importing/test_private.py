"""Names, birth dates and hospital ids reach neither plan nor record nor messages."""

from pathlib import Path

import pytest

import vendor_samples
from ge_sample import pfile
from import_samples import by_name, dicom, noise
from myomag.errors import SettingsError
from myomag.importing.commands import app
from myomag.importing.headers import read_header
from myomag.importing.look import look
from myomag.importing.make import make
from myomag.importing.personal import Private, resolved
from myomag.importing.plan import read_plan
from myomag.study.imports import IMPORTS, read_imports

JANE = {"PatientName": "Köhler^Jane Ann", "PatientBirthDate": "19700203", "PatientID": "H1234567"}
SECRETS = ("köhler", "koehler", "kohler", "jane", "19700203", "03.02.1970", "1970-02-03", "h1234567")


def secrets_in(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text.lower()]


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """Files of one person, whose name stands in headers, folders, files and protocols."""
    folder = tmp_path / "in"
    for number in (1, 2):
        dicom(folder / f"KOEHLER_JANE_19700203/KOEHLER.MR.LEG.0004.{number:04d}.IMA", number, number=number, **JANE)
    named = {"ProtocolName": "fid JaneKöhler 03.02.1970", "SeriesDescription": "x", "SeriesNumber": "7"}
    dicom(folder / "Jane/H1234567_2", 3, **JANE, **named)
    fields = {"patient_name": "Koehler", "patient_birth_date": "1970.02.03", "examination_name": "Koehler Jane"}
    vendor_samples.philips(folder, noise(4), stem="koehler31P", **fields)
    return folder


def test_no_name_birth_date_or_id_in_plan_record_and_messages(
    exported: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    plan, study = tmp_path / "plan.tsv", tmp_path / "study"
    for arguments in (["look", str(exported), "--plan", str(plan)], ["make", str(plan), str(study)]):
        app(arguments, standalone_mode=False) if arguments[0] == "make" else _ended(arguments)
    captured = capfd.readouterr()
    record = (study / IMPORTS).read_text()
    assert len(read_plan(plan)) == 3
    assert secrets_in(plan.read_text()) == secrets_in(record) == secrets_in(captured.out + captured.err) == []
    assert secrets_in(" ".join(path.name for path in study.rglob("*"))) == []
    # And yet each file is known by its content.
    assert len(read_imports(study)) == 5


@pytest.mark.parametrize("revision", [9, 11, 14.0, 16.0, 20.007, 25.004, 26.002, 28.003, 31.0])
def test_who_was_measured_is_known_of_p_files(tmp_path: Path, revision: float) -> None:
    who = {"rhe_patname": b"KOEHLER^JANE", "rhe_patid": b"H1234567", "rhe_dateofbirth": b"19700203"}
    who |= {"rhe_ex_datetime": 1706700000, "rhs_se_desc": b"fid of Jane"}
    path = pfile(tmp_path / "P1.7", noise(1)[:, :, None], revision=revision, **who)
    header = read_header(path, "ge")
    assert (header.reason, header.patient, header.date[:8], header.protocol) == (
        "",
        "H1234567",
        "20240131",
        "fid of Jane",
    )
    assert {"koehler", "jane", "H1234567", "19700203"} <= header.personal
    # Of a scan that is not read, too.
    path = pfile(path, noise(1)[:, :, None], revision=revision, rhr_rh_nslices=2, **who)
    refused = read_header(path, "ge")
    assert refused.reason.startswith("contains 2 slices")
    assert refused.personal == header.personal


def test_who_was_measured_is_known_of_data_list_and_bruker(tmp_path: Path) -> None:
    path = vendor_samples.data_list(tmp_path, noise(1)[:, :, None])
    vendor_samples.spar(path.with_suffix(".SPAR"), patient_name="Koehler Jane", scan_id="fid", nucleus="31P")
    assert {"koehler", "jane"} <= read_header(path, "philips-list").personal
    study = tmp_path / "20240131_H1234567"
    (study / "5").mkdir(parents=True)
    abs_time = "( 65 )\n<2024-01-31T10:45:00,219+0100>"
    acqp = {"ACQ_time": abs_time, "ACQ_protocol_name": "( 64 )\n<fid31P>"}
    samples = vendor_samples.bruker(study / "5", noise(2)[:, :, None], acqp=acqp)
    (study / "subject").write_text("##$SUBJECT_id=( 60 )\n<H1234567>\n##$SUBJECT_name_string=( 64 )\n<Koehler>\n")
    header = read_header(samples, "bruker")
    assert (header.patient, header.date, header.protocol) == ("H1234567", "20240131104500", "fid31P")
    assert {"koehler", "H1234567"} <= header.personal
    look([study], tmp_path / "plan.tsv")
    assert "H1234567" not in (tmp_path / "plan.tsv").read_text()
    assert make(tmp_path / "plan.tsv", tmp_path / "study", "copy").scans == 1


def _ended(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        app(arguments, standalone_mode=False)
    assert ended.value.code == 0


def test_a_path_with_a_star_leads_to_the_one_file_it_means(tmp_path: Path) -> None:
    for name in ("Doe", "Roe"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "scan [1].dat").write_bytes(name.encode() * 50)
    private = Private({"doe", "roe"})
    cells = [private.path(tmp_path / name / "scan [1].dat") for name in ("Doe", "Roe")]
    assert not any(name in cell for name in ("Doe", "Roe") for cell in cells)
    assert [resolved(cell) for cell in cells] == [[tmp_path / name / "scan [1].dat"] for name in ("Doe", "Roe")]
    assert resolved(cells[0].replace("#", "#0")[:-1]) == []


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("P01_DOE_scan", "P01_*_scan"),
        ("doejane.dat", "*.dat"),
        ("does it", "does it"),
        ("14.05.1961", "*"),
        ("id H77777x", "id H77777x"),
        ("id H77777", "id *"),
    ],
)
def test_names_are_found_as_words_and_ids_whole(text: str, masked: str) -> None:
    assert Private({"doe", "jane", "doejane", "14.05.1961", "H77777"}).masked(text) == masked


def test_key_gives_labels_and_its_ids_stay_hidden(exported: Path, tmp_path: Path) -> None:
    key, plan = tmp_path / "key.tsv", tmp_path / "plan.tsv"
    key.write_text("id\tlabel\tsession\nh1234567\tMM07\tses-2\n")
    look([exported], plan, key=key)
    rows = read_plan(plan)
    assert {(row.participant, row.session) for row in rows if row.format == "DICOM"} == {("MM07", "2")}
    (other,) = (row for row in rows if row.format != "DICOM")
    assert "no id from the key" in other.remark
    assert secrets_in(plan.read_text()) == []
    # An identifier that the key does not know becomes no label, and no part of the path.
    dicom(tmp_path / "two/X777777_fid.dcm", 9, PatientName="", PatientID="")
    look([tmp_path / "two"], tmp_path / "two.tsv", key=key, pattern=r"(?P<participant>\w\d{6})")
    (row,) = read_plan(tmp_path / "two.tsv")
    assert row.participant == ""
    assert "777777" not in (tmp_path / "two.tsv").read_text()
    key.write_text("id\tlabel\nH1234567\tMM07\nH1234567\tMM08\n")
    with pytest.raises(SettingsError, match="line 3") as error:
        look([exported], plan, key=key)
    assert secrets_in(str(error.value).replace(str(tmp_path), "")) == []


def test_a_code_that_the_pattern_names_is_a_label_and_a_name_is_none(tmp_path: Path) -> None:
    code = {"PatientName": "MM012", "PatientID": "MM012"}
    dicom(tmp_path / "in/MM012_a.dcm", 1, **code)
    dicom(tmp_path / "in/Roe_a.dcm", 2, PatientName="Roe", PatientID="H99999", SeriesNumber="8")
    look([tmp_path / "in"], tmp_path / "plan.tsv", pattern=r"(?P<participant>[^_/]+)_a")
    rows = read_plan(tmp_path / "plan.tsv")
    assert by_name(tmp_path / "plan.tsv")["MM012_a.dcm"].participant == "MM012"
    (roe,) = (row for row in rows if row.participant != "MM012")
    assert roe.participant.isdigit()
    assert "would identify the person" in roe.remark
    # Without a pattern a code of the hospital is a number.
    look([tmp_path / "in"], tmp_path / "other.tsv")
    assert {row.participant for row in read_plan(tmp_path / "other.tsv")} == {"001", "002"}


def test_make_finds_all_files_behind_stars(exported: Path, tmp_path: Path) -> None:
    plan, study = tmp_path / "plan.tsv", tmp_path / "study"
    look([exported], plan)
    assert make(plan, study, "move").scans == 3
    assert not [path for path in exported.rglob("*") if path.is_file()]
    assert make(plan, study, "move").present == 3

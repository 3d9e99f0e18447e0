"""Audits of a whole study: every kind of tampering is named, and what nobody touched passes."""

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from auditing import (
    FIT,
    FOLDER,
    MAGNESIUM,
    PREPROC,
    RAW,
    REPOSITORY,
    SETTINGS,
    STEM,
    audit,
    derivative,
    flip_byte,
    ledger,
    myomag,
    problems,
)

from myomag.ledger.activity import CODE
from myomag.pipeline import SCAN_STEPS


def test_verify_untouched(finished: Path) -> None:
    assert problems(finished) == set()


@pytest.mark.parametrize("keep_mtime", [False, True])
@pytest.mark.parametrize(
    "path", [PREPROC, FIT, MAGNESIUM, "cohort.tsv", "protocols.tsv", "report/index.html", "dataset_description.json"]
)
def test_verify_flipped_byte(study: Path, path: str, keep_mtime: bool) -> None:
    flip_byte(derivative(study) / path, keep_mtime=keep_mtime)
    assert ("changed", path) in problems(study)


@pytest.mark.parametrize("keep_mtime", [False, True])
def test_verify_raw_file_replaced(study: Path, keep_mtime: bool) -> None:
    flip_byte(study / RAW, keep_mtime=keep_mtime)
    assert problems(study) == {("changed", RAW)}


def test_verify_table_of_the_study_edited(study: Path) -> None:
    path = study / "participants.tsv"
    path.write_text(path.read_text(encoding="utf-8").replace("\tM", "\tF", 1), encoding="utf-8")
    assert problems(study) == {("changed", "participants.tsv")}


def test_verify_description_of_the_study_edited(study: Path) -> None:
    """Its name for the study stands in the description of the derivative."""
    path = study / "dataset_description.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"Name": "', '"Name": "Another '), encoding="utf-8")
    assert problems(study) == {("changed", "dataset_description.json")}


def test_verify_follows_links_of_the_study_but_not_of_the_derivative(study: Path, tmp_path: Path) -> None:
    """Tables may lie in another place; a result that does is not the file that the pipeline wrote."""
    for path in (study / "participants.tsv", derivative(study) / "cohort.tsv"):
        path.rename(tmp_path / path.name)
        path.symlink_to(tmp_path / path.name)
    assert problems(study) == {("missing", "cohort.tsv")}


@pytest.mark.parametrize("path", [FIT, "statistics.tsv", "report/sub-002.html"])
def test_verify_deleted(study: Path, path: str) -> None:
    (derivative(study) / path).unlink()
    assert problems(study) == {("missing", path)}


def test_verify_swapped(study: Path) -> None:
    one, other = (derivative(study) / path for path in (FIT, FIT.replace("sub-001", "sub-002")))
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)
    assert problems(study) == {("swapped", FIT), ("swapped", FIT.replace("sub-001", "sub-002"))}
    assert f"has the content of {FIT}" in audit("verify", study).stdout


def test_verify_added(study: Path) -> None:
    (derivative(study) / FOLDER / "better_fit.json").write_text("{}", encoding="utf-8")
    (study / "sub-001/ses-1/mrs" / f"{STEM.replace('acq-fid', 'acq-two')}_unloc.nii.gz").write_bytes(b"new")
    new = f"{FOLDER}/{STEM.replace('acq-fid', 'acq-two')}_unloc.nii.gz"
    assert problems(study) == {("added", f"{FOLDER}/better_fit.json"), ("added", new)}


def test_verify_ledger_row_edited(study: Path) -> None:
    """The row is made to agree with a file that was changed: the activity record still tells."""
    from myomag.io.files import sha256_file

    path, fit = ledger(study, "fit"), derivative(study) / FIT
    before = sha256_file(fit)
    flip_byte(fit)
    path.write_text(path.read_text(encoding="utf-8").replace(before, sha256_file(fit)), encoding="utf-8")
    found = problems(study)
    relative = path.relative_to(derivative(study)).as_posix()
    assert {("edited", relative), ("changed", FIT)} <= found


def test_verify_raw_ledger_row_edited(study: Path) -> None:
    from myomag.io.files import sha256_file

    path, raw = ledger(study, "raw"), study / RAW
    before = sha256_file(raw)
    flip_byte(raw)
    path.write_text(path.read_text(encoding="utf-8").replace(before, sha256_file(raw)), encoding="utf-8")
    assert ("stale", ledger(study, "convert").relative_to(derivative(study)).as_posix()) in problems(study)


def test_verify_ledger_deleted(study: Path) -> None:
    path = ledger(study, "qc")
    path.unlink()
    path.with_suffix(".activity.jsonl").unlink()
    assert ("missing", path.relative_to(derivative(study)).as_posix()) in problems(study)


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(lambda text: text.replace('"user":"', '"user":"not-'), id="user"),
        pytest.param(lambda text: text.replace('"started":"20', '"started":"19'), id="time"),
        pytest.param(lambda text: "not json\n" + text, id="line before"),
        pytest.param(lambda text: text + text, id="line twice"),
        pytest.param(lambda text: text.replace('"host":', '"host": '), id="space"),
        pytest.param(lambda text: text[:-1] + "\x0b", id="last byte"),
        pytest.param(lambda text: text[:-1], id="end of line"),
        pytest.param(lambda text: text.replace('"user":"', '"user":"\udcff'), id="no text"),
    ],
)
def test_verify_activity_edited(study: Path, edit: Callable[[str], str]) -> None:
    path = ledger(study, "magnesium").with_suffix(".activity.jsonl")
    content = path.read_bytes()
    path.write_bytes(edit(content.decode()).encode(errors="surrogateescape"))
    assert path.read_bytes() != content
    assert problems(study) == {("edited", path.relative_to(derivative(study)).as_posix())}


def test_verify_recorded_settings_edited(study: Path) -> None:
    path = derivative(study) / "config.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("min_snr: 5.0", "min_snr: 4.0"), encoding="utf-8")
    found = problems(study)
    assert ("changed", "config.yaml") in found
    assert ("stale", ledger(study, "verdict").relative_to(derivative(study)).as_posix()) in found


def test_verify_advises_a_repair_that_works_as_printed(finished: Path, tmp_path: Path) -> None:
    """Also where the study has a name with a space, and the derivative and a setting were given with the command."""
    study, output = tmp_path / "my study", tmp_path / "out"
    shutil.copytree(finished, study, ignore=shutil.ignore_patterns("derivatives"))
    shutil.copytree(derivative(finished), output)
    given = ("--", "--config", "report={'title': Another}")
    assert myomag("run", study, "--output", output, *given).returncode == 0
    flip_byte(output / FIT)
    (problem,) = json.loads(audit("verify", study, "--output", output, "--json").stdout)["problems"]
    refused = myomag("run", study, "--output", output, *given, "--forcerun", "magnesium")
    (message,) = [line for line in refused.stderr.splitlines() if line.startswith("ERROR: ")]
    commands = [text[text.index("myomag run") :] for text in (problem["message"], message)]
    assert all("--repair" in shlex.split(each) for each in commands)
    assert all("Another" in each for each in commands)
    assert myomag(*shlex.split(commands[0])[1:]).returncode == 0
    assert audit("verify", study, "--output", output).returncode == 0


def traced(study: Path, target: str) -> dict[str, Any]:
    done = audit("trace", study, target, "--json")
    assert done.returncode == 0, done.stderr
    content: dict[str, Any] = json.loads(done.stdout)
    return content


def test_trace_value_to_raw_file(finished: Path) -> None:
    from myomag.io.files import sha256_file

    found = traced(finished, "sub-001:mg_mmol_l")
    (value,) = found["values"]
    assert value["agrees"]
    assert value["from"] == MAGNESIUM
    files = {(file["in"], file["path"]): file for file in found["files"]}
    assert files["study", RAW]["sha256"] == sha256_file(finished / RAW)
    assert {file["state"] for file in files.values()} == {"as recorded"}
    # From the value upwards every file has a maker, except what lies in the study.
    reached, waiting = set(), [("derivative", "cohort.tsv")]
    while waiting:
        where, path = waiting.pop()
        reached.add((where, path))
        maker = files[where, path]["made_by"]
        assert maker or where == "study" or "begintime" in path
        if maker:
            place = "study" if found["steps"][maker]["step"] == "convert" else "derivative"
            waiting += [(place, read) for read in found["steps"][maker]["read"]]
    assert ("study", RAW) in reached


def test_trace_names_origin_of_settings(finished: Path) -> None:
    steps = traced(finished, "sub-002")["steps"].values()
    settings = {key: item for step in steps for key, item in (step["settings"] or {}).items()}
    assert settings["qc.warn_snr"] == {"value": 20, "origin": "myomag.yaml line 3"}
    assert settings["fit.begin_time_sd_us"] == {"value": 80, "origin": "override of sub-002, myomag.yaml line 6"}
    assert settings["qc.min_snr"]["origin"] == "default"
    assert settings["protocols.tsv"]["origin"] == "protocols.tsv"


def test_trace_says_who_ran_what_where(finished: Path) -> None:
    recorded = json.loads(ledger(finished, "fit").with_suffix(".activity.jsonl").read_text(encoding="utf-8"))
    step = traced(finished, "sub-001")["steps"][f"fit {STEM}_unloc"]
    assert step["run"] == {key: recorded[key] for key in ("host", "user", "job", "started", "ended")}
    assert step["code"] == {key: recorded[key] for key in CODE}
    assert step["environment"]["packages"]["numpy"]
    assert step["environment"]["lock_sha256"] == recorded["lock_sha256"]


def test_trace_failed_scan(finished: Path) -> None:
    (step,) = traced(finished, "sub-003")["steps"].values()
    assert (step["step"], step["status"]) == ("convert", "failed")
    assert "truncated" in step["reason"]
    for column in ("mg_mmol_l", "reason"):
        assert "truncated" in audit("trace", finished, f"sub-003:{column}").stdout


def test_trace_statistic_accounts_for_every_scan(finished: Path) -> None:
    full = traced(finished, "statistics:mg_age")
    found = full["table"]
    assert [scan["participant_id"] for scan in found["entered"]] == ["sub-001", "sub-002"]
    (left_out,) = found["not_entered"]
    assert (left_out["participant_id"], left_out["step"]) == ("sub-003", "convert")
    (row,) = found["rows"]
    assert int(row["n"]) == len(found["entered"])
    for table in ("statistics.tsv", "measurement_error:mg_age"):
        assert traced(finished, table)["steps"] == full["steps"], "all scans are behind a table as a whole"
    files = {(file["in"], file["path"]): file["sha256"] for file in full["files"]}
    text = audit("trace", finished, "statistics:mg_age").stdout
    for scan in (*found["entered"], *found["not_entered"]):
        for path, sha in scan["raw"].items():
            assert files["study", path] == sha
            assert f"SHA-256 {sha}  {path}" in text
    taken = set(SCAN_STEPS) - {"series"}  # No scan here is one.
    assert {f"{step} {scan['scan']}" for scan in found["entered"] for step in taken} <= set(full["steps"])
    women = traced(finished, "statistics:strength_mg_women")["table"]
    assert {scan["reason"] for scan in women["not_entered"][:2]} <= {"not among the women", left_out["reason"]}


@pytest.mark.parametrize(
    "target", ["exclusions:sub-003", "statistics:mg_age_adjusted", "repeatability:pmg", "demographics:women"]
)
def test_trace_rows_of_a_table(finished: Path, target: str) -> None:
    table, _, name = target.partition(":")
    lines = (derivative(finished) / f"{table}.tsv").read_text(encoding="utf-8").splitlines()
    found = traced(finished, target)["table"]["rows"]
    assert len(found) == sum(line.split("\t")[0] == name for line in lines) > 0
    text = " ".join(audit("trace", finished, target).stdout.split())
    assert all(" ".join(value.split()) in text for row in found for value in row.values() if value)


def test_trace_cell_of_any_table(finished: Path, study: Path) -> None:
    """A cell that follows from cohort.tsv is estimated again; one that was changed is told."""
    cells = traced(finished, "statistics:control_mg_snr:n")["table"]["cells"]
    assert [(cell["value"], cell["agrees"]) for cell in cells] == [("2", True)]
    assert traced(finished, "protocols:a4f84dba:n")["table"]["cells"][0]["value"] == "2"
    (value,) = traced(finished, "cohort:sub-001:ph")["values"]
    assert (value["column"], value["agrees"]) == ("ph", True)
    entered = traced(finished, "statistics:mg_age:p")["table"]["entered"]
    assert [float(scan["values"]["age"]) > 0 for scan in entered] == [True, True]
    for target, near in (("statistics:mg_ages:p", "mg_age"), ("statistics:mg_age:pp", "'p'")):
        assert near in audit("trace", finished, target).stderr
    table = derivative(study) / "statistics.tsv"
    text = table.read_text(encoding="utf-8")
    (line,) = [each for each in text.splitlines() if each.startswith("control_mg_snr\t")]
    table.write_text(text.replace(line, line.replace("\t2\t", "\t7\t", 1)), encoding="utf-8")
    assert "ANOTHER value, 2" in audit("trace", study, "statistics:control_mg_snr:n").stdout


@pytest.mark.parametrize("target", ["sub-001:mg_mmol_l", "statistics:mg_age:p", "sub-003", "report/index.html"])
def test_trace_drawn_as_a_page_of_its_own(finished: Path, tmp_path: Path, target: str) -> None:
    """Every box leads to an entry of the page, and nothing is fetched from elsewhere."""
    page = tmp_path / "lineage.html"
    assert audit("trace", finished, target, "--graph", page).returncode == 0
    text = page.read_text(encoding="utf-8")
    links, ids = (set(re.findall(pattern, text)) for pattern in (r'href="#([^"]+)"', r' id="([^"]+)"'))
    assert links <= ids
    assert len(links) > 2
    assert not re.search(r'(src|href)="(?!#)', text)
    assert "default-src &#39;none&#39;" in text


def test_trace_every_cell_and_file(finished: Path) -> None:
    """Also ledgers."""
    columns = (derivative(finished) / "cohort.tsv").read_text(encoding="utf-8").partition("\n")[0].split("\t")
    for column in columns:
        assert traced(finished, f"sub-001:{column}")["steps"], column
    for path in sorted(derivative(finished).rglob("*")):
        name = path.relative_to(derivative(finished)).as_posix()
        if path.is_file() and path.suffix in (".tsv", ".json", ".html") and name.startswith(("ledger", "sub-001", "r")):
            found = traced(finished, name)
            assert found["steps"], name


def test_trace_tells_of_a_changed_file(study: Path) -> None:
    flip_byte(derivative(study) / FIT)
    states = {file["path"]: file["state"] for file in traced(study, "sub-001")["files"]}
    assert {path for path, state in states.items() if state != "as recorded"} == {FIT}
    assert "changed" in audit("trace", study, FIT).stdout


@pytest.mark.parametrize(
    ("target", "near"),
    [
        ("sub-0011", "sub-001"),
        ("sub-001:mg_mmol", "mg_mmol_l"),
        ("statistics:mg_ages", "mg_age"),
        (FIT.replace("amares", "amare"), FIT),
    ],
)
def test_trace_unknown_target(finished: Path, target: str, near: str) -> None:
    done = audit("trace", finished, target)
    assert done.returncode == 2
    assert near in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_trace_without_results(tmp_path: Path) -> None:
    done = audit("trace", tmp_path, "sub-001")
    assert done.returncode == 2
    assert "myomag run" in done.stderr


def differing(a: Path, b: Path, *options: str) -> dict[str, Any]:
    done = audit("diff", a, b, "--json", *options)
    content: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (0 if content["same"] else 1)
    return content


def first_causes(found: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Kind and step of the first cause of each scan that differs, by participant."""
    return {scan[:7]: (causes[0]["kind"], causes[0]["step"]) for scan, causes in found["changed"].items()}


def test_diff_of_equals(finished: Path, study: Path) -> None:
    found = differing(finished, study)
    assert found["same"]
    assert (found["compared"], found["changed"], found["differences"]) == (3, {}, [])


def test_diff_names_raw_data_and_what_it_reaches(finished: Path, study: Path) -> None:
    """The begin time of the changed scan moves the pooled one, and by it the fits of the others."""
    raw, other = (study / RAW.replace("sub-001", name) for name in ("sub-001", "sub-002"))
    raw.write_bytes(other.read_bytes())
    assert myomag("run", study).returncode == 0
    found = differing(finished, study)
    assert first_causes(found)["sub-001"] == ("raw data", "convert")
    causes = found["changed"][f"{STEM}_unloc"]
    assert RAW in causes[0]["detail"]
    cells = {(cell["row"][:7], cell["column"]): cell for cell in found["differences"] if cell["table"] == "cohort.tsv"}
    mg = cells["sub-001", "mg_mmol_l"]
    assert mg["difference"] == pytest.approx(float(mg["b"]) - float(mg["a"]))
    assert mg["relative"] == pytest.approx(abs(mg["difference"]) / max(float(mg["a"]), float(mg["b"])))
    for cell in cells.values():
        assert cell["cause"]["kind"] == "raw data"
        assert bool(cell["cause"]["through"]) == (cell["row"][:7] != "sub-001")


def test_diff_names_settings(finished: Path, study: Path) -> None:
    (study / "myomag.yaml").write_text(
        SETTINGS + "magnesium: {mg_calibration: iotti1996, ph_calibration: petroff1985}\n"
    )
    assert myomag("run", study).returncode == 0
    found = differing(finished, study)
    assert set(first_causes(found).values()) == {("settings", "magnesium")}
    assert {len(causes) for causes in found["changed"].values()} == {1}
    assert "ph_calibration" in next(iter(found["changed"].values()))[0]["detail"]
    assert {cell["column"] for cell in found["differences"] if cell["table"] == "cohort.tsv"} >= {
        "ph",
        "ph_calibration",
    }
    near = differing(finished, study, "--tolerance", "0.5")
    assert {cell["column"] for cell in near["differences"] if cell["table"] == "cohort.tsv"} == {"ph_calibration"}


def test_diff_names_tables_and_rejections_and_ratings_are_inputs_as_tables_are(finished: Path, study: Path) -> None:
    scan, ratings = f"{STEM}_unloc", derivative(study) / "ratings" / "AB.tsv"
    ratings.parent.mkdir()
    ratings.write_text(f"scan\trating\treason\n{scan}\treject\tlipid\n")
    assert problems(study) == {("added", "ratings/AB.tsv")}
    table = study / "participants.tsv"
    table.write_text(table.read_text(encoding="utf-8").replace("\tM", "\tF", 1), encoding="utf-8")
    (study / "myomag.yaml").write_text(SETTINGS + "    reject: moved\n", encoding="utf-8")
    assert myomag("run", study).returncode == 0
    cells = {(cell["row"][:7], cell["column"]): cell for cell in differing(finished, study)["differences"]}
    assert cells["sub-001", "sex"]["cause"]["kind"] == "tables of the study"
    assert "participants.tsv" in cells["sub-001", "sex"]["cause"]["detail"]
    assert cells["sub-002", "status"]["cause"]["kind"] in ("tables of the study", "settings")
    assert cells["sub-001", "reason"]["b"] == "rejected by a rater (AB: lipid)"
    assert problems(study) == set()
    for target in ("sub-001", "sub-001:status", "exclusions:sub-001"):
        found = json.loads(audit("trace", study, target, "--json").stdout)["files"]
        assert [(file["in"], file["state"]) for file in found if file["path"] == "ratings/AB.tsv"] == [
            ("derivative", "as recorded")
        ]
    assert "ratings" not in audit("trace", study, "sub-002").stdout
    ratings.write_text(ratings.read_text().replace("lipid", "motion"))
    assert problems(study) == {("changed", "ratings/AB.tsv")}
    ratings.unlink()
    assert problems(study) == {("missing", "ratings/AB.tsv")}


def test_diff_sees_tables_and_pages_that_differ_alone(finished: Path, study: Path) -> None:
    """Nothing else depends on what counts as an outlier; a page may differ where no number does."""
    (study / "myomag.yaml").write_text(SETTINGS + "cohort: {outlier_z: 0.01}\nreport: {title: Another}\n")
    assert myomag("run", study).returncode == 0
    found = differing(finished, study)
    assert {cell["table"] for cell in found["differences"]} == {"sensitivity.tsv"}
    assert {cell["cause"]["detail"] for cell in found["differences"]} == {"cohort.outlier_z 3.5 → 0.01"}
    assert "report/index.html" in found["documents"]


def test_diff_names_a_table_that_was_changed(finished: Path, study: Path) -> None:
    """It is no result of what was recorded; rows that one side lacks count too."""
    table = derivative(study) / "statistics.tsv"
    table.write_text("".join(table.read_text(encoding="utf-8").splitlines(keepends=True)[:-1]), encoding="utf-8")
    (cell,) = differing(finished, study)["differences"]
    assert (cell["column"], cell["a"], cell["b"]) == ("row", "present", None)
    assert (cell["cause"]["kind"], cell["cause"]["step"]) == ("changed file", "cohort")


def test_diff_names_scans_that_only_one_has(finished: Path, study: Path) -> None:
    """It moves the pooled begin time; what acts at a later step besides is named as well, and not as first cause."""
    shutil.rmtree(study / "sub-002")
    (study / "myomag.yaml").write_text(SETTINGS + "magnesium: {ph_calibration: petroff1985}\n", encoding="utf-8")
    assert myomag("run", study).returncode == 0
    found = differing(finished, study)
    causes = found["changed"][f"{STEM}_unloc"]
    assert [(cause["kind"], cause["step"]) for cause in causes] == [
        ("scans of the study", "raw"),
        ("settings", "magnesium"),
    ]
    assert [scan[:7] for scan in found["only_in_a"]] == ["sub-002"]
    assert {cell["cause"]["kind"] for cell in found["differences"]} <= {"scans of the study"}


@pytest.mark.parametrize(
    ("record", "before", "after", "kind"),
    [
        ("ledger", "code", "0" * 64, "code"),
        ("activity", '"numpy":"', '"numpy":"0.', "environment"),
        ("activity", '"processor":"', '"processor":"other ', "environment"),
        ("activity", '"host":"', '"host":"other-', "unexplained"),
    ],
)
def test_diff_names_code_and_environment(
    finished: Path, study: Path, record: str, before: str, after: str, kind: str
) -> None:
    """What another checkout or machine would have written, put into the record by hand."""
    from myomag.ledger.rows import ledger_bytes, read_ledger

    path = ledger(study, "fit")
    (row, *others) = sorted(read_ledger(path), key=lambda row: not row.scan.startswith(STEM))
    changed = replace(row, outputs={"fit": (FIT, "f" * 64)}, code=after if record == "ledger" else row.code)
    path.write_bytes(ledger_bytes([changed, *others]))
    activity = path.with_suffix(".activity.jsonl")
    if record == "activity":
        activity.write_text(activity.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")
    assert first_causes(differing(finished, study)) == {"sub-001": (kind, "fit")}


def reproduced(study: Path, *scans: str) -> dict[str, Any]:
    done = myomag("reproduce", study, *scans, "--json", "--cores", "2")
    assert done.stdout, done.stderr
    content: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (0 if content["ok"] else 1)
    return content


def test_reproduce_everything(finished: Path) -> None:
    found = reproduced(finished)
    assert found["deviations"] == []
    made = {
        path.relative_to(derivative(finished)).as_posix() for path in derivative(finished).rglob("*") if path.is_file()
    }
    results = {path for path in made if path.startswith(("sub-", "report/", "tables/")) or path.count("/") == 0}
    described = {"config.yaml", "dataset_description.json", "descriptions.tsv", ".bidsignore"}
    assert found["same"] == len(results - described)
    # A commit made while the test runs is no other environment.
    assert [text for text in found["environment"] if not text.startswith("git_")] == []


def test_reproduce_one_scan(finished: Path) -> None:
    found = reproduced(finished, "sub-002")
    assert [scan[:7] for scan in found["scans"]] == ["sub-002"]
    assert found["same"] == len(
        [p for p in derivative(finished).rglob("sub-002*") if p.is_file() and p.suffix != ".html"]
    )


def test_reproduce_names_what_does_not_follow_from_the_raw_data(study: Path) -> None:
    """A result and its ledger are changed so that they agree: recomputing tells without an anchor."""
    from myomag.io.files import sha256_file

    path, fit = ledger(study, "fit"), derivative(study) / FIT
    before, text = sha256_file(fit), fit.read_text(encoding="utf-8")
    fit.write_text(text.replace('"converged": true', '"converged": false'), encoding="utf-8")
    path.write_text(path.read_text(encoding="utf-8").replace(before, sha256_file(fit)), encoding="utf-8")
    (deviation,) = reproduced(study, "sub-001")["deviations"]
    assert (deviation["path"], deviation["present"], deviation["found"]) == (FIT, sha256_file(fit), before)
    assert deviation["reasons"] == ["nothing that is recorded differs"]


def test_reproduce_says_how_the_environment_differs(study: Path) -> None:
    activity = ledger(study, "fit").with_suffix(".activity.jsonl")
    activity.write_text(activity.read_text(encoding="utf-8").replace('"numpy":"', '"numpy":"0.'), encoding="utf-8")
    flip_byte(derivative(study) / FIT)
    found = reproduced(study, "sub-001")
    assert any("numpy" in text for text in found["environment"])
    (deviation,) = found["deviations"]
    assert "verify" in deviation["reasons"][0]
    assert any("numpy" in reason for reason in deviation["reasons"])


def test_reproduce_refuses_other_raw_data(study: Path) -> None:
    flip_byte(study / RAW)
    done = myomag("reproduce", study, "sub-001")
    assert done.returncode == 1
    assert RAW in done.stderr
    assert myomag("reproduce", study, "sub-002").returncode == 0
    assert myomag("reproduce", study, "sub-009").returncode == 2


def test_sidecars_name_their_sources(finished: Path) -> None:
    from myomag.io.files import sha256_file

    described = json.loads((derivative(finished) / "dataset_description.json").read_bytes())
    places = {"bids:raw": derivative(finished) / described["DatasetLinks"]["raw"], "bids:": derivative(finished)}
    for path, sources in ((f"{FOLDER}/{STEM}_unloc", "bids:raw"), (PREPROC.removesuffix(".nii.gz"), "bids:")):
        sidecar = json.loads((derivative(finished) / f"{path}.json").read_bytes())
        for source in sidecar["Sources"]:
            dataset, _, relative = source.rpartition(":")
            assert dataset == sources
            assert (places[dataset] / relative).is_file()
        assert sidecar["Digest"] == {"SHA-256": sha256_file(derivative(finished) / f"{path}.nii.gz")}
        assert sidecar["GeneratedBy"][0]["Name"] == "myomag"


def test_bids_validator_finds_no_error(finished: Path) -> None:
    validator = REPOSITORY / ".venv" / "bids-validator" / "bin" / "bids-validator-deno"
    if not validator.is_file():
        pytest.skip("bids-validator-deno is not installed; make validators installs it in an environment of its own")
    for dataset in (finished, derivative(finished)):
        done = subprocess.run(
            [validator, "--max-rows=-1", "--json", dataset], capture_output=True, text=True, check=False
        )
        issues = json.loads(done.stdout)["issues"]["issues"]
        assert [issue for issue in issues if issue["severity"] == "error"] == []

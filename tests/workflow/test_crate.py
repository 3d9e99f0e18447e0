"""An RO-Crate of a finished study: valid, complete, and enough by itself."""

import importlib.util
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from auditing import FIT, RAW, REPOSITORY, STEM, audit, derivative, entities, flip_byte, ledger, myomag
from forge import forge

from myomag.audit.prov import PLACE
from myomag.io.files import sha256_file


def test_crate_is_valid(crate: Path) -> None:
    """No REQUIRED issue of RO-Crate, of the Provenance Run Crate and those it builds on, without a network."""
    python = REPOSITORY / ".venv" / "roc-validator" / "bin" / "python"
    if not python.is_file():
        pytest.skip("roc-validator is not installed; make validators installs it in an environment of its own")
    rocrate = importlib.util.find_spec("rocrate")
    assert rocrate and rocrate.origin
    context = Path(rocrate.origin).parent / "data" / "ro-crate.jsonld"
    script = REPOSITORY / "tests" / "workflow" / "validate_crate.py"
    done = subprocess.run([python, script, crate, context], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert min(result["checks"]) > 50
    assert result["issues"] == []


def test_crate_leads_from_results_to_raw_data(finished: Path, crate: Path) -> None:
    found = entities(crate)
    makers = {
        result["@id"]: entity
        for entity in found.values()
        if entity["@type"] == "CreateAction" and entity["@id"] != "#run"
        for result in entity["result"]
    }
    waiting, reached = ["derivative/cohort.tsv"], set()
    while waiting:
        identifier = waiting.pop()
        if identifier not in reached:
            reached.add(identifier)
            waiting += [used["@id"] for used in makers.get(identifier, {"object": []})["object"]]
    raw = {found[identifier]["name"]: found[identifier]["sha256"] for identifier in reached if identifier[:3] == "ni:"}
    assert raw[RAW] == sha256_file(finished / RAW)
    assert {name for name in raw if name.endswith(".tsv")} >= {"participants.tsv", "phenotype/serum.tsv"}


def test_crate_files_have_their_digest_and_raw_data_stay_out(crate: Path) -> None:
    for identifier, entity in entities(crate).items():
        if "sha256" in entity and not identifier.startswith("ni:"):
            assert sha256_file(crate / identifier) == entity["sha256"]
    outside = {path.relative_to(crate).parts[0] for path in crate.rglob("*.nii.gz")}
    assert outside == {"derivative"}
    assert not (crate / "participants.tsv").exists()


def test_crate_names_people_only_on_request(finished: Path, crate: Path, tmp_path: Path) -> None:
    activity = json.loads(ledger(finished, "fit").with_suffix(".activity.jsonl").read_text(encoding="utf-8"))
    assert list(crate.rglob("*.activity.jsonl")) == []
    assert not [entity for entity in entities(crate).values() if entity["@type"] == "Person" or "agent" in entity]
    named = tmp_path / "named"
    assert myomag("export", finished, "--ro-crate", named, "--people").returncode == 0
    (person,) = [entity for entity in entities(named).values() if entity["@type"] == "Person"]
    assert person["name"] == f"{activity['user']} on {activity['host']}"
    assert list(named.rglob("*.activity.jsonl"))


def test_export_refuses_a_changed_file_and_a_used_folder(study: Path, tmp_path: Path) -> None:
    assert myomag("export", study, "--ro-crate", study).returncode == 2
    flip_byte(derivative(study) / FIT)
    done = myomag("export", study, "--ro-crate", tmp_path / "new")
    assert done.returncode == 1
    assert FIT in done.stderr
    assert not (tmp_path / "new").exists()


@pytest.fixture
def moved(crate: Path, tmp_path: Path) -> Path:
    """A copy of the crate elsewhere, to be tampered with."""
    return Path(shutil.copytree(crate, tmp_path / "elsewhere" / "archive"))


def verified(crate: Path, *options: object) -> dict[str, Any]:
    done = audit("verify", crate, "--json", *options)
    report: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (0 if report["ok"] else 1)
    return report


def test_crate_verifies_by_itself(moved: Path, finished: Path, tmp_path: Path) -> None:
    """Also against the log of seals, and with the activity records; each kind of tampering is named."""
    report = verified(moved, "--seal", finished.with_name("study.seals.jsonl"))
    assert report["problems"] == []
    parts = [name for name, entity in entities(moved).items() if "sha256" in entity and name[:3] != "ni:"]
    assert report["files"] == len(parts)
    assert any("study is not here" in note for note in report["notes"])
    named = tmp_path / "named"
    assert audit("export", finished, "--ro-crate", named, "--people").returncode == 0
    assert verified(named / "derivative")["problems"] == []
    flip_byte(moved / "derivative" / FIT)
    (moved / "derivative" / "statistics.tsv").unlink()
    (moved / "workflow" / "extra.py").touch()
    flip_byte(ledger_of(moved, "convert"))
    found = {(problem["kind"], Path(problem["path"]).name) for problem in verified(moved)["problems"]}
    assert found >= {("changed", Path(FIT).name), ("missing", "statistics.tsv"), ("added", "extra.py")}
    assert any(kind in ("changed", "edited") and name.startswith("batch-") for kind, name in found)


def ledger_of(crate: Path, step: str) -> Path:
    paths = (crate / "derivative").glob(f"ledger/{step}/batch-*.tsv")
    return next(path for path in paths if STEM in path.read_text(encoding="utf-8"))


def test_crate_is_traced_by_itself(moved: Path, finished: Path) -> None:
    """What the activity records say of software and times, the metadata say; users and hosts stay out."""
    one, other = (json.loads(audit("trace", place, "sub-002", "--json").stdout) for place in (finished, moved))
    assert one["steps"].keys() == other["steps"].keys()
    for name, step in one["steps"].items():
        assert {key: step[key] for key in ("code", "environment")} == {
            key: other["steps"][name][key] for key in ("code", "environment")
        }
        assert other["steps"][name]["run"]["started"] == step["run"]["started"]
        assert other["steps"][name]["run"]["user"] is None
    settings = {key: item for step in other["steps"].values() for key, item in (step["settings"] or {}).items()}
    assert settings["qc.warn_snr"] == {"value": 20, "origin": "config.yaml"}
    assert settings["qc.min_snr"]["origin"] == "default"
    assert {file["state"] for file in other["files"] if file["in"] == "study"} == {"not here"}
    assert "None" not in audit("trace", moved, "sub-002").stdout


def test_crate_is_reproduced_by_itself(moved: Path) -> None:
    """From the converted scans; a forger who rewrites all digests, those of the metadata too, is caught by values."""
    done = myomag("reproduce", moved, "--json", "--cores", 1)
    found = json.loads(done.stdout)
    assert (found["deviations"], found["from_raw"], len(found["scans"])) == ([], False, 3)
    before = {path: sha256_file(path) for path in (moved / "derivative").rglob("*") if path.is_file()}
    anchor = sha256_file(moved / "ro-crate-metadata.json")
    forge(moved / "derivative", f"{STEM}_unloc", 0.9)
    metadata = (moved / "ro-crate-metadata.json").read_text(encoding="utf-8")
    for path, sha in before.items():
        metadata = metadata.replace(sha, sha256_file(path))
    (moved / "ro-crate-metadata.json").write_text(metadata, encoding="utf-8")
    assert verified(moved)["problems"] == []
    assert [problem["kind"] for problem in verified(moved, "--anchor", anchor)["problems"]] == ["anchor"]
    said = myomag("reproduce", moved, "sub-001", "--cores", 1).stdout
    assert "sub-001/ses-1 mg_mmol_l: 0.9 against" in said
    assert f"{STEM}_unloc mg_mmol_l: 0.9 against" in said


def test_crate_tells_its_lineage_as_prov(crate: Path, finished: Path) -> None:
    """From a table back to the raw data by wasGeneratedBy and used, in the terms of BIDS-Prov."""
    document = json.loads((crate / "derivative" / PLACE).read_text(encoding="utf-8"))
    records = document["Records"]
    activities = {activity["Id"]: activity for activity in records["Activities"]}
    files = {file["Id"]: file for file in records["ProvEntities"]}
    known = {item["Id"] for kind in records.values() for item in kind}
    waiting, reached = ["bids::statistics.tsv"], set()
    while waiting:
        identifier = waiting.pop()
        if identifier not in reached:
            reached.add(identifier)
            waiting += activities.get(files.get(identifier, {}).get("GeneratedBy"), {"Used": []})["Used"]
    assert reached <= known
    assert files[f"bids:raw:{RAW}"]["Digest"] == {"SHA-256": sha256_file(finished / RAW)}
    assert f"bids:raw:{RAW}" in reached
    assert all(activity["AssociatedWith"] in known and activity["StartedAtTime"] for activity in activities.values())
    assert {key for record in (*activities.values(), *files.values()) for key in record} <= document["@context"].keys()

"""Seals outside the results: what an insider rewrites is named, and what a run does passes."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from auditing import MAGNESIUM, RAW, STEM, audit, derivative, ledger, myomag, problems
from forge import forge

from myomag.ledger.seal import append_seal

SCAN = f"{STEM}_unloc"


@dataclass(frozen=True)
class Sealed:
    """A study, and the log of its seals beside it."""

    study: Path
    log: Path

    def verify(self, *options: object) -> tuple[set[tuple[str, str]], str]:
        """Kind and path of what does not agree, and all that is said."""
        done = audit("verify", self.study, "--seal", self.log, "--json", *options)
        report = json.loads(done.stdout)
        assert done.returncode == (0 if report["ok"] else 1)
        return {(problem["kind"], problem["path"]) for problem in report["problems"]}, done.stdout

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def sealed(finished: Path, study: Path) -> Sealed:
    """A copy of the finished study with its log."""
    log = study.with_name("study.seals.jsonl")
    shutil.copyfile(finished.with_name("study.seals.jsonl"), log)
    return Sealed(study, log)


def test_run_seals_its_record(sealed: Sealed) -> None:
    """The anchor in the log is the one that verify prints; with nothing new there is no further seal."""
    report = json.loads(audit("verify", sealed.study, "--json").stdout)
    (seal,) = sealed.lines()
    assert seal["anchor"] == report["anchor_sha256"]
    assert any("the one sealed last" in note for note in report["notes"])
    assert "nothing to add" in audit("seal", sealed.study).stdout
    assert len(sealed.lines()) == 1


def test_forger_is_caught(sealed: Sealed) -> None:
    """Verify and trace cannot see what was rewritten as a whole; the log tells, and reproduce names the value."""
    root = derivative(sealed.study)
    before = json.loads((root / MAGNESIUM).read_bytes())["mg_mmol_l"]
    forge(root, SCAN, 0.9)
    hidden = sealed.log.rename(sealed.log.with_suffix(".away"))
    assert problems(sealed.study) == set()
    assert "the same value" in audit("trace", sealed.study, "sub-001:mg_mmol_l").stdout
    hidden.rename(sealed.log)
    found, said = sealed.verify()
    relative = ledger(sealed.study, "magnesium").relative_to(root).as_posix()
    assert {("sealed", relative), ("sealed", "ledger/cohort/all.tsv")} <= found
    assert SCAN in said
    assert "cohort.tsv changed" in said
    done = myomag("reproduce", sealed.study, "sub-001", "--cores", 1)
    assert done.returncode == 1
    assert f"sub-001/ses-1 mg_mmol_l: 0.9 against {before}" in done.stdout
    assert f"{SCAN} mg_mmol_l: 0.9 against {before}" in done.stdout


def test_forger_who_seals_his_work_is_caught(sealed: Sealed) -> None:
    """His seal is refused; a log that he adds it to behind the command's back still has the lines before."""
    forge(derivative(sealed.study), SCAN, 0.9)
    refused = audit("seal", sealed.study)
    assert refused.returncode == 1
    assert "rewritten" in refused.stderr
    append_seal(derivative(sealed.study), sealed.log)
    record = ledger(sealed.study, "magnesium").with_suffix(".activity.jsonl").relative_to(derivative(sealed.study))
    assert ("sealed", record.as_posix()) in sealed.verify()[0]
    assert audit("seal", sealed.study, "--accept", "a better spectrometer").returncode == 0
    found, said = sealed.verify()
    assert (found, "a better spectrometer" in said) == (set(), True)


@pytest.mark.parametrize(("old", "new"), [('"myomag":"', '"myomag":"9.'), (None, "")])
def test_log_that_was_edited(sealed: Sealed, old: str | None, new: str) -> None:
    append_seal(derivative(sealed.study), sealed.log, note="another")
    first, second = sealed.log.read_text(encoding="utf-8").splitlines(keepends=True)
    assert sealed.verify()[0] == set()
    sealed.log.write_text(first.replace(old or first, new) + second, encoding="utf-8")
    assert ("seals", "study.seals.jsonl") in sealed.verify()[0]


def test_inputs_of_every_run_stay_known(sealed: Sealed) -> None:
    """Raw data that were exchanged between two runs: each seal holds, and the trace tells what was found before.

    An anchor that was noted tells, too, of a record without a flaw.
    """
    from myomag.io.files import sha256_file

    before = sha256_file(sealed.study / RAW)
    shutil.copyfile(sealed.study / RAW.replace("sub-001", "sub-002"), sealed.study / RAW)
    assert myomag("run", sealed.study).returncode == 0
    assert sealed.verify()[0] == set()
    first, second = sealed.lines()
    assert sealed.verify("--anchor", second["anchor"])[0] == set()
    assert sealed.verify("--anchor", first["anchor"])[0] == {("anchor", "ledger")}
    files = json.loads(audit("trace", sealed.study, "sub-001", "--json").stdout)["files"]
    (raw,) = [file for file in files if (file["in"], file["path"]) == ("study", RAW)]
    assert [sha for _, sha in raw["earlier"]] == [before]
    record = derivative(sealed.study) / "ledger/raw/inputs.activity.jsonl"
    record.write_text(record.read_text(encoding="utf-8").replace(before, "0" * 64), encoding="utf-8")
    assert ("edited", "ledger/raw/inputs.activity.jsonl") in problems(sealed.study)


def keygen(folder: Path, name: str) -> Path:
    if not shutil.which("ssh-keygen"):
        pytest.skip("ssh-keygen is not installed")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    return folder / name


def test_signed_seal(sealed: Sealed, tmp_path: Path) -> None:
    key, other = keygen(tmp_path, "key"), keygen(tmp_path, "other")
    allowed = tmp_path / "allowed"
    allowed.write_text(f"jane@lab {key.with_suffix('.pub').read_text()}", encoding="utf-8")
    assert ("signature", "study.seals.jsonl") in sealed.verify("--signers", allowed)[0]
    assert audit("seal", sealed.study, "--key", key).returncode == 0
    found, said = sealed.verify("--signers", allowed)
    assert (found, "Signed by jane@lab" in said) == (set(), True)
    assert audit("seal", sealed.study, "--key", other).returncode == 0
    assert ("signature", "study.seals.jsonl") in sealed.verify("--signers", allowed)[0]


def test_time_stamp_of_a_seal(sealed: Sealed, tmp_path: Path) -> None:
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    anchor = sealed.lines()[-1]["anchor"]
    authority = stamping_authority(tmp_path)
    wrong, right = (stamp(tmp_path, digest) for digest in ("0" * 64, anchor))
    refused = audit("seal", sealed.study, "--token", wrong)
    assert refused.returncode == 2
    assert anchor in refused.stderr
    assert audit("seal", sealed.study, "--token", right).returncode == 0
    found, said = sealed.verify("--authority", authority)
    assert (found, "time stamp" in said) == (set(), True)
    line = json.loads(sealed.log.read_text(encoding="utf-8").splitlines()[-1])
    assert set(line) == {"of", "token", "previous_sha256", "sha256"}


def stamping_authority(folder: Path) -> Path:
    certificate = folder / "authority.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "key.pem"]
    command += ["-out", certificate, "-days", "2", "-subj", "/CN=test"]
    command += ["-addext", "extendedKeyUsage=critical,timeStamping"]
    subprocess.run(command, check=True, capture_output=True)
    (folder / "serial").write_text("01\n")
    options = {
        "serial": folder / "serial",
        "signer_cert": certificate,
        "signer_key": folder / "key.pem",
        "default_policy": "1.2.3.4.1",
        "digests": "sha256",
        "signer_digest": "sha256",
    }
    text = "\n".join(f"{key} = {value}" for key, value in options.items())
    (folder / "tsa.cnf").write_text(f"[tsa]\ndefault_tsa = t\n[t]\n{text}\n")
    return certificate


def stamp(folder: Path, digest: str) -> Path:
    query, token = folder / f"{digest[:8]}.tsq", folder / f"{digest[:8]}.tsr"
    ask = ["openssl", "ts", "-query", "-digest", digest, "-sha256", "-cert", "-out", query]
    answer = [
        "openssl",
        "ts",
        "-reply",
        "-config",
        folder / "tsa.cnf",
        "-section",
        "t",
        "-queryfile",
        query,
        "-out",
        token,
    ]
    for command in (ask, answer):
        subprocess.run(command, check=True, capture_output=True)
    return token

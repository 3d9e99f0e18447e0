"""The activity records: a chain of who ran what, when, where and with which software."""

import base64
import hashlib
import os
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from ledger_samples import CONVERT, RAW, Small, broken_links
from myomag.io.files import sha256_file
from myomag.io.records import digest
from myomag.ledger import activity
from myomag.ledger.activity import environment
from myomag.ledger.harness import ledger_files
from myomag.ledger.rows import activity_path


def test_activity_record_is_a_chain_in_which_tampering_shows(small: Small) -> None:
    for gain in (1, 2, 3):
        small.convert(gain=gain)
    lines = (small.root / activity_path(CONVERT)).read_text("utf-8").splitlines()
    assert len(lines) == 3
    assert broken_links(lines) == []
    assert broken_links([lines[0].replace('"convert"', '"konvert"'), *lines[1:]]) == [1]
    assert broken_links([lines[0], lines[2]]) == [1]
    assert broken_links(lines[1:]) == [0]
    assert broken_links([lines[1], lines[0], lines[2]]) == [0, 1, 2]
    last = small.activities(CONVERT)[-1]
    assert last.pop("sha256") == digest(last)


def test_activity_record_says_when_where_by_whom_and_with_what(small: Small) -> None:
    small.convert()
    (entry,) = small.activities(CONVERT)
    assert entry["step"] == "convert"
    assert entry["started"] <= entry["ended"]
    assert entry["started"].endswith("+00:00")
    assert entry["ledger_sha256"] == sha256_file(small.root / CONVERT)
    assert entry["inputs_sha256"] == digest(ledger_files(small.root, [RAW]))
    assert {"host", "user", "job", "python", "packages", "lock_sha256", "git_commit", "git_dirty"} <= set(entry)
    assert {"numpy", "scipy", "nibabel"} <= set(entry["packages"])


def test_account_without_a_name_is_recorded_by_its_number(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)

    def nobody(_: int) -> None:
        raise KeyError("uid not found")

    monkeypatch.setattr("pwd.getpwuid", nobody)
    small.convert()
    assert small.activities(CONVERT)[0]["user"] == f"uid-{os.getuid()}"


def test_environment_names_python_packages_lock_and_commit() -> None:
    found = environment()
    assert found["python"].split(".")[0] == "3"
    assert found["packages"] == {name: version(name) for name in found["packages"]}
    assert "numpy" in found["packages"]
    assert len(found["lock_sha256"]) == 64
    assert found["processor"]


def test_environment_without_git_or_checkout_is_still_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activity, "REPOSITORY", tmp_path)
    assert (environment()["git_commit"], environment()["git_dirty"]) == (None, None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert environment()["git_commit"] is None


def test_environment_of_a_wheel_names_its_content_and_whether_a_file_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the installer adds to RECORD, and whichever repository the environment lies in."""
    (tmp_path / "myomag").mkdir()
    (tmp_path / "myomag-0.1.0.dist-info").mkdir()
    code = tmp_path / "myomag" / "code.py"
    code.write_text("a = 1\n")
    stated = base64.urlsafe_b64encode(hashlib.sha256(code.read_bytes()).digest()).decode().rstrip("=")
    record = f"myomag/code.py,sha256={stated},6\n"
    monkeypatch.setattr(activity, "IN_WHEEL", True)
    monkeypatch.setattr(activity, "PACKAGE", tmp_path / "myomag")

    def found(installer: str) -> tuple[str, bool]:
        (tmp_path / "myomag-0.1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: myomag\n")
        (tmp_path / "myomag-0.1.0.dist-info" / "RECORD").write_text(record + installer)
        now = environment()
        assert (now["git_commit"], now["git_dirty"]) == (None, None)
        return now["wheel_sha256"], now["wheel_changed"]

    first = found("")
    assert first == (hashlib.sha256(f"myomag/code.py,sha256={stated}".encode()).hexdigest(), False)
    assert found("myomag/__pycache__/code.cpython-311.pyc,,\n../../../bin/myomag,sha256=abc,200\n") == first
    code.write_text("a = 2\n")
    assert found("") == (first[0], True)


def test_environment_tells_the_commit_and_whether_tracked_files_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*arguments: str) -> str:
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        command = ["git", "-C", str(tmp_path), *identity, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def found() -> tuple[str | None, bool | None]:
        environment_now = environment()
        return environment_now["git_commit"], environment_now["git_dirty"]

    monkeypatch.setattr(activity, "REPOSITORY", tmp_path)
    git("init", "--quiet")
    assert found() == (None, None)
    (tmp_path / "code.py").write_text("a = 1\n")
    git("add", "code.py")
    git("commit", "--quiet", "--message", "first")
    assert found() == (git("rev-parse", "HEAD"), False)
    (tmp_path / "untracked.txt").write_text("notes\n")
    assert found()[1] is False
    (tmp_path / "code.py").write_text("a = 2\n")
    assert found() == (git("rev-parse", "HEAD"), True)

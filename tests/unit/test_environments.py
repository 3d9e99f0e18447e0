"""Environments: the versions of the lock file, and all that a run needs."""

import re

import yaml
from packaging.markers import Marker

from myomag.io.places import REPOSITORY
from running import PARTS


def test_conda_environment_has_the_versions_of_the_lock_file() -> None:
    lock = (REPOSITORY / "envs" / "requirements.lock").read_text(encoding="utf-8")
    locked: dict[str, set[str]] = {}
    for name, version, marker in re.findall(r"^([a-z0-9_.-]+)==(\S+)(?: ; (.+?))? \\$", lock, re.MULTILINE):
        if not marker or Marker(marker).evaluate({"python_full_version": "3.12.0", "python_version": "3.12"}):
            locked.setdefault(name, set()).add(version)
    environment = yaml.safe_load((REPOSITORY / "envs" / "pipeline.yaml").read_text(encoding="utf-8"))["dependencies"]
    assert "python=3.12" in environment
    (pinned,) = (entry["pip"] for entry in environment if isinstance(entry, dict))
    for requirement in pinned:
        name, version = requirement.split("==")
        assert locked[name] == {version}


def test_lock_file_of_development_holds_that_of_a_run() -> None:
    run, development = (
        set(re.findall(r"^\S+==.*", (REPOSITORY / "envs" / f"{name}.lock").read_text(encoding="utf-8"), re.MULTILINE))
        for name in ("requirements", "dev")
    )
    assert run < development


def test_container_installs_the_lock_file_and_holds_what_a_run_needs() -> None:
    text = (REPOSITORY / "envs" / "myomag.def").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^%(\w+)\n((?: {4}.*\n|\n)+)", text, re.MULTILINE))
    environment = (REPOSITORY / "envs" / "pipeline.yaml").read_text(encoding="utf-8")
    (python,) = re.findall(r"^From: python:(3\.\d+)\.\d+-slim", text, re.MULTILINE)
    assert f"python={python}" in environment
    installs = [line for line in sections["post"].splitlines() if "pip install" in line]
    assert "--require-hashes -r /opt/myomag/envs/requirements.lock" in installs[0]
    assert all("--require-hashes" in line or "--no-deps" in line for line in installs)
    copied = {line.split()[0] for line in sections["files"].splitlines() if line.strip()}
    assert copied >= set(PARTS)
    assert all((REPOSITORY / name).exists() for name in copied)

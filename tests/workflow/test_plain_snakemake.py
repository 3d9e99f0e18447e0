"""The workflow as any other one of Snakemake: its inspection commands, and its use as a module."""

import json
import shutil
from pathlib import Path

import pytest

from lab import ALL, Lab, expected
from myomag.simulate.demo import write_demo
from running import REPOSITORY, differing, jobs, myomag, results, snakemake

SAID = {
    ("--summary",): "ledger/fit/batch-0.tsv",
    ("--detailed-summary",): "ledger/fit/batch-0.tsv",
    ("--list-rules",): "verdict",
    ("--list-changes", "code"): "",
    ("--dag",): "digraph",
    ("--rulegraph",): "digraph",
    ("--filegraph",): "digraph",
    ("--lint",): "your workflow is in a good condition",
    ("--dry-run",): "",
    ("--containerize",): "FROM condaforge/",
    ("--report", "report.html"): "Report created",
    ("--delete-all-output", "--dry-run"): "",
}
"""Command, and what it says."""

CONDA = """\
#!/bin/sh
case $1 in
    --version) echo conda 26.1.0 ;;
    config) echo '{"get": {"channel_priority": "strict"}}' ;;
    *) echo '{"conda_prefix": "/opt/conda", "platform": "linux-64"}' ;;
esac
"""
"""Stands for conda, which Snakemake asks about the environments of a container."""


@pytest.mark.parametrize("command", SAID, ids=" ".join)
def test_inspection_works_before_the_first_run_and_after_it(
    command: tuple[str, ...], lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    (lab.root / "bin").mkdir()
    (lab.root / "bin" / "conda").write_text(CONDA)
    (lab.root / "bin" / "conda").chmod(0o755)
    monkeypatch.setenv("PATH", f"{lab.root / 'bin'}:/usr/bin:/bin")
    before = results(lab.derivative)
    for place in (lab.root / "fresh", lab.derivative):
        place.mkdir(exist_ok=True)
        done = snakemake(*command, "--config", f"study={lab.study}", repository=lab.repository, cwd=place)
        assert done.returncode == 0, done.stderr
        assert SAID[command] in done.stdout + done.stderr
    assert [path for path in differing(results(lab.derivative), before) if path != "report.html"] == []


MODULE = """
module myomag:
    snakefile: "{snakefile}"
    prefix: "results/muscle"
    config: {config}

use rule * from myomag as myomag_*

rule ours:
    default_target: True
    input: "results/muscle/cohort.tsv", rules.myomag_all.input
    output: "ours.txt"
    shell: "wc -l {{input[0]}} > {{output}}"
"""


def test_workflow_is_a_module_of_another_one(tmp_path: Path) -> None:
    """Under a prefix, with settings of its own; the results are those of a run by itself."""
    study, ours = tmp_path / "study", tmp_path / "ours"
    write_demo(study, participants=2)
    ours.mkdir()

    def use(**settings: object) -> dict[str, int]:
        config = {"study": str(study), "batches": 1, **settings}
        text = MODULE.format(snakefile=REPOSITORY / "Snakefile", config=json.dumps(config))
        (ours / "Snakefile").write_text(text)
        done = snakemake("--snakefile", ours / "Snakefile", "--cores", "2", cwd=ours)
        assert done.returncode == 0, done.stdout + done.stderr
        return {rule.removeprefix("myomag_"): count for rule, count in jobs(done.stderr).items()}

    assert use() == {**expected(*ALL, batches=1), "ours": 1}
    assert sorted(path.name for path in ours.iterdir() if path.name[0] != ".") == ["Snakefile", "ours.txt", "results"]
    assert use() == {}
    alone = myomag("run", study, "--output", tmp_path / "a" / "b" / "c", "--", "--config", "batches=1")
    assert alone.returncode == 0, alone.stderr
    assert differing(results(ours / "results" / "muscle"), results(tmp_path / "a" / "b" / "c")) == []
    assert use(report={"title": "Muscle"}) == {**expected("settings", "pages", "report", batches=1), "ours": 1}
    shutil.rmtree(study / "sub-002")
    assert use()["settings"] == 1
    assert not list((ours / "results").rglob("*sub-002*"))

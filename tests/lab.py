"""A checkout, a study and its results side by side, in which tests of the whole workflow may change anything."""

import os
import subprocess
from collections import Counter
from pathlib import Path

from myomag import pipeline
from myomag.run.options import asked_for
from myomag.run.plan import Forecast
from myomag.run.snakefile import Flow
from myomag.simulate.demo import write_demo
from running import checkout, finished, jobs, myomag

BATCHES = 3
PARTICIPANTS = 4
ALL = pipeline.NAMES[1:]
ONCE = pipeline.named("study")
STEM = "{0}_ses-1_acq-fid_nuc-31P_voi-thigh_unloc"


def expected(*rules: str, batches: int = BATCHES) -> dict[str, int]:
    """Jobs of these rules: one per batch, or one for the whole study."""
    return {rule: 1 if rule in ONCE else batches for rule in rules}


class Lab:
    """A checkout, a study and a derivative of it side by side, all free to be changed."""

    def __init__(self, root: Path) -> None:
        self.root, self.repository, self.study, self.derivative = root, root / "repo", root / "study", root / "out"

    def run(self, *options: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """`myomag run` with the checkout of this lab."""
        place = ("--output", self.derivative)
        return myomag("run", self.study, *place, *options, repository=self.repository, **variables)

    def planned(self, *options: str, **variables: str) -> dict[str, int]:
        """Jobs per rule that Snakemake would run."""
        done = self.run("--", "--dry-run", *options, **variables)
        assert done.returncode == 0, done.stdout + done.stderr
        assert jobs(done.stdout) or "Nothing to be done" in done.stdout
        return jobs(done.stdout)

    def forecast(self, *options: str) -> Forecast:
        """Jobs that would run, by the ledgers; the code is that of these tests, not of the lab."""
        return Forecast(Flow({"study": str(self.study)}, asked_for(options).given, self.derivative))

    def done(self, *options: str) -> Counter[str]:
        """Jobs per rule that did run, without an error."""
        outcome = self.run(*options)
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr
        return finished(self.derivative)

    def edit(self, name: str, old: str, new: str) -> None:
        """Change the code of this lab."""
        path = self.repository / name
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{name} has changed: adapt the test"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")


def with_package(lab: Lab, name: str) -> str:
    """Python path on which a package seems to be installed in another version."""
    described = lab.root / "installed" / f"{name}-999.0.dist-info" / "METADATA"
    described.parent.mkdir(parents=True)
    described.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 999.0\n")
    return os.pathsep.join(map(str, (lab.repository / "workflow", described.parents[1])))


def build(lab: Lab) -> None:
    checkout(lab.repository)
    write_demo(lab.study, participants=PARTICIPANTS)
    (lab.study / "myomag.yaml").write_text(f"batches: {BATCHES}\n")
    before = snapshot(lab.study)
    lab.done("--", "--cores", "2")
    assert snapshot(lab.study) == before, "the run wrote into the study"


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.lstat().st_mtime_ns, path.lstat().st_size) for path in folder.rglob("*")}

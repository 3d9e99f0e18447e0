"""A small study with its derivative, whose steps copy what they read."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from myomag import pipeline
from myomag.errors import ScanError
from myomag.io.files import PRIVATE, sha256_bytes
from myomag.io.scan_records import PooledBeginTime
from myomag.ledger.harness import Job, run_scans
from myomag.ledger.raw import write_index
from myomag.ledger.rows import Row, activity_path, ledger_path, read_ledger
from myomag.ledger.spec import Spec
from myomag.settings.base import Section
from myomag.study.search import find_scans

RAW, CONVERT, QC = (Path(ledger_path(step, 0)) for step in ("raw", "convert", "qc"))
LABELS = ("sub-1", "sub-2", "sub-3")
FID = "sub-{0}/mrs/sub-{0}_unloc.nii.gz"


class Gain(Section):
    """Settings of the steps of these tests."""

    gain: int = 1
    offset: int = 0


def copy(scan: str, inputs: Mapping[str, Path], settings: Gain) -> dict[str, bytes]:  # noqa: ARG001
    """A step convert that repeats what it reads as often as its setting says."""
    return {"fid": inputs["raw"].read_bytes() * settings.gain, "sidecar": b"{}"}


def failing(*labels: str, error: type[BaseException] = ScanError, function: Any = copy) -> Callable[..., Any]:
    """The same step, which raises an error for some participants."""

    def function_that_fails(scan: str, inputs: Mapping[str, Path], settings: Gain) -> dict[str, bytes]:
        if scan.startswith(labels):
            raise error(f"{scan} is\nbroken")
        made: dict[str, bytes] = function(scan, inputs, settings)
        return made

    return function_that_fails


def making(step: str, seen: list[dict[str, bytes]] | None = None) -> Callable[..., Any]:
    """A step that makes what the plan promises, and notes the content of what it is given."""
    roles = [file.role for file in pipeline.BY_NAME[step].writes]

    def made(inputs: Mapping[str, Path]) -> dict[str, bytes]:
        if seen is not None:
            seen.append({role: path.read_bytes() for role, path in inputs.items()})
        return {role: json.dumps({"made": f"{step} {role}"}).encode() for role in roles}

    def alone(scan: str, inputs: Mapping[str, Path], settings: Gain) -> dict[str, bytes]:  # noqa: ARG001
        return made(inputs)

    def with_pooled(
        scan: str,  # noqa: ARG001
        inputs: Mapping[str, Path],
        settings: Gain,  # noqa: ARG001
        pooled: Mapping[str, PooledBeginTime],
    ) -> dict[str, bytes]:
        assert all(isinstance(value, PooledBeginTime) for value in pooled.values())
        return made(inputs)

    return with_pooled if pipeline.BY_NAME[step].pooled else alone


@dataclass(frozen=True)
class Small:
    """Three participants whose raw files hold their labels, and the derivative in one batch."""

    study: Path
    root: Path

    def job(self, step: str, read: tuple[Path, ...] | None = None, **values: Any) -> Job:
        """Job of a step over the batch, or the study, with what its spec is to hold."""
        found = tuple(Path(ledger_path(name, 0)) for name in pipeline.ledgers_read(step))
        place = Path(ledger_path(step, 0 if pipeline.BY_NAME[step].batched else ""))
        spec = Spec(step, **({"settings": {"any": {"gain": 1}}, "code": "c0de"} | values))
        return Job(spec, found if read is None else read, place, self.root, self.study)

    def run(self, step: str, function: Callable[..., Any] | None = None, **values: Any) -> list[Row]:
        """Run a scan-level step; returns the rows of its ledger."""
        task = self.job(step, **values)
        run_scans(task, function or making(step))
        return read_ledger(self.root / task.ledger)

    def convert(self, function: Callable[..., Any] = copy, gain: int = 1, **values: Any) -> list[Row]:
        """Run the step that repeats the raw files."""
        return self.run("convert", function, settings={"any": {"gain": gain}}, **values)

    def index(self, batches: int = 1) -> dict[str, bytes]:
        """Write the raw ledgers; returns their contents."""
        write_index(find_scans(self.study), self.root, batches)
        return {path.name: path.read_bytes() for path in (self.root / "ledger/raw").glob("batch-*.tsv")}

    def raw_file(self, number: int) -> Path:
        """Raw file of a participant."""
        return self.study / FID.format(number)

    def remove(self, number: int) -> None:
        """Take a participant out of the study."""
        self.raw_file(number).unlink()
        self.index()

    def activities(self, ledger: Path) -> list[dict[str, Any]]:
        """Lines of the activity record of a ledger."""
        return [json.loads(line) for line in (self.root / activity_path(ledger)).read_text("utf-8").splitlines()]

    def tree(self, *, private: bool = False) -> dict[str, bytes]:
        """Content of the files of the derivative."""
        return tree(self.root, private=private)


def small_study(folder: Path) -> Small:
    """Write the study and the raw ledger of it."""
    small = Small(folder / "study", folder / "derivative")
    for number, label in enumerate(LABELS, start=1):
        small.raw_file(number).parent.mkdir(parents=True)
        small.raw_file(number).write_text(label)
    small.root.mkdir()
    small.index()
    return small


def tree(root: Path, *, private: bool = False) -> dict[str, bytes]:
    """Content of every file, without activity records and, unless asked for, without the private folder."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.suffix != ".jsonl" and (private or PRIVATE not in path.parts)
    }


def edit(path: Path) -> None:
    """Flip one bit and keep size and mtime."""
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    stat = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def broken_links(lines: list[str]) -> list[int]:
    """Numbers of the lines of an activity record that do not name the digest of the line before."""
    before: list[str | None] = [None, *(sha256_bytes(line.encode()) for line in lines)]
    return [n for n, line in enumerate(lines) if json.loads(line)["previous_sha256"] != before[n]]

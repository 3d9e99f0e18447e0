"""How far a run has come, read from what Snakemake prints and from the ledgers that appear, on whatever machine."""

import re
from collections import Counter
from pathlib import Path

from myomag.ledger.rows import COLUMNS, ledger_path

_STEPS_DONE = re.compile(r"(\d+) of (\d+) steps")
_COUNT = re.compile(r"(\w+) +(\d+)$")
_JOB = re.compile(r"Job (\d+): (\w+)(?: batch (\d+))?")
_FINISHED = re.compile(r"Finished jobid: (\d+) \(Rule: (\w+)\)")


class RunState:
    """Jobs and scans of one run, as far as they are done.

    Attributes
    ----------
    done, total : int
        Jobs of Snakemake.
    to_do : Counter
        Jobs left, by rule.
    failed : dict of str to int
        Number of failed scans of each batch, after the last step that finished.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.done = self.total = 0
        self.to_do: Counter[str] = Counter()
        self.failed: dict[str, int] = {}
        self._batch: dict[str, str] = {}
        self._planned: Counter[str] = Counter()
        self._scans: Counter[str] = Counter()
        self._rule = ""

    def read(self, line: str) -> bool:
        """Take in one line that Snakemake printed; whether it changes what is to be shown."""
        if not self.done and (match := _COUNT.match(line)):
            self._plan(match[1], int(match[2]))
            return match[1] == "total"
        if match := _JOB.match(line):
            self._batch[match[1]] = match[3] or ""
        elif match := _FINISHED.match(line):
            self._finish(match[2], self._batch.pop(match[1], ""))
        elif match := _STEPS_DONE.match(line):
            self.done, self.total = int(match[1]), int(match[2])
            return True
        return False

    def __str__(self) -> str:
        """Batches and scans done by the step at work, and failed scans, such as "fit 5/16 batches, 140 scans"."""
        if not self._rule:
            return ""
        planned = self._planned[self._rule]
        parts = [
            f"{self._rule} {planned - self.to_do[self._rule]}/{planned} batches",
            f"{self._scans[self._rule]:,} scans",
        ]
        return ", ".join([*parts, *([f"{failed:,} failed"] if (failed := sum(self.failed.values())) else [])])

    def left(self) -> str:
        """What remains to be done, by rule, such as "fit 11, report 1"."""
        return ", ".join(f"{rule} {count}" for rule, count in self.to_do.items() if count)

    def _plan(self, rule: str, jobs: int) -> None:
        if rule == "total":
            self.total = jobs
        elif rule != "all":
            self.to_do[rule] = self._planned[rule] = jobs

    def _finish(self, rule: str, batch: str) -> None:
        if self.to_do[rule]:
            self.to_do[rule] -= 1
        else:
            # The protocols moved, and more fits than were planned are repeated.
            self._planned[rule] += 1
        if batch:
            statuses = self._statuses(rule, batch)
            self._rule = rule
            self._scans[rule] += len(statuses)
            if rule != "pages":
                self.failed[batch] = statuses.count("failed")

    def _statuses(self, rule: str, batch: str) -> list[str]:
        """Status of each scan in a ledger; none where a shared file system does not show it yet."""
        try:
            lines = (self.root / ledger_path(rule, batch)).read_text("utf-8", "replace").splitlines()[1:]
        except OSError:
            return []
        return [line.split("\t", COLUMNS.index("status") + 1)[COLUMNS.index("status")] for line in lines]

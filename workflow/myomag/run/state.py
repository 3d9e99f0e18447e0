"""Progress of a run, from Snakemake's events and the ledgers that appear, on any machine."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from myomag import pipeline
from myomag.ledger.rows import COLUMNS, ledger_path


class RunState:
    """Finished jobs and scans of one run, and what went wrong.

    Attributes
    ----------
    done, total : int
        Jobs of Snakemake.
    to_do : Counter
        Jobs left, by rule.
    failed : dict of str to int
        Number of failed scans of each batch, after the last step that finished.
    up_to_date : bool
        Whether Snakemake found nothing to do.
    remote : bool
        Whether jobs go to a cluster.
    logs : list of Path
        Logs of the jobs that failed.
    errors : dict of str to str
        Message of each kind of error that ended Snakemake, by the name of its class.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.done = self.total = 0
        self.to_do: Counter[str] = Counter()
        self.failed: dict[str, int] = {}
        self.up_to_date = self.remote = False
        self.logs: list[Path] = []
        self.errors: dict[str, str] = {}
        self._jobs: dict[int, tuple[str, str]] = {}
        self._planned: Counter[str] = Counter()
        self._scans: Counter[str] = Counter()
        self._rule = ""

    def read(self, event: Mapping[str, Any]) -> bool:
        """Process one event; returns whether the display changes."""
        match event["event"]:
            case "workflow_started":
                self.up_to_date = True
            case "run_info":
                self._plan(event["stats"])
            case "resources_info":
                self.remote |= event["nodes"] is not None
            case "job_info":
                self._jobs[event["jobid"]] = event["rule_name"], (event["wildcards"] or {}).get("batch", "")
            case "job_finished":
                self._finish(*self._jobs.pop(event["job_id"], ("", "")))
            case "job_error" | "group_error":
                self.logs += [self.root / path for path in event.get("log") or event.get("aux_logs") or ()]
            case "error":
                self.errors[event["exception"]] = event["message"]
            case "progress":
                self.done, self.total = event["done"], event["total"]
        return event["event"] in ("run_info", "progress")

    def __str__(self) -> str:
        """Batches and scans finished by the current step, and failed scans, such as "fit 5/16 batches, 140 scans"."""
        if not self._rule:
            return ""
        planned = self._planned[self._rule]
        parts = [
            f"{self._rule} {planned - self.to_do[self._rule]}/{planned} batches",
            f"{self._scans[self._rule]:,} scans",
        ]
        return ", ".join([*parts, *([f"{failed:,} failed"] if (failed := sum(self.failed.values())) else [])])

    def left(self) -> str:
        """Remaining jobs, by rule, such as "fit 11, report 1"."""
        return ", ".join(f"{rule} {count}" for rule, count in self.to_do.items() if count)

    def _plan(self, jobs: Mapping[str, int]) -> None:
        self.up_to_date = False
        self.total = jobs["total"]
        self.to_do = Counter({rule: jobs[rule] for rule in pipeline.NAMES if rule in jobs})
        self._planned = self.to_do.copy()

    def _finish(self, rule: str, batch: str) -> None:
        if self.to_do[rule]:
            self.to_do[rule] -= 1
        else:
            # The protocols changed, and more fits than planned are repeated.
            self._planned[rule] += 1
        if batch:
            statuses = self._statuses(rule, batch)
            self._rule = rule
            self._scans[rule] += len(statuses)
            if pipeline.BY_NAME[rule].kind == "scan":
                self.failed[batch] = statuses.count("failed")

    def _statuses(self, rule: str, batch: str) -> list[str]:
        """Status of each scan in a ledger; none if a shared file system does not show it yet."""
        try:
            lines = (self.root / ledger_path(rule, batch)).read_text("utf-8", "replace").splitlines()[1:]
        except OSError:
            return []
        return [line.split("\t", COLUMNS.index("status") + 1)[COLUMNS.index("status")] for line in lines]

"""Results of all scans, read back through the ledgers with their digests checked."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from myomag import pipeline
from myomag.io.scan_records import Fit, Magnesium, Quality, R, read_scan_record
from myomag.io.series_records import Series
from myomag.ledger.rows import LEFT_OUT, Files, Row, checked_ledger, checked_path


@dataclass(frozen=True)
class ScanOutcome:
    """Outcome of a scan, and its records.

    Attributes
    ----------
    participant_id, session_id, scan : str
        Labels, and BIDS stem of the scan; None for those that a single file lacks.
    status : str
        ok, failed or rejected.
    step, reason : str or None
        Where and why the scan failed or was rejected.
    quality, fit, magnesium, series : record or None
        Records of the steps that the scan reached.
    protocol : str or None
        Acquisition protocol, if known.
    """

    participant_id: str | None
    session_id: str | None
    scan: str
    status: str = "ok"
    step: str | None = None
    reason: str | None = None
    quality: Quality | None = None
    fit: Fit | None = None
    magnesium: Magnesium | None = None
    series: Series | None = None
    protocol: str | None = None


@dataclass(frozen=True)
class ScanResult:
    """One scan with its ledger rows.

    Attributes
    ----------
    root : Path
        The derivative.
    rows : mapping of str to Row
        Ledger row of each step read, in the order of the steps.
    read : Files
        Requested files, by role.
    site : str
        Its site, in a group of several; "" in a single study.
    """

    root: Path
    rows: dict[str, Row]
    read: Files = field(default_factory=dict)
    site: str = ""

    @property
    def last(self) -> Row:
        """Row of the last step, with the outcome of the scan."""
        return self.rows[max(self.rows, key=pipeline.NAMES.index)]

    def path(self, role: str) -> Path | None:
        """Path of a file of the derivative after checking its digest; None if the scan has none."""
        for step, row in reversed(self.rows.items()):
            if file := row.outputs.get(role):
                self.read[role] = file
                return checked_path(self.root, *file, step)
        return None

    def record(self, model: type[R]) -> R | None:
        """Record of a role; None if the scan has none."""
        path = self.path(model.role)
        return read_scan_record(path, model) if path else None

    def outcome(self, reject: Mapping[str, str]) -> ScanOutcome:
        """Outcome of the scan, with its records; manual rejections are applied to scans that did not fail.

        A scan that was not selected was not examined: it is left out like a rejected one, and did not fail.
        """
        row = self.last
        status, step, reason = row.status, row.step, row.reason
        if status == LEFT_OUT:
            status = "rejected"
        by_hand = reject.get(row.scan) or reject.get(row.participant_id)
        if status == "ok" and by_hand:
            status, step, reason = "rejected", "overrides", by_hand
        return ScanOutcome(
            row.participant_id,
            row.session_id or None,
            row.scan,
            status,
            step or None,
            reason or None,
            self.record(Quality),
            self.record(Fit),
            self.record(Magnesium),
            self.record(Series),
        )

    def provenance(self) -> list[dict[str, str | None]]:
        """Files of the scan in the order they were made, with the digests of their inputs."""
        return [
            {
                "step": step,
                "role": role,
                "file": path,
                "sha256": sha,
                "settings_digest": row.settings or None,
                "source_digest": row.code or None,
            }
            for step, row in sorted(self.rows.items(), key=lambda item: pipeline.NAMES.index(item[0]))
            for role, (path, sha) in (row.inputs if pipeline.BY_NAME[step].kind == "entry" else row.outputs).items()
        ]


def read_results(root: Path, ledgers: Iterable[Path]) -> Iterator[ScanResult]:
    """Results of all scans in the ledgers, batch by batch, so that few are in memory at once.

    Parameters
    ----------
    root : Path
        The derivative.
    ledgers : iterable of Path
        Ledgers in it of several steps and batches, ledger/<step>/batch-<k>.tsv.
    """
    batches: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(ledgers, key=lambda path: (path.name, pipeline.NAMES.index(path.parent.name))):
        batches[path.name].append(path)
    for paths in batches.values():
        by_scan: dict[tuple[str, str, str], dict[str, Row]] = defaultdict(dict)
        for path in paths:
            for row in checked_ledger(root, path):
                by_scan[row.participant_id, row.session_id, row.scan][path.parent.name] = row
        yield from (ScanResult(root, rows) for _, rows in sorted(by_scan.items()))


def by_participant(results: Iterable[ScanResult]) -> dict[str, list[ScanResult]]:
    """Results grouped by participant, sorted."""
    groups: dict[str, list[ScanResult]] = defaultdict(list)
    for result in results:
        groups[result.last.participant_id].append(result)
    return dict(sorted(groups.items()))

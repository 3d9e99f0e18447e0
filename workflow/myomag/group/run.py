"""`myomag group`: the study-level steps of the pipeline on the records of several derivatives.

Each step uses the harness of the pipeline and writes its ledger and activity record in the group. It reads the
derivatives of the sites through their ledgers: nothing is copied, and nothing is written there.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from myomag import pipeline
from myomag.audit.group import Site
from myomag.errors import LedgerError, ScanError, SettingsError
from myomag.group.settings import group_document, group_origins, group_settings
from myomag.group.sites import check_alike, check_finished, check_place, named_sites, open_sites, remarks
from myomag.group.tables import protocol_tables, site_table
from myomag.io.files import Content, remove_files, sha256_file
from myomag.io.records import digest
from myomag.ledger.activity import environment
from myomag.ledger.cleanup import remove_unfinished
from myomag.ledger.code import code_digest
from myomag.ledger.derivative import described
from myomag.ledger.harness import Job
from myomag.ledger.results import ScanResult, by_participant, read_results
from myomag.ledger.rows import Files, ledger_path, output_path, read_ledger
from myomag.ledger.rows import Row as LedgerRow
from myomag.ledger.spec import resolve, step_code
from myomag.ledger.study_harness import made, write_study
from myomag.progress import progress
from myomag.run.lock import alone
from myomag.settings.models import Settings
from myomag.settings.yaml_text import yaml_text
from myomag.steps.cohort import cohort_tables
from myomag.steps.pages import participant_pages
from myomag.steps.report import report_files


@dataclass(frozen=True)
class Grouping:
    """A group in the making: its folder, its sites, and all its settings."""

    root: Path
    sites: Mapping[str, Site]
    document: Mapping[str, Any]

    def job(self, step: str, ledgers: Iterable[Path]) -> Job:
        """Job of a step that reads some ledgers; this package counts as part of its code."""
        code = digest([step_code(step), code_digest(Path(__file__))])
        spec = resolve(step, self.document, code=code)
        return Job(spec, tuple(ledgers), Path(ledger_path(step)), self.root, self.root)

    def ledgers(self, *steps: str) -> list[Path]:
        """Ledgers of some steps at all sites, as paths from the group."""
        return [
            self.reached(site.derivative.root / ledger.path)
            for site in self.sites.values()
            for ledger in site.derivative.of_step(*steps)
        ]

    def reached(self, path: Path) -> Path:
        """Path from the group."""
        return Path(os.path.relpath(path, self.root))

    def results(self, step: str) -> Iterator[ScanResult]:
        """Scans of all sites as read by a step, under their names in the group."""
        for name, site in self.sites.items():
            root = site.derivative.root
            read = site.derivative.of_step(*pipeline.ledgers_read(step))
            for result in read_results(root, [Path(ledger.path) for ledger in read if ledger.batch]):
                yield replace(result, rows={key: site.names.row(row) for key, row in result.rows.items()}, site=name)


def make_group(out: Path, places: Sequence[Path], names: Sequence[str], file: Path | None) -> list[str]:
    """Make or update the group of some derivatives; returns remarks for the user.

    Parameters
    ----------
    out : Path
        Folder of the group: new, or from an earlier run.
    places : sequence of Path
        Derivatives, or studies with one.
    names : sequence of str
        Names of the sites in order; none: those of their folders.
    file : Path or None
        Settings of the group.

    Raises
    ------
    SettingsError
        If the sites cannot be grouped, or the folder is unsuitable for a group.
    LedgerError
        If a derivative is not finished, or a file is not as recorded in its ledger.
    """
    out = out.expanduser().resolve()
    found = open_sites(places, names)
    check_place(out, found)
    for name, derivative in found.items():
        check_finished(name, derivative)
    check_alike(found)
    settings = group_settings(found, file)
    sites = named_sites(found, same_participants=settings.cohort.same_participants)
    grouping = Grouping(out, sites, group_document(settings, sites))
    try:
        with alone(out):
            remove_unfinished(out)
            _write_all(grouping, file)
    except ScanError as error:
        raise LedgerError(f"{error} It may be from another version of myomag; run its study again.") from error
    except PermissionError as error:
        raise SettingsError(f"{out}: cannot be written ({error.strerror}); name another folder.") from error
    return list(remarks(found))


def _write_all(grouping: Grouping, file: Path | None) -> None:
    """Run the steps of the group in order."""
    before = _files(grouping.root)
    _write_settings(grouping, file)
    write_study(grouping.job("protocols", grouping.ledgers("protocols")), protocol_tables(grouping.sites).items())
    _write_cohort(grouping)
    _write_pages(grouping)
    report = grouping.job("report", [Path(ledger_path(step)) for step in pipeline.ledgers_read("report")])
    rows = made(report)
    read = {role: each for row in rows for role, each in row.outputs.items()}
    pages = report_files(grouping.root, rows, report.settings(Settings), environment())
    write_study(report, pages, inputs=read)
    remove_files(grouping.root, before - _files(grouping.root))


def _files(root: Path) -> set[str]:
    """Files that the ledgers of a group list as written."""
    ledgers = [path for path in root.glob("ledger/*/all.tsv") if path.is_file()]
    return {path for ledger in ledgers for row in read_ledger(ledger) for path, _ in row.outputs.values()}


def _write_settings(grouping: Grouping, file: Path | None) -> None:
    places = {name: grouping.reached(site.derivative.root) for name, site in grouping.sites.items()}
    read: Files = {}
    for name, site in grouping.sites.items():
        place = site.derivative.root / "config.yaml"
        read[f"{name}:config.yaml"] = str(grouping.reached(place)), sha256_file(place)
    if file:
        read["settings"] = str(grouping.reached(file.resolve())), sha256_file(file)
    description = described(", ".join(places), {name: path.as_posix() for name, path in places.items()})
    files = [("config.yaml", yaml_text(dict(grouping.document)).encode()), *description.items()]
    write_study(grouping.job("settings", ()), files, inputs=read, origins=group_origins(grouping.sites, file))


def _write_cohort(grouping: Grouping) -> None:
    steps = [name for name in pipeline.ledgers_read("cohort") if pipeline.BY_NAME[name].kind != "entry"]
    task = grouping.job("cohort", grouping.ledgers(*steps, "cohort"))
    table = site_table(grouping.sites)
    made_of = cohort_tables(
        grouping.results("cohort"), lambda _people, _used: [table], task.settings(Settings), task.spec.reject, {}
    )
    write_study(task, made_of.items())


def _write_pages(grouping: Grouping) -> None:
    task = grouping.job("pages", grouping.ledgers(*pipeline.ledgers_read("pages")))
    (file,) = task.step.writes
    scans = by_participant(grouping.results("pages"))
    pages = participant_pages(scans, task.settings(Settings), task.spec.reject)

    def written() -> Iterator[tuple[str, Content]]:
        with progress("pages written", len(scans)) as advance:
            for number, (label, page) in enumerate(pages, start=1):
                yield output_path(file, LedgerRow(label, label, "")), page
                advance(number)

    write_study(task, written())

"""Problems of a study, found before running it."""

import math
import multiprocessing
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any

from myomag import pipeline
from myomag.cohort.prospects import expected_cohort, model_prospects
from myomag.cohort.same_data import said, same_data
from myomag.cohort.variables import build_variables
from myomag.errors import MyomagError, ScanError, SettingsError
from myomag.io.events import SUFFIX as EVENTS
from myomag.io.events import read_events
from myomag.io.scan_records import BeginTime, Measures, read_scan_record
from myomag.io.tables import table_rows
from myomag.ledger.derivative import derivative_description
from myomag.pipeline import SETTINGS_FILE
from myomag.progress import progress
from myomag.run.jobs import available_cores, out_of_reach_of_ctrl_c
from myomag.run.snakefile import Flow
from myomag.settings.models import Settings
from myomag.single.functions import run_step
from myomag.steps.series_phases import has_rest
from myomag.study.names import split_stem
from myomag.study.offer import nothing_found
from myomag.study.raw_dataset import check_raw
from myomag.study.search import Scan
from myomag.study.selection import selected_scans

STEPS = tuple(takewhile(lambda step: not step.pooled, (pipeline.BY_NAME[name] for name in pipeline.SCAN_STEPS)))
"""Steps that detect faults of a scan: those before the fit, without which it fails."""

FEW = 50
"""Number of scans processed in the time a second process takes to start."""

Problem = dict[str, str]


@dataclass(frozen=True)
class Checked:
    """What was found: problems with their places, the columns used, and the data behind each model."""

    problems: list[Problem]
    columns: list[dict[str, Any]] = field(default_factory=list)
    models: list[dict[str, Any]] = field(default_factory=list)


def check_study(study: Path) -> list[Problem]:
    """Problems of a study, as `examine_study` finds them."""
    return examine_study(study).problems


def examine_study(study: Path, participants: Sequence[str] = (), sessions: Sequence[str] = ()) -> Checked:
    """Problems of a study, each with place and remedy; its columns and models.

    Settings, names, tables and every raw file are read, and the spectrum is searched for, as in a run; nothing is
    written into the study.

    Parameters
    ----------
    study : Path
        Study folder.
    participants, sessions : sequence of str
        Labels of those to check, with or without sub- and ses-; none: all.

    Raises
    ------
    SettingsError
        If the folder does not exist, or a label is unknown.
    """
    try:
        flow = Flow({"study": str(study)}, {})
    except SettingsError as error:
        if not study.is_dir():
            raise
        check_raw(study.resolve())
        lines = (line.removeprefix(f"{SETTINGS_FILE}: ") for line in str(error).splitlines())
        return Checked([{"where": SETTINGS_FILE, "problem": line} for line in lines])
    selected = selected_scans(flow.found, participants, sessions)
    flow.found.scans = [scan for scan in flow.found.scans if scan.stem in selected]
    problems: list[Problem] = []
    if not flow.found.scans:
        problems.append({"where": "study", "problem": nothing_found(flow.study)})
    readers: dict[str, Callable[[], object]] = {
        "study": lambda: problems.extend({"where": "study", "problem": remark} for remark in flow.remarks()),
        "dataset_description.json": lambda: derivative_description(flow.study),
    }
    for where, read in readers.items():
        try:
            read()
        except MyomagError as error:
            problem = str(error).replace(f"{flow.study}/", "")
            if problem not in (each["problem"] for each in problems):
                problems.append({"where": where, "problem": problem})
    if not flow.found.scans:
        return Checked(problems)
    problems += _scan_problems(flow)
    try:
        return Checked(problems, *_overview(flow, {problem["where"] for problem in problems}))
    except MyomagError as error:
        problem = str(error).replace(f"{flow.study}/", "")
        known = problem in (each["problem"] for each in problems)
        return Checked([*problems, *([] if known else [{"where": "tables", "problem": problem}])])


def _overview(flow: Flow, faulty: Collection[str]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Columns used, and the models of the settings with the participants whose scans are not faulty."""
    settings = flow.settings.cohort
    read = flow.tables
    good = (scan for scan in flow.found.scans if not scan.problem and scan.stem not in faulty)
    scans = [(scan.participant_id, scan.session_id or None, scan.stem) for scan in good]
    cohort = expected_cohort(scans, read, settings)
    columns = table_rows(build_variables(cohort, read, settings))
    return columns, model_prospects(cohort, settings, read.notes)


def _scan_problems(flow: Flow) -> list[Problem]:
    """Why single scans would fail in a run, and which contain the same data."""
    scans = [scan for scan in flow.found.scans if not scan.problem]
    judge = partial(_judged, flow.study, flow.settings)
    problems, digests = [], []
    with progress("scans read", len(scans)) as advance:
        for number, (scan, (problem, digest)) in enumerate(zip(scans, _mapped(judge, scans), strict=True), start=1):
            if problem:
                problems.append({"where": scan.stem, "problem": problem})
            digests.append((digest, scan.stem))
            advance(number)
    if not flow.settings.cohort.allow_same_data:
        problems += [
            {"where": stem, "problem": f"{said([other for other in members if other != stem])}."}
            for members in same_data(digests)
            for stem in members
        ]
    return problems


Judgement = tuple[str | None, str | None]
"""Why a scan would fail in a run, None if it would not, and the digest of its samples, None if it has none."""


def _mapped(judge: Callable[[Scan], Judgement], scans: list[Scan]) -> Iterator[Judgement]:
    if len(scans) < FEW:
        yield from map(judge, scans)
        return
    with ProcessPoolExecutor(available_cores(), mp_context=multiprocessing.get_context("spawn")) as pool:
        with out_of_reach_of_ctrl_c():
            found = pool.map(judge, scans, chunksize=8)
        yield from found


def _judged(study: Path, settings: Settings, scan: Scan) -> Judgement:
    """What a run would find in a scan."""
    files = {
        f"{role}_{number}" if number else role: study / path
        for role, paths in (("raw", scan.raw), ("sidecar", scan.sidecars), ("events", scan.events))
        for number, path in enumerate(paths)
    }
    with tempfile.TemporaryDirectory(prefix="myomag-") as folder:
        try:
            for step in STEPS:
                run_step(step, scan.stem, files, settings, Path(folder), scan.participant_id)
        except ScanError as error:
            return " ".join(str(error).split()), _digest(files)
        problems = (
            _begin_time_problem(read_scan_record(files[BeginTime.role], BeginTime)),
            _series_problem(scan.stem, read_scan_record(files[Measures.role], Measures), files.get("events")),
        )
        return " ".join(filter(None, problems)) or None, _digest(files)


def _begin_time_problem(record: BeginTime) -> str | None:
    """What is wrong with the stated begin time, None for nothing: estimated from the data it is less certain."""
    if not record.doubt and not record.start_by_data:
        return None
    text = record.doubt or f"begin time: {record.start_source}"
    return f"{text}; set EchoTime of the sidecar [s], or fit.begin_time_us."


def _series_problem(stem: str, measures: Measures, events: Path | None) -> str | None:
    """What a series lacks, None if nothing, or if the scan is not a series."""
    series = measures.series
    if series is None:
        return None
    name = events.name if events else f"{split_stem(stem)[0]}{EVENTS}"
    kinds = {phase.kind for phase in series.phases}
    late = [event for event in read_events(events) if event.onset >= (series.end_s or math.inf)] if events else []
    lacking = {
        f"its phases are inferred from PCr; state them in {name} beside it (onset, duration, trial_type).": (
            series.proposed
        ),
        "no RepetitionTime, so no kinetics; add it to the sidecar [s].": series.repetition_s is None,
        "no rest before exercise, so no resting pH and Mg, and no depletion.": not has_rest(series),
        f"{name} states no exercise; its trial_type is rest, exercise or recovery.": "exercise" not in kinds,
        f"{name} states no recovery, so no kinetics.": "exercise" in kinds and "recovery" not in kinds,
    } | {f"{event.trial_type} at {event.onset:g} s starts after its end at {series.end_s:g} s.": True for event in late}
    found = " ".join(said for said, lacks in lacking.items() if lacks)
    return f"series: {found}" if found else None


def _digest(files: Mapping[str, Path]) -> str | None:
    return read_scan_record(files[Measures.role], Measures).fid_sha256 if Measures.role in files else None

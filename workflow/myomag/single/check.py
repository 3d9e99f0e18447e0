"""What would go wrong with a study, found before running it."""

import multiprocessing
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import takewhile
from pathlib import Path

from myomag import pipeline
from myomag.errors import MyomagError, ScanError, SettingsError
from myomag.io.scan_records import BeginTime, read_scan_record
from myomag.ledger.derivative import derivative_description
from myomag.pipeline import SETTINGS_FILE
from myomag.progress import progress
from myomag.run.jobs import available_cores, out_of_reach_of_ctrl_c
from myomag.run.snakefile import Flow
from myomag.settings.models import Settings
from myomag.single.functions import run_step
from myomag.study.search import Scan
from myomag.study.tables import read_tables

STEPS = tuple(takewhile(lambda step: not step.pooled, (pipeline.BY_NAME[name] for name in pipeline.SCAN_STEPS)))
"""Steps that find fault with a scan: those before the fit, which fails where they do."""

FEW = 50
"""Scans that are done before a second process has started."""

Problem = dict[str, str]


def check_study(study: Path) -> list[Problem]:
    """Problems of a study, each with the place where it is and what to do.

    Settings, names, tables and every raw file are read as a run would read them, and the spectrum is looked for as a
    run would; nothing is written into the study.

    Parameters
    ----------
    study : Path
        Study folder.

    Raises
    ------
    SettingsError
        If the folder does not exist.
    """
    try:
        flow = Flow({"study": str(study)}, {})
    except SettingsError as error:
        if not study.is_dir():
            raise
        lines = (line.removeprefix(f"{SETTINGS_FILE}: ") for line in str(error).splitlines())
        return [{"where": SETTINGS_FILE, "problem": line} for line in lines]
    problems: list[Problem] = []
    if not flow.found.scans:
        problems.append({"where": "study", "problem": "no scans found in sub-*/[ses-*/]mrs or sourcedata/."})
    readers: dict[str, Callable[[], object]] = {
        "study": lambda: problems.extend({"where": "study", "problem": remark} for remark in flow.remarks()),
        "tables": lambda: read_tables(flow.study),
        "dataset_description.json": lambda: derivative_description(flow.study),
    }
    for where, read in readers.items():
        try:
            read()
        except MyomagError as error:
            problem = str(error).replace(f"{flow.study}/", "")
            if problem not in (each["problem"] for each in problems):
                problems.append({"where": where, "problem": problem})
    return problems + list(_scan_problems(flow))


def _scan_problems(flow: Flow) -> Iterator[Problem]:
    scans = [scan for scan in flow.found.scans if not scan.problem]
    judge = partial(_problem, flow.study, flow.settings)
    with progress("scans read", len(scans)) as advance:
        for number, (scan, problem) in enumerate(zip(scans, _mapped(judge, scans), strict=True), start=1):
            if problem:
                yield {"where": scan.stem, "problem": problem}
            advance(number)


def _mapped(judge: Callable[[Scan], str | None], scans: list[Scan]) -> Iterator[str | None]:
    if len(scans) < FEW:
        yield from map(judge, scans)
        return
    with ProcessPoolExecutor(available_cores(), mp_context=multiprocessing.get_context("spawn")) as pool:
        with out_of_reach_of_ctrl_c():
            found = pool.map(judge, scans, chunksize=8)
        yield from found


def _problem(study: Path, settings: Settings, scan: Scan) -> str | None:
    """Why a run would fail with a scan or doubt its begin time, None where it would not."""
    files = {
        f"{role}_{number}" if number else role: study / path
        for role, paths in (("raw", scan.raw), ("sidecar", scan.sidecars))
        for number, path in enumerate(paths)
    }
    with tempfile.TemporaryDirectory(prefix="myomag-") as folder:
        try:
            for step in STEPS:
                run_step(step, scan.stem, files, settings, Path(folder), scan.participant_id)
        except ScanError as error:
            return " ".join(str(error).split())
        return _begin_time_problem(read_scan_record(files[BeginTime.role], BeginTime))


def _begin_time_problem(record: BeginTime) -> str | None:
    """What is wrong with the stated begin time, None for nothing: found in the data it is less certain."""
    if not record.doubt and not record.start_by_data:
        return None
    said = record.doubt or f"begin time: {record.start_source}"
    return f"{said}; set EchoTime of the sidecar [s], or fit.begin_time_us."

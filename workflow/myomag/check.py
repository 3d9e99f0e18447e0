"""What would go wrong with a study, found before running it."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from myomag.cohort.tables import read_tables
from myomag.config import section_for
from myomag.derivative import derivative_description
from myomag.errors import MyomagError, ScanError, SettingsError
from myomag.flow import SETTINGS_FILE, Flow
from myomag.progress import progress
from myomag.steps.convert import convert_scan
from myomag.study import Scan

Problem = dict[str, str]


def check_study(study: Path) -> list[Problem]:
    """Problems of a study, each with the place where it is and what to do.

    Settings, names, tables and every raw file are read as a run would read them; nothing is written.

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
            problems.append({"where": where, "problem": str(error).replace(f"{flow.study}/", "")})
    return problems + list(_scan_problems(flow))


def _scan_problems(flow: Flow) -> Iterator[Problem]:
    scans = [scan for scan in flow.found.scans if not scan.problem]
    with progress("scans read", len(scans)) as advance:
        for number, scan in enumerate(scans, start=1):
            settings = section_for(flow.settings, "convert", scan.participant_id, scan.stem)
            try:
                convert_scan(scan.stem, _files(flow.study, scan), settings)
            except ScanError as error:
                yield {"where": scan.stem, "problem": str(error)}
            advance(number)


def _files(study: Path, scan: Scan) -> Mapping[str, Path]:
    return {
        f"{role}_{number}" if number else role: study / path
        for role, paths in (("raw", scan.raw), ("sidecar", scan.sidecars))
        for number, path in enumerate(paths)
    }

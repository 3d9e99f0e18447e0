"""What the Snakefile knows of a study: its settings, its batches, and one canonical string of settings per job."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml

from myomag.errors import LedgerError, MyomagError, SettingsError
from myomag.io.files import sha256_file, write_if_changed
from myomag.io.places import CONFIG_DIR, PACKAGE, SCRIPTS
from myomag.io.records import canonical
from myomag.io.tables import keyed_rows, read_text_table
from myomag.ledger.cleanup import sweep
from myomag.ledger.code import code_digest, software
from myomag.ledger.derivative import check_output, derivative_description
from myomag.ledger.raw import write_index
from myomag.ledger.rows import batch_of, ledger_path, read_ledger
from myomag.run.jobs import one_thread_per_process
from myomag.settings.load import Settings, load_layers
from myomag.settings.origins import record_settings, settings_moved
from myomag.study.search import Study, find_scans

SETTINGS_FILE = "myomag.yaml"
PROTOCOLS = "protocols.tsv"
_PAGES = ("qc", "magnesium", "cohort", "report")
_COHORT = ("qc", "fit", "magnesium", "cohort")
SECTIONS: dict[str, tuple[str, ...]] = {"protocols": (), "cohort": _COHORT, "pages": _PAGES, "report": _PAGES}
"""Settings sections that the rules behind the scan-level steps use, beside the rejections."""
INDEXED = "MYOMAG_INDEXED"
"""Environment variable by which `myomag run` tells Snakemake, its child, what it has just indexed."""


def study_root(config: Mapping[str, Any]) -> Path:
    """Study folder named by the configuration key `study`.

    Raises
    ------
    SettingsError
        If the key is missing or names no folder.
    """
    if not config.get("study"):
        raise SettingsError("no study named: add --config study=/path/to/STUDY, or use: myomag run STUDY")
    root = Path(str(config["study"])).expanduser().resolve()
    if not root.is_dir():
        place = "" if str(config["study"]) == str(root) else f" (looked for {root})"
        raise SettingsError(f"study = {config['study']}: no such folder{place}; name the one that holds sub-*.")
    return root


def default_output(study: Path) -> Path:
    """Derivative folder of a study unless another one is named."""
    return study / "derivatives" / "myomag"


def prepare_jobs() -> None:
    """Set what jobs inherit: where the package lies, and one thread each."""
    paths = [str(PACKAGE.parent), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    one_thread_per_process()


def go_by_digests(dag_settings: Any) -> None:
    """Make Snakemake go by content and never by time stamps.

    Whether code changed is told by the digest in each rule's params; the `code` trigger would go by the mtime of the
    scripts, which a fresh clone renews. Inputs are ledgers, compared by checksum whatever their size.

    Parameters
    ----------
    dag_settings : snakemake.settings.types.DAGSettings
        Changed in place, so that it holds however Snakemake was started.
    """
    dag_settings.rerun_triggers = frozenset(t for t in dag_settings.rerun_triggers if t.name != "CODE")
    dag_settings.max_checksum_file_size = 1_000_000_000


def without_rate_limit(scheduling_settings: Any) -> None:
    """Let Snakemake's scheduler sleep until a job ends, where nothing but cores limits the jobs.

    While jobs wait, its limit of submissions makes every finished job a timer that wakes the scheduler each second
    from then on, which is quadratic in the number of jobs. A cluster wants the limit, in longer spans.

    Parameters
    ----------
    scheduling_settings : snakemake.settings.types.SchedulingSettings
        Changed in place, so that it holds however Snakemake was started.
    """
    scheduling_settings.max_jobs_per_timespan = None


@contextmanager
def errors_as(failure: type[Exception]) -> Iterator[None]:
    """Raise errors written for the user as `failure`, which Snakemake shows without a traceback."""
    try:
        yield
    except MyomagError as error:
        raise failure(str(error)) from None


class Flow:
    """One run of the pipeline on a study, with the derivative as working directory.

    Parameters
    ----------
    config : mapping
        Snakemake's configuration: the default settings, and `study`.
    given : mapping
        The part of it that was given with --config or --configfile.
    """

    def __init__(self, config: Mapping[str, Any], given: Mapping[str, Any]) -> None:
        self.study, self.given = study_root(config), given
        self.settings = study_settings(self.study, given)

    @property
    def default_output(self) -> Path:
        """Derivative folder used unless another one is named."""
        return default_output(self.study)

    @cached_property
    def found(self) -> Study:
        """Scans of the study."""
        return find_scans(self.study)

    def index(self, root: Path) -> None:
        """Bring the raw ledgers in the derivative `root` up to date.

        Raises
        ------
        SettingsError
            If the study has no scans, or the folder is not one for a derivative.
        LedgerError
            If the table of protocols, which the fits are given, was changed.
        """
        told, _, batches = os.environ.get(INDEXED, "").rpartition(" ")
        if told == self._indexed_by(os.getppid(), root):
            self.batches = batches.split(",")
            return
        check_output(self.study, root)
        check_protocols(root)
        if not self.found.scans:
            raise SettingsError(f"{self.study}: no scans found in sub-*/[ses-*/]mrs or sourcedata/sub-*/[ses-*/]mrs.")
        write_index(self.found, root, self.settings.batches)
        if not any((root / ".snakemake" / "metadata").glob("*")):
            # Without its records, as in a copy without hidden files, Snakemake would take results of other settings for
            # up to date; then it goes by time stamps, and newer raw ledgers make it compute everything anew.
            for path in root.glob("ledger/raw/*.tsv"):
                path.touch()

    def hand_over(self, root: Path) -> None:
        """Spare Snakemake, when it is started by this process on the same, the search and the index just made."""
        os.environ[INDEXED] = f"{self._indexed_by(os.getpid(), root)} {','.join(self.batches)}"

    def _indexed_by(self, process: int, root: Path) -> str:
        return canonical([process, str(self.study), str(root.resolve()), self.settings.batches])

    @cached_property
    def batches(self) -> list[str]:
        """Batches that hold scans."""
        return [str(b) for b in sorted({batch_of(p, self.settings.batches) for p in self.found.participants})]

    def ledgers(self, *steps: str) -> list[str]:
        """Ledgers of all batches of the steps named."""
        return [ledger_path(step, batch) for step in steps for batch in self.batches]

    def step_spec(self, step: str, batch: str) -> str:
        """Settings of a scan-level step, overrides of the scans of one batch, code and software, as JSON.

        The fit gets what the protocols say of the begin time as a setting, so that it is repeated when that moves.
        """
        section = "fit" if step == "begin_time" else step
        settings = self.settings.model_dump()[section]
        if step == "fit":
            settings["protocols"] = pooled_begin_times(Path(PROTOCOLS))
        chosen = self._overrides(batch).items()
        overrides = {target: content[section] for target, content in chosen if section in content}
        return canonical({"settings": settings, "overrides": overrides, **_made_with(step)})

    def study_spec(self, step: str, batch: str | None = None) -> str:
        """Settings of a step behind the scan-level ones, rejections by hand, code and software, as JSON.

        With a batch, only the rejections of its participants and scans.
        """
        document = self.settings.model_dump()
        settings = {section: document[section] for section in SECTIONS[step]}
        reject = {target: reason["reject"] for target, reason in self._overrides(batch).items() if "reject" in reason}
        if not SECTIONS[step]:
            reject = {}
        return canonical({"settings": settings, "reject": reject, **_made_with(step)})

    def _overrides(self, batch: str | None) -> dict[str, dict[str, Any]]:
        """Overrides for the participants and scans of one batch; None: all."""
        overrides = self.settings.overrides
        if batch is None or not overrides:
            return overrides
        rows = read_ledger(Path(ledger_path("raw", batch)))
        targets = {row.participant_id for row in rows} | {row.scan for row in rows}
        return {target: content for target, content in overrides.items() if target in targets}

    def begin(self) -> None:
        """Before the jobs start: remove results of scans that left the study, describe the derivative."""
        root, started = Path.cwd(), datetime.now(UTC)
        sweep(root, self.batches)
        description = derivative_description(self.study, Path(os.path.relpath(self.study, root)).as_posix())
        files = {"config.yaml": settings_yaml(self.settings), **description}
        for name, content in files.items():
            write_if_changed(root, name, content)
        record_settings(self.study, SETTINGS_FILE, files, self.settings, self.given, started)

    def end(self) -> None:
        """After the jobs: write where the time went."""
        from myomag.run.run_time import write_run_time

        write_run_time(Path.cwd())

    def renewal(self, root: Path) -> list[str]:
        """Options for Snakemake that make `begin` run where only the record of the settings is out of date.

        As after a comment in the settings file: no result changes, but the lines do that the settings come from.
        """
        return ["--forcerun", "report"] if settings_moved(self.study, root, SETTINGS_FILE) else []

    def remarks(self) -> Iterator[str]:
        """What a user should know before the jobs start, one line each."""
        from myomag.cohort.tables import personal_columns

        yield from self.found.remarks
        yield from (f"{scan.stem}: {scan.problem}" for scan in self.found.scans if scan.problem)
        listed = listed_participants(self.study)
        for participant in self.found.participants if listed is not None else ():
            if participant not in (listed or ()):
                yield f"{participant}: has scans but no row in participants.tsv; add one to join age and sex."
        yield from personal_columns(self.study)
        names = {scan.stem for scan in self.found.scans} | set(self.found.participants)
        for target in self.settings.overrides:
            if target not in names:
                yield f"overrides.{target}: no such participant or scan in the study."


def listed_participants(root: Path) -> set[str] | None:
    """Labels in participants.tsv; None where the file does not exist.

    Raises
    ------
    StudyError
        If the table is malformed or has no column participant_id.
    """
    path = root / "participants.tsv"
    if not os.path.lexists(path):
        return None
    table = read_text_table(path)
    return {label for label, _ in keyed_rows(table, "participant_id", "sub")}


def check_protocols(root: Path) -> None:
    """Refuse a table of protocols that is not the one its step wrote: the jobs get its values, not the file.

    Raises
    ------
    LedgerError
        Naming the table and the remedy.
    """
    try:
        (row,) = read_ledger(root / "ledger" / "protocols" / "all.tsv")
    except (LedgerError, ValueError):
        # Not there or damaged: the step runs again.
        return
    recorded = row.outputs.get(PROTOCOLS, ("", ""))[1]
    if (root / PROTOCOLS).is_file() and sha256_file(root / PROTOCOLS) != recorded:
        raise LedgerError(f"{PROTOCOLS}: changed since step protocols wrote it. Remove it, and it is computed anew.")


def pooled_begin_times(path: Path) -> dict[str, dict[str, Any]]:
    """What protocols.tsv says of the begin time of each protocol: value, SD and spread [µs], and outlying scans.

    Empty while the table has not been made: Snakemake asks once before, and again when it is there.
    """
    if not path.is_file():
        return {}
    table = read_text_table(path)
    rows = (dict(zip(table.columns, row, strict=True)) for row in table.rows)
    return {
        str(row["protocol"]): {
            **{key: float(str(row[key])) for key in ("begin_time_us", "begin_time_sd_us", "spread_us")},
            "outlying": (row["outlying"] or "").split(),
        }
        for row in rows
        if row["begin_time_us"] is not None
    }


def study_settings(study: Path, given: Mapping[str, Any]) -> Settings:
    """Settings of a study: defaults, then its myomag.yaml, then what the command line gave.

    Raises
    ------
    SettingsError
        Naming file, key, value and remedy.
    """
    layers: list[tuple[str, Mapping[str, Any] | Path]] = [("config/config.yaml", CONFIG_DIR / "config.yaml")]
    if os.path.lexists(study / SETTINGS_FILE):
        layers.append((SETTINGS_FILE, study / SETTINGS_FILE))
    layers.append(("--config", {key: _typed(value) for key, value in given.items() if key != "study"}))
    return load_layers(layers, root=study)


def _typed(value: Any) -> Any:
    """A value of --config, whose numbers, booleans and nulls Snakemake leaves as text."""
    if isinstance(value, Mapping):
        return {key: _typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_typed(item) for item in value]
    try:
        typed = yaml.safe_load(value) if isinstance(value, str) and value else value
    except yaml.YAMLError:
        return value
    return value if isinstance(typed, str | Mapping | list | date) else typed


def settings_yaml(settings: Settings) -> bytes:
    """Resolved settings as YAML."""
    return yaml.safe_dump(settings.model_dump(), sort_keys=False, allow_unicode=True, width=120).encode()


@cache
def _made_with(step: str) -> dict[str, Any]:
    """Digest of the code of a step, and versions of the packages it imports, as they are installed."""
    script = SCRIPTS / f"{step}.py"
    return {"code": code_digest(script), "software": software(script)}

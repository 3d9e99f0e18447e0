"""What the Snakefile knows about a study: its settings, its batches, and the plan of each rule."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from myomag import pipeline
from myomag.errors import MyomagError, SettingsError, StudyError
from myomag.io.files import sha256_file
from myomag.io.places import CONFIG_DIR, IN_WHEEL, PACKAGE
from myomag.io.records import canonical
from myomag.ledger.cleanup import remove_unfinished
from myomag.ledger.derivative import check_output
from myomag.ledger.inputs import lost_ratings
from myomag.ledger.pooled import check_protocols, pooled_begin_times
from myomag.ledger.raw import chosen_batches, held_scans, indexed_batches, keep_batches, outgrown, write_index
from myomag.ledger.rows import Row, ledger_path, read_ledger
from myomag.ledger.seal_place import seal_log
from myomag.ledger.spec import resolve
from myomag.run.jobs import one_thread_per_process
from myomag.settings.load import study_settings
from myomag.settings.origins import setting_origins, sources
from myomag.settings.yaml_text import read_yaml
from myomag.study.offer import has_scans, nothing_found
from myomag.study.ratings import Ratings, rating_files, read_ratings, rejection_origins, rejections, with_rejections
from myomag.study.raw_dataset import check_raw
from myomag.study.remarks import study_remarks
from myomag.study.search import Study, find_scans
from myomag.study.selection import selected_scans
from myomag.study.tables import formulas, read_tables

if TYPE_CHECKING:
    from myomag.cohort.readings import ReadTables

MOST_NOTES = 10
"""Largest number of remarks listed singly on the terminal before the rest is counted."""


def study_root(config: Mapping[str, Any]) -> Path:
    """Study folder named by the configuration key `study`.

    Raises
    ------
    SettingsError
        If the key is missing, or does not name a folder, or names a derivative.
    """
    if not config.get("study"):
        raise SettingsError("no study named: add --config study=/path/to/STUDY, or use: myomag run STUDY")
    root = Path(str(config["study"])).expanduser().resolve()
    if not root.is_dir():
        place = "" if str(config["study"]) == str(root) else f" (looked for {root})"
        raise SettingsError(f"study = {config['study']}: no such folder{place}; name the one that contains sub-*.")
    check_raw(root)
    return root


def default_output(study: Path) -> Path:
    """Default derivative folder of a study."""
    return study / "derivatives" / "myomag"


def beyond_defaults(config: Mapping[str, Any]) -> dict[str, Any]:
    """Configuration of a module that differs from the defaults, all of which snakedeploy copies.

    A default in the copy thus does not override the study's myomag.yaml.
    """
    return _beyond(config, read_yaml(CONFIG_DIR / "config.yaml"))


def _beyond(config: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    found = {key: value for key, value in config.items() if key not in defaults or value != defaults[key]}
    for key, value in found.items():
        if isinstance(value, Mapping) and isinstance(defaults.get(key), Mapping):
            found[key] = _beyond(value, defaults[key])
    return found


def prepare_jobs() -> None:
    """Set what jobs inherit: the location of the package and the Snakemake plugin, and one thread each.

    A wheel is found by Python anyway, beside packages that must not precede those of `--sdm conda`.
    """
    if not IN_WHEEL:
        paths = [str(PACKAGE.parent), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
        os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(path for path in paths if path))
    one_thread_per_process()


def go_by_digests(dag_settings: Any) -> None:
    """Make Snakemake compare content, never time stamps.

    Changes of code are detected by the digest in each rule's params; the `code` trigger would use the mtime of the
    scripts, which a fresh clone renews. Inputs are ledgers, compared by checksum whatever their size.

    Parameters
    ----------
    dag_settings : snakemake.settings.types.DAGSettings
        Changed in place, so that it applies however Snakemake was started.
    """
    dag_settings.rerun_triggers = frozenset(t for t in dag_settings.rerun_triggers if t.name != "CODE")
    dag_settings.max_checksum_file_size = 1_000_000_000


@contextmanager
def errors_as(failure: type[Exception]) -> Iterator[None]:
    """Raise errors written for the user as `failure`, which Snakemake shows without a traceback.

    They keep the name of their class, by which `myomag run` recognises them.
    """
    try:
        yield
    except MyomagError as error:
        raise type(type(error).__name__, (failure,), {})(str(error)) from None


def _labels(config: Mapping[str, Any], key: str) -> list[str]:
    """Labels selected in the configuration: one, or a list of them."""
    found = config.get(key) or []
    return [str(label) for label in (found if isinstance(found, list | tuple) else [found])]


class Flow:
    """One run of the pipeline on a study.

    Parameters
    ----------
    config : mapping
        Snakemake's configuration: the default settings, `study`, and the `participants` and `sessions` selected.
    given : mapping
        The part given with --config or --configfile.
    root : Path
        The derivative; None for the study's own.
    """

    def __init__(self, config: Mapping[str, Any], given: Mapping[str, Any], root: Path | None = None) -> None:
        self.study, self.given = study_root(config), given
        self.participants, self.sessions = (_labels(config, key) for key in ("participants", "sessions"))
        self.root = root or default_output(self.study)
        self.settings = study_settings(self.study, given)

    @cached_property
    def ratings(self) -> Ratings:
        """Ratings of scans that the derivative holds."""
        return read_ratings(self.root)

    @cached_property
    def document(self) -> dict[str, Any]:
        """All settings in full, with the scans among the overrides that raters reject."""
        document = self.settings.model_dump()
        return document | {"overrides": with_rejections(document["overrides"], rejections(self.ratings))}

    @cached_property
    def found(self) -> Study:
        """Scans of the study."""
        return find_scans(self.study)

    @cached_property
    def left_out(self) -> set[str]:
        """Scans of the study that are neither selected for this run nor already in the results."""
        if not self.participants and not self.sessions:
            return set()
        selected = selected_scans(self.found, self.participants, self.sessions)
        return {scan.stem for scan in self.found.scans} - selected - held_scans(self.root)

    def check_scans(self) -> None:
        """Refuse a study without scans, before anything is written.

        Raises
        ------
        SettingsError
            With the remedy.
        """
        if not has_scans(self.study) and not self.found.scans:
            raise SettingsError(f"{self.study}: {nothing_found(self.study)}")

    @cached_property
    def batches(self) -> list[str]:
        """Batches with scans."""
        return indexed_batches(self.root)

    def index(self) -> None:
        """Search the study, and bring the raw ledgers in the derivative up to date.

        Raises
        ------
        SettingsError
            If the study has no scans, the folder is not one for a derivative, or the log of seals may not be there.
        LedgerError
            If the table of protocols, which the fits receive, was changed.
        """
        check_output(self.study, self.root)
        check_protocols(self.root)
        # Now, not after hours of fits.
        _ = self.seal_log, self.document
        self.check_scans()
        write_index(self.found, self.root, self._batch_count(), self.left_out)
        if not any(Path(".snakemake", "metadata").glob("*")):
            # Without its records, as in a copy without hidden files, Snakemake would consider results of different
            # settings up to date; it then uses time stamps, and newer raw ledgers make it recompute everything.
            for path in self.root.glob("ledger/raw/*.tsv"):
                path.touch()

    def _batch_count(self) -> int:
        """Number of batches that the participants are split into; a chosen number is kept for later runs."""
        number = self.batch_count()
        if self.settings.batches == "auto":
            keep_batches(self.root, number, len(self.found.scans))
        return number

    def batch_count(self) -> int:
        """Number of batches that the participants are split into."""
        return chosen_batches(self.root, self.settings.batches, len(self.found.scans))

    def ledgers(self, *steps: str, batch: str | None = None) -> list[str]:
        """Ledgers of some steps: those of one batch, or of all."""
        batches = self.batches if batch is None else [batch]
        found = []
        for step in steps:
            batched = pipeline.BY_NAME[step].batched or pipeline.BY_NAME[step].kind == "entry"
            found += [ledger_path(step, each) for each in batches] if batched else [ledger_path(step)]
        return found

    def ledgers_read(self, step: str, batch: str | None = None) -> list[str]:
        """Ledgers that a step reads, that of the tables of the study included."""
        tables = [ledger_path("raw", "tables")] if "table" in pipeline.BY_NAME[step].reads else []
        names = [name for name in pipeline.ledgers_read(step) if name != "raw" or not tables]
        return [*tables, *self.ledgers(*names, batch=batch)]

    @staticmethod
    def files(step: str) -> list[str]:
        """Files of a study-level step whose names are known before it runs."""
        return [file.name for file in pipeline.BY_NAME[step].writes if "*" not in file.name]

    @staticmethod
    def waits_for_protocols(step: str) -> bool:
        """Whether a step uses the pooled begin times, or results made with them."""
        return pipeline.NAMES.index(step) > pipeline.NAMES.index("protocols")

    def spec(self, step: str, batch: str | None = None, rows: Sequence[Row] | None = None) -> str:
        """Settings of a step for one batch or the study, its code and software, as JSON.

        The scans of the batch are those of its raw ledger, or of `rows`, its future content.
        """
        targets = None if batch is None else self._targets(batch, rows)
        pooled = pooled_begin_times(self.root) if pipeline.BY_NAME[step].pooled else None
        return resolve(step, self.document, targets=targets, pooled=pooled).text()

    def _targets(self, batch: str, rows: Sequence[Row] | None) -> set[str]:
        """Participants and scans of a batch, as far as there are overrides that could name them."""
        if not self.document["overrides"]:
            return set()
        rows = read_ledger(self.root / ledger_path("raw", batch)) if rows is None else rows
        return {row.participant_id for row in rows} | {row.scan for row in rows}

    def sources(self) -> str:
        """Origin of the settings, as JSON: files with digests, line numbers, and the command line."""
        typed = {key: value for key, value in self.given.items() if key != "study"}
        read = {path: self.study / path for path in sources(self.study)}
        read |= {path: self.root / path for path in rating_files(self.root)}
        of_settings = setting_origins(pipeline.SETTINGS_FILE, self.study / pipeline.SETTINGS_FILE, self.given)
        content = {
            "read": {path: (path, sha256_file(place)) for path, place in read.items()},
            "origins": rejection_origins(self.ratings) | of_settings,
            # As JSON, which accepts dates from YAML as text.
            "command_line": json.loads(json.dumps(typed, default=str)),
        }
        return canonical(content)

    def begin(self) -> None:
        """Before the jobs start: remove unfinished files of a killed run."""
        remove_unfinished(self.root)

    def end(self) -> list[str]:
        """After the jobs: write where the time went, and seal the record; returns notes on that."""
        from myomag.ledger.seal import seal_run
        from myomag.run.run_time import write_run_time

        write_run_time(self.root)
        return [f"note: {remark}" for remark in seal_run(self.root, self.seal_log, self.sign_key)]

    @cached_property
    def seal_log(self) -> Path | None:
        """Log to which the seal of this run is added."""
        return seal_log(self.study, self.root.resolve(), self.settings.audit, self.given)

    @property
    def sign_key(self) -> Path | None:
        """SSH key that signs the seal."""
        key = self.settings.audit.sign_key
        return self.study / Path(key).expanduser() if key else None

    @cached_property
    def tables(self) -> "ReadTables":
        """Tables of the study for the participants with scans, as read by the analysis."""
        from myomag.cohort.readings import needed_columns, read_used

        settings = self.settings.cohort
        return read_used(read_tables(self.study, self.found.participants, needed_columns(settings)), settings)

    def remarks(self) -> Iterator[str]:
        """What a user should know before the jobs start, one line each."""
        # Jobs do not need it.
        from myomag.cohort.kinds import unknown_labels

        yield from study_remarks(self.found, self.settings.overrides, self.ratings)
        yield from (f"{path}: gone since the last run, and its ratings with it." for path in lost_ratings(self.root))
        yield from (f"{file}: {problem}" for file, problem in self._table_problems())
        if remark := unknown_labels((scan.stem for scan in self.found.scans), self.settings.cohort.kind):
            yield remark
        if self.settings.batches == "auto" and (remark := outgrown(self.root, len(self.found.scans))):
            yield remark

    def _table_problems(self) -> list[tuple[str, str]]:
        """File and problem of cells that the analysis, or a spreadsheet, cannot use as they are."""
        try:
            return [*self.tables.problems(), *formulas(self.tables.tables)]
        except StudyError:
            # Reported where the tables are read.
            return []

    def notes(self) -> list[str]:
        """The first remarks as notes, and the number of the others."""
        remarks = list(self.remarks())
        shown = remarks if len(remarks) <= MOST_NOTES else remarks[: MOST_NOTES - 1]
        left = len(remarks) - len(shown)
        more = [f"… and {left} more; see them all with: myomag check STUDY"] if left else []
        return [f"note: {remark}" for remark in [*shown, *more]]

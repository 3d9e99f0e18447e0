"""What the Snakefile knows of a study: its settings, its batches, and one canonical string of settings per job."""

import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from myomag import __version__
from myomag.config import Settings, load_layers
from myomag.errors import MyomagError, SettingsError
from myomag.files import write_if_changed
from myomag.index import write_index
from myomag.io.records import read_record, record_bytes
from myomag.ledger import Row, batch_of, ledger_path, read_ledger, sweep
from myomag.provenance import PACKAGE, canonical, code_digest
from myomag.study import Study, find_scans, listed_participants

SCRIPTS = PACKAGE.parent / "scripts"
SETTINGS_FILE = "myomag.yaml"
BEYOND_BIDS = ("*_desc-*", "config.yaml", "cohort.*", "exclusions.*", "statistics.*", "demographics.*")
BEYOND_BIDS += ("ledger", "report", "logs", "benchmarks")
"""What the derivative holds beside the files that BIDS has rules for."""

SECTIONS = {"cohort": ("cohort",)} | dict.fromkeys(("pages", "report"), ("qc", "magnesium", "cohort", "report"))
"""Settings sections that the rules behind the scan-level steps use, beside the rejections."""


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
        raise SettingsError(f"study = {config['study']}: no such folder.")
    return root


def default_output(study: Path) -> Path:
    """Derivative folder of a study unless another one is named."""
    return study / "derivatives" / "myomag"


def prepare_jobs() -> None:
    """Set what jobs inherit: where the package lies, and one thread each, because more gain no speed."""
    paths = [str(PACKAGE.parent), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")


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


def open_flow(config: Mapping[str, Any], given: Mapping[str, Any], *, failure: type[Exception]) -> "Flow":
    """Flow of the study that the configuration names; errors for the user are raised as `failure`."""
    try:
        return Flow(config, given)
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
        self.study = study_root(config)
        self.settings = study_settings(self.study, config, given)

    @property
    def default_output(self) -> Path:
        """Derivative folder used unless another one is named."""
        return default_output(self.study)

    @cached_property
    def found(self) -> Study:
        """Scans of the study."""
        return find_scans(self.study)

    def index(self) -> None:
        """Bring the raw ledgers up to date."""
        write_index(self.found, Path.cwd(), self.settings.batches)

    @cached_property
    def batches(self) -> list[str]:
        """Batches that hold scans."""
        return [str(b) for b in sorted({batch_of(p, self.settings.batches) for p in self.found.participants})]

    def ledgers(self, *steps: str) -> list[str]:
        """Ledgers of all batches of the steps named."""
        return [ledger_path(step, batch) for step in steps for batch in self.batches]

    def step_spec(self, step: str, batch: str) -> str:
        """Settings of a scan-level step, overrides of the scans of one batch, and the digest of the code, as JSON."""
        rows = self._rows(batch)
        targets = {row.participant_id for row in rows} | {row.scan for row in rows}
        overrides = {
            target: content[step]
            for target, content in self.settings.overrides.items()
            if target in targets and step in content
        }
        return canonical(
            {"settings": self.settings.model_dump()[step], "overrides": overrides, "code": _code(step)}
        )

    def study_spec(self, step: str) -> str:
        """Settings of a step that sees the whole study, rejections by hand, and the digest of its code, as JSON."""
        document = self.settings.model_dump()
        settings = {section: document[section] for section in SECTIONS[step]}
        reject = {t: content["reject"] for t, content in self.settings.overrides.items() if "reject" in content}
        return canonical({"settings": settings, "reject": reject, "code": _code(step)})

    def begin(self) -> None:
        """Before the jobs start: remove results of scans that left the study, describe the derivative."""
        root = Path.cwd()
        sweep(root, self.batches)
        write_if_changed(root, "config.yaml", settings_yaml(self.settings))
        for name, content in derivative_description(self.study).items():
            write_if_changed(root, name, content)

    def remarks(self) -> Iterator[str]:
        """What a user should know before the jobs start, one line each."""
        yield from self.found.remarks
        yield from (f"{scan.stem}: {scan.problem}" for scan in self.found.scans if scan.problem)
        listed = listed_participants(self.study)
        for participant in self.found.participants if listed is not None else ():
            if participant not in (listed or ()):
                yield f"{participant}: has scans but no row in participants.tsv; add one to join age and sex."
        names = {scan.stem for scan in self.found.scans} | set(self.found.participants)
        for target in self.settings.overrides:
            if target not in names:
                yield f"overrides.{target}: no such participant or scan in the study."

    def _rows(self, batch: str) -> list[Row]:
        return read_ledger(Path(ledger_path("raw", batch)))


def derivative_description(study: Path) -> dict[str, bytes]:
    """Files that describe the derivative as a dataset, by name."""
    source = study / "dataset_description.json"
    name = read_record(source).get("Name", "a study") if source.is_file() else "a study"
    description = {
        "Name": f"myomag: muscle magnesium and pH of {name}",
        "BIDSVersion": "1.10.0",
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "myomag", "Version": __version__}],
    }
    meanings = {
        "preproc": "average of the aligned transients, PCr at 0 ppm",
        "quality": "quality metrics of the averaged spectrum and the verdict with its reasons",
        "amares": "lines of the AMARES fit with their covariance",
        "magnesium": "pH and free magnesium with intervals",
    }
    rows = ["desc_id\tdescription", *(f"desc-{key}\t{value}" for key, value in meanings.items())]
    return {
        "dataset_description.json": record_bytes(description),
        "descriptions.tsv": ("\n".join(rows) + "\n").encode(),
        ".bidsignore": ("\n".join(BEYOND_BIDS) + "\n").encode(),
    }


def study_settings(study: Path, config: Mapping[str, Any], given: Mapping[str, Any]) -> Settings:
    """Settings of a study: defaults, then its myomag.yaml, then what the command line gave.

    Raises
    ------
    SettingsError
        Naming file, key, value and remedy.
    """
    path = study / SETTINGS_FILE
    layers: list[tuple[str, Mapping[str, Any] | Path]] = [
        ("config/config.yaml", _without_study(config, dict(given))),
        (SETTINGS_FILE, path),
        ("--config", _without_study(given, {})),
    ]
    return load_layers([layer for layer in layers if layer[1] != path or os.path.lexists(path)], root=study)


def settings_yaml(settings: Settings) -> bytes:
    """Resolved settings as YAML."""
    import yaml

    return yaml.safe_dump(settings.model_dump(), sort_keys=False, allow_unicode=True, width=120).encode()


def _without_study(config: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key != "study" and key not in given}


def _code(step: str) -> str:
    return code_digest(SCRIPTS / f"{step}.py")

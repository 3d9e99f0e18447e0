"""The plan holds together, and everything that a step needs elsewhere is there, and nothing else."""

import ast
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from myomag import pipeline
from myomag.io.nifti_mrs import MrsData, nifti_mrs_bytes
from myomag.io.places import REPOSITORY, SCRIPTS
from myomag.io.records import record_bytes
from myomag.io.scan_records import BeginTime, read_scan_record
from myomag.ledger.harness import arguments
from myomag.ledger.rows import Row, output_path
from myomag.ledger.spec import Spec, resolve
from myomag.pipeline import BY_NAME, NAMES, SCAN_STEPS, STEPS, Step
from myomag.settings.audit import AuditSettings
from myomag.settings.base import Section
from myomag.settings.load import load_settings
from myomag.settings.models import SCAN_SECTIONS, Settings
from myomag.simulate.synthetic import ScanTruth, resting_muscle, simulate_scan
from series_samples import series, write_series

RULES = [path for path in (REPOSITORY / "rules").glob("*.smk") if path.stem != "common"]
RULED = set(NAMES[1:])
SCAN = "sub-1_ses-1_acq-fid_unloc"


# --- roles


@pytest.mark.parametrize("step", STEPS[1:], ids=NAMES[1:])
def test_each_role_a_step_reads_was_written_by_an_earlier_step_and_reaches_it(step: Step) -> None:
    assert step.reads
    for role in step.reads:
        source = pipeline.writer(role, step.name)
        assert NAMES.index(source) < NAMES.index(step.name)
        assert source in pipeline.ledgers_read(step.name)
        # A job of one batch has ledgers of batches alone.
        assert not step.batched or BY_NAME[source].kind in ("entry", "scan")


def test_role_that_no_earlier_step_writes_is_an_error() -> None:
    with pytest.raises(KeyError, match="no step before qc writes magnesium"):
        pipeline.writer("magnesium", "qc")


def test_file_that_a_sidecar_describes_is_written_beside_it() -> None:
    for step in STEPS:
        roles = {file.role for file in step.writes}
        assert {file.describes for file in step.writes if file.describes} <= roles


def test_each_file_of_a_scan_is_read_by_a_later_step() -> None:
    read = {(pipeline.writer(role, step.name), role) for step in STEPS[1:] for role in step.reads}
    assert {(step.name, file.role) for step in STEPS if step.kind in ("entry", "scan") for file in step.writes} <= read


# --- rules, scripts, modules


def test_each_step_has_a_rule_and_a_script_and_each_of_them_a_step() -> None:
    rules = {path.stem: path.read_text(encoding="utf-8") for path in RULES}
    assert set(rules) == {path.stem for path in SCRIPTS.glob("*.py")} == RULED
    for name, text in rules.items():
        assert re.findall(r"^(?:rule|checkpoint) (\w+):$", text, re.MULTILINE) == [name]
        assert f'"../workflow/scripts/{name}.py"' in text
        assert set(re.findall(r'(?:spec|ledgers|ledgers_read|files)\("(\w+)"\)', text)) == {name}
        assert set(re.findall(r"ledger/(\w+)/", text)) == {name}


@pytest.mark.parametrize("step", STEPS[1:], ids=NAMES[1:])
def test_script_of_a_step_calls_its_module(step: Step) -> None:
    text = (SCRIPTS / f"{step.name}.py").read_text(encoding="utf-8")
    assert re.findall(r"^from myomag\.steps\.(\w+) import", text, re.MULTILINE) == [step.name]
    assert ("run_scans" in text) == (step.kind == "scan")
    assert ("write_participants" in text) == (step.kind == "participant")
    assert ("write_study" in text) == (step.kind == "study")


@pytest.mark.parametrize("step", SCAN_STEPS)
def test_function_of_a_scan_level_step_takes_what_the_plan_gives_it(step: str) -> None:
    plan = BY_NAME[step]
    parameters = inspect.signature(function_of(step), eval_str=True).parameters
    assert list(parameters) == ["scan", "inputs", "settings", *["pooled"] * plan.pooled]
    model = parameters["settings"].annotation
    models = [model] if len(plan.sections) == 1 else [model.model_fields[name].annotation for name in plan.sections]
    assert models == [SCAN_SECTIONS[name] for name in plan.sections]


def function_of(step: str) -> Callable[..., dict[str, bytes]]:
    function: Callable[..., dict[str, bytes]] = getattr(import_module(f"myomag.steps.{step}"), f"{step}_scan")
    return function


# --- names


def test_no_two_files_of_a_scan_have_the_same_name() -> None:
    row = Row(SCAN, "sub-1", "ses-1")
    names = [output_path(file, row) for name in SCAN_STEPS for file in BY_NAME[name].writes]
    assert len(set(names)) == len(names)
    form = r"sub-1/ses-1/mrs/sub-1_ses-1_acq-fid(_desc-[a-z0-9]+)?_(unloc|mrs|fit)\.(nii\.gz|json)"
    assert [name for name in names if not re.fullmatch(form, name)] == []


def test_names_of_steps_and_files_are_told_apart_and_described() -> None:
    assert len(set(NAMES)) == len(NAMES)
    names = [file.name for step in STEPS if step.kind in ("study", "participant") for file in step.writes]
    assert len(set(names)) == len(names)
    assert all(step.purpose and all(file.description for file in step.writes) for step in STEPS)
    assert all(len({file.role for file in step.writes}) == len(step.writes) for step in STEPS)


def test_the_plan_imports_nothing_heavy() -> None:
    tree = ast.parse(Path(pipeline.__file__).read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert {getattr(node, "module", None) for node in imports} <= {"dataclasses", "typing"}


# --- settings


def keys() -> Iterator[str]:
    """All settings, those of the sections by section and key."""
    for name, field in Settings.model_fields.items():
        model = field.annotation
        if isinstance(model, type) and issubclass(model, Section):
            yield from (f"{name}.{key}" for key in model.model_fields)
        else:
            yield name


def declared(step: Step) -> set[str]:
    """Settings that a step declares, whole sections by their keys."""
    return {key for key in keys() if key in step.settings or key.partition(".")[0] in step.settings}


def test_settings_that_a_step_declares_exist() -> None:
    known = set(keys()) | set(Settings.model_fields)
    assert {key for step in STEPS for key in step.settings} <= known


def test_each_setting_is_declared_by_the_step_that_computes_with_it() -> None:
    """Study-level steps see the settings of scans to say in a text what was done; seals are no result."""
    of_scans = set().union(*(declared(BY_NAME[name]) for name in SCAN_STEPS))
    assert of_scans == {key for key in keys() if key.partition(".")[0] in SCAN_SECTIONS}
    others = set().union(*(declared(step) for step in STEPS if step.kind != "scan" and step is not pipeline.SETTINGS))
    assert set(keys()) - of_scans - others == {
        "batches",
        "overrides",
        *(f"audit.{key}" for key in AuditSettings.model_fields),
    }


def test_setting_changes_the_spec_of_exactly_the_steps_that_declare_it() -> None:
    document = load_settings().model_dump()
    before = {name: resolve(name, document).text() for name in NAMES[1:]}
    for key in set(keys()) - {"overrides"}:
        section, _, name = key.partition(".")
        changed = document | {section: document[section] | {name: "changed"} if name else "changed"}
        found = {step for step in before if resolve(step, changed).text() != before[step]}
        assert found == {step.name for step in STEPS if key in declared(step)}, key


VARIANTS: tuple[dict[str, dict[str, Any]], ...] = (
    {},
    {"magnesium": {"t1_s": {"PCr": 6.5, "gamma-ATP": 4.0}}},
    {"fit": {"fit_begin_time": False}},
    {
        "fit": {"pool_begin_time": False, "begin_time_us": 200.0, "skip_time_us": 500.0},
        "qc": {"align_transients": False},
    },
)


class Noted:
    """What a scan-level step read: settings of a section that holds all, and roles of files."""

    def __init__(self) -> None:
        self.settings: set[str] = set()
        self.roles: set[str] = set()

    def section(self, model: type[Section], values: Mapping[str, Any], name: str) -> Section:
        """Section that notes what is read of it, and not what its own validation reads."""
        noting: list[bool] = []
        read = self.settings

        class Noting(model):  # type: ignore[misc, valid-type]
            def __getattribute__(self, key: str) -> Any:
                if key in model.model_fields and noting:
                    read.add(f"{name}.{key}")
                return super().__getattribute__(key)

        given: Section = Noting.only(values)
        noting.append(True)
        return given

    def files(self, files: Mapping[str, Path]) -> Mapping[str, Path]:
        """Files that note which of them are read."""
        read = self.roles

        class Noting(dict[str, Path]):
            def __getitem__(self, role: str) -> Path:
                read.add(role)
                return super().__getitem__(role)

        return Noting(files)


@pytest.fixture(scope="module")
def noted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Noted]:
    """What each scan-level step read, over scans under several settings."""
    read = {name: Noted() for name in SCAN_STEPS}
    document = load_settings().model_dump()
    for changes in VARIANTS:
        values = {section: document[section] | changes.get(section, {}) for section in SCAN_SECTIONS}
        _analyse(_raw_files(tmp_path_factory.mktemp("scan")), values, read)
    values = {section: document[section] for section in SCAN_SECTIONS}
    _analyse(_files_of_series(tmp_path_factory.mktemp("series")), values, read)
    return read


def _analyse(files: dict[str, Path], values: Mapping[str, Mapping[str, Any]], read: Mapping[str, Noted]) -> None:
    """Take one simulated scan through all steps, and note what each reads."""
    folder = files["raw"].parent
    for plan in (BY_NAME[name] for name in SCAN_STEPS):
        pooled = {read_scan_record(files["begintime"], BeginTime).protocol: POOLED} if plan.pooled else {}
        spec = Spec(plan.name, {section: values[section] for section in plan.sections}, pooled=pooled)
        given, note = arguments(function_of(plan.name), spec, "", SCAN), read[plan.name]
        model = type(given["settings"])
        if len(plan.sections) == 1:
            given["settings"] = note.section(model, values[plan.sections[0]], plan.sections[0])
        else:
            parts = {name: note.section(SCAN_SECTIONS[name], values[name], name) for name in plan.sections}
            given["settings"] = model.model_construct(**parts)
        inputs = note.files({role: files[role] for role in plan.reads if role in files})
        made = function_of(plan.name)(SCAN, inputs, **given)
        for file in (file for file in plan.writes if file.role in made):
            files[file.role] = folder / Path(output_path(file, Row(SCAN, "sub-1", "ses-1"))).name
            files[file.role].write_bytes(made[file.role])


POOLED = {"begin_time_us": 240.0, "begin_time_sd_us": 2.0, "spread_us": 1.0, "outlying": []}


def _raw_files(folder: Path) -> dict[str, Path]:
    truth = ScanTruth(resting_muscle(pi_ppm=4.82, beta_atp_ppm=-15.9), points=1024, transients=4, begin_time_s=240e-6)
    fid = simulate_scan(truth, np.random.default_rng(1))[:, :, None]
    data = MrsData(fid.astype(np.complex64), truth.dwell_time_s, truth.spectrometer_frequency_mhz, "31P", {})
    files = {"raw": folder / "raw.nii.gz", "sidecar": folder / "raw.json"}
    files["raw"].write_bytes(nifti_mrs_bytes(data))
    files["sidecar"].write_bytes(record_bytes({"EchoTime": 240e-6, "RepetitionTime": 2.0, "FlipAngle": 60.0}))
    return files


def _files_of_series(folder: Path) -> dict[str, Path]:
    raw = write_series(folder, series(rng=np.random.default_rng(1)))
    (events,) = folder.glob("*_events.tsv")
    return {"raw": raw, "events": events}


@pytest.mark.parametrize("step", SCAN_STEPS)
def test_scan_level_step_reads_the_settings_and_files_it_declares_and_no_others(
    noted: dict[str, Noted], step: str
) -> None:
    assert noted[step].settings == declared(BY_NAME[step])
    assert noted[step].roles == set(BY_NAME[step].reads)

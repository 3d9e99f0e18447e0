"""What a step's result depends on: the digest of its code, and which modules it may import at all."""

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

import myomag
from myomag.ledger import code
from myomag.ledger.activity import environment
from myomag.ledger.code import code_digest, software
from myomag.pipeline import BY_NAME, SCAN_STEPS
from myomag.settings.models import Settings

REPOSITORY = Path(__file__).resolve().parents[3]
PACKAGE = REPOSITORY / "workflow" / "myomag"
SCRIPTS = REPOSITORY / "workflow" / "scripts"
HEAVY = ("pandas", "jinja2", "typer", "rich", "statsmodels", "snakemake", "pydicom")
HEAVY_PARTS = ("scipy.linalg", "scipy.special", "scipy.optimize", "scipy.stats")

TREE = {
    "scripts/step.py": "from myomag.steps.fit import fit_scan\nfrom myomag.run.jobs import job_log\n",
    "myomag/__init__.py": '__version__ = "1"\n',
    "myomag/pipeline.py": "STEPS = ('fit',)\n",
    "myomag/steps/__init__.py": "",
    "myomag/steps/fit.py": '''"""Step fit."""

import numpy as np

from myomag import pipeline
from myomag.core.amares import fit_amares


def fit_scan(scan):
    """Fit one scan."""
    # A remark.
    from myomag.io import records

    return records.write(fit_amares(scan, 1.0))


class Empty(Exception):
    """Only a docstring."""
''',
    "myomag/core/__init__.py": "",
    "myomag/core/amares.py": "import myomag.core.axes as axes\n\n\ndef fit_amares(x, y):\n    return axes.f(x) + y\n",
    "myomag/core/axes.py": "def f(x):\n    return 'x' + x\n",
    "myomag/core/other.py": "A = 1\n",
    "myomag/io/__init__.py": "",
    "myomag/io/records.py": "from myomag.report import page\n\n\ndef write(x):\n    return x\n",
    "myomag/report/__init__.py": "",
    "myomag/report/page.py": "def page():\n    return 1\n",
    "myomag/report/templates/base.html.j2": "<p>{{ x }}</p>\n",
    "myomag/cohort/__init__.py": "",
    "myomag/cohort/templates/other.j2": "other\n",
    "myomag/cohort/statistics.py": "B = 1\n",
    "myomag/run/__init__.py": "",
    "myomag/run/jobs.py": "def job_log():\n    pass\n",
}


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with one step in place of the real one."""
    for name, text in TREE.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(code, "PACKAGE", tmp_path / "myomag")
    return tmp_path


def current(tree: Path) -> str:
    """Digest as a new process would find it."""
    for function in (code._imports, code._source):
        function.cache_clear()
    return code_digest(tree / "scripts/step.py")


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


HARMLESS = {
    "comment": ("myomag/steps/fit.py", "# A remark.", "# Another remark, much longer."),
    "docstring of a module": ("myomag/steps/fit.py", '"""Step fit."""', '"""Something else."""'),
    "docstring of a function": ("myomag/steps/fit.py", '    """Fit one scan."""\n', ""),
    "docstring of a class": ("myomag/steps/fit.py", '"""Only a docstring."""', '"""Still only one."""'),
    "formatting": (
        "myomag/core/amares.py",
        "return axes.f(x) + y",
        "return (\n        axes.f( x )\n        + y\n    )",
    ),
    "quotes": ("myomag/core/axes.py", "'x'", '"x"'),
    "blank lines": ("scripts/step.py", "\n", "\n\n"),
    "plan, of which spec.step_code counts the entry of the step": (
        "myomag/pipeline.py",
        "('fit',)",
        "('fit', 'new')",
    ),
    "module outside the closure": ("myomag/core/other.py", "A = 1", "A = 2"),
    "package outside the closure": ("myomag/cohort/statistics.py", "B = 1", "B = 2"),
    "template outside the closure": ("myomag/cohort/templates/other.j2", "other", "another"),
}
REAL = {
    "script": ("scripts/step.py", "job_log\n", "job_log\nA = 1\n"),
    "step": ("myomag/steps/fit.py", "1.0", "2.0"),
    "imported by the step": ("myomag/core/amares.py", "+ y", "- y"),
    "imported under another name": ("myomag/core/axes.py", "'x'", "'z'"),
    "imported inside a function": ("myomag/io/records.py", "return x", "return x, x"),
    "imported from there": ("myomag/report/page.py", "return 1", "return 2"),
    "template of an imported package": ("myomag/report/templates/base.html.j2", "<p>", "<b>"),
    "package file": ("myomag/core/__init__.py", "", "X = 1\n"),
    "version": ("myomag/__init__.py", '"1"', '"2"'),
    "text that only looks like a docstring": ("myomag/core/axes.py", "    return", '    y = "doc"\n    return'),
}


@pytest.mark.parametrize("case", HARMLESS)
def test_what_does_not_change_the_result_does_not_change_the_digest(case: str, tree: Path) -> None:
    before = current(tree)
    name, old, new = HARMLESS[case]
    replace(tree / name, old, new)
    assert current(tree) == before


@pytest.mark.parametrize("case", REAL)
def test_every_real_edit_in_the_closure_changes_the_digest(case: str, tree: Path) -> None:
    before = current(tree)
    name, old, new = REAL[case]
    replace(tree / name, old, new)
    assert current(tree) != before


def test_touch_and_another_place_do_not_change_the_digest(
    tree: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = current(tree)
    for path in tree.rglob("*"):
        os.utime(path, (1, 1))
    assert current(tree) == before
    moved = tmp_path_factory.mktemp("clone") / "workflow"
    tree.rename(moved)
    monkeypatch.setattr(code, "PACKAGE", moved / "myomag")
    assert current(moved) == before


def test_new_template_changes_the_digest(tree: Path) -> None:
    before = current(tree)
    (tree / "myomag/report/templates/new.css").write_text("p {}")
    assert current(tree) != before


def test_closure_of_the_real_steps_is_as_wide_as_python_itself_finds() -> None:
    """Modules that Python loads for a step and the closure does not know would change results unnoticed."""
    for step in SCAN_STEPS:
        loaded = set(_modules_after(f"import myomag.ledger.harness, myomag.steps.{step}"))
        files = {path for name in loaded if name.split(".")[0] == "myomag" for path in _files(name)}
        known = code._closure(SCRIPTS / f"{step}.py")
        assert files - known == {PACKAGE / "pipeline.py"}


@pytest.mark.parametrize("step", SCAN_STEPS)
def test_an_edit_of_the_report_leaves_the_scan_level_steps_alone(step: str) -> None:
    closure = code._closure(SCRIPTS / f"{step}.py")
    folders = {path.relative_to(PACKAGE).parts[0] for path in closure if path.is_relative_to(PACKAGE)}
    assert folders.isdisjoint({"report", "cohort", "cli.py", "audit", "single", "simulate"})


def test_an_edit_of_the_report_leaves_the_tables_of_the_cohort_alone() -> None:
    closure = code._closure(SCRIPTS / "cohort.py")
    folders = {path.relative_to(PACKAGE).parts[0] for path in closure if path.is_relative_to(PACKAGE)}
    assert folders.isdisjoint({"report", "cli.py", "audit", "single", "simulate"})


@pytest.mark.parametrize("step", SCAN_STEPS)
def test_a_new_setting_of_one_section_leaves_the_steps_of_the_others_alone(step: str) -> None:
    closure = code._closure(SCRIPTS / f"{step}.py")
    modules = {path.stem for path in closure if path.parent == PACKAGE / "settings"}
    assert modules == {"__init__", "base", *BY_NAME[step].sections}


@pytest.mark.parametrize("step", SCAN_STEPS)
def test_what_is_done_with_results_leaves_the_scan_level_steps_alone(step: str) -> None:
    closure = code._closure(SCRIPTS / f"{step}.py")
    modules = {path.stem for path in closure if path.parent == PACKAGE / "ledger"}
    assert modules == {"__init__", "activity", "chained", "code", "harness", "keep", "rows", "sidecars", "spec"}


def test_the_fit_is_not_computed_again_for_the_magnesium_code() -> None:
    closures = {step: code._closure(SCRIPTS / f"{step}.py") for step in SCAN_STEPS}
    assert PACKAGE / "core" / "amares.py" in closures["fit"]
    assert PACKAGE / "core" / "amares.py" not in closures["magnesium"]
    assert PACKAGE / "core" / "families.py" not in closures["fit"] | closures["qc"] | closures["convert"]


@pytest.mark.parametrize("script", sorted(path.stem for path in SCRIPTS.glob("*.py")))
def test_versions_of_all_packages_that_a_step_imports_are_known_and_recorded(script: str) -> None:
    found = software(SCRIPTS / f"{script}.py")
    assert found.pop("python") == ".".join(map(str, sys.version_info[:2]))
    assert found["pydantic"] == version("pydantic")
    assert found.items() <= environment()["packages"].items()


def test_packages_imported_inside_functions_and_by_other_modules_count(tree: Path) -> None:
    assert set(software(tree / "scripts/step.py")) == {"python", "numpy"}
    (tree / "myomag/report/page.py").write_text("def page():\n    from yaml.loader import Loader\n    import json\n")
    code._source.cache_clear()
    assert set(software(tree / "scripts/step.py")) == {"python", "numpy", "pyyaml"}


def _files(name: str) -> Iterator[Path]:
    path = PACKAGE.parent.joinpath(*name.split("."))
    yield path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _modules_after(code: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(PACKAGE.parent)},
    )
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def _imports(path: Path, *, lazy: bool) -> set[str]:
    """Modules a file imports; without `lazy` only those needed to import the file itself."""
    found: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and not lazy:
            continue
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        waiting += ast.iter_child_nodes(node)
    return found


def test_core_imports_arrays_and_itself_only() -> None:
    allowed = {"numpy", "scipy"} | set(sys.stdlib_module_names) - {"pathlib", "os", "shutil", "tempfile"}
    for path in (PACKAGE / "core").rglob("*.py"):
        for name in _imports(path, lazy=True):
            top = name.split(".")[0]
            assert top in allowed or name.startswith("myomag.core"), f"{path.name} imports {name}"


def test_core_opens_no_file() -> None:
    for path in (PACKAGE / "core").rglob("*.py"):
        assert {name.split(".")[0] for name in _imports(path, lazy=True)}.isdisjoint({"os", "pathlib", "shutil"}), path
        calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        called = {ast.unparse(node.func).split(".")[-1] for node in calls}
        assert called.isdisjoint({"open", "read_text", "write_text", "loadtxt", "fromfile"}), path.name


def test_core_raises_value_errors_only() -> None:
    for path in (PACKAGE / "core").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        own = {node.name for node in tree.body if isinstance(node, ast.ClassDef) and _is_value_error(node)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Raise) and node.exc is not None:
                raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
                assert ast.unparse(raised) in {"ValueError"} | own, f"{path.name}: {ast.unparse(raised)}"


def _is_value_error(node: ast.ClassDef) -> bool:
    return [ast.unparse(base) for base in node.bases] == ["ValueError"]


def test_core_knows_no_settings_key() -> None:
    sections = {name: field.annotation for name, field in Settings.model_fields.items()}
    keys = {f"{name}.{key}" for name, model in sections.items() for key in getattr(model, "model_fields", ())}
    assert "convert.conjugate" in keys
    for path in (PACKAGE / "core").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert [key for key in keys if re.search(rf"\b{key}\b", text)] == [], path.name


@pytest.mark.parametrize("step", SCAN_STEPS)
def test_scan_level_steps_import_nothing_heavy_by_their_source(step: str) -> None:
    for path in code._closure(SCRIPTS / f"{step}.py"):
        if path.suffix == ".py":
            heavy = {name for name in _imports(path, lazy=False) if name.split(".")[0] in HEAVY}
            assert heavy == set(), f"{path.name} imports {heavy}"


@pytest.mark.parametrize("step", SCAN_STEPS)
def test_scan_level_steps_load_nothing_heavy(step: str) -> None:
    modules = _modules_after(f"import myomag.ledger.harness, myomag.steps.{step}")
    assert [name for name in modules if name in HEAVY + HEAVY_PARTS] == []


def test_the_command_starts_without_the_science() -> None:
    assert [
        name for name in _modules_after("import myomag.cli") if name in ("numpy", "scipy", "pandas", "nibabel")
    ] == []


def test_no_module_is_imported_in_a_way_the_digest_cannot_follow() -> None:
    steps = {path for script in SCRIPTS.glob("*.py") for path in code._closure(script)}
    for path in (REPOSITORY / "workflow").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.ImportFrom) and node.level), f"{path.name}: relative import"
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("myomag"):
                assert all(alias.name != "*" for alias in node.names), f"{path.name}: import *"
            if isinstance(node, ast.ImportFrom) and node.module == "myomag":
                # Its own loads these by name, for people; a step that took them would rest on what is not followed.
                assert {alias.name for alias in node.names}.isdisjoint(myomag.__all__), path.name
            if isinstance(node, ast.Call) and path in steps - {PACKAGE / "__init__.py"}:
                called = ast.unparse(node.func)
                assert called not in ("__import__", "import_module", "importlib.import_module"), path.name

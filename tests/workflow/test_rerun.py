"""The workflow as a whole: what it writes, what each change makes it do again, and the same bytes whatever happens."""

import os
import re
import shlex
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from lab import ALL, BATCHES, ONCE, PARTICIPANTS, STEM, Lab, expected, with_package
from myomag import pipeline
from myomag.ledger.rows import batch_of
from myomag.simulate.demo import write_demo
from running import differing, finished, myomag, results, snakemake


def files_of(participant: str) -> set[str]:
    base = STEM.format(participant).removesuffix("_unloc")
    files = (file for step in pipeline.STEPS if step.kind == "scan" for file in step.writes)
    names = {file.name for file in files if not file.optional}
    return {
        f"{participant}/ses-1/mrs/" + name.format(stem=f"{base}_unloc", base=base, suffix="unloc") for name in names
    }


# --- end to end


def test_outputs_of_a_run(original: Lab) -> None:
    used = sorted({batch_of(f"sub-{i:03d}", BATCHES) for i in range(1, PARTICIPANTS + 1)})
    assert used == list(range(BATCHES))
    steps = [step for step in pipeline.STEPS if step.kind == "study"]
    wanted = {file.name for step in steps for file in step.writes if "*" not in file.name}
    assert len(wanted) == 48
    wanted |= {f"report/sub-{i:03d}.html" for i in range(1, PARTICIPANTS + 1)}
    wanted |= {
        f"ledger/{step.name}/batch-{batch}.tsv" for step in pipeline.STEPS if step not in steps for batch in used
    }
    wanted |= {f"ledger/{step.name}/all.tsv" for step in steps} | {"ledger/raw/tables.tsv"}
    for participant in ("sub-001", "sub-002", "sub-004"):
        wanted |= files_of(participant)
    found = set(results(original.derivative))
    # Which figures there are is up to what the models can estimate.
    figures = {path for path in found if path.startswith("report/figures/")}
    assert "report/figures/participants_flow.svg" in figures
    assert {path.replace(".svg", ".csv") for path in figures} == {path for path in figures if path.endswith(".csv")}
    found -= figures
    assert found == wanted
    assert finished(original.derivative) == expected(*ALL)


def test_corrupt_scan_fails_alone_and_is_accounted_for(original: Lab) -> None:
    lines = (original.derivative / "exclusions.tsv").read_text().splitlines()
    columns = lines[0].split("\t")
    rows = [dict(zip(columns, line.split("\t"), strict=True)) for line in lines[1:]]
    assert {row["participant_id"]: row["status"] for row in rows} == {
        "sub-001": "included",
        "sub-002": "included",
        "sub-003": "failed",
        "sub-004": "included",
    }
    (failed,) = [row for row in rows if row["status"] == "failed"]
    assert failed["step"] == "convert"
    assert "truncated" in failed["reason"]


# --- what is done again


def test_nothing_is_done_again_without_a_change_of_content(lab: Lab, original: Lab) -> None:
    """A second run, a copy of everything at another place, time stamps renewed: nothing."""
    assert lab.planned() == {}
    for path in lab.root.rglob("*"):
        if ".snakemake" not in path.parts and path.is_file():
            path.touch()
    assert lab.planned() == {}
    outcome = lab.run()
    assert outcome.returncode == 0
    assert "Nothing to be done" in outcome.stdout
    assert differing(results(lab.derivative), results(original.derivative)) == []


def test_results_without_the_records_of_snakemake_are_not_trusted(lab: Lab, original: Lab) -> None:
    """As in a copy without hidden files: nobody could tell which settings the results are from."""
    shutil.rmtree(lab.derivative / ".snakemake")
    shutil.rmtree(lab.derivative / ".myomag")
    assert lab.planned() == expected(*ALL)
    assert lab.done() == expected(*ALL)
    assert differing(results(lab.derivative), results(original.derivative)) == []
    assert lab.planned() == {}


AFTER_QC = tuple(step for step in ALL if step not in ("settings", "convert", "qc"))
JUDGED = ("verdict", "magnesium", "series", "cohort", "pages", "report")
CHANGED_SETTING = {
    "convert": ("convert={'conjugate': true}", ALL),
    "qc": ("qc={'outlier_z': 4}", ("settings", "qc", *AFTER_QC)),
    "threshold": ("qc={'min_snr': 4}", ("settings", *JUDGED)),
    "warning": ("qc={'warn_snr': 14}", ("settings", *JUDGED)),
    "begin time": ("fit={'begin_time_us': 150}", ("settings", *AFTER_QC)),
    "magnesium": (
        "magnesium={'ph_calibration': petroff1985}",
        ("settings", "magnesium", "series", "cohort", "pages", "report"),
    ),
    "cohort": ("cohort={'max_p_undefined': 0.2}", ("settings", "cohort", "pages", "report")),
    "report": ("report={'title': Another}", ("settings", "pages", "report")),
    "override of nobody": ("overrides={'sub-099': {'qc': {'min_snr': 4}}}", ("settings",)),
    "the same value": ("qc={'min_snr': 5.0}", ("settings",)),
}
"""Setting, and the steps that are repeated for it."""

OF_ONE = {
    "magnesium": (
        "overrides={'sub-001': {'magnesium': {'ph_calibration': petroff1985}}}",
        ("settings", "magnesium", "series", "cohort", "pages", "report"),
    ),
    "rejection": ("overrides={'sub-001': {'reject': moved}}", ("settings", "cohort", "pages", "report")),
}
"""The same for one participant."""


def jobs_of(lab: Lab, option: str) -> Counter[str]:
    """Jobs per rule by the plan, which test_plan.py compares with runs."""
    return Counter(task.step for task in lab.forecast("--config", option).tasks.values())


@pytest.mark.parametrize("case", CHANGED_SETTING)
def test_setting_repeats_exactly_what_depends_on_it(case: str, original: Lab) -> None:
    option, steps = CHANGED_SETTING[case]
    assert jobs_of(original, option) == expected(*steps)


@pytest.mark.parametrize("case", OF_ONE)
def test_override_repeats_the_batch_of_its_participant(case: str, original: Lab) -> None:
    option, steps = OF_ONE[case]
    assert jobs_of(original, option) == expected(*steps, batches=1)


CHANGED_CODE: dict[str, tuple[Callable[[Lab], object], dict[str, int]]] = {
    "comment in amares": (lambda lab: lab.edit("workflow/myomag/core/amares.py", "\n\n\n", "\n\n\n# remark\n"), {}),
    "amares": (lambda lab: lab.edit("workflow/myomag/core/amares.py", "\n\n\n", "\n\n\nX = 1\n"), expected(*AFTER_QC)),
    "qc step": (
        lambda lab: lab.edit("workflow/myomag/steps/qc.py", "\n\n\n", "\n\n\nX = 1\n"),
        expected("qc", *AFTER_QC),
    ),
    "magnesium": (
        lambda lab: lab.edit("workflow/myomag/steps/magnesium.py", "\n\n\n", "\n\n\nX = 1\n"),
        expected("magnesium", "series", "cohort", "pages", "report"),
    ),
    "script": (
        lambda lab: lab.edit("workflow/scripts/cohort.py", "\n\n", "\n\nX = 1\n"),
        expected("cohort", "report"),
    ),
    "comment in a script": (lambda lab: lab.edit("workflow/scripts/qc.py", "\n\n", "\n\n# remark\n"), {}),
    "template": (
        lambda lab: lab.edit("workflow/myomag/report/templates/base.html.j2", "<body", "<body "),
        expected("pages", "report"),
    ),
    "default in config.yaml": (
        lambda lab: lab.edit("config/config.yaml", "min_snr: 5.0", "min_snr: 4.0"),
        expected("settings", *JUDGED),
    ),
    "runner": (lambda lab: lab.edit("workflow/myomag/run/runner.py", "\n\n\n", "\n\n\nX = 1\n"), {}),
    "touched script": (lambda lab: (lab.repository / "workflow/scripts/qc.py").touch(), {}),
    # What counts is what is installed.
    "lock": (lambda lab: lab.edit("envs/requirements.lock", "numpy==", "numpy==9"), {}),
}


@pytest.mark.parametrize("case", CHANGED_CODE)
def test_edit_of_the_code_repeats_exactly_what_imports_it(case: str, lab: Lab) -> None:
    change, wanted = CHANGED_CODE[case]
    change(lab)
    assert lab.planned() == wanted


CHANGED_PACKAGE = {
    "numpy": expected(*ALL[1:]),
    "scipy": expected(*AFTER_QC),
    "pydicom": expected(*ALL[1:]),
    "jinja2": expected("pages", "report"),
    "snakemake": {},
}


@pytest.mark.parametrize("package", CHANGED_PACKAGE)
def test_another_version_of_a_package_repeats_exactly_what_imports_it(package: str, lab: Lab) -> None:
    assert lab.planned(PYTHONPATH=with_package(lab, package)) == CHANGED_PACKAGE[package]


def raw_file(lab: Lab, participant: str) -> Path:
    return lab.study / participant / "ses-1" / "mrs" / f"{STEM.format(participant)}.nii.gz"


def replace_raw_file(lab: Lab, participant: str, other: str) -> None:
    """Other content under the same time stamp."""
    raw = raw_file(lab, participant)
    stat = raw.stat()
    shutil.copyfile(raw_file(lab, other), raw)
    os.utime(raw, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def pooled(derivative: Path) -> list[list[str]]:
    """What the fits are given of each protocol."""
    lines = [line.split("\t") for line in (derivative / "protocols.tsv").read_text().splitlines()]
    used = [lines[0].index(name) for name in ("protocol", "begin_time_us", "begin_time_sd_us", "spread_us", "outlying")]
    return [[line[index] for index in used] for line in lines]


def test_changed_file_repeats_one_batch_unless_the_pooled_begin_time_moves(lab: Lab) -> None:
    """The time stamp is kept; test_plan.py has other changes of the study."""
    before = pooled(lab.derivative)
    replace_raw_file(lab, "sub-001", "sub-002")
    done = lab.done()
    fits = 1 if pooled(lab.derivative) == before else BATCHES
    assert done == Counter(
        expected(*ALL, batches=1) | expected("fit", "verdict", "magnesium", "series", "pages", batches=fits)
    )


def test_override_of_the_fit_repeats_one_batch_unless_the_pooled_begin_time_moves(lab: Lab) -> None:
    before = pooled(lab.derivative)
    done = lab.done("--", "--config", "overrides={'sub-001': {'fit': {'begin_time_window_us': 300.0}}}")
    fits = 1 if pooled(lab.derivative) == before else BATCHES
    assert done == {
        **expected("settings", "begin_time", "protocols", "cohort", "report", batches=1),
        **expected("fit", "verdict", "magnesium", "series", "pages", batches=fits),
    }


def test_changed_study_is_brought_up_to_date_as_if_made_anew(lab: Lab) -> None:
    """One participant more, one less, one raw file replaced with its mtime kept; then the same from scratch.

    The run from scratch is plain Snakemake on one core, in another time zone and locale, and with another hash seed.
    """
    before = pooled(lab.derivative)
    write_demo(lab.root / "more", participants=6)
    shutil.copytree(lab.root / "more" / "sub-006", lab.study / "sub-006")
    shutil.rmtree(lab.study / "sub-002")
    replace_raw_file(lab, "sub-003", "sub-004")
    changed = {batch_of(label, BATCHES) for label in ("sub-002", "sub-003", "sub-006")}
    assert len(changed) == BATCHES - 1

    done = lab.done()
    repeated = BATCHES if pooled(lab.derivative) != before else len(changed)
    assert done == {
        **expected(*ALL, batches=len(changed)),
        **expected("fit", "verdict", "magnesium", "series", "pages", batches=repeated),
    }
    updated = results(lab.derivative)
    assert not [path for path in updated if "sub-002" in path]
    assert files_of("sub-003") | files_of("sub-006") <= set(updated)

    scratch = lab.root / "scratch"
    made = snakemake(
        *("--directory", scratch, "--cores", "1", "--config", f"study={lab.study}"),
        repository=lab.repository,
        cwd=lab.root,
        TZ="Asia/Tokyo",
        LC_ALL="C",
        PYTHONHASHSEED="77",
    )
    assert made.returncode == 0, made.stdout + made.stderr
    assert differing(updated, results(scratch)) == []


def test_number_of_batches_changes_no_result(lab: Lab, original: Lab) -> None:
    assert lab.done("--", "--config", "batches=1") == expected(*ALL, batches=1)
    now, before = results(lab.derivative), results(original.derivative)
    assert [path for path in differing(now, before) if not path.startswith("ledger/")] == ["config.yaml"]
    steps = (step for step in pipeline.NAMES if step not in ONCE)
    assert sorted(path for path in now if "/batch-" in path) == sorted(f"ledger/{step}/batch-0.tsv" for step in steps)


# --- what goes wrong


def test_edited_intermediate_is_refused_and_repaired_by_the_advice(lab: Lab, original: Lab) -> None:
    name = f"sub-001/ses-1/mrs/{STEM.format('sub-001').replace('_unloc', '_desc-preproc_unloc')}.nii.gz"
    content = bytearray((lab.derivative / name).read_bytes())
    content[len(content) // 2] ^= 1
    (lab.derivative / name).write_bytes(content)
    refused = lab.run("--", "--forcerun", f"ledger/fit/batch-{batch_of('sub-001', BATCHES)}.tsv")
    assert refused.returncode == 1
    (message,) = [line for line in refused.stderr.splitlines() if line.startswith("ERROR: ")]
    assert message.startswith(f"ERROR: {name}: changed since step qc wrote it")
    assert lab.run().returncode == 1, "the same error is met again, not passed over"
    advice = re.search(r"myomag run (.+ --repair)$", message)
    assert advice is not None
    assert myomag("run", *shlex.split(advice[1]), repository=lab.repository).returncode == 0
    assert differing(results(lab.derivative), results(original.derivative)) == []


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("cohort.tsv", "cohort"),
        ("config.yaml", "settings"),
        ("report/index.html", "report"),
        (f"ledger/qc/batch-{batch_of('sub-001', 3)}.tsv", "qc"),
    ],
)
def test_edited_summary_is_noticed_even_where_nothing_is_to_be_done(
    name: str, step: str, lab: Lab, original: Lab
) -> None:
    """The time stamp is kept: Snakemake itself takes the file for up to date."""
    path = lab.derivative / name
    stat = path.stat()
    content = bytearray(path.read_bytes())
    content[-8] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    refused = lab.run()
    assert (refused.returncode, "up to date" in refused.stdout) == (1, False)
    assert f"{name}: changed since step {step} wrote it" in refused.stderr
    advice = re.search(r"myomag run (.+ --repair)$", refused.stderr, re.MULTILINE)
    assert advice is not None
    assert myomag("run", *shlex.split(advice[1]), repository=lab.repository).returncode == 0
    assert differing(results(lab.derivative), results(original.derivative)) == []


def test_edited_table_of_protocols_is_refused_and_repaired_by_the_advice(lab: Lab, original: Lab) -> None:
    table = lab.derivative / "protocols.tsv"
    table.write_text(table.read_text().replace("\t2", "\t3"))
    refused = lab.run()
    assert refused.returncode == 1
    assert "protocols.tsv: changed since step protocols wrote it. Remove it" in refused.stderr
    table.unlink()
    lab.done()
    assert differing(results(lab.derivative), results(original.derivative)) == []


def test_bug_fails_the_run_every_time_until_it_is_mended(lab: Lab, original: Lab) -> None:
    """Snakemake by itself would take the outputs from before the bug for those of the new code."""
    step = lab.repository / "workflow" / "myomag" / "steps" / "fit.py"
    right = step.read_text()
    taken = "scan, inputs, settings: FitSettings, pooled: Mapping[str, PooledBeginTime]"
    step.write_text(f"{right}\n\ndef fit_scan({taken}):\n    raise ZeroDivisionError('planted')\n")
    for _ in range(2):
        outcome = lab.run()
        assert outcome.returncode == 1
        assert "ERROR: ZeroDivisionError: planted (unexpected: please report it with logs/fit/batch-" in outcome.stderr
        assert "Nothing to be done" not in outcome.stdout
    step.write_text(right)
    assert set(lab.done()) == {"fit", "verdict", "magnesium", "series", "pages", "cohort", "report"}
    assert differing(results(lab.derivative), results(original.derivative)) == []


def test_plain_snakemake_started_in_the_checkout_writes_into_the_study(lab: Lab, original: Lab) -> None:
    made = snakemake("--cores", "2", "--config", f"study={lab.study}", repository=lab.repository, cwd=lab.repository)
    assert made.returncode == 0, made.stdout + made.stderr
    derivative = lab.study / "derivatives" / "myomag"
    # Only the way from the derivative to the study differs, and the ledger that has the digest of that file.
    assert differing(results(derivative), results(original.derivative)) == [
        "dataset_description.json",
        "ledger/settings/all.tsv",
    ]
    again = snakemake("--cores", "2", "--config", f"study={lab.study}", repository=lab.repository, cwd=lab.repository)
    assert "Nothing to be done" in again.stdout + again.stderr
    refused = snakemake(
        "--cores",
        "2",
        "--directory",
        lab.study,
        "--config",
        f"study={lab.study}",
        repository=lab.repository,
        cwd=lab.root,
    )
    assert refused.returncode == 1
    assert "results would be placed among the raw data" in refused.stdout + refused.stderr

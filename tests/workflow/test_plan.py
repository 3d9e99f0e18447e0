"""The plan of a run, compared with what then ran; small repairs; a selection that grows to the whole study."""

import fcntl
import json
import shutil
from collections.abc import Callable
from pathlib import Path

from lab import BATCHES, PARTICIPANTS, STEM, Lab
from myomag.ledger.inputs import INPUTS
from myomag.ledger.rows import batch_of
from myomag.run.plan import Forecast
from myomag.run.plan_text import plan, plan_lines, refusals
from myomag.run.ratings import import_ratings
from myomag.run.snakefile import Flow
from running import differing, results


def settings(text: str) -> Callable[[Lab], object]:
    return lambda lab: (lab.study / "myomag.yaml").write_text(f"batches: {BATCHES}\n{text}")


def raw_file(lab: Lab, participant: str) -> Path:
    return lab.study / participant / "ses-1" / "mrs" / f"{STEM.format(participant)}.nii.gz"


def add_participant(lab: Lab) -> None:
    shutil.copytree(lab.study / "sub-001", lab.study / "sub-006")
    for path in sorted((lab.study / "sub-006").rglob("sub-001*")):
        path.rename(path.with_name(path.name.replace("sub-001", "sub-006")))


def edit_table(lab: Lab) -> None:
    table = lab.study / "participants.tsv"
    lines = table.read_text().splitlines()
    table.write_text("\n".join([lines[0], lines[1].replace("F", "X").replace("M", "F").replace("X", "M"), *lines[2:]]))


def rate(lab: Lab) -> None:
    saved = lab.root / "AB.tsv"
    saved.write_text(f"scan\trating\treason\n{STEM.format('sub-001')}\treject\tlipid\n")
    import_ratings(Flow({"study": str(lab.study)}, {}, lab.derivative), [saved])


def lose_results(lab: Lab) -> None:
    folder = lab.derivative / "sub-001" / "ses-1" / "mrs"
    (folder / f"{STEM.format('sub-001')}.nii.gz").unlink()
    (folder / f"{STEM.format('sub-001').replace('_unloc', '_desc-amares_fit')}.json").unlink()
    (lab.derivative / "cohort.tsv").unlink()
    shutil.rmtree(lab.derivative / "report" / "figures")


CHANGES: dict[str, tuple[Callable[[Lab], object], set[str], str]] = {
    "report": (settings("# A remark.\nreport: {title: Another}\n"), {"settings", "pages", "report"}, " → Another"),
    "comment": (
        settings("report: {title: Another}\n"),
        {"settings"},
        "the same values, written or given differently",
    ),
    "qc": (
        settings("qc: {warn_snr: 20}\n"),
        {"settings", "verdict", "magnesium", "cohort", "pages", "report"},
        "qc.warn_snr 15.0 → 20.0",
    ),
    "magnesium": (
        settings("magnesium: {ph_calibration: petroff1985}\n"),
        # qc.warn_snr goes back.
        {"settings", "verdict", "magnesium", "cohort", "pages", "report"},
        "magnesium.ph_calibration",
    ),
    "fit": (settings("fit: {begin_time_us: 150}\n"), {"fit", "begin_time", "protocols"}, "fit.begin_time_us"),
    "touched": (lambda lab: [path.touch() for path in lab.study.rglob("*")], set(), "Nothing to be done"),
    "bytes": (
        lambda lab: shutil.copyfile(raw_file(lab, "sub-002"), raw_file(lab, "sub-004")),
        {"settings", "convert", "qc", "begin_time", "protocols", "pages"},
        f"{STEM.format('sub-004')}.nii.gz",
    ),
    "added": (add_participant, {"settings", "convert", "cohort", "pages", "report"}, STEM.format("sub-006")),
    "removed": (lambda lab: shutil.rmtree(lab.study / "sub-002"), {"settings", "protocols"}, STEM.format("sub-002")),
    "cell": (edit_table, {"cohort", "report"}, "participants.tsv"),
    "rating": (rate, {"settings", "cohort", "pages", "report"}, "ratings/AB.tsv"),
    "missing": (
        lose_results,
        {"convert", "fit", "cohort", "report"},
        f"sub-001/ses-1/mrs/{STEM.format('sub-001')}.nii.gz",
    ),
}
"""What changes, steps that run in any case, and what the plan says of it."""


def entries(lab: Lab) -> dict[str, list[str]]:
    """Lines of the activity records, by ledger."""
    records = (
        path for path in lab.derivative.glob("ledger/*/*.activity.jsonl") if path.name != INPUTS.rpartition("/")[2]
    )
    return {
        f"ledger/{path.parent.name}/{path.name.removesuffix('.activity.jsonl')}.tsv": path.read_text().splitlines()
        for path in records
    }


def test_what_was_planned_is_what_runs(lab: Lab) -> None:
    told: dict[str, str] = {}
    for name, (change, steps, said) in CHANGES.items():
        whole = results(lab.derivative)
        change(lab)
        before = entries(lab)
        kept = results(lab.derivative)
        forecast = lab.forecast()
        planned = dict(forecast.tasks)
        told[name] = "\n".join(plan_lines(plan(forecast, cores=2)))
        assert results(lab.derivative) == kept, f"{name}: the plan changed something"
        assert said in told[name], name
        assert lab.run().returncode == 0
        after = entries(lab)
        ran = {place for place, lines in after.items() if lines != before.get(place)}
        assert {place for place, task in planned.items() if task.sure} <= ran, f"{name}: less ran\n{told[name]}"
        assert ran <= set(planned), f"{name}: more ran\n{told[name]}"
        assert steps <= {place.split("/")[1] for place in ran}, name
        assert name != "rating" or len(ran) == len(steps), "the pages of one batch alone"
        for place in ran:
            stated = json.loads(after[place][-1]).get("made")
            scans = {scan for _, _, scan in planned[place].at_most}
            # A scan that fails is tried again.
            failed = {STEM.format("sub-003")}
            assert stated is None or set(stated) <= scans | failed, f"{name}: {place} made more than was planned"
        exact = name not in ("bytes", "added", "removed")
        assert not exact or set(planned) == ran, f"{name}: the plan was no plan\n{told[name]}"
    assert results(lab.derivative) == whole, "what was missing came back as it was"
    assert "at most" in told["bytes"]
    assert len(max(told.values(), key=len).splitlines()) < 20


def test_what_would_make_a_run_refuse_is_said_before(lab: Lab) -> None:
    table = lab.derivative / "cohort.tsv"
    table.write_text(table.read_text() + "mine\n")
    refused = lab.run("-n", "--json")
    assert refused.returncode == 1
    content = json.loads(refused.stdout)
    assert "cohort.tsv: changed since step cohort wrote it" in content["refused"][0]
    assert (content["steps"], content["missing"]) == ([], [])
    repaired = plan(Forecast(lab.forecast().flow, hashed=True), cores=2)
    assert (repaired.refused, [step.step for step in repaired.steps]) == ([], ["cohort"])
    with (lab.derivative / ".myomag" / "running").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        assert "another run is active here" in next(refusals(lab.forecast()))


def test_selection_grows_to_the_whole_study_and_makes_no_scan_twice(lab: Lab, original: Lab) -> None:
    shutil.rmtree(lab.derivative)
    done = lab.run("--participant", "001", "--participant", "sub-003")
    assert done.returncode == 0
    assert f"{PARTICIPANTS} scans: 1 included, {PARTICIPANTS - 2} excluded, 1 failed." in done.stdout
    assert "excluded at selection: not among the selected participants" in done.stdout
    assert not list(lab.derivative.glob("sub-002/*"))
    further = Flow({"study": str(lab.study), "participants": ["002"]}, {}, lab.derivative)
    assert further.left_out == {STEM.format("sub-004")}, "a further selection drops nothing"
    assert lab.run().returncode == 0
    assert differing(results(lab.derivative), results(original.derivative)) == []
    place = f"ledger/qc/batch-{batch_of('sub-001', BATCHES)}.tsv"
    for line in entries(lab)[place][1:]:
        assert STEM.format("sub-001") not in json.loads(line)["made"]

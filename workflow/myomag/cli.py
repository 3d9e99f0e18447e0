"""The `myomag` command."""

import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from myomag.errors import MyomagError, SettingsError
from myomag.importing.commands import app as import_app
from myomag.io.files import disk_trouble
from myomag.run.jobs import one_thread_per_process

if TYPE_CHECKING:
    from myomag.audit.record import Derivative

app = typer.Typer(
    help="Free magnesium and pH of skeletal muscle from 31P MR spectra.",
    epilog="Exit codes: 0 done, 1 problems found or work failed, 2 wrong usage or settings.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(import_app, name="import")
StudyArgument = Annotated[Path, typer.Argument(help="Study folder (a BIDS dataset).", metavar="STUDY")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
OutputOption = Annotated[Path | None, typer.Option(help="Derivative folder [STUDY/derivatives/myomag].")]


def print_json(content: object) -> None:
    """Print JSON for a script."""
    print(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False))


def main() -> None:
    """Run the command; an error meant for the user is one line on stderr, 2 for wrong usage and 1 otherwise."""
    one_thread_per_process()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A name or a unit that the terminal cannot show is no reason to stop.
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except MyomagError as error:
        print(f"myomag: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, SettingsError) else 1)
    except BrokenPipeError:
        sys.exit(1)
    except OSError as error:
        place, reason = error.filename or "the output folder", error.strerror or str(error)
        print(f"myomag: {disk_trouble([reason], place) or f'{place}: {reason}'}", file=sys.stderr)
        sys.exit(1)


@contextmanager
def _opened(study: Path, output: Path | None) -> Iterator["Derivative"]:
    """Open the record of a derivative; errors on it advise commands that name it."""
    from myomag.audit.record import open_derivative

    derivative = open_derivative(study, output)
    with derivative.advice.in_errors():
        yield derivative


def _show_version(wanted: bool) -> None:
    if wanted:
        from myomag import __version__

        print(f"myomag {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    pass


@app.command()
def run(
    study: StudyArgument,
    snakemake_options: Annotated[
        list[str] | None, typer.Argument(help="After --: options for snakemake.", metavar="[-- OPTIONS]")
    ] = None,
    output: OutputOption = None,
    dry_run: Annotated[bool, typer.Option("-n", "--dry-run", help="Say what would run and why.")] = False,
    profile: Annotated[str, typer.Option(help="local, slurm, pbs, lsf, or the folder of a profile.")] = "local",
) -> None:
    """Run the whole pipeline on a study; what is up to date is not run again."""
    from myomag.run.runner import run_pipeline

    sys.exit(run_pipeline(study, output=output, dry_run=dry_run, profile=profile, options=snakemake_options or []))


@app.command()
def scan(
    places: Annotated[
        list[Path],
        typer.Argument(
            help="Vendor or NIfTI-MRS files, or folders with them; files of one DICOM series are one scan.",
            metavar="FILE…|FOLDER…",
        ),
    ],
    settings: Annotated[
        Path | None, typer.Option(help="YAML file with settings that differ from the defaults.")
    ] = None,
    bootstrap: Annotated[
        int, typer.Option(min=0, metavar="N", help="Give the SD over N averages of resampled transients beside.")
    ] = 0,
    voxel: Annotated[
        str | None,
        typer.Option(
            metavar="I,J,K", help="Voxel of a grid (CSI, MRSI): column, row and slice, counted from 1, such as 3,4,1."
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the page of each scan into this folder.")
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a table, one row per scan, columns as in cohort.tsv.")
    ] = None,
    plot: Annotated[
        bool | None,
        typer.Option(help="Draw the spectrum of one scan; by default on a terminal that is wide enough."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Analyse files, from raw data to pH and magnesium: one in full, of many a line each."""
    from myomag.settings.load import load_settings
    from myomag.single.scan import with_voxel
    from myomag.single.several import analysed, check_targets, show_many, show_one, write_table
    from myomag.single.sources import find_sources, is_one_scan

    loaded = load_settings(settings, root=settings.parent if settings else None)
    if voxel is not None:
        loaded = with_voxel(loaded, voxel)
    found = find_sources(places)
    check_targets(found, html, csv)
    results = analysed(found, loaded, bootstrap=bootstrap, pages=html)
    rows, documents = [], []
    for each in results if as_json or len(found.scans) == 1 else show_many(results, found):
        rows.append(each.result.flat)
        documents.append(each.result.document())
        if len(found.scans) == 1 and not as_json:
            show_one(each, plot)
    if csv:
        write_table(csv, rows)
    if as_json:
        print_json(documents[0] if len(places) == 1 and is_one_scan(places[0]) else documents)
    sys.exit(0 if all(row["status"] == "included" for row in rows) else 1)


@app.command()
def check(study: StudyArgument, as_json: JsonOption = False) -> None:
    """Say what would go wrong with a study before running it."""
    from myomag.report.summary import column_lines, prospect_lines
    from myomag.single.check import examine_study

    found = examine_study(study)
    problems = found.problems
    if as_json:
        print_json({"problems": problems, "columns": found.columns, "models": found.models})
    else:
        for problem in problems:
            print(f"{problem['where']}: {problem['problem']}")
        for line in (*column_lines(found.columns), *prospect_lines(found.models)):
            print(line)
        print(f"{len(problems)} problem{'s' if len(problems) != 1 else ''} found in {study}.")
    sys.exit(1 if problems else 0)


@app.command()
def init(study: StudyArgument) -> None:
    """Write a commented myomag.yaml with every setting into a study."""
    from myomag.pipeline import SETTINGS_FILE
    from myomag.settings.generate import settings_template

    target = study / SETTINGS_FILE
    if not study.is_dir():
        raise SettingsError(f"{study}: no such study folder.")
    if target.exists():
        raise SettingsError(f"{target}: exists already; edit it, or remove it first.")
    target.write_text(settings_template(), encoding="utf-8")
    print(f"Wrote {target}. Uncomment what should differ from the defaults.")


@app.command()
def demo(
    directory: Annotated[Path, typer.Argument(help="New folder for the study.", metavar="DIR")],
    preset: Annotated[
        Literal["small", "blsa", "exercise"],
        typer.Option(
            help="small: 24 participants, good scans; blsa: 441 with PCr SNR 12 to 30, one in five scanned twice; "
            "exercise: 12, each with a series of rest, exercise and recovery too."
        ),
    ] = "small",
    participants: Annotated[
        int | None, typer.Option(min=1, max=100_000, help="Number of participants, if not the preset's.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the simulation.")] = 2019,
) -> None:
    """Simulate a study with known truth (DIR/truth.tsv)."""
    from myomag.progress import progress
    from myomag.simulate.demo import PRESETS, write_demo

    number = participants or PRESETS[preset].participants
    with progress("participants simulated", number) as advance:
        write_demo(
            directory,
            preset=PRESETS[preset],
            participants=number,
            seed=seed,
            progress=lambda done, _: advance(done),
        )
    print(f"Wrote a simulated study of {number} participants to {directory}.")


@app.command()
def verify(
    study: StudyArgument,
    output: OutputOption = None,
    anchor: Annotated[str | None, typer.Option(help="Anchor noted earlier; the record must still have it.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Hash every file again and name each one changed, missing, swapped or added."""
    from myomag.audit.verify import show_verification
    from myomag.audit.verify import verify as verified

    with _opened(study, output) as derivative:
        result = verified(derivative, anchor)
    if as_json:
        print_json(result.as_dict())
    else:
        show_verification(result, derivative)
    sys.exit(1 if result.problems else 0)


@app.command()
def trace(
    study: StudyArgument,
    target: Annotated[
        str,
        typer.Argument(
            help="sub-001, sub-001/ses-1, a scan, sub-001:mg_mmol_l, statistics:mg_age (or another table), or a file.",
            metavar="TARGET",
        ),
    ],
    output: OutputOption = None,
    as_json: JsonOption = False,
) -> None:
    """Follow a value, scan, file or statistic back to the raw data."""
    from myomag.audit import trace as tracing
    from myomag.audit.trace_text import trace_lines

    with _opened(study, output) as derivative:
        found = tracing.trace(derivative, target)
        if as_json:
            print_json(tracing.trace_dict(derivative, found))
        else:
            print("\n".join(trace_lines(derivative, found)))


@app.command()
def diff(
    a: Annotated[Path, typer.Argument(help="Study or derivative folder.", metavar="A")],
    b: Annotated[Path, typer.Argument(help="The one to compare with it.", metavar="B")],
    tolerance: Annotated[
        float, typer.Option(min=0.0, help="Numbers this share of the larger one apart count as equal.")
    ] = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Say which results of two derivatives differ, by how much, and the first cause of each."""
    from myomag.audit.diff import diff as compared
    from myomag.audit.diff import diff_lines
    from myomag.audit.record import open_derivative

    found = compared(open_derivative(a), open_derivative(b), tolerance)
    if as_json:
        print_json(found.as_dict())
    else:
        print("\n".join(diff_lines(found)))
    sys.exit(0 if found.same else 1)


@app.command()
def reproduce(
    study: StudyArgument,
    scans: Annotated[
        list[str] | None, typer.Argument(help="Participants or scans; none: all of them.", metavar="[SCAN…]")
    ] = None,
    output: OutputOption = None,
    cores: Annotated[int | None, typer.Option(min=1, help="Number of processes; all processors if not given.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Compute results again in a temporary folder and compare them byte for byte."""
    from myomag.audit import reproduce as reproducing

    with _opened(study, output) as derivative:
        result = reproducing.reproduce(derivative, scans or [], cores)
    if as_json:
        print_json(result.as_dict())
    else:
        print("\n".join(reproducing.reproduction_lines(result)))
    sys.exit(1 if result.deviations else 0)


@app.command()
def export(
    study: StudyArgument,
    ro_crate: Annotated[Path, typer.Option(help="New folder for the RO-Crate.", metavar="DIR")],
    output: OutputOption = None,
    people: Annotated[bool, typer.Option(help="Name users and hosts, and add the activity records.")] = False,
) -> None:
    """Write a Workflow Run RO-Crate (Provenance Run Crate) of the results for an archive."""
    from myomag.audit.export import export_crate

    with _opened(study, output) as derivative:
        done = export_crate(derivative, ro_crate, people=people)
    for remark in done.remarks:
        print(f"note: {remark}", file=sys.stderr)
    print(f"Wrote an RO-Crate of {done.files} files to {done.folder}.")

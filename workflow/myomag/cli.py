"""The `myomag` command."""

import io
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from myomag.audit.commands import app as audit_app
from myomag.errors import MyomagError, SettingsError
from myomag.importing.commands import app as import_app
from myomag.io.files import disk_trouble
from myomag.options import (
    JsonOption,
    OutputOption,
    ParticipantOption,
    SessionOption,
    StudyArgument,
    print_json,
)
from myomag.run.jobs import one_thread_per_process

app = typer.Typer(
    help="Free magnesium and pH of skeletal muscle from 31P MR spectra.",
    epilog="Exit codes: 0 done, 1 problems found or work failed, 2 wrong usage or settings.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(import_app, name="import")
app.add_typer(audit_app)


def main() -> None:
    """Run the command; a user error is one line on stderr, with exit code 2 for wrong usage and 1 otherwise."""
    one_thread_per_process()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A name or unit that the terminal cannot display is no reason to stop.
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


def _show_version(wanted: bool) -> None:
    if wanted:
        from myomag import __version__

        print(f"myomag {__version__}")
        raise typer.Exit


def _show_snakefile(wanted: bool) -> None:
    if wanted:
        from myomag.io.places import SNAKEFILE

        print(SNAKEFILE)
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True)
    ] = False,
    _snakefile: Annotated[
        bool,
        typer.Option(
            "--snakefile",
            help="Print where the Snakefile is, for plain Snakemake.",
            callback=_show_snakefile,
            is_eager=True,
        ),
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
    dry_run: Annotated[bool, typer.Option("-n", "--dry-run", help="Say what would run, why, and how long.")] = False,
    participant: ParticipantOption = None,
    session: SessionOption = None,
    repair: Annotated[bool, typer.Option(help="Also remake results that are not as recorded.")] = False,
    profile: Annotated[str, typer.Option(help="local, slurm, pbs, lsf, or the folder of a profile.")] = "local",
    as_json: Annotated[bool, typer.Option("--json", help="With -n: print JSON for scripts.")] = False,
) -> None:
    """Run the whole pipeline on a study; what is up to date is not run again."""
    from myomag.run.runner import Wish, run_pipeline, show_plan

    wish = Wish(study, output, profile, snakemake_options or [], participant or [], session or [], repair)
    sys.exit(show_plan(wish, as_json=as_json) if dry_run else run_pipeline(wish))


@app.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    add_help_option=False,
    options_metavar="BIDS_DIR OUT participant|group [OPTIONS]",
)
def bids(context: typer.Context) -> None:
    """Run the pipeline as a BIDS App: myomag bids --help lists its arguments."""
    from myomag.run.bids_app import run_bids_app

    sys.exit(run_bids_app(context.args))


@app.command()
def scan(
    places: Annotated[
        list[Path],
        typer.Argument(
            help="Vendor or NIfTI-MRS files, or folders of them; the files of one DICOM series are one scan.",
            metavar="FILE…|FOLDER…",
        ),
    ],
    settings: Annotated[
        Path | None, typer.Option(help="YAML file with settings that differ from the defaults.")
    ] = None,
    bootstrap: Annotated[
        int, typer.Option(min=0, metavar="N", help="Also give the SD over N averages of resampled transients.")
    ] = 0,
    voxel: Annotated[
        str | None,
        typer.Option(
            metavar="I,J,K", help="Voxel of a grid (CSI, MRSI): column, row and slice, counted from 1, such as 3,4,1."
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write a page for each scan into this folder.")
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a table, one row per scan, columns as in cohort.tsv.")
    ] = None,
    plot: Annotated[
        bool | None,
        typer.Option(help="Draw the spectrum of one scan; default: if the terminal is wide enough."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Analyse files, from raw data to pH and magnesium: one in full, or many with a line each."""
    from myomag.single.command import Shown, scan_files

    shown = Shown(html, csv, plot, as_json)
    sys.exit(scan_files(places, settings=settings, bootstrap=bootstrap, voxel=voxel, shown=shown))


@app.command()
def check(
    study: StudyArgument,
    participant: ParticipantOption = None,
    session: SessionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Report what would go wrong with a study before running it."""
    from myomag.single.command import show_check

    sys.exit(show_check(study, participant or [], session or [], as_json=as_json))


@app.command()
def ratings(
    study: StudyArgument,
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Tables saved on the pages, named after their raters.", metavar="[FILE.tsv…]"),
    ] = None,
    rater: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the rater, if the file is named otherwise.")
    ] = None,
    output: OutputOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import ratings of scans; say how far raters agree, and what the next run leaves out."""
    from myomag.run.ratings import show_ratings

    sys.exit(show_ratings(study, files or [], output, rater, as_json=as_json))


@app.command()
def init(study: StudyArgument) -> None:
    """Write a myomag.yaml with every setting, commented out, into a study."""
    from myomag.io.files import write_whole
    from myomag.pipeline import SETTINGS_FILE
    from myomag.settings.generate import settings_template

    target = study / SETTINGS_FILE
    if not study.is_dir():
        raise SettingsError(f"{study}: no such study folder.")
    if target.exists():
        raise SettingsError(f"{target}: already exists; edit it, or remove it first.")
    try:
        write_whole(target, settings_template().encode())
    except OSError as error:
        raise SettingsError(
            f"{target}: cannot be written ({error.strerror}). The study need not be changed: write the settings into "
            f"another folder (myomag init OTHER), and pass them to the run: myomag run {study} --output DIR -- "
            "--configfile OTHER/myomag.yaml"
        ) from error
    print(f"Wrote {target}. Uncomment what should differ from the defaults.")


@app.command()
def demo(
    directory: Annotated[Path, typer.Argument(help="New folder for the study.", metavar="DIR")],
    preset: Annotated[
        Literal["small", "blsa", "exercise"],
        typer.Option(
            help="small: 24 participants, good scans; blsa: 441 with PCr SNR 12 to 30, one in five scanned twice; "
            "exercise: 12, each also with a series of rest, exercise and recovery."
        ),
    ] = "small",
    participants: Annotated[
        int | None, typer.Option(min=1, max=100_000, help="Number of participants [the preset's].")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the simulation.")] = 2019,
) -> None:
    """Simulate a study with known truth (DIR/truth.tsv)."""
    from myomag.simulate.demo import show_demo

    show_demo(directory, preset, participants, seed)


@app.command()
def group(
    out: Annotated[Path, typer.Argument(help="Folder of the group: new, or from an earlier run.", metavar="OUT")],
    derivatives: Annotated[
        list[Path], typer.Argument(help="Finished derivatives, or studies that contain one.", metavar="DERIVATIVE…")
    ],
    site: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Name of the site of each derivative, in the same order [its study's folder]."
        ),
    ] = None,
    settings: Annotated[
        Path | None, typer.Option(help="YAML file with the group's sections cohort and report.")
    ] = None,
) -> None:
    """Make the tables, statistics and report of one cohort from the derivatives of several sites, without raw data."""
    from myomag.group.run import make_group
    from myomag.run.outcome import show_outcome

    for remark in make_group(out, derivatives, site or [], settings):
        print(f"WARNING: {remark}", file=sys.stderr)
    show_outcome(out.expanduser().resolve())


@app.command()
def power(
    design: Annotated[
        Literal["correlation", "groups", "change", "crossover"],
        typer.Argument(
            help="correlation of Mg with another variable; two groups; change: two arms before and after; crossover."
        ),
    ],
    effect: Annotated[float, typer.Option(help="True correlation, or true difference in the unit of --sd.")],
    icc: Annotated[float, typer.Option(help="Reliability of one measurement, day to day (repeatability.tsv).")],
    sd: Annotated[float, typer.Option(help="SD of single measurements between participants.")] = 1.0,
    scans: Annotated[int, typer.Option(min=1, help="Measurements on different days averaged into each value.")] = 1,
    participants: Annotated[
        int | None, typer.Option("-n", min=6, help="Give the power of this number of participants.")
    ] = None,
    wanted: Annotated[float, typer.Option("--power", help="Desired power.")] = 0.8,
    alpha: Annotated[float, typer.Option(help="Significance level of the two-sided test.")] = 0.05,
    figure: Annotated[Path | None, typer.Option(help="Write the curve as SVG.", metavar="FILE")] = None,
    as_json: JsonOption = False,
) -> None:
    """Give the number of participants a study of Mg needs, or the power of a given number."""
    from myomag.cohort.power import Plan
    from myomag.io.files import write_whole
    from myomag.report.power import power_curve, size_lines, study_size

    found = study_size(Plan(design, effect, sd, icc, scans, alpha), wanted, participants)
    if figure is not None:
        write_whole(figure, power_curve(found))
    if as_json:
        print_json(found)
    else:
        print("\n".join(size_lines(found)))

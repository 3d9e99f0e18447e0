"""The commands `myomag import look` and `myomag import make`."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from myomag.errors import SettingsError

app = typer.Typer(
    help="Import a scanner's files into a study: look, edit the plan, make.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.command()
def look(
    folders: Annotated[list[Path], typer.Argument(help="Folders with scanner files.", metavar="FOLDER…")],
    plan: Annotated[Path, typer.Option(help="Table to write; rows already in it are kept.")],
    pattern: Annotated[
        str | None,
        typer.Option(
            help="Regular expression for the path of a file below FOLDER, with groups such as (?P<participant>P\\d+); "
            "also session, task, acq, voi, run.",
            metavar="REGEX",
        ),
    ] = None,
    key: Annotated[
        Path | None, typer.Option(help="Table with the columns id, label[, session]; ids are never written out.")
    ] = None,
) -> None:
    """Read the headers of all files below some folders, and propose a plan."""
    from myomag.importing.look import look as looked
    from myomag.importing.look import look_lines

    found = looked(folders, plan, pattern=pattern, key=key)
    print("\n".join(look_lines(found, plan)))
    sys.exit(0 if found.rows else 1)


@app.command()
def make(
    plan: Annotated[Path, typer.Argument(help="Plan written by look and edited by you.", metavar="PLAN")],
    study: Annotated[Path, typer.Argument(help="Study folder, new or already with scans.", metavar="STUDY")],
    copy: Annotated[
        bool, typer.Option("--copy", help="Copy the files (default), as clones if the disk supports it.")
    ] = False,
    link: Annotated[bool, typer.Option("--link", help="Make hard links: takes no space, same disk only.")] = False,
    move: Annotated[bool, typer.Option("--move", help="Copy, compare, then remove the originals.")] = False,
) -> None:
    """Put the scans that a plan uses into a study, each file with its origin and SHA-256."""
    from myomag.importing.make import make as made

    if copy + link + move > 1:
        raise SettingsError("--copy, --link, --move: give only one of them.")
    done = made(plan, study, "link" if link else "move" if move else "copy")
    for problem in done.problems:
        print(problem, file=sys.stderr)
    if done.problems:
        more = "s" if len(done.problems) > 1 else ""
        print(f"{len(done.problems)} problem{more} in {plan}; nothing was written.", file=sys.stderr)
        sys.exit(1)
    scans = f"{done.scans} scan{'s' if done.scans != 1 else ''}"
    print(f"{scans} put into {study}; {done.present} were there already, {done.unused} are not used.")
    for remark in done.remarks:
        print(f"note: {remark}")
    print(f"Next: myomag check {shlex.quote(str(study))}")

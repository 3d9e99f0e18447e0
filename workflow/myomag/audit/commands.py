"""The commands that examine a record: verify, seal, trace, diff, reproduce, export."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from myomag.options import JsonOption, OutputOption, print_json

if TYPE_CHECKING:
    from myomag.audit.record import Derivative

app = typer.Typer(pretty_exceptions_enable=False)
RecordArgument = Annotated[
    Path, typer.Argument(help="Study folder, its results, or an RO-Crate of them.", metavar="STUDY")
]


@contextmanager
def _opened(study: Path, output: Path | None) -> Iterator["Derivative"]:
    """Open the record of a derivative; commands advised in its errors name it."""
    from myomag.audit.record import open_derivative

    derivative = open_derivative(study, output)
    for note in derivative.notes:
        print(f"note: {note}", file=sys.stderr)
    with derivative.advice.in_errors():
        yield derivative


@app.command()
def verify(
    study: RecordArgument,
    output: OutputOption = None,
    anchor: Annotated[
        str | None, typer.Option(help="Anchor noted earlier, which the record must still contain.")
    ] = None,
    seal: Annotated[
        Path | None, typer.Option(help="Log of seals that the record must agree with.", metavar="LOG")
    ] = None,
    signers: Annotated[
        Path | None, typer.Option(help="Allowed signers of seals (allowed_signers file of ssh-keygen).", metavar="FILE")
    ] = None,
    authority: Annotated[
        Path | None, typer.Option(help="Certificates of the time-stamping authority (PEM).", metavar="FILE")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Hash every file again and list each one changed, missing, swapped or added."""
    from myomag.audit.seal import check_of
    from myomag.audit.verify import show_verification
    from myomag.audit.verify import verify as verified

    with _opened(study, output) as derivative:
        result = verified(derivative, anchor, check_of(derivative, seal, signers, authority))
    if as_json:
        print_json(result.as_dict())
    else:
        show_verification(result, derivative)
    sys.exit(1 if result.problems else 0)


@app.command()
def seal(
    study: RecordArgument,
    output: OutputOption = None,
    log: Annotated[
        Path | None, typer.Option(help="Log to add the seal to [as in the settings].", metavar="LOG")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="SSH key that signs the seal.", metavar="FILE")] = None,
    token: Annotated[
        Path | None, typer.Option(help="Time stamp (RFC 3161) of the last seal's anchor, to be stored.", metavar="FILE")
    ] = None,
    accept: Annotated[
        str | None,
        typer.Option(help="Reason why records that were started anew are accepted from now on.", metavar="REASON"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Add a seal of the record to the log outside the results, sign it, or store its time stamp."""
    from myomag.audit.seal_command import add_seal

    with _opened(study, output) as derivative:
        done = add_seal(derivative, log, key=key, token=token, accept=accept)
    if as_json:
        print_json(done.as_dict())
    else:
        print("\n".join(done.lines()))


@app.command()
def trace(
    study: RecordArgument,
    target: Annotated[
        str,
        typer.Argument(
            help="sub-001, sub-001/ses-1, a scan, sub-001:mg_mmol_l, statistics:mg_age (or another table), "
            "statistics:mg_age:p (TABLE:ROW:COLUMN), or a file.",
            metavar="TARGET",
        ),
    ],
    output: OutputOption = None,
    graph: Annotated[
        Path | None, typer.Option(help="Also write the graph as a self-contained HTML page.", metavar="FILE.html")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Trace a value, scan, file or statistic back to the raw data."""
    from myomag.audit import trace as tracing
    from myomag.audit.graph import write_graph
    from myomag.audit.trace_text import trace_lines

    with _opened(study, output) as derivative:
        found = tracing.trace(derivative, target)
        if graph:
            write_graph(graph, derivative, found)
        if as_json:
            print_json(tracing.trace_dict(derivative, found))
        else:
            print("\n".join(trace_lines(derivative, found)))


@app.command()
def diff(
    a: Annotated[Path, typer.Argument(help="Study or derivative folder.", metavar="A")],
    b: Annotated[Path, typer.Argument(help="Study or derivative folder to compare with.", metavar="B")],
    tolerance: Annotated[
        float, typer.Option(min=0.0, help="Numbers that differ by at most this share of the larger one count as equal.")
    ] = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Show which results of two derivatives differ, by how much, and the first cause of each."""
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
    study: RecordArgument,
    scans: Annotated[list[str] | None, typer.Argument(help="Participants or scans [all].", metavar="[SCAN…]")] = None,
    output: OutputOption = None,
    cores: Annotated[int | None, typer.Option(min=1, help="Number of processes [all processors].")] = None,
    as_json: JsonOption = False,
) -> None:
    """Recompute results in a temporary folder and compare them byte for byte."""
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
    study: RecordArgument,
    ro_crate: Annotated[Path, typer.Option(help="New folder for the RO-Crate.", metavar="DIR")],
    output: OutputOption = None,
    people: Annotated[bool, typer.Option(help="Include user and host names, and the activity records.")] = False,
) -> None:
    """Write a Workflow Run RO-Crate (Provenance Run Crate) of the results for an archive."""
    from myomag.audit.export import export_crate

    with _opened(study, output) as derivative:
        done = export_crate(derivative, ro_crate, people=people)
    for remark in done.remarks:
        print(f"note: {remark}", file=sys.stderr)
    print(f"Wrote an RO-Crate of {done.files} files to {done.folder}.")
    print(f"anchor {done.anchor}")

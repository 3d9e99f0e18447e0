"""Arguments and options that several commands share."""

import json
from pathlib import Path
from typing import Annotated

import typer

StudyArgument = Annotated[Path, typer.Argument(help="Study folder (a BIDS dataset).", metavar="STUDY")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
OutputOption = Annotated[Path | None, typer.Option(help="Derivative folder [STUDY/derivatives/myomag].")]

ParticipantOption = Annotated[
    list[str] | None, typer.Option(metavar="LABEL", help="Only this participant, keeping existing results; repeatable.")
]
SessionOption = Annotated[list[str] | None, typer.Option(metavar="LABEL", help="Only this session; repeatable.")]


def print_json(content: object) -> None:
    """Print JSON for a script."""
    print(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False))

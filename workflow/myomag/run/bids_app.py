"""`myomag bids`: the pipeline as a BIDS App, with the arguments common to all of them (Gorgolewski et al. 2017).

PLoS Comput. Biol. 13:e1005209. The level `participant` makes the results of scans and participants, `group` those of
the whole cohort: tables, models and report.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from myomag import __version__
from myomag.errors import SettingsError
from myomag.run.runner import Wish, run_pipeline

FIRST_OF_GROUP = "cohort"
"""The first step that concerns only the cohort."""


def run_bids_app(arguments: Sequence[str]) -> int:
    """Run a level of the pipeline by the arguments of a BIDS App; returns the exit code.

    Raises
    ------
    SettingsError
        If study or settings are wrong, a label is unknown, or the group level is requested for some participants only.
    """
    asked = _parser().parse_args(arguments)
    labels = asked.participant_label or asked.session_label
    if labels and asked.analysis_level == "group":
        raise SettingsError("group: uses all participants of the study; omit --participant-label and --session-label.")
    options = ["--cores", str(asked.n_cpus)] if asked.n_cpus else []
    if asked.analysis_level == "participant":
        options += ["--omit-from", FIRST_OF_GROUP]
    return run_pipeline(
        Wish(
            asked.bids_dir,
            asked.output_dir,
            options=options,
            participants=asked.participant_label,
            sessions=asked.session_label,
        )
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="myomag bids",
        description="Free magnesium and pH of skeletal muscle from 31P MR spectra, as a BIDS App.",
        epilog="Settings: myomag.yaml in BIDS_DIR, see: myomag init. What is up to date is not run again.",
    )
    parser.add_argument("bids_dir", type=Path, metavar="BIDS_DIR", help="study, a BIDS dataset with the datatype mrs")
    parser.add_argument("output_dir", type=Path, metavar="OUT", help="derivative: results, record and report")
    parser.add_argument(
        "analysis_level",
        choices=("participant", "group"),
        help="participant: scans and the pages of participants; group: all, with tables, models and the cohort page",
    )
    parser.add_argument(
        *("--participant-label", "--participant_label"),
        nargs="+",
        default=[],
        metavar="LABEL",
        help="only these participants, with or without sub-",
    )
    parser.add_argument(
        *("--session-label", "--session_label"),
        nargs="+",
        default=[],
        metavar="LABEL",
        help="only these sessions, with or without ses-",
    )
    parser.add_argument(
        *("--n-cpus", "--n_cpus", "--nprocs"),
        type=_processors,
        metavar="N",
        help="processors to use [all]",
    )
    parser.add_argument(
        *("--skip-bids-validation", "--skip-bids-validator", "--skip_bids_validator"),
        action="store_true",
        help="accepted for compatibility: a run validates only what it needs; for all problems use myomag check",
    )
    parser.add_argument("-v", "--version", action="version", version=f"myomag {__version__}")
    return parser


def _processors(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number

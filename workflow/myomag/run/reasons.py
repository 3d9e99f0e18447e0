"""Why a run failed, in the words of its jobs."""

import re
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

from myomag.errors import MyomagError
from myomag.io.files import disk_trouble
from myomag.run.advice import Advice
from myomag.run.process import Run

MOST_LINES = 10
"""Largest number of errors listed singly on the terminal."""

_ENDED = re.compile(r"slurmstepd\S*: error: .*(memory limit|CANCELLED AT|oom)")
_REFUSED_BY_CLUSTER = (
    "The batch system accepted no job: wrong account, partition or queue? Slurm gives details with: sbatch "
    "--account=… --partition=… --wrap true"
)
_UNEXPLAINED = (
    "A job ended without a message: killed, out of memory or time, or its node failed. The batch system's messages "
    "may be in {}/.snakemake"
)

_DATED = re.compile(r"than input (.+?\(.+?\))")
_CLOCKS = (
    "The clocks disagree: {} is dated later than what was made from it. Synchronise the clocks of this machine, the "
    "job machines and the file server (NTP), and start the same command again."
)


def reasons(run: Run, root: Path, advice: Advice) -> list[str]:
    """Reasons why Snakemake failed, each once.

    Raises
    ------
    MyomagError
        If the Snakefile found settings or study wrong.
    """
    for kind in MyomagError.__subclasses__():
        if message := run.state.errors.get(kind.__name__):
            # Without the position in the Snakefile, which Snakemake adds before and after.
            raise kind("\n".join(takewhile(lambda line: not line.startswith("  File"), message.splitlines()[1:])))
    if skewed := [line for line in run.printed if "has older modification time" in line]:
        return [_CLOCKS.format(_DATED.findall(skewed[0])[-1] if _DATED.search(skewed[0]) else "a file")]
    full = disk_trouble(run.printed, str(root))
    return [advice.complete(line) for line in ([full] if full else _errors(run, root) or _last_words(run))]


def _last_words(run: Run) -> Sequence[str]:
    """The error that ended Snakemake, or the end of its output; for a traceback, which is in the log, its last line."""
    said = [line for message in run.state.errors.values() for line in message.splitlines()]
    end = said or run.printed[-1 if run.code == 2 else -15 :]
    if any(line.startswith("  File ") for line in end):
        return [line for line in end if line.strip()][-1:]
    return end


def _errors(run: Run, root: Path) -> list[str]:
    """Messages of scripts for the user, from the terminal or, on a cluster, from their logs; else Slurm's."""
    logs = [path for path in run.state.logs if path.is_file()]
    written = [line for path in logs for line in path.read_text("utf-8", "replace").splitlines()]
    said = [line.strip() for line in [*run.printed, *written]]
    messages = [line for line in said if line.startswith("ERROR: ")] or [line for line in said if _ENDED.match(line)]
    if run.state.logs and not messages:
        # Snakemake drops the plugin's messages on group jobs, so use what is there.
        accepted = any("ubmitted" in line for line in run.printed)
        messages = [_REFUSED_BY_CLUSTER if run.state.remote and not accepted else _UNEXPLAINED.format(root)]
    return list(dict.fromkeys(messages))[:MOST_LINES]

"""Time stamps in the future, which Snakemake cannot handle."""

import os
import sys
import time
from datetime import datetime
from pathlib import Path

TOLERATED_S = 1.0
"""Harmless difference [s] between the clocks of a file server and this machine."""


def present_time_stamps(root: Path) -> None:
    """Redate ledgers with a future time stamp to the present, and report it.

    Snakemake considers a job failed if its output is older than its input. Re-runs depend on content, so time stamps
    have no other effect.
    """
    now = time.time()
    late = [path for path in root.glob("ledger/*/*.tsv") if path.stat().st_mtime > now + TOLERATED_S]
    if not late:
        return
    latest = datetime.fromtimestamp(max(path.stat().st_mtime for path in late)).astimezone()
    for path in late:
        os.utime(path)
    print(
        f"note: ledgers were dated in the future ({len(late)}, up to {latest:%Y-%m-%d %H:%M}), now redated: "
        "results are compared by content. Is the clock of this machine right, and was it then?",
        file=sys.stderr,
    )

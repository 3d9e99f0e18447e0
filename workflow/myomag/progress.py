"""Progress of long work on stderr, so that standard output stays for results."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress(label: str, total: int) -> Iterator[Callable[..., None]]:
    """Show how much of `total` is done; yields a function that takes the number done, and a new total where it grew.

    A terminal gets one live line with the time left, anything else at most ten lines.

    Parameters
    ----------
    label : str
        What is counted, and what becomes of it, such as "scans read".
    total : int
        Number of them.
    """
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (BarColumn(), MofNCompleteColumn(separator=" of "), TextColumn(label), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(label, total=total)
            yield lambda done, total=total: bar.update(task, completed=done, total=total)
        return
    shown = 0

    def advance(done: int, total: int = total) -> None:
        nonlocal shown
        tenth = 10 * done // max(total, 1)
        if tenth > shown:
            shown = tenth
            print(f"{done} of {total} {label}", file=sys.stderr, flush=True)

    yield advance

"""Progress of long work on stderr, so that standard output is left for results."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress(label: str, total: int) -> Iterator[Callable[..., None]]:
    """Show how much of `total` is done; yields a function that takes the number done, a new total, and a remark.

    A terminal gets one live line with the time left, anything else at most ten lines.

    Parameters
    ----------
    label : str
        What is counted, such as "scans read".
    total : int
        Number of them.
    """
    started = time.monotonic()

    def text(done: int, total: int, remark: str) -> str:
        # The speed is averaged over all the work: jobs of a large study take minutes, and several end at once.
        left = (time.monotonic() - started) * (total - done) / done if done else 0
        parts = (f"{done} of {total} {label}", remark, f"about {duration(left)} left" if 0 < done < total else "")
        return "; ".join(filter(None, parts))

    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        columns = (BarColumn(bar_width=16), TextColumn("{task.description}", markup=False))
        with Progress(*columns, console=Console(stderr=True), transient=True, refresh_per_second=2) as bar:
            task = bar.add_task(text(0, total, ""), total=total)
            yield lambda done, total=total, remark="": bar.update(
                task, completed=done, total=total, description=text(done, total, remark)
            )
        return
    shown = 0

    def advance(done: int, total: int = total, remark: str = "") -> None:
        nonlocal shown
        tenth = 10 * done // max(total, 1)
        if tenth > shown:
            shown = tenth
            print(text(done, total, remark), file=sys.stderr, flush=True)

    yield advance


def duration(seconds: float) -> str:
    """A duration in words, such as "45 s", "12 min" or "3 h 20 min"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"

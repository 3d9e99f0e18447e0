"""Progress of long work on stderr, so that standard output stays for results."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show how much of `total` is done; yields a function that takes the number done so far.

    A terminal gets a bar with the time left, anything else a line for every tenth of the work.
    """
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import Progress

        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(label, total=total)
            yield lambda done: bar.update(task, completed=done)
        return
    shown = 0

    def advance(done: int) -> None:
        nonlocal shown
        tenth = 10 * done // max(total, 1)
        if tenth > shown:
            shown = tenth
            print(f"{label}: {done}/{total}", file=sys.stderr, flush=True)

    yield advance

"""Needs of every computing process: one thread, and a log."""

import gc
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from myomag.errors import MyomagError


def one_thread_per_process() -> None:
    """Keep linear algebra to one thread: the matrices are small, and waiting threads make it ten times slower.

    Must be called before numpy is imported.
    """
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def keep_what_is_loaded() -> None:
    """Tell Python that all objects made so far remain until the end of the process.

    Otherwise it would search them for garbage repeatedly, especially at exit: a third of the time that a job takes to
    start and end.
    """
    gc.freeze()


def available_cores() -> int:
    """Number of processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def out_of_reach_of_ctrl_c() -> Iterator[None]:
    """Start processes that ignore Ctrl-C on the terminal (each would print a traceback): this one stops them."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def job_log(path: str) -> Iterator[None]:
    """Log to a file, including the traceback of a bug; the job itself ends with one line starting with ERROR."""
    keep_what_is_loaded()
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(filename=path, filemode="w", level=logging.INFO, format="%(message)s")
    log = logging.getLogger(__name__)
    try:
        yield
    except MyomagError as error:
        message = f"ERROR: {error}"
        log.info(message)
        _end(message)
    except OSError as error:
        place = error.filename2 or error.filename or "output"
        message = f"ERROR: {place}: {error.strerror or error}; no file was left half-written."
        log.exception(message)
        _end(message)
    except Exception as error:
        message = f"ERROR: {type(error).__name__}: {error} (unexpected: please report it with {path})"
        log.exception(message)
        _end(message)


def _end(message: str) -> NoReturn:
    # One write: the processes of a run share a pipe, and another line could come between a text and its line end.
    sys.stderr.write(f"{message}\n")
    sys.exit(1)

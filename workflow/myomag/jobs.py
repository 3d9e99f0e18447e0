"""Log of one job."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from myomag.errors import MyomagError


@contextmanager
def job_log(path: str) -> Iterator[None]:
    """Log to a file; an error meant for the user ends the job with its message and no traceback."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(filename=path, filemode="w", level=logging.INFO, format="%(message)s")
    try:
        yield
    except MyomagError as error:
        logging.getLogger(__name__).error("ERROR: %s", error)
        sys.exit(f"ERROR: {error}")
    except OSError as error:
        message = f"{error.filename or 'output'}: {error.strerror or error}; nothing half-written was left behind."
        logging.getLogger(__name__).exception("ERROR: %s", message)
        sys.exit(f"ERROR: {message}")

"""Calling other packages on possibly damaged files: no output, and no exception but ScanError."""

import contextlib
import io
import warnings
from collections.abc import Iterator

from myomag.errors import ScanError


@contextlib.contextmanager
def foreign(name: str, what: str) -> Iterator[None]:
    """Run code of another package: its output is suppressed, and any exception becomes a ScanError.

    Parameters
    ----------
    name : str
        Name of the file, for the message.
    what : str
        How the file is read, for instance "as Siemens twix".
    """
    chatter = io.StringIO()
    try:
        with contextlib.redirect_stdout(chatter), contextlib.redirect_stderr(chatter), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except ScanError:
        raise
    except Exception as error:
        reason = type(error).__name__
        raise ScanError(f"{name}: cannot be read {what} ({reason}); export it again, or as NIfTI-MRS.") from error

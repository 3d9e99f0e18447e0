"""Errors a user can act on: each message names the file, the field and the remedy, and is shown without a traceback."""

from collections.abc import Iterable


class MyomagError(Exception):
    """Base of every error whose message is written for the user."""


class SettingsError(MyomagError):
    """The configuration or the command line is wrong: nothing was started (exit code 2)."""


class StudyError(MyomagError):
    """The study folder or one of its tables cannot be used as it stands."""


class ScanError(MyomagError):
    """One scan cannot be processed further: it becomes a failed row of the ledger, the others continue."""


class LedgerError(MyomagError):
    """A file is not what the ledger says it is: it was changed, removed or replaced outside the pipeline."""


def hint(word: str, known: Iterable[str], *, most: int = 1) -> str:
    """A "did you mean" question with the known words nearest to an unknown one; empty if none is near."""
    import difflib

    near = difflib.get_close_matches(word, list(dict.fromkeys(known)), n=most)
    return f"did you mean {' or '.join(map(repr, near))}?" if near else ""

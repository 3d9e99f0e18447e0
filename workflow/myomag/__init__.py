"""myomag: free magnesium and pH of skeletal muscle from 31P MR spectra, with an auditable trail."""

from typing import Any

__version__ = "0.1.0"
__all__ = ["open_results", "read"]


def __getattr__(name: str) -> Any:
    """Functions for interactive use, loaded only on request: jobs and commands import the package all the time."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Named as strings, so that the digest of a step's code does not include them.
    from importlib import import_module

    # As in every command; no effect if numpy is already loaded or the user chose otherwise.
    import_module("myomag.run.jobs").one_thread_per_process()
    return getattr(import_module("myomag.python"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])

"""Logger plugin of Snakemake that tells `myomag run` how far a run has come: one line of JSON per event, into a pipe.

Snakemake finds it by its name. What it prints stays as it is.
"""

import json
import os
import signal
from dataclasses import dataclass, field
from logging import LogRecord

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.settings import LogHandlerSettingsBase

NOTE = "note"
"""Event of a remark of the Snakefile on the study."""

FIELDS: dict[str, tuple[str, ...]] = {
    "workflow_started": (),
    "resources_info": ("nodes",),
    "run_info": ("stats",),
    "job_info": ("jobid", "rule_name", "wildcards"),
    "job_finished": ("job_id",),
    "progress": ("done", "total"),
    "job_error": ("log",),
    "group_error": ("aux_logs",),
    "error": ("exception", "message"),
    NOTE: ("message",),
}
"""What is told of each kind of event."""


@dataclass
class LogHandlerSettings(LogHandlerSettingsBase):
    """Settings on the command line of Snakemake.

    Attributes
    ----------
    pipe : int
        File descriptor to write to, inherited from the process that started Snakemake; -1 for none.
    """

    pipe: int = field(default=-1, metadata={"help": "File descriptor to write events to."})


class LogHandler(LogHandlerBase):
    """Writes events as JSON lines."""

    def __post_init__(self) -> None:
        self._pipe: int = getattr(self.settings, "pipe", -1)

    def emit(self, record: LogRecord) -> None:
        """Write one event; where nobody reads any more, stop Snakemake as Ctrl-C does."""
        event = getattr(record, "event", None)
        if event not in FIELDS or self._pipe < 0:
            return
        said = {"message": record.getMessage()} | vars(record)
        content = {"event": str(event), **{name: said.get(name) for name in FIELDS[event]}}
        try:
            os.write(self._pipe, f"{json.dumps(content, default=str)}\n".encode())
        except BrokenPipeError:
            self._pipe = -1
            os.kill(os.getpid(), signal.SIGINT)

    @property
    def writes_to_stream(self) -> bool:
        """False: Snakemake prints as ever."""
        return False

    @property
    def writes_to_file(self) -> bool:
        """False: a pipe is no log for the user."""
        return False

    @property
    def has_filter(self) -> bool:
        """True: --quiet is about what is printed."""
        return True

    @property
    def has_formatter(self) -> bool:
        """True: the fields are told as they are."""
        return True

    @property
    def needs_rulegraph(self) -> bool:
        """False."""
        return False

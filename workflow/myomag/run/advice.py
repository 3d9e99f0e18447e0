"""Completion of commands in messages, so that they work as printed."""

import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from myomag.errors import MyomagError

if TYPE_CHECKING:
    from myomag.run.runner import Wish

_COMMAND = re.compile(r"myomag (run|verify|seal) STUDY(?! --output)( --repair)?( --(?= ))?")
_RUN = re.compile(r"myomag run STUDY( --repair| -- --forcerun [\w/.-]+)?")
_CONFIG = ("--config", "-C", "--configfile", "--configfiles")


@dataclass(frozen=True)
class Advice:
    """What commands in messages need in order to refer to the current results.

    Without the given settings, the advised command would compute results with different ones.

    Attributes
    ----------
    study : str
        Study folder.
    place : tuple of str
        myomag options that name the derivative.
    settings : tuple of str
        Options for Snakemake that give settings.
    """

    study: str
    place: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()

    def complete(self, text: str) -> str:
        """Message in which "myomag run STUDY" and the like name study, derivative and settings."""
        return _COMMAND.sub(self._command, text)

    def _command(self, match: re.Match[str]) -> str:
        words = ["myomag", match[1], self.study, *self.place]
        words += [match[2].strip()] if match[2] else []
        if match[1] == "run" and (self.settings or match[3]):
            words += ["--", *self.settings]
        return shlex.join(words)

    @contextmanager
    def in_errors(self) -> Iterator[None]:
        """Complete the commands in errors raised in a block."""
        try:
            yield
        except MyomagError as error:
            raise type(error)(self.complete(str(error))) from error


@dataclass(frozen=True)
class GroupAdvice(Advice):
    """What commands in messages need for a group: remaking anything in it means grouping again.

    Attributes
    ----------
    sites, names : tuple of str
        Derivatives, and the name of the site of each.
    """

    sites: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def complete(self, text: str) -> str:
        """Message with "myomag run STUDY" replaced by the command that made the group."""
        named = (word for name in self.names for word in ("--site", name))
        group = shlex.join(["myomag", "group", self.study, *self.sites, *named, *self.place])
        return _RUN.sub(lambda _: group, text).replace(
            "myomag verify STUDY", shlex.join(["myomag", "verify", self.study])
        )


def advice_for_run(wish: "Wish") -> Advice:
    """Advice that repeats a run with the same settings and selection, without its other Snakemake options."""
    place = ["--output", str(wish.output)] if wish.output else []
    place += ["--profile", wish.profile] if wish.profile != "local" else []
    place += [word for label in wish.participants for word in ("--participant", label)]
    place += [word for label in wish.sessions for word in ("--session", label)]
    return Advice(str(wish.study), tuple(place), tuple(_settings(wish.options)))


def _settings(options: Sequence[str]) -> Iterator[str]:
    keep = False
    for option in options:
        if option.startswith("-"):
            keep = option.partition("=")[0] in _CONFIG
        if keep:
            yield option

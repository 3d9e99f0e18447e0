"""Commands that messages advise, made complete so that they work as printed."""

import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from myomag.errors import MyomagError

_COMMAND = re.compile(r"myomag (run|verify) STUDY(?! --output)( --(?= ))?")
_RUN = re.compile(r"myomag run STUDY( -- --forcerun \w+)?")
_CONFIG = ("--config", "-C", "--configfile", "--configfiles")


@dataclass(frozen=True)
class Advice:
    """What the commands in messages need to be about the results at hand.

    Without the settings that were given, what is advised would compute results with other ones.

    Attributes
    ----------
    study : str
        Study folder.
    place : tuple of str
        Options of myomag that name the derivative.
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
        if match[1] == "run" and (self.settings or match[2]):
            words += ["--", *self.settings]
        return shlex.join(words)

    @contextmanager
    def in_errors(self) -> Iterator[None]:
        """Complete the errors raised in a block."""
        try:
            yield
        except MyomagError as error:
            raise type(error)(self.complete(str(error))) from error


@dataclass(frozen=True)
class GroupAdvice(Advice):
    """What the commands in messages need to be about a group: to make anything of it again is to group again.

    Attributes
    ----------
    sites, names : tuple of str
        Derivatives, and the name of the site of each.
    """

    sites: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def complete(self, text: str) -> str:
        """Message in which "myomag run STUDY" is the command that made the group."""
        named = (word for name in self.names for word in ("--site", name))
        group = shlex.join(["myomag", "group", self.study, *self.sites, *named, *self.place])
        return _RUN.sub(lambda _: group, text).replace(
            "myomag verify STUDY", shlex.join(["myomag", "verify", self.study])
        )


def advice_for_run(study: Path, output: Path | None, profile: str, options: Sequence[str]) -> Advice:
    """What repeats a run with the same settings, its other options for Snakemake left out."""
    place = ["--output", str(output)] if output else []
    place += ["--profile", profile] if profile != "local" else []
    return Advice(str(study), tuple(place), tuple(_settings(options)))


def _settings(options: Sequence[str]) -> Iterator[str]:
    keep = False
    for option in options:
        if option.startswith("-"):
            keep = option.partition("=")[0] in _CONFIG
        if keep:
            yield option

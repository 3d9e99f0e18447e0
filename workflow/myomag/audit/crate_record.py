"""An RO-Crate read back: its statements on its files and the jobs that made them, without the study."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from myomag.errors import LedgerError
from myomag.ledger.activity import CODE, ENVIRONMENT

METADATA = "ro-crate-metadata.json"
RESULTS = "derivative"
"""Folder of the crate with the files of the derivative."""


@dataclass(frozen=True)
class Crate:
    """The metadata of a crate in a folder."""

    folder: Path

    @cached_property
    def entities(self) -> dict[str, dict[str, Any]]:
        """Entities of the metadata by identifier.

        Raises
        ------
        LedgerError
            If they are damaged.
        """
        path = self.folder / METADATA
        try:
            return {entity["@id"]: entity for entity in json.loads(path.read_bytes())["@graph"]}
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise LedgerError(f"{path}: not the metadata of an RO-Crate ({error}).") from error

    @property
    def files(self) -> Iterator[tuple[str, str]]:
        """Place and SHA-256 of each file that is part of the crate."""
        for identifier, entity in self.entities.items():
            if "File" in _listed(entity.get("@type")) and "sha256" in entity and "://" not in identifier:
                yield identifier, str(entity["sha256"])

    def activity(self, step: str, batch: str) -> dict[str, Any]:
        """Statements of the crate on the job that wrote a ledger, under the keys of an activity record."""
        action = self.entities.get(f"#run-{step}{f'-batch-{batch}' if batch else ''}")
        if action is None:
            return {}
        packages = dict(self._environment(action))
        known: dict[str, Any] = {key: packages.pop(key, None) for key in (*ENVIRONMENT, *CODE)}
        dirty = {"True": True, "False": False}.get(known["git_dirty"])
        times = {"started": action.get("startTime"), "ended": action.get("endTime")}
        return times | known | {"git_dirty": dirty, "packages": packages}

    def _environment(self, action: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        for reference in _listed(action.get("environment", [])):
            entity = self.entities.get(reference["@id"], {})
            if "name" in entity:
                yield str(entity["name"]), str(entity["value"])


def crate_of(folder: Path) -> Crate | None:
    """Crate in a folder, or whose results the folder contains; None if it is not a myomag crate."""
    for place in (folder, folder.parent) if folder.name == RESULTS else (folder,):
        if (place / METADATA).is_file() and (place / RESULTS / "ledger").is_dir():
            return Crate(place)
    return None


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]

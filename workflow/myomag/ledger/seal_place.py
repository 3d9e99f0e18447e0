"""Place of the log of seals: outside the derivative, and chosen only by the user."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from myomag.errors import SettingsError
from myomag.settings.audit import AuditSettings

NAME = "{}.seals.jsonl"


def seal_log(study: Path, root: Path, settings: AuditSettings, given: Mapping[str, Any]) -> Path | None:
    """Place of the log; None if there should be none.

    By default beside the study; beside the derivative if that is elsewhere, or if nothing can be written beside the
    study.

    Parameters
    ----------
    study, root : Path
        Study and derivative.
    settings : AuditSettings
        The section `audit`.
    given : mapping
        Settings of the command line. A settings file of the study may not name a place outside the folder that contains
        the study, as it may come from others.

    Raises
    ------
    SettingsError
        If the settings may not name that place.
    """
    if settings.seal_log is False:
        return None
    if settings.seal_log is None:
        return _default(study, root)
    path = study / Path(settings.seal_log).expanduser()
    place = path.resolve()
    if place.is_relative_to(root.resolve()):
        raise SettingsError(f"audit.seal_log = {settings.seal_log}: is inside the results that it seals; name another.")
    own = isinstance(given.get("audit"), Mapping) and "seal_log" in given["audit"]
    if not own and not place.is_relative_to(study.resolve().parent):
        raise SettingsError(
            f"audit.seal_log = {settings.seal_log}: a settings file of a study may not name a place outside "
            "the folder that contains the study; use the command line: "
            'myomag run STUDY -- --config "audit={seal_log: FILE}"'
        )
    return path


def _default(study: Path, root: Path) -> Path | None:
    beside = [root.with_name(NAME.format(root.name))]
    if root.is_relative_to(study):
        beside.insert(0, study.with_name(NAME.format(study.name)))
    present = [path for path in beside if path.is_file()]
    return next(iter([*present, *(path for path in beside if os.access(path.parent, os.W_OK))]), beside[0])

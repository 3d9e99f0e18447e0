"""Record of the settings of a run, and description of the derivative as a dataset."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from myomag.ledger.derivative import derivative_description
from myomag.settings.yaml_text import yaml_text


def settings_files(study: Path, root: Path, document: Mapping[str, Any]) -> list[tuple[str, bytes]]:
    """Path in the derivative and content of each file.

    Parameters
    ----------
    study, root : Path
        Study and derivative.
    document : mapping
        All settings, resolved.
    """
    description = derivative_description(study, Path(os.path.relpath(study, root)).as_posix())
    return [("config.yaml", yaml_text(dict(document)).encode()), *description.items()]

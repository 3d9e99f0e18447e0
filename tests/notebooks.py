"""The notebooks of docs/, run cell by cell as a reader would."""

import json
from pathlib import Path
from typing import Any

import pytest

from running import REPOSITORY


def executed(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, **variables: str) -> dict[str, Any]:
    """Names that a notebook has made, run in `folder` with these variables of the environment."""
    monkeypatch.chdir(folder)
    for variable, value in ({"MPLBACKEND": "Agg"} | variables).items():
        monkeypatch.setenv(variable, value)
    document = json.loads((REPOSITORY / "docs" / "notebooks" / name).read_text(encoding="utf-8"))
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate(document["cells"]):
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), f"{name}, cell {number}", "exec"), names)  # noqa: S102
    return names

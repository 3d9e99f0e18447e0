"""Settings written to a file, and how they are refused."""

from pathlib import Path
from typing import Any

import pytest

from myomag.errors import SettingsError
from myomag.settings.load import load_layers


def refusal(content: Any, **options: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        load_layers([("myomag.yaml", content)], **options)
    return str(caught.value)


def written(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path

"""Output for scripts."""

import json


def print_json(content: object) -> None:
    """Print JSON for a script."""
    print(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False))

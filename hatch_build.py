"""The wheel holds what a checkout has beside the packages, in one folder at the same places (myomag/io/places.py)."""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CheckoutHook(BuildHookInterface):
    """Adds the files that `checkout` in pyproject.toml names; an editable installation has them in their places."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Before the wheel is written."""
        if version == "standard":
            build_data["force_include"] |= {name: f"myomag/checkout/{name}" for name in self.config["checkout"]}

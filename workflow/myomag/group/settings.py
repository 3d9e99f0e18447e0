"""Settings of a group: those of its first site, with its own sections cohort and report."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from myomag.audit.group import Site
from myomag.audit.record import Derivative
from myomag.errors import SettingsError
from myomag.settings.load import load_layers, load_settings
from myomag.settings.models import Settings
from myomag.settings.yaml_text import entries, read_yaml

OWN = ("cohort", "report")
"""Sections that a group may set; the others are those used by its sites."""


def group_settings(sites: Mapping[str, Derivative], file: Path | None) -> Settings:
    """Settings of a group, without overrides.

    Parameters
    ----------
    sites : mapping of str to Derivative
        The sites; the settings of the first apply.
    file : Path or None
        YAML file with the group's sections cohort and report.

    Raises
    ------
    SettingsError
        If the file is wrong or sets what belongs to the sites, or settings of the site are not those of this version.
    """
    name, first = next(iter(sites.items()))
    base = {key: value for key, value in first.document.items() if key not in ("overrides", "batches")}
    given: Mapping[str, Any] = {}
    if file:
        load_settings(file)
        given = read_yaml(file) or {}
        for section in given:
            if section not in OWN:
                raise SettingsError(
                    f"{file}: {section}: is set in the studies, whose scans were processed with it; a group sets "
                    f"only {' and '.join(OWN)}."
                )
    same = {**base["cohort"], **(given.get("cohort") or {})}.get("same_participants")
    if len(sites) > 1 and not same:
        # Values also differ between sites, unless the user decides otherwise.
        base["cohort"] = {**base["cohort"], "site": base["cohort"].get("site") or "covariate"}
    return load_layers([(f"config.yaml of {name}", base), (file.name if file else "", given)])


def group_document(settings: Settings, sites: Mapping[str, Site]) -> dict[str, Any]:
    """All settings of a group, with overrides for single participants and scans under their names in the group."""
    overrides = {
        site.names.target(target): content
        for site in sites.values()
        for target, content in site.derivative.document["overrides"].items()
    }
    return settings.model_dump() | {"overrides": dict(sorted(overrides.items()))}


def group_origins(sites: Mapping[str, Site], file: Path | None) -> dict[str, str]:
    """Origin of each setting that differs from its default."""
    first = next(iter(sites))
    origins = {}
    for name, site in sites.items():
        for key, origin in site.derivative.origins.items():
            section, target, *rest = [*key.split("."), ""][: 2 if "." not in key else None]
            if section == "overrides":
                origins[".".join([section, site.names.target(target), *filter(None, rest)])] = f"{name}: {origin}"
            elif name == first:
                origins[key] = f"{name}: {origin}"
    if file:
        origins |= {".".join(keys): f"{file.name} line {line}" for keys, _, line in entries(file) if len(keys) == 2}
    return dict(sorted(origins.items()))

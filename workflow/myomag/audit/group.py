"""The record of a group with those of its sites, under the names of the scans in the group."""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from myomag import pipeline
from myomag.audit.record import DERIVATIVE, STUDY, Derivative, File, Ledger, open_derivative
from myomag.errors import SettingsError
from myomag.ledger.derivative import RAW_LINK, linked_datasets
from myomag.ledger.rows import Row
from myomag.ledger.sites import SiteNames
from myomag.ledger.spec import Spec
from myomag.study.imports import Import


@dataclass(frozen=True)
class Site:
    """Derivative of one site, and the names of its scans in a group."""

    names: SiteNames
    derivative: Derivative


@dataclass(frozen=True)
class Group(Derivative):
    """A group whose ledgers continue in those of its sites, so that their results are traced like its own."""

    of_sites: Mapping[str, Site] = field(default_factory=dict)

    @property
    def own(self) -> Derivative:
        """The group without its sites."""
        return Derivative(self.study, self.root)

    @property
    def notes(self) -> list[str]:
        """Sites whose derivative or raw data are no longer in place."""
        gone = [
            f"site {name}: its derivative is no longer at {root}; nothing in it can be traced or checked."
            for name, root in self.sites.items()
            if name not in self.of_sites
        ]
        return gone + [
            f"site {name}: its raw data are not at {site.derivative.study}; the trace ends at their recorded digests."
            for name, site in self.of_sites.items()
            if not has_raw(site.derivative)
        ]

    @cached_property
    def ledgers(self) -> dict[str, Ledger]:
        """Ledgers of the group and of its sites by their path, those of the sites first."""
        return {each.path: each for site in self.of_sites.values() for each in self._seen(site)} | self.own.ledgers

    def _seen(self, site: Site) -> list[Ledger]:
        derivative = site.derivative
        folders = {STUDY: derivative.study, DERIVATIVE: derivative.root}
        places = {where: os.path.relpath(folder, self.root) for where, folder in folders.items()}
        return [
            replace(
                ledger,
                path=f"{places[DERIVATIVE]}/{ledger.path}",
                rows=[site.names.row(row) for row in ledger.rows],
                site=site.names.site,
                places=places,
            )
            for ledger in derivative.ledgers.values()
        ]

    @cached_property
    def _before(self) -> dict[str, Row]:
        """Row of each scan in the raw ledger of its site, by the name in the group."""
        return {
            site.names.row(row).scan: row
            for site in self.of_sites.values()
            for ledger in site.derivative.of_step("raw")
            for row in ledger.rows
        }

    def names(self, ledger: Ledger, row: Row) -> set[str]:
        """Names of a scan: in the group, or at its site."""
        before = self._before.get(row.scan)
        return super().names(ledger, row) | (super().names(ledger, before) if before else set())

    def joined_from(self, scan: str, stated: str) -> list[File]:  # noqa: ARG002
        """Cohort table of a scan's site."""
        ledger, _ = next(iter(self.rows[scan].values()))
        return [ledger.file(DERIVATIVE, "cohort.tsv")]

    @cached_property
    def imports(self) -> dict[str, Import]:
        """Origin of the raw files of all sites, by place."""
        return {
            f"{os.path.relpath(site.derivative.study, self.root)}/{path}": entry
            for site in self.of_sites.values()
            for path, entry in site.derivative.imports.items()
        }

    def spec(self, ledger: Ledger) -> Spec:
        """Settings for the step of a ledger, from the config.yaml of its site."""
        if not ledger.site:
            return self.own_spec(ledger)
        site = self.of_sites[ledger.site]
        spec = site.derivative.spec(self._at_site(ledger))
        return replace(
            spec,
            overrides={site.names.target(name): content for name, content in spec.overrides.items()},
            reject={site.names.target(name): reason for name, reason in spec.reject.items()},
        )

    def own_spec(self, ledger: Ledger) -> Spec:
        """Settings for a step of the group."""
        return super().spec(ledger)

    def settings_hold(self, ledger: Ledger, row: Row) -> bool:
        """Whether the row was made with the settings in config.yaml of the group or the site."""
        if ledger.site and pipeline.BY_NAME[ledger.step].kind != "scan":
            # Participant names matter there, and the row was made with those of the site.
            return self.of_sites[ledger.site].derivative.settings_hold(self._at_site(ledger), row)
        return super().settings_hold(ledger, row)

    def origins_of(self, ledger: Ledger) -> Mapping[str, str]:
        """Origin of each setting that differs from its default, in the group or at the site."""
        if not ledger.site:
            return self.origins
        site = self.of_sites[ledger.site]
        return {_renamed(key, site.names): origin for key, origin in site.derivative.origins.items()}

    def _at_site(self, ledger: Ledger) -> Ledger:
        """The ledger as stored at its site."""
        path = ledger.path.removeprefix(f"{ledger.places[DERIVATIVE]}/")
        return self.of_sites[ledger.site].derivative.ledgers[path]


def _renamed(key: str, names: SiteNames) -> str:
    """Setting such as overrides.sub-001.fit.skip_time_us with the participant's name in the group."""
    parts = key.split(".")
    return ".".join([parts[0], names.target(parts[1]), *parts[2:]]) if parts[0] == "overrides" else key


def open_group(derivative: Derivative) -> Group:
    """Record of a group with those of its sites, as far as they are still in place."""
    cohort: Any = derivative.document.get("cohort")
    same = bool(isinstance(cohort, Mapping) and cohort.get("same_participants"))
    sites = {}
    for name, root in derivative.sites.items():
        with suppress(SettingsError):
            sites[name] = Site(SiteNames(name, same), with_study(open_derivative(root)))
    return Group(derivative.study, derivative.root, of_sites=sites)


def with_study(derivative: Derivative) -> Derivative:
    """The derivative with the study it states as its source, whether or not that exists."""
    study = linked_datasets(derivative.root).get(RAW_LINK)
    return Derivative(study, derivative.root) if study and derivative.study == derivative.root else derivative


def has_raw(derivative: Derivative) -> bool:
    """Whether raw data exist where a derivative places its study."""
    return derivative.study != derivative.root and any(derivative.study.glob("sub-*"))

"""Settings, overrides, rejections and pooled values that apply to a job, and to one scan or the study in it.

The Snakefile gives each job its spec as one canonical text, so that Snakemake repeats exactly the jobs whose spec
changes. `myomag scan`, `reproduce` and `trace` use the same class.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from myomag import pipeline
from myomag.io.places import SCRIPTS
from myomag.io.records import canonical, digest
from myomag.ledger.code import code_digest, software


@dataclass(frozen=True)
class Spec:
    """Inputs of a job other than files.

    Attributes
    ----------
    step : str
        Name of the step.
    settings : mapping
        Values of the settings declared by the step, by section.
    overrides : mapping
        Values for single participants and scans, by their name and section.
    reject : mapping of str to str
        Manually rejected participants and scans, with the reason.
    pooled : mapping
        Begin time of each protocol, pooled over its scans.
    code : str
        Digest of the code of the step.
    """

    step: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    overrides: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    reject: Mapping[str, str] = field(default_factory=dict)
    pooled: Mapping[str, Any] = field(default_factory=dict)
    code: str = ""

    def sections_of_scan(self, participant_id: str, scan: str) -> dict[str, dict[str, Any]]:
        """Values of a scan-level step for one scan by section, with overrides applied."""
        values = {section: dict(found) for section, found in self.settings.items()}
        for target in (participant_id, scan):
            for section, own in self.overrides.get(target, {}).items():
                values[section] |= own
        return values

    def of_scan(self, participant_id: str, scan: str) -> dict[str, Any]:
        """Values of the section or sections of a scan-level step for one scan."""
        values = self.sections_of_scan(participant_id, scan)
        return values if len(values) > 1 else next(iter(values.values()))

    def digest_of_scan(self, participant_id: str, scan: str) -> str:
        """SHA-256 of the values for one scan."""
        return digest({"settings": self.of_scan(participant_id, scan), "pooled": self.pooled})

    def digest_of_study(self) -> str:
        """SHA-256 of the values for a step over many scans."""
        return digest({"settings": self.settings, "reject": self.reject})

    def text(self) -> str:
        """The spec as JSON, with the versions of the packages that the step imports."""
        return canonical(vars(self) | {"software": _software(self.step)})

    @classmethod
    def from_text(cls, text: str) -> "Spec":
        """Spec of a job from the text in its rule."""
        content = json.loads(text)
        del content["software"]
        return cls(**content)


def resolve(
    step: str,
    document: Mapping[str, Any],
    *,
    targets: Iterable[str] | None = None,
    pooled: Mapping[str, Any] | None = None,
    code: str | None = None,
) -> Spec:
    """Spec of a step from some settings.

    Parameters
    ----------
    step : str
        Name of the step.
    document : mapping
        All settings in full, as in config.yaml.
    targets : iterable of str, optional
        Participants and scans of the job, to which overrides are restricted; None for all.
    pooled : mapping, optional
        Pooled begin times, for a step that uses them.
    code : str, optional
        Digest of the code of the step, if known or not needed; computing it takes time.
    """
    plan = pipeline.BY_NAME[step]
    overrides = dict(document["overrides"])
    if targets is not None and overrides:
        known = set(targets)
        overrides = {target: content for target, content in overrides.items() if target in known}
    return Spec(
        step,
        settings={section: _declared(plan, section, document[section]) for section in plan.sections},
        overrides=_overrides(plan, overrides) if plan.kind == "scan" else {},
        reject=_rejections(overrides) if plan.rejections else {},
        pooled=dict(pooled or {}) if plan.pooled else {},
        code=step_code(step) if code is None else code,
    )


def params_digest(spec: str, sources: str = "") -> str:
    """SHA-256 of what Snakemake compares for a job: its spec as text, and the origin of the settings, if given."""
    return digest([spec, sources])


def software_digest(spec: str) -> str:
    """SHA-256 of the package versions in a spec given as text."""
    return digest(json.loads(spec)["software"])


def _declared(plan: pipeline.Step, section: str, values: Any) -> Any:
    """Values of a section under the keys declared by a step; all if it declares the whole section."""
    keys = plan.keys(section)
    return values if keys is None else {key: value for key, value in values.items() if key in keys}


def _overrides(plan: pipeline.Step, overrides: Mapping[str, Any]) -> dict[str, dict[str, dict[str, Any]]]:
    chosen = {
        target: {s: found for s in plan.sections if (found := _declared(plan, s, content.get(s) or {}))}
        for target, content in overrides.items()
    }
    return {target: content for target, content in chosen.items() if content}


def _rejections(overrides: Mapping[str, Any]) -> dict[str, str]:
    return {target: content["reject"] for target, content in overrides.items() if content.get("reject")}


@cache
def step_code(step: str) -> str:
    """Digest of a step: its entry in the plan, and the code of its script with all imports.

    For the step that describes the derivative, the whole plan counts.
    """
    entry = repr(pipeline.STEPS) if step == pipeline.SETTINGS.name else repr(_without_words(pipeline.BY_NAME[step]))
    return digest([entry, code_digest(_script(step))])


def _without_words(step: pipeline.Step) -> pipeline.Step:
    """Entry of a step without its descriptions, whose change repeats nothing."""
    return replace(step, purpose="", writes=tuple(replace(file, description="") for file in step.writes))


@cache
def _software(step: str) -> dict[str, str | None]:
    return software(_script(step))


def _script(step: str) -> Path:
    return SCRIPTS / f"{step}.py"

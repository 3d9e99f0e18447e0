"""A run of the pipeline as entities of a Workflow Run RO-Crate, profile Provenance Run Crate."""

import base64
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from myomag import __version__, pipeline
from myomag.audit.crate_record import RESULTS
from myomag.audit.lineage import Step, step_of
from myomag.audit.record import STUDY, Derivative, File, Ledger
from myomag.io.places import REPOSITORY, SCRIPTS
from myomag.ledger.activity import CODE, ENVIRONMENT

if TYPE_CHECKING:
    from rocrate.rocrate import ROCrate

PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.6": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.6": "Workflow Run Crate",
    "https://w3id.org/ro/wfrun/provenance/0.6": "Provenance Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.1": "Workflow RO-Crate",
}
"""Of RO-Crate 1.3."""
TERMS = "https://w3id.org/ro/terms/workflow-run#"
SNAKEMAKE = "https://w3id.org/workflowhub/workflow-ro-crate#snakemake"
INPUTS = {"raw": "Raw scans", "tables": "Tables of the study", "settings": "Resolved settings"}
OUTPUTS = {"records": "Records of pH and magnesium", "results": "Tables and pages"}


def crate_id(file: File, sha: str) -> str:
    """Identifier of a file in the crate; raw data, which are not part of it, are identified by digest (RFC 6920)."""
    if file.where == STUDY:
        content = base64.urlsafe_b64encode(bytes.fromhex(sha)).decode().rstrip("=")
        return f"ni:///sha-256;{content}?path={quote(file.path)}"
    return f"{RESULTS}/{file.path}"


def code_type(path: str) -> list[str]:
    """Types of a file of the workflow."""
    if path == "Snakefile":
        return ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"]
    return ["File", "SoftwareSourceCode"] if path.endswith((".py", ".smk")) else ["File"]


class Run:
    """The entities that describe a run, added to a crate with its files.

    Parameters
    ----------
    crate : ROCrate
        Crate with the files of the derivative and of the workflow.
    derivative : Derivative
        The record.
    files : mapping of File to str
        Files with their identifiers in the crate.
    people : bool
        Whether to name users and hosts.
    """

    def __init__(self, crate: "ROCrate", derivative: Derivative, files: Mapping[File, str], people: bool) -> None:
        self.crate, self.derivative, self.files, self.people = crate, derivative, files, people
        self.ledgers = [
            each
            for each in derivative.ledgers.values()
            if pipeline.BY_NAME[each.step].kind != "entry" and each.activity
        ]

    def describe(self) -> None:
        """Add workflow, tools, steps and actions."""
        self._add_root()
        workflow = self._workflow()
        controls = [self._control(ledger) for ledger in self.ledgers]
        run = self._workflow_action(workflow)
        engine = self.entity(
            "https://snakemake.github.io",
            "SoftwareApplication",
            name="Snakemake",
            url="https://snakemake.github.io",
            version=self._version("snakemake"),
        )
        action = {"instrument": engine, "result": run, "object": controls, "name": "Run of the workflow engine"}
        self.crate.root_dataset["mentions"] = [
            run,
            self.entity("#engine-run", "OrganizeAction", **action, **self._times()),
        ]

    def entity(self, identifier: str, kind: str | list[str], /, **properties: Any) -> Any:
        """Add an entity that is not a file, and return a reference to it."""
        from rocrate.model.contextentity import ContextEntity

        if not self.crate.dereference(identifier):
            content = {"@type": kind} | {key: _plain(value) for key, value in properties.items() if value is not None}
            self.crate.add(ContextEntity(self.crate, identifier, properties=content))
        return self.crate.dereference(identifier)

    def _add_root(self) -> None:
        root = self.crate.root_dataset
        profiles = [
            self.entity(uri, ["CreativeWork", "Profile"], name=f"{name} {uri[-3:]}", version=uri[-3:])
            for uri, name in PROFILES.items()
        ]
        root["conformsTo"] = [{"@id": profile.id} for profile in profiles]
        # Named in full, so that no second context from the network is needed.
        self.crate.metadata.extra_terms["environment"] = f"{TERMS}environment"

    def _workflow(self) -> Any:
        language = self.entity(
            SNAKEMAKE,
            "ComputerLanguage",
            name="Snakemake",
            url="https://snakemake.github.io",
            identifier="https://snakemake.github.io",
            version=self._version("snakemake"),
        )
        workflow = self.crate.dereference("Snakefile")
        workflow["name"], workflow["version"] = "myomag", __version__
        workflow["programmingLanguage"] = _reference(language)
        workflow["input"] = [_reference(self._parameter(*item)) for item in INPUTS.items()]
        workflow["output"] = [_reference(self._parameter(*item)) for item in OUTPUTS.items()]
        steps = [step for step in pipeline.NAMES if step in {ledger.step for ledger in self.ledgers}]
        workflow["hasPart"] = [{"@id": self._tool(step)} for step in steps]
        workflow["step"] = [_reference(self._how_to(number, step)) for number, step in enumerate(steps)]
        self.crate.root_dataset["mainEntity"] = _reference(workflow)
        return workflow

    def _parameter(self, key: str, name: str) -> Any:
        profile = self.entity(
            "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE",
            "CreativeWork",
            name="FormalParameter",
            version="1.0",
        )
        properties = {"name": name, "additionalType": "File", "conformsTo": profile, "multipleValues": True}
        return self.entity(f"#parameter-{key}", "FormalParameter", **properties)

    def _tool(self, step: str) -> str:
        identifier = (SCRIPTS / f"{step}.py").relative_to(REPOSITORY).as_posix()
        tool = self.crate.dereference(identifier)
        tool["name"], tool["description"] = step, _purpose(step)
        return identifier

    def _how_to(self, number: int, step: str) -> Any:
        properties = {"name": _purpose(step), "position": str(number), "workExample": {"@id": self._tool(step)}}
        return self.entity(f"Snakefile#{step}", "HowToStep", **properties)

    def _control(self, ledger: Ledger) -> Any:
        """Action of one job, and the action that links it to its step of the workflow."""
        name = f"{ledger.step}{' batch ' + ledger.batch if ledger.batch else ''}"
        identifier = name.replace(" ", "-")
        action = self._job(ledger, f"#run-{identifier}", name)
        step = {"@id": f"Snakefile#{ledger.step}"}
        return self.entity(
            f"#control-{identifier}", "ControlAction", name=f"Step {name}", instrument=step, object=action
        )

    def _job(self, ledger: Ledger, identifier: str, name: str) -> Any:
        steps = [step_of(self.derivative, ledger, row) for row in ledger.rows]
        failed = [f"{row.scan}: {row.reason}" for row in ledger.rows if row.status != "ok" and row.step == ledger.step]
        return self.entity(
            identifier,
            "CreateAction",
            name=f"Run of {name}",
            description="; ".join(failed) or None,
            instrument={"@id": self._tool(ledger.step)},
            object=[*self._references(file for step in steps for file in step.used), *self._settings()],
            result=self._references(_written(steps)),
            startTime=ledger.activity["started"],
            endTime=ledger.activity["ended"],
            actionStatus={"@id": "http://schema.org/CompletedActionStatus"},
            agent=self._agent(ledger.activity),
            environment=self._environment(ledger.activity),
        )

    def _workflow_action(self, workflow: Any) -> Any:
        read = [
            file
            for ledger in self.derivative.of_step("raw")
            for row in ledger.rows
            for _, file, _ in ledger.inputs(row)
        ]
        kinds = {file: "tables" if file in self.derivative.tables else "raw" for file in read}
        steps = [step_of(self.derivative, each, row) for each in self.ledgers for row in each.rows]
        written = {
            file: "results"
            for step in steps
            if not step.row.session_id and not step.row.participant_id
            for file in _written([step])
        }
        written |= {file: "records" for step in steps if step.ledger.step == "magnesium" for file in _written([step])}
        for file, key in (kinds | written).items():
            if entity := self.crate.dereference(self.files.get(file, "#absent")):
                entity["exampleOfWork"] = {"@id": f"#parameter-{key}"}
        self.crate.dereference(f"{RESULTS}/config.yaml")["exampleOfWork"] = {"@id": "#parameter-settings"}
        return self.entity(
            "#run",
            "CreateAction",
            name="Run of myomag",
            instrument=workflow,
            object=[*self._references(kinds), *self._settings()],
            result=self._references(written),
            actionStatus={"@id": "http://schema.org/CompletedActionStatus"},
            agent=self._agent(self.ledgers[-1].activity),
            **self._times(),
        )

    def _settings(self) -> list[dict[str, str]]:
        return [{"@id": f"{RESULTS}/config.yaml"}]

    def _references(self, files: Iterable[File]) -> list[dict[str, str]]:
        return [{"@id": self.files[file]} for file in dict.fromkeys(files) if file in self.files]

    def _times(self) -> dict[str, str]:
        started = [ledger.activity["started"] for ledger in self.ledgers]
        ended = [ledger.activity["ended"] for ledger in self.ledgers]
        return {
            "startTime": min(started, key=datetime.fromisoformat),
            "endTime": max(ended, key=datetime.fromisoformat),
        }

    def _agent(self, activity: Mapping[str, Any]) -> Any:
        if not self.people:
            return None
        name = f"{activity['user']} on {activity['host']}"
        return self.entity(f"#person-{activity['user']}-{activity['host']}", "Person", name=name)

    def _environment(self, activity: Mapping[str, Any]) -> list[Any]:
        """Software of a job, one entity for each name and value."""
        content = {key: activity.get(key) for key in (*ENVIRONMENT, *CODE)}
        content |= content.pop("packages") or {}
        return [
            self.entity(f"#{name}-{_slug(str(value))}", "PropertyValue", name=name, value=str(value))
            for name, value in content.items()
            if value is not None
        ]

    def _version(self, package: str) -> str | None:
        return next(
            (str(each.activity["packages"][package]) for each in self.ledgers if package in each.activity["packages"]),
            None,
        )


def _purpose(step: str) -> str:
    return pipeline.BY_NAME[step].purpose.capitalize()


def _written(steps: Iterable[Step]) -> Iterator[File]:
    for step in steps:
        yield from (file for _, file, _ in step.ledger.outputs(step.row))


def _reference(entity: Any) -> dict[str, str]:
    return {"@id": entity.id}


def _plain(value: Any) -> Any:
    """Properties as JSON-LD: entities become references."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return _reference(value) if hasattr(value, "id") else value


def _slug(text: str) -> str:
    return "".join(character if character.isalnum() or character in "._" else "-" for character in text)

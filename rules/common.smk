import os
import sys
from pathlib import Path

# Find the package beside this workflow even if it is not installed (--sdm conda).
sys.path.insert(0, os.path.join(workflow.current_basedir, "..", "workflow"))

from myomag import pipeline
from myomag.run.jobs import keep_what_is_loaded
from myomag.run.snakefile import (
    Flow,
    beyond_defaults,
    default_output,
    errors_as,
    go_by_digests,
    prepare_jobs,
    study_root,
)
from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

keep_what_is_loaded()
prepare_jobs()
with errors_as(WorkflowError):
    config["study"] = str(study_root(config))

# As a module, the working directory and the command line belong to the workflow that uses this one.
alone = workflow.modifier.is_main_snakefile()
if alone and Path.cwd().resolve() == Path(workflow.basedir).resolve():

    workdir: str(default_output(Path(config["study"])))


with errors_as(WorkflowError):
    given = workflow.config_settings.overwrite_config if alone else beyond_defaults(config)
    flow = Flow(config, given, Path(workflow.modifier.path_modifier.prefix or "."))
    if workflow.is_main_process:
        flow.index()
        for note in flow.notes():
            logger.warning(note, extra={"event": "note"})


def ledgers(step):
    """Ledgers that a step of one batch reads; after the protocols, once their values are known.

    These values reach the fit as params, so that it runs if they changed, and later steps run if the fit does.
    """

    def named(wildcards):
        go_by_digests(workflow.dag_settings)
        if flow.waits_for_protocols(step):
            checkpoints.protocols.get()
        return flow.ledgers_read(step, wildcards.batch)

    return named


def spec(step):
    """Settings of a step for one batch or the study, evaluated if the job is part of the plan."""
    return lambda wildcards: flow.spec(step, wildcards.get("batch"))


def growing(first):
    """A resource requested on the first attempt, increased by the same amount on each further one."""
    return lambda wildcards, attempt: first * attempt

import os
import sys
from pathlib import Path

# The package is found beside this workflow even where it is not installed (--sdm conda).
sys.path.insert(0, os.path.join(workflow.basedir, "workflow"))

from myomag.ledger.rows import STEPS
from myomag.run.snakefile import Flow, errors_as, go_by_digests, prepare_jobs, without_rate_limit
from myomag.run.jobs import keep_what_is_loaded
from snakemake.exceptions import WorkflowError

keep_what_is_loaded()
with errors_as(WorkflowError):
    flow = Flow(config, workflow.config_settings.overwrite_config)
config["study"] = str(flow.study)

if Path.cwd().resolve() == Path(workflow.basedir).resolve():

    workdir: str(flow.default_output)


prepare_jobs()
if workflow.is_main_process:
    with errors_as(WorkflowError):
        flow.index(Path.cwd())


def raw_ledger(wildcards):
    """First input of every chain; asked for when Snakemake's settings stand, which is after this file was read."""
    go_by_digests(workflow.dag_settings)
    if workflow.local_exec:
        without_rate_limit(workflow.scheduling_settings)
    return f"ledger/raw/batch-{wildcards.batch}.tsv"


def growing(first):
    """A resource that a job asks for on its first attempt, and that much more on each further one."""
    return lambda wildcards, attempt: first * attempt

import os
import sys
from pathlib import Path

# The package is found beside this workflow even where it is not installed (--sdm conda).
sys.path.insert(0, os.path.join(workflow.basedir, "workflow"))

from myomag.flow import open_flow, prepare_jobs
from snakemake.exceptions import WorkflowError

# Whether code changed is told by the digest in each rule's params. The `code` trigger goes by the time stamps of the
# scripts, which a fresh clone renews. Inputs are ledgers: their content counts whatever their size.
if workflow.dag_settings is not None:
    kept = frozenset(trigger for trigger in workflow.dag_settings.rerun_triggers if trigger.name != "CODE")
    workflow.dag_settings.rerun_triggers = kept
    workflow.dag_settings.max_checksum_file_size = 1_000_000_000

flow = open_flow(config, workflow.config_settings.overwrite_config, failure=WorkflowError)
config["study"] = str(flow.study)

if Path.cwd().resolve() == Path(workflow.basedir).resolve():

    workdir: str(flow.default_output)


prepare_jobs()
if workflow.is_main_process:
    flow.index()

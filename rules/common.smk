import os
import sys
from pathlib import Path

# The package is found beside this workflow even where it is not installed (--sdm conda), in jobs too.
PACKAGE_DIR = os.path.join(workflow.basedir, "workflow")
sys.path.insert(0, PACKAGE_DIR)
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [PACKAGE_DIR, os.environ.get("PYTHONPATH")]))
# More threads per job gain no speed and cost twice the CPU time.
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

from myomag.errors import MyomagError
from myomag.flow import Flow, default_output
from snakemake.exceptions import WorkflowError

# Whether code changed is told by the digest in each rule's params. The `code` trigger goes by the time stamps of the
# scripts, which a fresh clone renews. Inputs are ledgers: their content counts whatever their size.
settings = workflow.dag_settings
if settings is not None:
    settings.rerun_triggers = frozenset(t for t in settings.rerun_triggers if t.name != "CODE")
    settings.max_checksum_file_size = 1_000_000_000

try:
    flow = Flow(config, workflow.overwrite_config)
    if Path.cwd().resolve() == Path(workflow.basedir).resolve():

        workdir: default_output(flow.study)

    if workflow.is_main_process:
        flow.index()
except MyomagError as error:
    raise WorkflowError(str(error)) from None

config["study"] = str(flow.study)

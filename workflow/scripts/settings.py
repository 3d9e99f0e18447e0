import json

from myomag.ledger.cleanup import sweep
from myomag.ledger.harness import job
from myomag.ledger.study_harness import write_study
from myomag.steps.settings import settings_files

with job(snakemake) as task:
    sources = json.loads(snakemake.params.sources)
    sweep(task.root, task.ledgers)
    write_study(
        task,
        settings_files(task.study, task.root, task.spec.settings),
        inputs=sources["read"],
        read=sources["read"],
        origins=sources["origins"],
        command_line=sources["command_line"],
    )

from myomag.ledger.activity import environment
from myomag.ledger.harness import job
from myomag.ledger.study_harness import made, write_study
from myomag.settings.models import Settings
from myomag.steps.report import report_files

with job(snakemake) as task:
    rows = made(task)
    read = {role: file for row in rows for role, file in row.outputs.items()}
    write_study(task, report_files(task.root, rows, task.settings(Settings), environment()), inputs=read)

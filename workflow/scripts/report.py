from myomag.ledger.activity import environment
from myomag.ledger.harness import job, write_study
from myomag.settings.models import Settings
from myomag.steps.report import report_files

with job(snakemake) as task:
    made = task.made()
    read = {role: file for row in made for role, file in row.outputs.items()}
    write_study(task, report_files(task.root, made, task.settings(Settings), environment()), inputs=read)

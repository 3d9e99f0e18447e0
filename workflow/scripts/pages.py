from myomag.ledger.harness import job
from myomag.ledger.study_harness import write_participants
from myomag.settings.models import Settings
from myomag.steps.pages import participant_pages

with job(snakemake) as task:
    settings = task.settings(Settings)
    write_participants(task, lambda results: participant_pages(results, settings, task.spec.reject))

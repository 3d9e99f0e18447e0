from myomag.ledger.harness import job, run_scans
from myomag.steps.begin_time import begin_time_scan

with job(snakemake) as task:
    run_scans(task, begin_time_scan)

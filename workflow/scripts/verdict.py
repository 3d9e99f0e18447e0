from myomag.ledger.harness import job, run_scans
from myomag.steps.verdict import verdict_scan

with job(snakemake) as task:
    run_scans(task, verdict_scan)

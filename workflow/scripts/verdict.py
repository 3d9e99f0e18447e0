from myomag.steps.verdict import verdict_scan

from myomag.ledger.harness import job, run_scans

with job(snakemake) as task:
    run_scans(task, verdict_scan)

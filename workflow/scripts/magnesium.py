from myomag.ledger.harness import job, run_scans
from myomag.steps.magnesium import magnesium_scan

with job(snakemake) as task:
    run_scans(task, magnesium_scan)

from myomag.ledger.harness import job, run_scans
from myomag.steps.series import series_scan

with job(snakemake) as task:
    run_scans(task, series_scan)

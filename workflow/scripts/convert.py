from myomag.ledger.harness import job, run_scans
from myomag.steps.convert import convert_scan

with job(snakemake) as task:
    run_scans(task, convert_scan)

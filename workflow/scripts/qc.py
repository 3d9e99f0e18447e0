from myomag.ledger.harness import job, run_scans
from myomag.steps.qc import qc_scan

with job(snakemake) as task:
    run_scans(task, qc_scan)

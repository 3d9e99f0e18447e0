from myomag.ledger.harness import job, run_scans
from myomag.steps.fit import fit_scan

with job(snakemake) as task:
    run_scans(task, fit_scan)

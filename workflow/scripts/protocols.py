from myomag.ledger.harness import job, write_study
from myomag.steps.protocols import protocol_tables

with job(snakemake) as task:
    write_study(task, protocol_tables(task.results()).items())

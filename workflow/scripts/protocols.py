from myomag.ledger.harness import job
from myomag.ledger.study_harness import results, write_study
from myomag.steps.protocols import protocol_tables

with job(snakemake) as task:
    write_study(task, protocol_tables(results(task)).items())

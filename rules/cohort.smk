rule cohort:
    input:
        ledgers=flow.ledgers_read("cohort"),
    output:
        flow.files("cohort"),
        ledger="ledger/cohort/all.tsv",
    log:
        "logs/cohort.log",
    benchmark:
        "benchmarks/cohort.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(30),
    params:
        spec=spec("cohort"),
    message:
        "cohort: one row per scan, exclusions, the models and how far they hold"
    script:
        "../workflow/scripts/cohort.py"

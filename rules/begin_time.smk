rule begin_time:
    input:
        ledgers=ledgers("begin_time"),
    output:
        ledger="ledger/begin_time/batch-{batch}.tsv",
    log:
        "logs/begin_time/batch-{batch}.log",
    benchmark:
        "benchmarks/begin_time/batch-{batch}.tsv"
    group:
        "measurement"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(800),
        runtime=growing(60),
    params:
        spec=spec("begin_time"),
    message:
        "begin_time batch {wildcards.batch}: each scan by itself"
    script:
        "../workflow/scripts/begin_time.py"

rule verdict:
    input:
        ledgers=ledgers("verdict"),
    output:
        ledger="ledger/verdict/batch-{batch}.tsv",
    log:
        "logs/verdict/batch-{batch}.log",
    benchmark:
        "benchmarks/verdict/batch-{batch}.tsv"
    group:
        "results"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(800),
        runtime=growing(15),
    params:
        spec=spec("verdict"),
    message:
        "verdict batch {wildcards.batch}: judge the measured quality by the thresholds"
    script:
        "../workflow/scripts/verdict.py"

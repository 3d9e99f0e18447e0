rule fit:
    input:
        ledgers=ledgers("fit"),
    output:
        ledger="ledger/fit/batch-{batch}.tsv",
    log:
        "logs/fit/batch-{batch}.log",
    benchmark:
        "benchmarks/fit/batch-{batch}.tsv"
    group:
        "results"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(800),
        runtime=growing(60),
    params:
        spec=spec("fit"),
    message:
        "fit batch {wildcards.batch}: AMARES with prior knowledge"
    script:
        "../workflow/scripts/fit.py"

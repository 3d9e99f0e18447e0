rule fit:
    input:
        after_protocols("begin_time"),
    output:
        "ledger/fit/batch-{batch}.tsv",
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
        spec=lambda wildcards: flow.step_spec("fit", wildcards.batch),
    message:
        "fit batch {wildcards.batch}: AMARES with prior knowledge"
    script:
        "../workflow/scripts/fit.py"

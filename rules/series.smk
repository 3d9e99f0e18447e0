rule series:
    input:
        ledgers=ledgers("series"),
    output:
        ledger="ledger/series/batch-{batch}.tsv",
    log:
        "logs/series/batch-{batch}.log",
    benchmark:
        "benchmarks/series/batch-{batch}.tsv"
    group:
        "results"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(800),
        runtime=growing(15),
    params:
        spec=spec("series"),
    message:
        "series batch {wildcards.batch}: courses and kinetics"
    script:
        "../workflow/scripts/series.py"

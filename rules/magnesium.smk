rule magnesium:
    input:
        ledgers=ledgers("magnesium"),
    output:
        ledger="ledger/magnesium/batch-{batch}.tsv",
    log:
        "logs/magnesium/batch-{batch}.log",
    benchmark:
        "benchmarks/magnesium/batch-{batch}.tsv"
    group:
        "results"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(800),
        runtime=growing(15),
    params:
        spec=spec("magnesium"),
    message:
        "magnesium batch {wildcards.batch}: pH and free Mg from the shifts"
    script:
        "../workflow/scripts/magnesium.py"

rule qc:
    input:
        ledgers=ledgers("qc"),
    output:
        ledger="ledger/qc/batch-{batch}.tsv",
    log:
        "logs/qc/batch-{batch}.log",
    benchmark:
        "benchmarks/qc/batch-{batch}.tsv"
    group:
        "measurement"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(800),
        runtime=growing(30),
    params:
        spec=spec("qc"),
    message:
        "qc batch {wildcards.batch}: combine coils, align and average transients, measure the spectrum"
    script:
        "../workflow/scripts/qc.py"

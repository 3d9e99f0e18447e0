rule qc:
    input:
        "ledger/convert/batch-{batch}.tsv",
    output:
        "ledger/qc/batch-{batch}.tsv",
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
        spec=lambda wildcards: flow.step_spec("qc", wildcards.batch),
    message:
        "qc batch {wildcards.batch}: combine coils, align and average transients, judge the spectrum"
    script:
        "../workflow/scripts/qc.py"

rule convert:
    input:
        raw_ledger,
    output:
        "ledger/convert/batch-{batch}.tsv",
    log:
        "logs/convert/batch-{batch}.log",
    benchmark:
        "benchmarks/convert/batch-{batch}.tsv"
    group:
        "measurement"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(800),
        runtime=growing(30),
    params:
        spec=lambda wildcards: flow.step_spec("convert", wildcards.batch),
    message:
        "convert batch {wildcards.batch}: vendor files and NIfTI-MRS to de-identified NIfTI-MRS"
    script:
        "../workflow/scripts/convert.py"

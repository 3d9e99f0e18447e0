rule convert:
    input:
        ledgers=ledgers("convert"),
    output:
        ledger="ledger/convert/batch-{batch}.tsv",
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
        spec=spec("convert"),
    message:
        "convert batch {wildcards.batch}: vendor files and NIfTI-MRS to de-identified NIfTI-MRS"
    script:
        "../workflow/scripts/convert.py"

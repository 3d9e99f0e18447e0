rule settings:
    input:
        ledgers=flow.ledgers_read("settings"),
    output:
        flow.files("settings"),
        ledger="ledger/settings/all.tsv",
    log:
        "logs/settings.log",
    benchmark:
        "benchmarks/settings.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(800),
        runtime=growing(15),
    params:
        spec=spec("settings"),
        sources=lambda wildcards: flow.sources(),
    message:
        "settings: write them down in full, describe the derivative"
    script:
        "../workflow/scripts/settings.py"

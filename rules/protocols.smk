checkpoint protocols:
    input:
        ledgers=flow.ledgers_read("protocols"),
    output:
        flow.files("protocols"),
        ledger="ledger/protocols/all.tsv",
    log:
        "logs/protocols.log",
    benchmark:
        "benchmarks/protocols.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(800),
        runtime=growing(15),
    params:
        spec=spec("protocols"),
    message:
        "protocols: the begin time pooled over the scans of each protocol"
    script:
        "../workflow/scripts/protocols.py"

rule report:
    input:
        ledgers=flow.ledgers_read("report"),
    output:
        flow.files("report"),
        ledger="ledger/report/all.tsv",
    log:
        "logs/report.log",
    benchmark:
        "benchmarks/report.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(30),
    params:
        spec=spec("report"),
    message:
        "report: the cohort page and its figures"
    script:
        "../workflow/scripts/report.py"

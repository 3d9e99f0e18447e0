rule pages:
    input:
        ledgers=ledgers("pages"),
    output:
        ledger="ledger/pages/batch-{batch}.tsv",
    log:
        "logs/pages/batch-{batch}.log",
    benchmark:
        "benchmarks/pages/batch-{batch}.tsv"
    # Nothing waits for the pages, and the cohort takes one core for a while: they fill the other.
    priority: -1
    group:
        "results"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(800),
        runtime=growing(30),
    params:
        spec=spec("pages"),
    message:
        "pages batch {wildcards.batch}: one page per participant"
    script:
        "../workflow/scripts/pages.py"

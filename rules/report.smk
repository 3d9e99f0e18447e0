rule pages:
    input:
        ledgers=after_protocols(*STEPS),
    output:
        "ledger/pages/batch-{batch}.tsv",
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
        spec=lambda wildcards: flow.study_spec("pages", wildcards.batch),
    message:
        "pages batch {wildcards.batch}: one page per participant"
    script:
        "../workflow/scripts/pages.py"


rule report:
    input:
        tables=rules.cohort.output,
        protocols="protocols.tsv",
        ledgers=["ledger/cohort/all.tsv", "ledger/protocols/all.tsv"],
    output:
        "report/index.html",
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
        spec=flow.study_spec("report"),
    message:
        "report: the cohort page and its figures"
    script:
        "../workflow/scripts/report.py"

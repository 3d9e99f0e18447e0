rule cohort:
    input:
        tables="ledger/raw/tables.tsv",
        ledgers=flow.ledgers("qc", "fit", "magnesium"),
    output:
        "cohort.tsv",
        "cohort.json",
        "exclusions.tsv",
        "exclusions.json",
        "statistics.tsv",
        "statistics.json",
        "demographics.tsv",
        "demographics.json",
        ledger="ledger/cohort/all.tsv",
    log:
        "logs/cohort.log",
    benchmark:
        "benchmarks/cohort.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(30),
    params:
        spec=flow.study_spec("cohort"),
    message:
        "cohort: one row per scan, exclusions, regressions"
    script:
        "../workflow/scripts/cohort.py"

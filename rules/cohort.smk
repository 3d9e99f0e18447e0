rule cohort:
    input:
        tables="ledger/raw/tables.tsv",
        ledgers=flow.ledgers("qc", "fit", "magnesium"),
    output:
        multiext("cohort", ".tsv", ".json"),
        multiext("exclusions", ".tsv", ".json"),
        multiext("statistics", ".tsv", ".json"),
        multiext("flow", ".tsv", ".json"),
        multiext("comparisons", ".tsv", ".json"),
        multiext("measurement_error", ".tsv", ".json"),
        multiext("sensitivity", ".tsv", ".json"),
        multiext("repeatability", ".tsv", ".json"),
        multiext("longitudinal", ".tsv", ".json"),
        multiext("demographics", ".tsv", ".json"),
        multiext("mrsinmrs", ".tsv", ".json"),
        "methods.md",
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
        "cohort: one row per scan, exclusions, the models and how far they hold"
    script:
        "../workflow/scripts/cohort.py"

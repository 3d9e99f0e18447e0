checkpoint protocols:
    input:
        ledgers=flow.ledgers("begin_time"),
    output:
        "protocols.tsv",
        "protocols.json",
        ledger="ledger/protocols/all.tsv",
    log:
        "logs/protocols.log",
    benchmark:
        "benchmarks/protocols.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=800,
        runtime=15,
    params:
        spec=flow.study_spec("protocols"),
    message:
        "protocols: the begin time pooled over the scans of each protocol"
    script:
        "../workflow/scripts/protocols.py"


def begin_time_ledger(wildcards):
    """Input of the fit, once the protocols are known; their values reach it as params, so that it runs when they move."""
    checkpoints.protocols.get()
    return f"ledger/begin_time/batch-{wildcards.batch}.tsv"

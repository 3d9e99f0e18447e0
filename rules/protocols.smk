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
        mem_mb=growing(800),
        runtime=growing(15),
    params:
        spec=flow.study_spec("protocols"),
    message:
        "protocols: the begin time pooled over the scans of each protocol"
    script:
        "../workflow/scripts/protocols.py"


def after_protocols(*steps):
    """Ledgers of these steps as input of the fit and of what follows it by batch, once the protocols are known.

    Their values reach the fit as params, so that it runs where they moved, and what follows runs where the fit does.
    """

    def ledgers(wildcards):
        checkpoints.protocols.get()
        return [f"ledger/{step}/batch-{wildcards.batch}.tsv" for step in steps]

    return ledgers

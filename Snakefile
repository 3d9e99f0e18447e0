# From raw 31P MR spectra of muscle to magnesium: convert → qc → begin_time → fit → magnesium → cohort → report.
# Run with: myomag run STUDY, or: snakemake --directory DIR --config study=/path/to/STUDY --cores 2
from snakemake.utils import min_version

min_version("9.0")


configfile: f"{workflow.basedir}/config/config.yaml"


include: "rules/common.smk"
include: "rules/convert.smk"
include: "rules/qc.smk"
include: "rules/begin_time.smk"
include: "rules/protocols.smk"
include: "rules/fit.smk"
include: "rules/magnesium.smk"
include: "rules/cohort.smk"
include: "rules/report.smk"


wildcard_constraints:
    batch=r"\d+",


localrules:
    all,


rule all:
    default_target: True
    input:
        # Every ledger: Snakemake makes a missing file again only where a target asks for it.
        flow.ledgers("convert", "qc", "begin_time", "fit", "magnesium", "pages"),
        "protocols.tsv",
        "cohort.tsv",
        "report/index.html",


onstart:
    with errors_as(WorkflowError):
        flow.begin()


onsuccess:
    flow.end()


onerror:
    flow.end()

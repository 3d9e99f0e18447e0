# From raw 31P MR spectra of muscle to magnesium: convert → qc → begin_time → fit → magnesium → cohort → report.
# Run with: myomag run STUDY, or: snakemake --directory DIR --config study=/path/to/STUDY --cores 2
from snakemake.utils import min_version

min_version("9.0")


configfile: f"{workflow.current_basedir}/config/config.yaml"


include: "rules/common.smk"


for step in pipeline.STEPS:
    if step.kind != "entry":

        include: f"rules/{step.name}.smk"


wildcard_constraints:
    batch=r"\d+",


localrules:
    all,


rule all:
    default_target: True
    input:
        # Every ledger: Snakemake remakes a missing file only if a target requests it.
        flow.ledgers(*(step.name for step in pipeline.STEPS if step.kind != "entry")),
        [file for step in pipeline.STEPS if step.kind == "study" for file in flow.files(step.name)],


onstart:
    flow.begin()


onsuccess:
    for note in flow.end():
        logger.warning(note, extra={"event": "note"})


onerror:
    for note in flow.end():
        logger.warning(note, extra={"event": "note"})

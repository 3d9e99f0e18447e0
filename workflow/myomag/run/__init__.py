"""Running the pipeline with Snakemake."""

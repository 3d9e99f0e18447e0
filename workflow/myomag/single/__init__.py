"""One file or one study looked at without running the pipeline."""

"""Examining one file or one study without running the pipeline."""

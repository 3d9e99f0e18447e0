"""Scan-level steps, each for one scan: files in, file contents out."""

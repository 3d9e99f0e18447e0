"""What each scan-level rule does to one scan: files in, file contents out."""

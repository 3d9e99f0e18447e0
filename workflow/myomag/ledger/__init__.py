"""The ledger: files read and written by each step, with digests, and the harness that writes it."""

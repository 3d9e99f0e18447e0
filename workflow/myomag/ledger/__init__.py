"""The ledger: which files each step read and wrote, with digests, and the harness that writes it."""

"""Readers of the ledger: trace, verify, diff, reproduce, export."""

"""A cohort of several sites from their finished derivatives, without raw data."""

"""From one row per scan to the tables of a paper."""

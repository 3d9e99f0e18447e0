"""The study folder: names, search and tables."""

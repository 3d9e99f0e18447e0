"""Numbers, names and plurals in words, for pages, papers and the terminal alike."""

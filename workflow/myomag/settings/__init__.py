"""Settings: typed models, read from YAML, with messages that name file, key and remedy."""

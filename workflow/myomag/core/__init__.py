"""Arrays in, arrays out: the physics of 31P spectra, without files or settings (numpy and scipy only)."""

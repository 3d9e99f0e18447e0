"""Files: NIfTI-MRS, vendor formats, tables and JSON records."""

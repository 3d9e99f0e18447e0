"""`import myomag`: one scan step by step, and the results of a study as data frames.

The numbers are those of `myomag scan` and `myomag run`: the same steps, the same settings, the same tables.
"""

from myomag.python.results import Results, open_results
from myomag.python.scan import Scan, read

__all__ = ["Results", "Scan", "open_results", "read"]

"""myomag: free magnesium and pH of skeletal muscle from 31P MR spectra, with an auditable trail."""

__version__ = "0.1.0"

"""Where a fit ended, for another fit of the same FID to start from."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FitStart:
    """Lines and parameters of a fit.

    Attributes
    ----------
    lines : tuple of str
        Lines that were fitted.
    parameters : dict of str to float
        Free parameters by name: amplitudes [FID units], the others in the units of a fit.
    coefficients : tuple of float
        Those of the line shape; empty for none.
    """

    lines: tuple[str, ...]
    parameters: dict[str, float]
    coefficients: tuple[float, ...]

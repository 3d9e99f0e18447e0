"""End point of a fit, from which another fit of the same FID starts."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FitStart:
    """Lines and parameters of a fit.

    Attributes
    ----------
    lines : tuple of str
        Fitted lines.
    parameters : dict of str to float
        Free parameters by name: amplitudes [FID units], the others in the units of a fit.
    coefficients : tuple of float
        Those of the line shape; empty for none.
    """

    lines: tuple[str, ...]
    parameters: dict[str, float]
    coefficients: tuple[float, ...]

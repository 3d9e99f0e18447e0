"""Names and units of the cohort's columns as a reader would say them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FIXED = {
    "mg_mmol_l": "free Mg²⁺",
    "log10_mg_mmol_l": "log₁₀ free Mg²⁺",
    "pmg": "pMg",
    "ph": "pH",
    "pcr_fwhm_hz": "PCr line width",
    "pcr_snr": "PCr SNR",
    "begin_time_us": "begin time",
    "phase_deg": "zero-order phase",
}
UNITS = {"mg_mmol_l": "mM", "pcr_fwhm_hz": "Hz", "begin_time_us": "µs", "phase_deg": "°"}
PRINTED = {"mmol/L": "mM", "umol/L": "µM", "us": "µs", "degrees": "degree", "years": "year", "N.m": "N·m"}
"""Units as data dictionaries write them, and as papers print them."""
STRATA = {"women": "women", "men": "men"}


@dataclass(frozen=True)
class Labels:
    """Columns that the settings name, what to call them, and the units that the study's data dictionaries give."""

    age: str
    sex: str
    strength: str
    serum_mg: str
    units: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Mapping[str, Any], units: Mapping[str, str] | None = None) -> "Labels":
        """Labels for the section `cohort` of the settings."""
        keys = ("age_column", "sex_column", "strength_column", "serum_mg_column")
        age, sex, strength, serum_mg = (str(settings.get(key, "")) for key in keys)
        return cls(age, sex, strength, serum_mg, units or {})

    def column(self, name: Any) -> str:
        """Readable name of a column; one that is not known stays as it is."""
        own = {self.age: "age", self.sex: "sex", self.strength: "strength", self.serum_mg: "serum Mg"}
        return FIXED.get(str(name)) or own.get(str(name)) or str(name)

    def title(self, name: Any) -> str:
        """Readable name of a column that begins a line; symbols keep their case."""
        label = self.column(name)
        return label if label[:2] in ("pH", "pM") else label[:1].upper() + label[1:]

    def axis(self, name: Any) -> str:
        """Readable name of a column with its unit, as far as it is known, for an axis."""
        unit = ({self.age: "years", self.serum_mg: "mM"} | UNITS).get(str(name)) or self.unit(self.units.get(str(name)))
        return self.title(name) + (f" ({unit})" if unit else "")

    def unit(self, unit: Any) -> str:
        """Unit as papers print it, also one `per` another; columns in it by their readable names."""
        words = (PRINTED.get(word) or self.column(word) for word in re.split(r"( )", str(unit or "")))
        return "".join(words)

    def model(self, row: Mapping[str, Any]) -> str:
        """`free Mg²⁺ against age`, with the stratum and what it is adjusted for where there are any."""
        stratum = STRATA.get(str(row.get("stratum")))
        where = f", {stratum}" if stratum else ""
        covariates = [self.column(name) for name in str(row.get("covariates") or "").split(", ") if name]
        adjusted = f", adjusted for {' and '.join(covariates)}" if covariates else ""
        return f"{self.column(row['outcome'])} against {self.column(row['predictor'])}{where}{adjusted}"

"""Names and units of the cohort's columns as a reader would say them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from myomag.cohort.plan import ALL
from myomag.settings.cohort import CohortSettings

FIXED = {
    "mg_mmol_l": "free Mg²⁺",
    "log10_mg_mmol_l": "free Mg²⁺",
    "pmg": "pMg",
    "ph": "pH",
    "pcr_fwhm_hz": "PCr line width",
    "pcr_snr": "PCr SNR",
    "begin_time_us": "begin time",
    "phase_deg": "zero-order phase",
    "tau_pcr_s": "τ of PCr",
    "k_pcr_per_s": "k of PCr",
    "v_pcr_per_s": "initial rate of PCr",
    "pcr_depletion": "PCr depletion",
    "ph_end_exercise": "pH at the end of exercise",
    "ph_min": "pH at the lowest",
    "qmax_linear_mmol_l_s": "Q_max, linear",
    "qmax_adp_mmol_l_s": "Q_max, by ADP",
}
UNITS = {"mg_mmol_l": "mM", "pcr_fwhm_hz": "Hz", "begin_time_us": "µs", "phase_deg": "°"}
PRINTED = {"mmol/L": "mM", "umol/L": "µM", "us": "µs", "degrees": "degree", "years": "year", "N.m": "N·m"}
"""Units as data dictionaries write them, and as papers print them."""


@dataclass(frozen=True)
class Labels:
    """Columns that the settings name, what to call them, and the units that the study's data dictionaries give."""

    age: str
    sex: str
    strength: str
    serum_mg: str
    units: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: CohortSettings, units: Mapping[str, str] | None = None) -> "Labels":
        """Labels for the section `cohort` of the settings."""
        named = settings.age_column, settings.sex_column, settings.strength_column, settings.serum_mg_column
        return cls(*named, units or {})

    def column(self, name: Any) -> str:
        """Readable name of a column; one that is not known stays as it is."""
        own = {self.age: "age", self.sex: "sex", self.strength: "strength", self.serum_mg: "serum Mg"}
        words = (FIXED.get(each) or own.get(each) or each for each in str(name).split("*"))
        return " × ".join(words)

    def title(self, name: Any) -> str:
        """Readable name of a column that begins a line; symbols keep their case."""
        label = self.column(name)
        return label if label[:2] in ("pH", "pM", "τ ", "k ") else label[:1].upper() + label[1:]

    def axis(self, name: Any) -> str:
        """Readable name of a column with its unit, as far as it is known, for an axis."""
        unit = ({self.age: "years", self.serum_mg: "mM"} | UNITS).get(str(name)) or self.unit(self.units.get(str(name)))
        return self.title(name) + (f" ({unit})" if unit else "")

    def unit(self, unit: Any) -> str:
        """Unit as papers print it, also one `per` another; columns in it by their readable names."""
        words = (PRINTED.get(word) or self.column(word) for word in re.split(r"( )", str(unit or "")))
        return "".join(words)

    def relations(self, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        """What each row of statistics relates: `free Mg²⁺ against age, women`; adjusted versions have the same name.

        Where several models of the settings relate the same, as with another subset, their names follow.
        """
        plain = [self._relation(row) for row in rows]
        models: dict[str, set[str]] = {}
        for name, row in zip(plain, rows, strict=True):
            models.setdefault(name, set()).add(model_name(row))
        shared = {name for name, found in models.items() if len(found) > 1}
        pairs = zip(plain, rows, strict=True)
        return [f"{name} ({model_name(row)})" if name in shared else name for name, row in pairs]

    def covariates(self, row: Mapping[str, Any]) -> list[str]:
        """Readable names of what a row is adjusted for."""
        return [self.column(name) for name in str(row.get("covariates") or "").split(", ") if name]

    def _relation(self, row: Mapping[str, Any]) -> str:
        where = f", {row['stratum']}" if row.get("stratum") not in (None, ALL) else ""
        predictor, *others = str(row["predictor"]).split("*")
        by = f", difference by {' and '.join(map(self.column, others))}" if others else ""
        return f"{self.column(row['outcome'])} against {self.column(predictor)}{by}{where}"


def model_name(row: Mapping[str, Any]) -> str:
    """Name of a row's model in the settings, without its stratum and the mark of an adjusted version."""
    return _in_stratum(row).removesuffix("_adjusted")


def is_adjusted(row: Mapping[str, Any]) -> bool:
    """Whether a row is of the adjusted version of a model; a simple one may have covariates of its own, as its site."""
    return _in_stratum(row).endswith("_adjusted")


def _in_stratum(row: Mapping[str, Any]) -> str:
    stratum = "" if row.get("stratum") in (None, ALL) else f"_{row['stratum']}"
    return str(row.get("model")).removesuffix(stratum)

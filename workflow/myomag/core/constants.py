"""Numbers from the literature: each with its unit, source and standing (found, derived, unverified)."""

from dataclasses import dataclass
from typing import NamedTuple

MEMORY = "From memory of the literature; the primary text was not read"


@dataclass(frozen=True)
class Constant:
    """One number: its name, unit and source, and how far that was checked."""

    name: str
    value: float
    unit: str
    source: str
    standing: str


class Equilibrium(NamedTuple):
    """Equilibrium constant K at 25 °C and zero ionic strength, in mol/l.

    Attributes
    ----------
    k : float
        K at 25 °C, I = 0.
    enthalpy_kj_mol : float
        ΔH° of the reaction [kJ/mol].
    charges_squared : int
        Σz² of the products minus Σz² of the reactants; H+ counts, so that pH is −log10 of the concentration of H+.
    """

    k: float
    enthalpy_kj_mol: float
    charges_squared: int


GAS_CONSTANT_J_MOL_K = 8.314462618
"""Molar gas constant, exact in the SI since 2019."""
REFERENCE_TEMPERATURE_K = 298.15
ZERO_CELSIUS_K = 273.15

EQUILIBRIA = {
    "ka_atp": Equilibrium(2.512e-8, -6.30, 16 + 1 - 9),
    "kb_mgatp": Equilibrium(1.514e6, 22.90, 4 - 4 - 16),
    "kb_mghatp": Equilibrium(4266.0, 16.90, 1 - 4 - 9),
    "ka_adp": Equilibrium(6.607e-8, -5.60, 9 + 1 - 4),
    "kb_mgadp": Equilibrium(4.466e4, 19.0, 1 - 4 - 9),
    "kb_mghadp": Equilibrium(316.3, 12.5, 0 - 4 - 4),
    "ka_pcr": Equilibrium(8.854e-6, 2.66, 4 + 1 - 1),
    "kb_mgpcr": Equilibrium(232.0, 8.19, 0 - 4 - 4),
    "ka_pi": Equilibrium(6.026e-8, 12.2, 4 + 1 - 1),
    "kb_mgpi": Equilibrium(512.8, 8.19, 0 - 4 - 4),
    "ck": Equilibrium(2.580461e8, -17.55, 16 - 9 - 4 - 1),
    "atp_hydrolysis": Equilibrium(0.2946, -20.5, 9 + 4 + 1 - 16),
}
"""Acid dissociation (ka) and Mg binding (kb) of ATP, ADP, PCr and Pi; PCr²⁻ + ADP³⁻ + H⁺ ⇌ ATP⁴⁻ + Cr (ck); hydrolysis
of ATP⁴⁻ to ADP³⁻, HPO4²⁻ and H⁺. Source: Teague, Golding & Dobson 1996 as given in an openly licensed calculator
(found)."""

DEBYE_HUCKEL = (-16.39023, 261.3371, 3.3689633, -1.437167, 0.111995)
"""A/3 = c0 + c1/T + c2·ln T + c3·T/100 + c4·(T/100)² (Clarke & Glew 1980 as given in public code, found)."""
DEBYE_HUCKEL_B = 1.6
"""Size parameter [l^½ mol^−½] (Alberty 2003 as given in public code, found)."""

ATP = Constant("atp_mmol_l", 8.2, "mmol/l", "Published means of resting human muscle (8.2 ± 0.4, mean ± SEM)", "found")
TOTAL_CREATINE = Constant("total_creatine_mmol_l", 42.5, "mmol/l", MEMORY, "unverified")
TEMPERATURE = Constant("temperature_c", 37.0, "°C", "Convention: core body temperature", "unverified")
IONIC_STRENGTH = Constant("ionic_strength_mol_l", 0.25, "mol/l", MEMORY, "unverified")

"""Free ADP and the free energy of ATP hydrolysis from the creatine-kinase equilibrium; saturation of amplitudes."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import cos, exp, log, radians, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from myomag.core.constants import (
    DEBYE_HUCKEL,
    DEBYE_HUCKEL_B,
    EQUILIBRIA,
    GAS_CONSTANT_J_MOL_K,
    REFERENCE_TEMPERATURE_K,
    ZERO_CELSIUS_K,
)

Constants = Mapping[str, float]
"""Equilibrium constants at one temperature and ionic strength, named as in `constants.EQUILIBRIA`."""

INPUTS = ("ph", "pmg", "ln_pcr_atp", "ln_pi_atp")
"""Quantities that ADP and ΔG are computed from, in the order of their gradients."""


class Binding(NamedTuple):
    """Binding polynomial of a ligand, and the mean numbers of H+ and Mg2+ bound to it (its logarithmic slopes)."""

    polynomial: float
    protons: float
    magnesium: float


class ApparentConstant(NamedTuple):
    """Apparent equilibrium constant at given pH and pMg, and the slopes of its natural logarithm."""

    value: float
    dln_dph: float
    dln_dpmg: float


@dataclass(frozen=True)
class Derived:
    """A quantity and its slopes with respect to `INPUTS`."""

    value: float
    gradient: NDArray[np.float64]

    def sd(self, covariance: NDArray[np.float64]) -> float:
        """SD by linear propagation, √(gᵀ·C·g), with the covariance of `INPUTS`, shape (4, 4)."""
        return sqrt(max(float(self.gradient @ covariance @ self.gradient), 0.0))


def debye_huckel_slope(temperature_c: float) -> float:
    """Slope A of the Debye–Hückel law in ln γ = −A·z²·√I/(1 + 1.6·√I) [l^½ mol^−½] (Clarke & Glew 1980)."""
    kelvin = temperature_c + ZERO_CELSIUS_K
    c0, c1, c2, c3, c4 = DEBYE_HUCKEL
    return 3 * (c0 + c1 / kelvin + c2 * log(kelvin) + c3 * kelvin / 100 + c4 * (kelvin / 100) ** 2)


def equilibrium_constants(*, temperature_c: float = 37.0, ionic_strength_mol_l: float = 0.25) -> dict[str, float]:
    """Equilibrium constants [mol/l] at a temperature [°C] and ionic strength [mol/l].

    ln K(T) = ln K − ΔH/R·(1/T − 1/298.15 K) (van 't Hoff), then K/Γ with Γ = Πγ(products)/Πγ(reactants). Source:
    Teague, Golding & Dobson 1996 as given in an openly licensed calculator (found).
    """
    kelvin = temperature_c + ZERO_CELSIUS_K
    inverse = (1 / kelvin - 1 / REFERENCE_TEMPERATURE_K) * 1000 / GAS_CONSTANT_J_MOL_K
    root = sqrt(ionic_strength_mol_l)
    screening = debye_huckel_slope(temperature_c) * root / (1 + DEBYE_HUCKEL_B * root)
    return {
        name: known.k * exp(screening * known.charges_squared - known.enthalpy_kj_mol * inverse)
        for name, known in EQUILIBRIA.items()
    }


def binding(constants: Constants, ligand: str, *, ph: float, pmg: float) -> Binding:
    """Binding of H+ and Mg2+ to ATP, ADP, PCr or Pi: P = 1 + H/Ka + Kb·Mg + KbH·H·Mg/Ka.

    The protonated complex is known only for ATP and ADP.
    """
    proton = 10**-ph / constants[f"ka_{ligand}"]
    complexed = 10**-pmg * constants[f"kb_mg{ligand}"]
    both = 10**-pmg * proton * constants.get(f"kb_mgh{ligand}", 0.0)
    polynomial = 1 + proton + complexed + both
    return Binding(polynomial, (proton + both) / polynomial, (complexed + both) / polynomial)


def creatine_kinase(constants: Constants, *, ph: float, pmg: float) -> ApparentConstant:
    """K'CK = [ATP][Cr]/([PCr][ADP]) = Kref·[H]·P_ATP/(P_ADP·P_PCr), over all charged forms (Teague et al. 1996)."""
    return _apparent(constants, "ck", ph, pmg, protons=1, products=("atp",), reactants=("adp", "pcr"))


def atp_hydrolysis(constants: Constants, *, ph: float, pmg: float) -> ApparentConstant:
    """K'ATP = [ADP][Pi]/[ATP] [mol/l] = Kref·P_ADP·P_Pi/(P_ATP·[H]), over all charged forms (Teague et al. 1996)."""
    return _apparent(constants, "atp_hydrolysis", ph, pmg, protons=-1, products=("adp", "pi"), reactants=("atp",))


def _apparent(
    constants: Constants,
    reaction: str,
    ph: float,
    pmg: float,
    *,
    protons: int,
    products: tuple[str, ...],
    reactants: tuple[str, ...],
) -> ApparentConstant:
    signed = [(1, ligand) for ligand in products] + [(-1, ligand) for ligand in reactants]
    value, bound_protons, bound_magnesium = constants[reaction] * 10 ** (-ph * protons), float(protons), 0.0
    for sign, ligand in signed:
        bound = binding(constants, ligand, ph=ph, pmg=pmg)
        value *= bound.polynomial**sign
        bound_protons += sign * bound.protons
        bound_magnesium += sign * bound.magnesium
    return ApparentConstant(value, -log(10) * bound_protons, -log(10) * bound_magnesium)


def free_adp_umol_l(
    constants: Constants, *, ph: float, pmg: float, pcr_atp: float, atp_mmol_l: float, total_creatine_mmol_l: float
) -> Derived:
    """Free ADP [µmol/l]: [ADP] = [ATP][Cr]/([PCr]·K'CK), PCr from its ratio to ATP, Cr = total creatine − PCr.

    Raises
    ------
    ValueError
        If PCr leaves no free creatine.
    """
    pcr = pcr_atp * atp_mmol_l
    creatine = total_creatine_mmol_l - pcr
    if creatine <= 0:
        raise ValueError(
            f"PCr of {pcr:.1f} mmol/l (PCr/ATP {pcr_atp:.2f}) is not below the total creatine of "
            f"{total_creatine_mmol_l:g} mmol/l"
        )
    kinase = creatine_kinase(constants, ph=ph, pmg=pmg)
    adp = 1000 * creatine / (pcr_atp * kinase.value)
    slopes = np.array([-kinase.dln_dph, -kinase.dln_dpmg, -1 - pcr / creatine, 0.0])
    return Derived(adp, adp * slopes)


def dg_atp_kj_mol(
    constants: Constants, adp_umol_l: Derived, *, ph: float, pmg: float, pi_atp: float, temperature_c: float
) -> Derived:
    """Free energy of ATP hydrolysis [kJ/mol]: ΔG = −RT·ln K'ATP + RT·ln([ADP][Pi]/[ATP]).

    Parameters
    ----------
    adp_umol_l : Derived
        Free ADP [µmol/l].
    pi_atp : float
        Ratio Pi/ATP.
    """
    rt = GAS_CONSTANT_J_MOL_K * (temperature_c + ZERO_CELSIUS_K) / 1000
    hydrolysis = atp_hydrolysis(constants, ph=ph, pmg=pmg)
    value = rt * log(adp_umol_l.value * 1e-6 * pi_atp / hydrolysis.value)
    slopes = adp_umol_l.gradient / adp_umol_l.value
    slopes = slopes + np.array([-hydrolysis.dln_dph, -hydrolysis.dln_dpmg, 0.0, 1.0])
    return Derived(value, rt * slopes)


def saturation_factor(*, repetition_time_s: float, t1_s: float, flip_angle_deg: float) -> float:
    """Signal left by partial saturation of a spoiled pulse-acquire sequence: (1 − E)/(1 − E·cos α), E = exp(−TR/T1).

    Steady state of Ernst & Anderson 1966 relative to the signal of the same pulse at full relaxation.
    """
    decay = exp(-repetition_time_s / t1_s)
    return (1 - decay) / (1 - decay * cos(radians(flip_angle_deg)))

"""The fixed columns of cohort.tsv, which `myomag scan --json` shares, and where each value comes from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from myomag.cohort.exclusions import decide
from myomag.ledger.results import ScanOutcome
from myomag.settings.cohort import CohortSettings


@dataclass(frozen=True)
class Column:
    """One column and its entry in the data dictionary.

    Attributes
    ----------
    name, description : str
        Name of the column and what it holds.
    path : tuple of str
        Attributes that lead from the outcome of a scan to the value; a decided value (status, reason) has none.
    units : str or None
        Unit, None for text and pure numbers.
    levels : mapping of str to str, optional
        Meaning of each value of a categorical column.
    """

    name: str
    path: tuple[str, ...]
    description: str
    units: str | None = None
    levels: Mapping[str, str] | None = None

    @property
    def numeric(self) -> bool:
        """Whether the values are numbers."""
        return len(self.path) == 2 and self.name != "verdict"


RATIOS = (("pi_pcr", "Pi/PCr"), ("pcr_atp", "PCr/ATP"), ("pde_atp", "PDE/ATP"), ("pme_atp", "PME/ATP"))

FIXED_COLUMNS = (
    Column("participant_id", ("participant_id",), "Participant label."),
    Column("session_id", ("session_id",), "Session label."),
    Column("scan", ("scan",), "Scan: the BIDS file stem with its suffix."),
    Column(
        "status",
        (),
        "Whether the scan enters the statistics.",
        levels={
            "included": "enters the statistics",
            "excluded": "left out by quality, undefined magnesium or the user; the results are given nevertheless",
            "failed": "could not be processed to the end",
        },
    ),
    Column("reason", (), "Why the scan was excluded or failed."),
    Column(
        "verdict",
        ("quality", "verdict"),
        "Verdict of quality control.",
        levels={"pass": "no objection", "warn": "usable with reservations", "fail": "not usable"},
    ),
    Column("ph", ("magnesium", "ph"), "Intracellular pH from the shift of Pi."),
    Column("ph_sd", ("magnesium", "ph_sd"), "Standard deviation of the pH."),
    Column("pmg", ("magnesium", "pmg"), "Negative decadic logarithm of free Mg2+ in mol/l."),
    Column("pmg_sd", ("magnesium", "pmg_sd"), "Standard deviation of pMg."),
    Column("mg_mmol_l", ("magnesium", "mg_mmol_l"), "Free (ionised) intracellular Mg2+ concentration.", "mmol/L"),
    Column(
        "mg_ci95_low_mmol_l",
        ("magnesium", "mg_ci95_low_mmol_l"),
        "Lower end of the 95 % interval of free Mg2+.",
        "mmol/L",
    ),
    Column(
        "mg_ci95_high_mmol_l",
        ("magnesium", "mg_ci95_high_mmol_l"),
        "Upper end of the 95 % interval of free Mg2+.",
        "mmol/L",
    ),
    Column(
        "mg_p_undefined",
        ("magnesium", "mg_p_undefined"),
        "Probability that the β-ATP shift lies outside the domain of the magnesium calibration.",
    ),
    Column("beta_atp_ppm", ("magnesium", "beta_atp_ppm"), "Shift of β-ATP from PCr.", "ppm"),
    Column("beta_atp_sd_ppm", ("magnesium", "beta_atp_sd_ppm"), "Standard deviation of the β-ATP shift.", "ppm"),
    Column("alpha_atp_ppm", ("magnesium", "alpha_atp_ppm"), "Shift of α-ATP from PCr.", "ppm"),
    Column("gamma_atp_ppm", ("magnesium", "gamma_atp_ppm"), "Shift of γ-ATP from PCr.", "ppm"),
    Column("pi_ppm", ("magnesium", "pi_ppm"), "Shift of Pi from PCr.", "ppm"),
    Column("pi_sd_ppm", ("magnesium", "pi_sd_ppm"), "Standard deviation of the Pi shift.", "ppm"),
    Column(
        "pcr_snr",
        ("quality", "pcr_snr"),
        "PCr amplitude in the time domain over the noise standard deviation per channel of the averaged FID.",
    ),
    Column("pcr_fwhm_hz", ("quality", "pcr_fwhm_hz"), "Full width at half maximum of PCr.", "Hz"),
    Column("begin_time_us", ("fit", "begin_time_us"), "Begin time of the first sample of the FID.", "us"),
    Column("ph_calibration", ("magnesium", "ph_calibration", "name"), "Name of the pH calibration."),
    Column("mg_calibration", ("magnesium", "mg_calibration", "name"), "Name of the magnesium calibration."),
    Column("phase_deg", ("fit", "phase_deg"), "Zero-order phase at time zero, from −180 to 180.", "degrees"),
    Column(
        "adp_umol_l",
        ("magnesium", "adp_umol_l"),
        "Free ADP from the creatine-kinase equilibrium; it rests on numbers assumed in the settings.",
        "umol/L",
    ),
    Column("adp_sd_umol_l", ("magnesium", "adp_sd_umol_l"), "Standard deviation of free ADP by the fit.", "umol/L"),
    Column(
        "dg_atp_kj_mol",
        ("magnesium", "dg_atp_kj_mol"),
        "Free energy of the hydrolysis of ATP; it rests on numbers assumed in the settings.",
        "kJ/mol",
    ),
    Column(
        "dg_atp_sd_kj_mol", ("magnesium", "dg_atp_sd_kj_mol"), "Standard deviation of that energy by the fit.", "kJ/mol"
    ),
    *(
        column
        for name, ratio in RATIOS
        for column in (
            Column(
                f"{name}_ratio",
                ("magnesium", f"{name}_ratio"),
                f"{ratio} by amplitude; corrected for saturation only where the settings give T1.",
            ),
            Column(f"{name}_ratio_sd", ("magnesium", f"{name}_ratio_sd"), f"Standard deviation of {ratio} by the fit."),
        )
    ),
    Column("pcr_fwhm_ppm", ("quality", "pcr_fwhm_ppm"), "Full width at half maximum of PCr.", "ppm"),
    Column("frequency_drift_hz", ("quality", "frequency_drift_hz"), "Wander of the frequency over the scan.", "Hz"),
    Column("transients", ("quality", "transients"), "Number of transients acquired."),
    Column("transients_used", ("quality", "transients_used"), "Number of transients averaged, without rejected ones."),
)
FIXED_NAMES = tuple(column.name for column in FIXED_COLUMNS)
ERROR_COLUMNS = {
    "ph": "ph_sd",
    "pmg": "pmg_sd",
    "beta_atp_ppm": "beta_atp_sd_ppm",
    "pi_ppm": "pi_sd_ppm",
    "adp_umol_l": "adp_sd_umol_l",
    "dg_atp_kj_mol": "dg_atp_sd_kj_mol",
    **{f"{name}_ratio": f"{name}_ratio_sd" for name, _ in RATIOS},
}
"""Column with the standard deviation of a measured one."""


def flat_result(outcome: ScanOutcome, settings: CohortSettings) -> dict[str, Any]:
    """Values of the fixed columns for one scan, in their order; None where there is none.

    Parameters
    ----------
    outcome : ScanOutcome
        How the scan ended, and what was found.
    settings : CohortSettings
        Which scans are included.
    """
    decision = decide(outcome, settings)
    values = {column.name: _follow(outcome, column.path) for column in FIXED_COLUMNS if column.path}
    values |= {"status": decision.status, "reason": decision.reason}
    return {name: values[name] for name in FIXED_NAMES}


def _follow(outcome: ScanOutcome, path: tuple[str, ...]) -> Any:
    value: Any = outcome
    for name in path:
        value = None if value is None else getattr(value, name)
    return value

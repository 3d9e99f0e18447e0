"""The fixed columns of cohort.tsv, which `myomag scan --json` shares, and where each value comes from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from myomag.cohort.exclusions import decide
from myomag.cohort.kinds import labels_of
from myomag.io.phase_records import ScanRecord
from myomag.io.scan_records import Fit, Magnesium, Quality
from myomag.io.series_records import Series
from myomag.ledger.results import ScanOutcome
from myomag.settings.cohort import CohortSettings

TEXTS = ("verdict", "ph_reason", "mg_reason", "bounds_hit", "series_reason", "residual_white")
"""Columns of a record that hold text, or true and false."""


@dataclass(frozen=True)
class Column:
    """One column and its entry in the data dictionary.

    Attributes
    ----------
    name, description : str
        Name of the column and what it holds.
    path : tuple of str
        Attributes that lead from the outcome of a scan to the value; a value that is decided (status, reason) or
        stands in the name of the scan has none.
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
        return len(self.path) == 2 and self.name not in TEXTS


RATIOS = ("pi_pcr_ratio", "pcr_atp_ratio", "pde_atp_ratio", "pme_atp_ratio")
AMPLITUDES = tuple(f"{line}_amplitude" for line in ("pcr", "pi", "alpha_atp", "beta_atp", "gamma_atp"))
BIDS_UNITS = {"mmol/l": "mmol/L", "µmol/l": "umol/L", "µs": "us"}


def _measured(record: type[ScanRecord], *names: str) -> Iterator[Column]:
    """Columns with fields of a record, described as the record does it."""
    for name in names:
        said, _, rest = str(record.model_fields[name].description).removesuffix(".").partition(" [")
        unit = rest.removesuffix("]")
        yield Column(name, (record.role, name), f"{said}.", BIDS_UNITS.get(unit, unit) or None)


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
    *_measured(Magnesium, "ph", "ph_sd", "pmg", "pmg_sd", "mg_mmol_l", "mg_ci95_low_mmol_l", "mg_ci95_high_mmol_l"),
    *_measured(Magnesium, "mg_p_undefined", "beta_atp_ppm", "beta_atp_sd_ppm", "alpha_atp_ppm", "gamma_atp_ppm"),
    *_measured(Magnesium, "pi_ppm", "pi_sd_ppm"),
    *_measured(Quality, "pcr_snr", "pcr_fwhm_hz"),
    *_measured(Fit, "begin_time_us"),
    Column("ph_calibration", ("magnesium", "ph_calibration", "name"), "Name of the pH calibration."),
    Column("mg_calibration", ("magnesium", "mg_calibration", "name"), "Name of the magnesium calibration."),
    *_measured(Fit, "phase_deg"),
    *_measured(Magnesium, "adp_umol_l", "adp_sd_umol_l", "dg_atp_kj_mol", "dg_atp_sd_kj_mol"),
    *_measured(Magnesium, *(name for ratio in RATIOS for name in (ratio, f"{ratio}_sd"))),
    *_measured(Quality, "pcr_fwhm_ppm", "frequency_drift_hz", "transients", "transients_used"),
    *_measured(Quality, "dummy_transients", "leading_points_cut", "state_p"),
    *_measured(Magnesium, "ph_reason", "mg_reason"),
    *_measured(Magnesium, "pmg_sd_noise", "pmg_sd_model", "ph_sd_noise", "ph_sd_model"),
    *_measured(Magnesium, "pmg_sd_systematic", "ph_sd_systematic"),
    *_measured(Magnesium, "pmg_begin_time_covariance", "pmg_phase_covariance", "pmg_ph_covariance"),
    *_measured(Fit, "residual_over_noise"),
    *_measured(Quality, "pcr_residual_over_noise", "pi_residual_over_noise", "beta_atp_residual_over_noise"),
    *_measured(Fit, "residual_white"),
    *_measured(Quality, "bounds_hit"),
    *_measured(Quality, "repetition_time_s", "echo_time_s"),
    *_measured(Magnesium, *(name for line in AMPLITUDES for name in (line, f"{line}_sd"))),
    Column("protocol", ("protocol",), "Acquisition protocol, by a digest of fit.protocol_fields of the header."),
    *_measured(Series, "tau_pcr_s", "tau_pcr_sd_s", "tau_pcr_ci95_low_s", "tau_pcr_ci95_high_s"),
    *_measured(Series, "k_pcr_per_s", "k_pcr_sd_per_s", "pcr_depletion", "pcr_depletion_sd"),
    *_measured(Series, "v_pcr_per_s", "v_pcr_sd_per_s", "qmax_linear_mmol_l_s", "qmax_adp_mmol_l_s"),
    *_measured(Series, "ph_end_exercise", "ph_min"),
    Column("series_reason", ("series", "reason"), "Why a series has no kinetics, or what speaks against them."),
    Column("task", (), "Task, by the name of the file."),
    Column("acq", (), "Label of the acquisition, by the name of the file."),
    Column("nuc", (), "Nucleus, by the name of the file."),
    Column("voi", (), "Volume of interest, such as the muscle, by the name of the file."),
    Column("rec", (), "Label of the reconstruction, by the name of the file."),
    Column("run", (), "Number of the repeat, by the name of the file."),
    Column("echo", (), "Number of the echo, by the name of the file."),
    Column("inv", (), "Number of the inversion, by the name of the file."),
    Column(
        "kind",
        (),
        "Kind of the scan, by the parts of its name that cohort.kind_by lists. Kinds are never averaged.",
    ),
)
FIXED_NAMES = tuple(column.name for column in FIXED_COLUMNS)
ERROR_COLUMNS = {
    "ph": "ph_sd",
    "pmg": "pmg_sd",
    "beta_atp_ppm": "beta_atp_sd_ppm",
    "pi_ppm": "pi_sd_ppm",
    "adp_umol_l": "adp_sd_umol_l",
    "dg_atp_kj_mol": "dg_atp_sd_kj_mol",
    "tau_pcr_s": "tau_pcr_sd_s",
    "k_pcr_per_s": "k_pcr_sd_per_s",
    "pcr_depletion": "pcr_depletion_sd",
    "v_pcr_per_s": "v_pcr_sd_per_s",
    **{name: f"{name}_sd" for name in (*RATIOS, *AMPLITUDES)},
}
"""Column with the standard deviation of a measured one."""
PHASE = "phase_deg"
SHARED_NOISE = {
    "begin_time_us": "pmg_begin_time_covariance",
    PHASE: "pmg_phase_covariance",
    "ph": "pmg_ph_covariance",
}
"""Column with the covariance that noise gives pMg and another column."""


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
    values |= {"status": decision.status, "reason": decision.reason} | labels_of(outcome.scan, settings.kind_by)
    if outcome.magnesium is None:
        values |= {"ph_reason": decision.reason, "mg_reason": decision.reason}
    return {name: values[name] for name in FIXED_NAMES}


def _follow(outcome: ScanOutcome, path: tuple[str, ...]) -> Any:
    value: Any = outcome
    for name in path:
        value = None if value is None else getattr(value, name)
    return value

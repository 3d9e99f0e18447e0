"""The plan of the pipeline, in one place: the steps, what each reads and writes, and which settings it takes.

Rules, harness, commands and documentation ask this module; nothing else lists steps, roles or files.
"""

from dataclasses import dataclass
from typing import Literal

SETTINGS_FILE = "myomag.yaml"
"""Settings of a study that differ from the defaults."""
RATINGS = "ratings"
"""Folder of the derivative for the ratings of scans, which people put there: no step writes or removes them."""


@dataclass(frozen=True)
class File:
    """A file, or kind of file, that a step writes.

    Attributes
    ----------
    role : str
        Name of the file in ledgers.
    name : str
        Its name: for a scan in its folder of the derivative, with {stem}, {base} (the stem without its suffix) and
        {suffix}; for a participant with {participant}; else its path in the derivative.
    description : str
        Its content.
    describes : str
        Role of the file whose sidecar this is; "" if it is not a sidecar.
    optional : bool
        Whether only some scans have it.
    """

    role: str
    name: str
    description: str
    describes: str = ""
    optional: bool = False


@dataclass(frozen=True)
class Step:
    """One step.

    Attributes
    ----------
    name : str
        Name of its rule, script, module and folder of ledgers.
    kind : str
        "entry" (the study as found), "scan" and "participant" (one job per batch), or "study" (one job).
    purpose : str
        What it does, in a sentence.
    settings : tuple of str
        Settings it reads: keys such as "qc.min_snr", or whole sections.
    reads : tuple of str
        Roles it reads, each written by an earlier step.
    writes : tuple of File
        Files it writes.
    pooled : bool
        Whether it receives the begin times pooled over the scans of each protocol.
    rejections : bool
        Whether it receives the manually rejected participants and scans.
    """

    name: str
    kind: Literal["entry", "scan", "participant", "study"]
    purpose: str
    settings: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    writes: tuple[File, ...] = ()
    pooled: bool = False
    rejections: bool = False

    @property
    def batched(self) -> bool:
        """Whether one job handles one batch of the study."""
        return self.kind in ("scan", "participant")

    @property
    def sections(self) -> tuple[str, ...]:
        """Sections of the settings it reads, in the order of its keys."""
        return tuple(dict.fromkeys(key.partition(".")[0] for key in self.settings))

    def keys(self, section: str) -> tuple[str, ...] | None:
        """Keys of a section that it reads; None for all of them."""
        found = [key for key in self.settings if key.partition(".")[0] == section]
        return None if section in found else tuple(key.partition(".")[2] for key in found)


def _keys(section: str, names: str) -> tuple[str, ...]:
    return tuple(f"{section}.{name}" for name in names.split())


def _table(name: str, caption: str) -> tuple[File, File]:
    """Table of the derivative with its data dictionary."""
    return File(f"{name}.tsv", f"{name}.tsv", caption), File(f"{name}.json", f"{name}.json", caption, f"{name}.tsv")


RAW = Step(
    "raw",
    "entry",
    "find the scans and tables of the study",
    writes=(
        File("raw", "{stem}", "the file of the scanner, with its companions"),
        File("sidecar", "{stem}.json", "sidecars that describe it", "raw"),
        File("events", "{base}_events.tsv", "phases of a series", "raw"),
        File("table", "*.tsv", "participants, sessions and phenotype"),
        File("ratings", f"{RATINGS}/*.tsv", "ratings of scans by people, in the derivative"),
        File("setup", SETTINGS_FILE, "settings and description of the study"),
    ),
)
SETTINGS = Step(
    "settings",
    "study",
    "record the settings in full and describe the derivative",
    settings=("batches", "convert", "qc", "fit", "magnesium", "series", "cohort", "report", "overrides"),
    reads=("setup", "ratings"),
    writes=(
        File("config.yaml", "config.yaml", "the resolved settings"),
        File("dataset_description.json", "dataset_description.json", "the derivative as a BIDS dataset"),
        File("descriptions.tsv", "descriptions.tsv", "meanings of the desc- entities"),
        File(".bidsignore", ".bidsignore", "files of the derivative that BIDS has no rules for"),
    ),
)
CONVERT = Step(
    "convert",
    "scan",
    "read vendor files and NIfTI-MRS, write de-identified NIfTI-MRS",
    settings=_keys("convert", "nucleus conjugate voxel"),
    reads=("raw", "sidecar", "events"),
    writes=(
        File("fid", "{stem}.nii.gz", "the scan as NIfTI-MRS, transients and coils separate"),
        File("sidecar", "{stem}.json", "its technical fields", "fid"),
    ),
)
QC = Step(
    "qc",
    "scan",
    "combine coils, align and average transients, measure the spectrum",
    settings=_keys("qc", "align_transients max_alignment_shift_hz outlier_z steady_state_z steady_state_tolerance")
    + _keys("qc", "min_state_p state_ratio_tolerance state_shift_tolerance_ppm"),
    reads=("fid", "sidecar"),
    writes=(
        File("preproc", "{base}_desc-preproc_{suffix}.nii.gz", "average of the aligned transients, PCr at 0 ppm"),
        File("preproc_sidecar", "{base}_desc-preproc_{suffix}.json", "its technical fields", "preproc"),
        File("measures", "{base}_desc-measures_mrs.json", "noise, line width, drift and transients as measured"),
    ),
)
BEGIN_TIME = Step(
    "begin_time",
    "scan",
    "estimate the begin time of each scan by itself",
    settings=_keys("fit", "prior_knowledge pulse fit_begin_time begin_time_us protocol_fields begin_time_window_us")
    + _keys("fit", "skip_time_us echo_begin_time_sd_us"),
    reads=("preproc", "preproc_sidecar", "measures"),
    writes=(File("begintime", "{base}_desc-begintime_fit.json", "begin time estimated from this scan alone"),),
)
PROTOCOLS = Step(
    "protocols",
    "study",
    "pool the begin time over the scans of each protocol",
    reads=("begintime",),
    writes=_table("protocols", "begin time per protocol"),
)
FIT = Step(
    "fit",
    "scan",
    "fit the averaged FID by AMARES with prior knowledge",
    settings=_keys("fit", "prior_knowledge pulse fit_begin_time begin_time_sd_us pool_begin_time begin_time_window_us")
    + _keys("fit", "skip_time_us echo_begin_time_sd_us"),
    reads=("preproc", "measures", "begintime"),
    writes=(File("fit", "{base}_desc-amares_fit.json", "lines of the AMARES fit with their covariance"),),
    pooled=True,
)
VERDICT = Step(
    "verdict",
    "scan",
    "judge spectrum and fit by the thresholds, and decide which lines are detected",
    settings=_keys("qc", "min_snr warn_snr max_linewidth_ppm warn_linewidth_ppm warn_drift_hz")
    + _keys("qc", "warn_rejected_fraction max_rejected_fraction")
    + _keys("qc", "max_chance_detection min_beta_atp_ratio min_pi_pcr_ratio warn_residual_share max_residual_share"),
    reads=("measures", "begintime", "fit"),
    writes=(File("quality", "{base}_desc-quality_mrs.json", "the measures and the verdict with its reasons"),),
)
MAGNESIUM = Step(
    "magnesium",
    "scan",
    "compute pH, free Mg and energetics from shifts and amplitudes",
    settings=("magnesium",),
    reads=("fit", "quality", "preproc_sidecar"),
    writes=(File("magnesium", "{base}_desc-magnesium_mrs.json", "pH and free magnesium with intervals"),),
)
SERIES = Step(
    "series",
    "scan",
    "follow PCr, Pi, pH and Mg over a series, and fit the recovery of PCr",
    settings=_keys("series", "ph_sd pmg_sd least_depletion least_recovery_taus widest_interval least_ph most_p_second")
    + _keys("series", "pcr_mmol_l km_adp_umol_l")
    + _keys("qc", "max_alignment_shift_hz")
    + _keys("magnesium", "ph_calibration mg_calibration atp_line temperature_c ionic_strength_mol_l atp_mmol_l")
    + _keys("magnesium", "total_creatine_mmol_l"),
    reads=("fid", "measures", "fit", "quality", "magnesium"),
    writes=(File("series", "{base}_desc-series_mrs.json", "courses and kinetics of a series", optional=True),),
)
COHORT = Step(
    "cohort",
    "study",
    "join the results with the tables of the study and estimate the models",
    settings=("qc", "fit", "magnesium", "series", "cohort"),
    reads=("table", "ratings", "preproc", "preproc_sidecar", "quality", "fit", "magnesium", "series"),
    writes=(
        *_table("cohort", "one row per scan: pH, pMg and Mg with intervals, shifts, quality, and the study's tables"),
        *_table("exclusions", "every scan that entered, with the step and reason of its exclusion"),
        *_table("flow", "exclusions.tsv as counts"),
        *_table("raters", "how many scans each rater rated, and how well the raters agree"),
        *_table("statistics", "the models of the settings, simple and adjusted, with negative controls"),
        *_table("comparisons", "muscle against serum Mg"),
        *_table("controls", "how conclusions change when adjusted for the variable of a tripped control"),
        *_table("measurement_error", "the models corrected for the error of each scan"),
        *_table("sensitivity", "each conclusion under other calibrations, thresholds and exclusions"),
        *_table("repeatability", "ICC, smallest detectable change, limits of agreement"),
        *_table("longitudinal", "change over years"),
        *_table("demographics", "Table 1"),
        *_table("series", "courses of PCr, Pi, pH and Mg in series: one row per scan and repetition"),
        *_table("kinetics", "exercise and recovery in series: one row per bout"),
        *_table("mrsinmrs", "the MRSinMRS reporting table"),
        *_table("variables", "the columns of the study's tables that are used, as they were read"),
        File("spectra.json", "spectra.json", "averaged spectra: mean and SD of each protocol, single scans, the worst"),
        File("methods.md", "methods.md", "a methods section written from settings, headers and results"),
        File("methods.docx", "methods.docx", "the same for a word processor"),
        File("tables.docx", "tables.docx", "the tables of a paper, rounded, with notes"),
        File("tables/table1.csv", "tables/table1.csv", "the same as text: Table 1"),
        File(
            "tables/results.csv", "tables/results.csv", "associations, as estimated and corrected for measurement error"
        ),
        File("tables/repeatability.csv", "tables/repeatability.csv", "repeatability"),
        File("tables/controls.csv", "tables/controls.csv", "negative controls"),
        File("tables/reporting.csv", "tables/reporting.csv", "the MRSinMRS reporting table"),
    ),
    rejections=True,
)
PAGES = Step(
    "pages",
    "participant",
    "write one page per participant",
    settings=("qc", "magnesium", "cohort", "report"),
    reads=("raw", "fid", "preproc", "begintime", "quality", "fit", "magnesium", "series"),
    writes=(File("page", "report/{participant}.html", "the page of a participant"),),
    rejections=True,
)
REPORT = Step(
    "report",
    "study",
    "write the cohort page and its figures",
    settings=("qc", "magnesium", "cohort", "report"),
    reads=tuple(file.role for file in (*PROTOCOLS.writes, *COHORT.writes)),
    writes=(
        File("report/index.html", "report/index.html", "the cohort page"),
        File("figures", "report/figures/*", "each figure as SVG, with its data"),
    ),
    rejections=True,
)

STEPS = (RAW, SETTINGS, CONVERT, QC, BEGIN_TIME, PROTOCOLS, FIT, VERDICT, MAGNESIUM, SERIES, COHORT, PAGES, REPORT)
NAMES = tuple(step.name for step in STEPS)
BY_NAME = {step.name: step for step in STEPS}
SCAN_STEPS = tuple(step.name for step in STEPS if step.kind == "scan")


def named(kind: str) -> tuple[str, ...]:
    """Names of the steps of a kind, in order."""
    return tuple(step.name for step in STEPS if step.kind == kind)


def writer(role: str, reader: str) -> str:
    """Step that writes what another step reads under a role: the last earlier one that does.

    Raises
    ------
    KeyError
        If no earlier step writes it.
    """
    for name in reversed(NAMES[: NAMES.index(reader)]):
        if any(file.role == role for file in BY_NAME[name].writes):
            return name
    raise KeyError(f"no step before {reader} writes {role}")


def ledgers_read(step: str) -> tuple[str, ...]:
    """Steps whose ledgers a step reads: those that write the roles it reads, in the order of the flow."""
    return tuple(sorted({writer(role, step) for role in BY_NAME[step].reads}, key=NAMES.index))


def repeated_by(setting: str) -> tuple[str, ...]:
    """Steps that run again when a setting changes: those that declare it, and those that read their output.

    Parameters
    ----------
    setting : str
        Key such as "qc.min_snr", or a whole section.
    """
    repeated: list[str] = []
    for step in STEPS:
        declared = setting in step.settings or setting.partition(".")[0] in step.settings
        if declared or set(ledgers_read(step.name)) & set(repeated):
            repeated.append(step.name)
    return tuple(repeated)


def reads_study(step: Step) -> bool:
    """Whether a step takes its files from the study."""
    return step.kind == "entry" or ledgers_read(step.name) == (STEPS[0].name,)

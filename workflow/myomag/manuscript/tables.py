"""The tables of a paper: participants, results with and without correction, repeatability, controls, reporting."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from myomag.cohort.errors_known import FIT
from myomag.cohort.mrsinmrs import MISSING as MISSING_ITEM
from myomag.cohort.mrsinmrs import NOT_APPLICABLE
from myomag.cohort.plan import ALL, LOG_MG
from myomag.io.tables import TableRow
from myomag.manuscript.blocks import listed
from myomag.manuscript.material import Material
from myomag.manuscript.printed import PrintedTable, decimals_of, distinct, p_value, share, with_interval
from myomag.wording.text import MISSING, finite, number, significant, uncertainty_decimals

MOST_NAMED = 4
"""Models that a note names, of those that are not estimable for one reason."""
INTERVAL = "95 % CI: 95 % confidence interval."
RESULT_COLUMNS = (
    *("Outcome", "Predictor", "Group", "Adjusted for", "n", "b (95 % CI)", "b, corrected (95 % CI)"),
    *("β (95 % CI)", "β, corrected (95 % CI)", "p", "p, corrected", "p, FDR", "R²"),
)


def printed_tables(material: Material) -> list[PrintedTable]:
    """Tables that the results fill.

    Parameters
    ----------
    material : Material
        Results of the study.
    """
    several = len(material.kinds) > 1
    found = [
        _participants(material),
        _results(
            material, "main", "results", "Table 2. Associations, as estimated and corrected for measurement error"
        ),
        _repeatability(material),
        _results(material, "control", "controls", "Table S1. Negative controls"),
    ]
    return [*(_of_kinds(table, several) for table in found), _reporting(material)]


def _of_kinds(table: PrintedTable, several: bool) -> PrintedTable:
    """Table with the kind of the scans as heading across it only where there are several."""
    if several:
        return table
    rows = tuple(row for row in table.rows if len(row) > 1)
    return PrintedTable(table.name, table.title, table.columns, rows, table.notes)


def _by_kind(rows: Sequence[TableRow]) -> Iterator[tuple[str, list[TableRow]]]:
    for kind in distinct(rows, "kind"):
        yield f"Scans of the kind {kind}", [row for row in rows if row.get("kind") == kind]


def _participants(material: Material) -> PrintedTable:
    """Table 1: a row per age group and variable, a column per sex."""
    every = material.rows("demographics")
    strata = [name for name in distinct(every, "stratum") if any(row["n"] for row in every if row["stratum"] == name)]
    heads = tuple("All" if name == ALL else material.labels.title(name) for name in strata)
    cells: list[tuple[str, ...]] = []
    for heading, rows in _by_kind(every):
        cells.append((heading,))
        decimals = {name: _decimals(rows, name) for name in distinct(rows, "variable")}
        groups = distinct([row for row in rows if row["stratum"] == ALL], "age_group")
        for group in sorted(groups, key=lambda group: group != ALL):
            cells += _age_group(rows, group, strata, decimals, material)
    notes = (
        "Values are mean ± SD (range in the rows of all ages) over participants; repeated scans of a participant were "
        "averaged first, Mg as pMg. n is given where participants have no value.",
        f"{MISSING}: no participant, or a single one for an SD.",
    )
    title = "Table 1. Analysed participants"
    return PrintedTable("table1", title, ("Age (years)", "Characteristic", *heads), tuple(cells), notes)


def _age_group(
    rows: Sequence[TableRow], group: Any, strata: Sequence[Any], decimals: Mapping[Any, int], material: Material
) -> Iterator[tuple[str, ...]]:
    cells = {(row["stratum"], row["variable"]): row for row in rows if row["age_group"] == group}
    sizes = {row["stratum"]: str(row["participants"]) for row in rows if row["age_group"] == group}
    name = "All ages" if group == ALL else _age_range(str(group))
    yield (name, "Participants, n", *(sizes.get(stratum, "0") for stratum in strata))
    for variable in decimals:
        values = (_mean(cells.get((stratum, variable)), decimals[variable], group == ALL) for stratum in strata)
        yield (name, material.labels.axis(variable), *values)


def _age_range(group: str) -> str:
    """`<40`, `40 to <60`, `≥80`."""
    return group.replace("under ", "<") if group.startswith("under") else _at_least(group)


def _at_least(group: str) -> str:
    return f"≥{group.removesuffix(' and over')}" if group.endswith("and over") else group


def _decimals(rows: Sequence[TableRow], variable: Any) -> int:
    """Decimals of a variable throughout: two significant digits of the middle one of its SDs."""
    known = [sd for row in rows if row["variable"] == variable and (sd := finite(row["sd"]))]
    return uncertainty_decimals(median(known)) if known else 1


def _mean(row: TableRow | None, decimals: int, with_range: bool) -> str:
    if row is None or not row["n"]:
        return MISSING
    text = number(row["mean"], decimals)
    if finite(row["sd"]) is not None:
        text += f" ± {number(row['sd'], decimals)}"
    if with_range and row["n"] > 1:
        text += f" ({number(row['min'], decimals)} to {number(row['max'], decimals)})"
    return text + (f", n = {row['n']}" if row["n"] != row["participants"] else "")


def _results(material: Material, role: str, name: str, title: str) -> PrintedTable:
    """Models with a role: estimates as they are and corrected for measurement error side by side."""
    members = [row for row in material.rows("statistics") if row.get("role") == role]
    corrections = {
        (row["model"], row["predictor"], row.get("kind")): row
        for row in material.rows("measurement_error")
        if row.get("method") == "corrected"
    }
    cells: list[tuple[str, ...]] = []
    for heading, rows in _by_kind(members):
        cells.append((heading,))
        cells += [
            _result(row, corrections.get((row["model"], row["predictor"], row.get("kind"))), material) for row in rows
        ]
    columns: tuple[str, ...] = RESULT_COLUMNS
    if role != "main":
        # A control is not corrected.
        kept = [place for place, column in enumerate(columns) if "corrected" not in column]
        columns = tuple(columns[place] for place in kept)
        cells = [tuple(row[place] for place in kept) if len(row) > 1 else row for row in cells]
    return PrintedTable(name, title, columns, tuple(cells), tuple(_result_notes(members, material, role)))


def _result(row: TableRow, corrected: TableRow | None, material: Material) -> tuple[str, ...]:
    labels, naive = material.labels, row if row.get("status") == "estimated" else {}
    fixed: TableRow = corrected if corrected and corrected["status"] == "estimated" else {}
    ends = "b_ci95_low", "b_ci95_high"
    decimals = decimals_of(naive, "b_se", *ends)
    return (
        labels.title(row["outcome"]),
        labels.column(row["predictor"]),
        "all" if row["stratum"] == ALL else str(row["stratum"]),
        listed(labels.covariates(row)) or MISSING,
        str(row["n"]),
        with_interval(naive, "b", *ends, decimals),
        with_interval(fixed, "b", *ends, decimals),
        with_interval(naive, "beta", "ci95_low", "ci95_high", 2),
        with_interval(fixed, "beta", "beta_ci95_low", "beta_ci95_high", 2),
        p_value(naive.get("p")),
        p_value(fixed.get("p")),
        p_value(naive.get("p_fdr")),
        share(naive.get("r2")),
    )


def _result_notes(rows: Sequence[TableRow], material: Material, role: str) -> Iterator[str]:
    labels = material.labels
    units = {
        f"{labels.column(row['outcome'])} on {labels.column(row['predictor'])}: "
        f"{labels.unit(row['b_unit']).replace('log10', 'log₁₀')}"
        for row in rows
        if row.get("b_unit")
    }
    yield (
        "b: slope; β: slope in standard deviations of outcome and predictor. b is rounded to two significant digits of "
        f"its standard error. {INTERVAL}"
    )
    if units:
        yield f"Units of b: {'; '.join(sorted(units))}."
    if any(LOG_MG in str(row["outcome"]) + str(row["predictor"]) for row in rows):
        yield "Free Mg²⁺ entered as log₁₀ of its concentration in mM. Sex: women 1, men 0."
    if role == "main":
        sources = material.row_values("measurement_error", "error_source")
        known = ["the SDs of the fits, without day-to-day variation" if each == FIT else str(each) for each in sources]
        yield (
            "Corrected: for the error of measured variables by regression calibration; the size of the error is from "
            f"{listed(known) or 'nothing known'}."
        )
    of_each = " with scans of one kind" if len(material.kinds) > 1 else ""
    yield (
        f"p: two-sided. p, FDR: adjusted for the false discovery rate over the rows of this table{of_each}. R²: "
        "variance explained by predictor and covariates together. n: participants with complete values."
    )
    for reason in dict.fromkeys(row["reason"] for row in rows if row.get("status") != "estimated"):
        named = list(dict.fromkeys(labels.relations([row])[0] for row in rows if row["reason"] == reason))
        models = listed(named) if len(named) <= MOST_NAMED else ", ".join([*named[:MOST_NAMED], "…"])
        yield f"Not estimated ({MISSING}): {models}: {reason}."


def _repeatability(material: Material) -> PrintedTable:
    every = material.rows("repeatability")
    cells: list[tuple[str, ...]] = []
    for heading, rows in _by_kind([row for row in every if row["status"] == "estimated"]):
        cells += [(heading,), *(_repeat(row, material) for row in rows)]
    notes = [
        "ICC: intraclass correlation of single scans; SEM: standard error of measurement; SDC: smallest detectable "
        f"change; LoA: limits of agreement. Differences are second minus first scan. {INTERVAL}",
        f"SD of the fit: root mean square of the SDs that the fits state for the same scans; {MISSING}: not stated.",
    ]
    absent = [row for row in every if row["status"] != "estimated"]
    for reason in distinct(absent, "reason"):
        repeats = distinct([row for row in absent if row["reason"] == reason], "repeats")
        notes.append(f"Not estimated {listed([str(each) for each in repeats])}: {reason}.")
    columns = (
        *("Variable", "Repeats", "Participants (scans)", "ICC (95 % CI)", "SEM", "SDC", "SD of the fit"),
        *("Mean difference (95 % CI)", "Lower LoA (95 % CI)", "Upper LoA (95 % CI)"),
    )
    return PrintedTable("repeatability", "Table 3. Repeatability", columns, tuple(cells), tuple(notes))


def _repeat(row: TableRow, material: Material) -> tuple[str, ...]:
    decimals = uncertainty_decimals(finite(row["sem"]) or 0.0)
    limits = (
        with_interval(row, key, f"{key}_ci95_low", f"{key}_ci95_high", decimals)
        for key in ("bias", "lower_limit", "upper_limit")
    )
    return (
        material.labels.axis(row["variable"]),
        str(row["repeats"]),
        f"{row['participants']} ({row['scans']})",
        with_interval(row, "icc", "icc_ci95_low", "icc_ci95_high", 2),
        *(significant(row[key], 2) for key in ("sem", "smallest_detectable_change", "fit_sd")),
        *limits,
    )


def _reporting(material: Material) -> PrintedTable:
    """Minimum reporting standards, with a heading for each section of each protocol."""
    rows = material.rows("mrsinmrs")
    several = len(set(distinct(rows, "protocol")) - {ALL}) > 1
    cells: list[tuple[str, ...]] = []
    for protocol, section in dict.fromkeys((row["protocol"], row["section"]) for row in rows):
        members = [row for row in rows if (row["protocol"], row["section"]) == (protocol, section)]
        cells.append((f"{section}, protocol {protocol}" if several and protocol != ALL else str(section),))
        cells += [(str(row["item"]), _reported(row)) for row in members]
    notes = (
        "Items of the experts' consensus recommendations (Lin et al., NMR Biomed. 2021;34:e4484), in their order. "
        "Square brackets: missing, to be added by the authors.",
    )
    title = "Table S2. Minimum reporting standards for in vivo MRS (MRSinMRS)"
    return PrintedTable("reporting", title, ("Item", "Reported"), tuple(cells), notes)


def _reported(row: TableRow) -> str:
    value = str(row["value"])
    return {MISSING_ITEM: f"[{value}]", NOT_APPLICABLE: f"{NOT_APPLICABLE}: {value}"}.get(row["status"], value)

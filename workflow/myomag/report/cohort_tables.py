"""Tables of the cohort as papers print them: participants, models, comparisons, repeats, reporting."""

import html
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any

from myomag.io.tables import TableRow
from myomag.report.origins import trace_command
from myomag.report.overview import row_anchor
from myomag.wording import text
from myomag.wording.labels import Labels


def participants_table(demographics: Sequence[TableRow], labels: Labels) -> list[dict[str, Any]]:
    """Table 1: one part per sex with a column per age group, mean ± SD and the number where some have no value."""
    parts = []
    groups = _age_groups(demographics)
    decimals = {name: _decimals(demographics, name) for name in _distinct(demographics, "variable")}
    strata = [stratum for stratum in _distinct(demographics, "stratum") if any(_members(demographics, stratum))]
    for stratum in strata:
        rows = [row for row in demographics if row["stratum"] == stratum]
        cells = {(row["variable"], row["age_group"]): row for row in rows}
        sizes = {row["age_group"]: row["participants"] for row in rows}
        parts.append(
            {
                "name": {"all": "All"}.get(str(stratum), labels.title(stratum)),
                "groups": [(group, sizes.get(group, 0)) for group in groups],
                "rows": [
                    (
                        labels.axis(variable),
                        [_mean(cells.get((variable, group)), decimals[variable]) for group in groups],
                    )
                    for variable in _distinct(rows, "variable")
                ],
            }
        )
    return parts


def _age_groups(rows: Sequence[TableRow]) -> list[Any]:
    """Age groups of everyone, in the order of the table, the total last."""
    named = [
        group for group in _distinct([row for row in rows if row["stratum"] == "all"], "age_group") if group != "all"
    ]
    return [*named, "all"]


def _members(rows: Sequence[TableRow], stratum: Any) -> Iterator[int]:
    return (int(row["participants"] or 0) for row in rows if row["stratum"] == stratum)


def _distinct(rows: Sequence[TableRow], key: str) -> list[Any]:
    return list(dict.fromkeys(row[key] for row in rows))


def _decimals(demographics: Sequence[TableRow], variable: Any) -> int | None:
    """Decimals of a variable throughout Table 1: two significant digits of the middle one of its SDs; None for none."""
    known = [sd for row in demographics if row["variable"] == variable and (sd := text.finite(row["sd"])) is not None]
    return text.uncertainty_decimals(median(known)) if known else None


def _mean(row: TableRow | None, decimals: int | None) -> str:
    if row is None or not row["n"]:
        return text.MISSING
    short = f" (n = {row['n']})" if row["n"] != row["participants"] else ""
    if decimals is None:
        return f"{text.significant(row['mean'], 3)}{short}"
    if text.finite(row["sd"]) is None:
        return f"{text.number(row['mean'], decimals)}{short}"
    return f"{text.number(row['mean'], decimals)} ± {text.number(row['sd'], decimals)}{short}"


def model_rows(statistics: Sequence[TableRow], labels: Labels, role: str) -> list[dict[str, Any]]:
    """Rows of the results table: every main term or every control, adjusted versions behind the simple ones."""
    members = [row for row in statistics if row.get("role") == role]
    groups: dict[str, list[dict[str, Any]]] = {}
    for relation, row in zip(labels.relations(members), members, strict=True):
        group = groups.setdefault(relation, [])
        group.append(_model(row, labels) | {"label": relation, "follows": bool(group)})
    return [model for group in groups.values() for model in group]


def model_notes(statistics: Sequence[TableRow]) -> list[str]:
    """What was left out of or done in estimated models, each once."""
    return list(
        dict.fromkeys(str(row["reason"]) for row in statistics if row.get("status") == "estimated" and row["reason"])
    )


def _model(row: TableRow, labels: Labels) -> dict[str, Any]:
    decimals = _slope_decimals(row)
    return {
        "anchor": row_anchor(row),
        "adjusted": labels.covariates(row),
        "estimated": row.get("status") == "estimated",
        "status": row.get("status"),
        "reason": row.get("reason"),
        "n": text.text(row.get("n")),
        "beta": text.number(row.get("beta"), 2),
        "ci": None if row.get("beta") is None else text.interval(row.get("ci95_low"), row.get("ci95_high"), 2),
        "b": text.number(row.get("b"), decimals),
        "b_ci": text.interval(row.get("b_ci95_low"), row.get("b_ci95_high"), decimals),
        "b_se": text.significant(row.get("b_se"), 2),
        "noise": None if text.finite(row.get("b_noise")) is None else text.number(row["b_noise"], decimals),
        "unit": labels.unit(row.get("b_unit")),
        "p": text.p_value(row.get("p")).removeprefix("= "),
        "p_fdr": text.p_value(row.get("p_fdr")).removeprefix("= "),
        "r2": text.r_squared(row.get("r2")),
        "r2_adjusted": text.number(row.get("r2_adjusted"), 3),
        "partial_r": text.number(row.get("partial_r"), 2),
        "partial_ci": text.interval(row.get("partial_r_ci95_low"), row.get("partial_r_ci95_high"), 2),
        "command": trace_command(f"statistics:{row['model']}"),
    }


def _slope_decimals(row: TableRow) -> int:
    error = text.finite(row.get("b_se"))
    return text.uncertainty_decimals(error) if error else 3


def comparison_rows(comparisons: Sequence[TableRow], labels: Labels) -> list[dict[str, Any]]:
    """Muscle against serum Mg as correlates of the same outcome."""
    return [
        {
            "label": labels.column(row["outcome"]) + ("" if row["stratum"] == "all" else f", {row['stratum']}"),
            "estimated": row["status"] == "estimated",
            "status": row["status"],
            "reason": row["reason"],
            "n": text.text(row["n"]),
            "first": text.number(row["r_first"], 2),
            "second": text.number(row["r_second"], 2),
            "difference": text.number(row["difference"], 2),
            "ci": text.interval(row["ci95_low"], row["ci95_high"], 2),
            "p": text.p_value(row["p"]).removeprefix("= "),
        }
        for row in comparisons
    ]


def error_rows(errors: Sequence[TableRow], labels: Labels) -> list[dict[str, Any]]:
    """Slope of each model with a measured variable, naive and corrected, with the reliability of the measurement."""
    groups: dict[tuple[Any, Any], list[TableRow]] = {}
    for row in errors:
        groups.setdefault((row["model"], row["predictor"]), []).append(row)
    relations = labels.relations([rows[0] for rows in groups.values()])
    return [_corrected(name, rows, labels) for name, rows in zip(relations, groups.values(), strict=True)]


def _corrected(relation: str, rows: Sequence[TableRow], labels: Labels) -> dict[str, Any]:
    first = rows[0]
    adjusted = " and ".join(labels.covariates(first))
    ends = text.interval(first["reliability_ci95_low"], first["reliability_ci95_high"], 2)
    return {
        "label": f"{relation}, adjusted for {adjusted}" if adjusted else relation,
        "n": text.text(first["n"]),
        "measured": labels.column(first["measured"]),
        "source": first["error_source"],
        "reliability": f"{text.number(first['reliability'], 2)} [{ends}]",
        "methods": [
            {
                "estimated": row["status"] == "estimated",
                "status": row["status"],
                "reason": row["reason"],
                "beta": _slope(row, "beta", 2),
                "b": _slope(row, "b"),
                "p": text.p_value(row["p"]),
            }
            for row in rows
        ],
    }


def _slope(row: TableRow, key: str, decimals: int | None = None) -> str:
    low, high = (text.finite(row[f"{key}_ci95_{end}"]) for end in ("low", "high"))
    if decimals is None:
        decimals = 3 if low is None or high is None else text.uncertainty_decimals((high - low) / 4)
    return f"{text.number(row[key], decimals)} [{text.open_interval(low, high, decimals)}]"


def longitudinal_rows(longitudinal: Sequence[TableRow], labels: Labels) -> list[dict[str, Any]]:
    """Terms of the mixed models of sessions over years."""
    return [
        {
            "label": f"{', '.join(labels.axis(name) for name in row['variables'])}: {row['term']}",
            "n": f"{text.text(row['participants'])} ({text.text(row['sessions'])})",
            "estimated": row["status"] == "estimated",
            "status": row["status"],
            "reason": row["reason"],
            "b": _slope(row, "b"),
            "p": text.p_value(row["p"]).removeprefix("= "),
            "sd_between": text.significant(row["sd_between"], 2),
            "correlation": text.number(row["correlation"], 2),
            "sd_residual": text.significant(row["sd_residual"], 2),
        }
        for row in _joined(longitudinal, "term")
    ]


def repeat_rows(repeatability: Sequence[TableRow], labels: Labels) -> list[dict[str, Any]]:
    """Agreement of repeated scans by variable; what fails for one reason is one row."""
    return [
        {
            "label": ", ".join(labels.axis(name) for name in row["variables"]),
            "repeats": row["repeats"],
            "estimated": row["status"] == "estimated",
            "status": row["status"],
            "reason": row["reason"],
            "n": f"{text.text(row['participants'])} ({text.text(row['scans'])})",
            "icc": f"{text.number(row['icc'], 2)} [{text.interval(row['icc_ci95_low'], row['icc_ci95_high'], 2)}]",
            "form": row["form"],
            "sem": text.significant(row["sem"], 2),
            "fit_sd": text.significant(row["fit_sd"], 2),
            "change": text.significant(row["smallest_detectable_change"], 2),
            "bias": _limits(row, "bias"),
            "limits": [_limits(row, "lower_limit"), _limits(row, "upper_limit")],
        }
        for row in _joined(repeatability, "repeats")
    ]


def _joined(rows: Sequence[TableRow], *same: str) -> list[dict[str, Any]]:
    """Rows with their `variables`: those that are not estimable for one reason together."""
    groups: dict[tuple[Any, ...], list[TableRow]] = {}
    for index, row in enumerate(rows):
        apart = index if row["status"] == "estimated" else None
        groups.setdefault((apart, row["reason"], *(row[key] for key in same)), []).append(row)
    return [{**group[0], "variables": [row["variable"] for row in group]} for group in groups.values()]


def _limits(row: TableRow, key: str) -> str:
    decimals = text.uncertainty_decimals(text.finite(row["sem"]) or 0.0)
    ends = text.interval(row[f"{key}_ci95_low"], row[f"{key}_ci95_high"], decimals)
    return f"{text.number(row[key], decimals)} [{ends}]"


def reporting_sections(mrsinmrs: Sequence[TableRow]) -> list[tuple[str, list[TableRow]]]:
    """Items of the reporting table by section."""
    return [
        (str(section), [row for row in mrsinmrs if row["section"] == section])
        for section in _distinct(mrsinmrs, "section")
    ]


def methods_parts(methods: str) -> list[tuple[str, list[str]]]:
    """Blocks of methods.md: heading (h), paragraph (p) or list (ul), with its lines."""
    parts = []
    # The page escapes what it shows itself.
    for block in filter(str.strip, html.unescape(methods).split("\n\n")):
        lines = block.strip().splitlines()
        if block.startswith("#"):
            parts.append(("h", [lines[0].lstrip("# ")]))
        elif all(line.startswith("- ") for line in lines):
            parts.append(("ul", [line.removeprefix("- ") for line in lines]))
        else:
            parts.append(("p", [" ".join(lines)]))
    return parts

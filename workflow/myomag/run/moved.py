"""What has changed since the last run: settings, files of the study, code and packages."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from myomag import pipeline
from myomag.audit.causes import differences
from myomag.io.files import printable, sha256_bytes
from myomag.ledger.activity import last_entry, surroundings
from myomag.ledger.keep import Identity, identity
from myomag.ledger.raw import TABLES
from myomag.ledger.rows import LEFT_OUT, Row, activity_path, ledger_path, parse_ledger
from myomag.run.plan import Forecast, Task, differs, rows_of
from myomag.settings.yaml_text import read_yaml


def moved(forecast: Forecast) -> dict[str, list[str]]:
    """Changes since the last run, by kind: settings, changed, new, gone, tables, code, packages.

    Empty before the first run.
    """
    if forecast.first:
        return {}
    found = {
        "settings": _settings(forecast),
        **_scans(forecast),
        "tables": _tables(forecast),
        "code": [step for step in pipeline.NAMES if _ran_for(forecast, step, "code")],
        "packages": _packages(forecast),
    }
    return {kind: texts for kind, texts in found.items() if texts}


def _settings(forecast: Forecast) -> list[str]:
    """Settings that differ from those recorded by the last run, such as "qc.warn_snr 15.0 → 20.0"."""
    try:
        before = read_yaml(forecast.flow.root / "config.yaml")
    except (OSError, ValueError):
        return []
    # Settings that no step uses, such as the place of seals, are not recorded.
    document = forecast.flow.settings.model_dump()
    now = {key: value for key, value in document.items() if key in pipeline.SETTINGS.settings}
    found = differences(_set(forecast, before), now) if isinstance(before, Mapping) else ()
    texts = [text.replace("only in B", "added").replace("only in A", "removed") for text in found]
    if texts or any(name.startswith(f"{pipeline.RATINGS}/") for name in _tables(forecast)):
        return texts
    moved_for = [step for step in pipeline.NAMES if _ran_for(forecast, step, "settings")]
    if others := [step for step in moved_for if step != pipeline.SETTINGS.name]:
        # A run that started with them did not finish.
        return [f"the results of {', '.join(others)} were made with different ones"]
    if moved_for:
        return ["the same values, written or given differently"]
    return []


def _set(forecast: Forecast, document: Mapping[str, Any]) -> dict[str, Any]:
    """Settings recorded by the last run without the rejections by raters, whose tables are reported by themselves."""
    record = forecast.flow.root / activity_path(Path(ledger_path(pipeline.SETTINGS.name)))
    origins = last_entry(record).get("origins", {})
    rated = {key.split(".")[1] for key, origin in origins.items() if origin.startswith(f"{pipeline.RATINGS}/")}
    overrides = {
        target: {key: value for key, value in content.items() if key != "reject" or target not in rated}
        for target, content in document.get("overrides", {}).items()
    }
    return {**document, "overrides": {target: content for target, content in overrides.items() if content}}


def _scans(forecast: Forecast) -> dict[str, list[str]]:
    """Changed raw files, and scans that are new or gone."""
    paths = forecast.flow.root.glob(ledger_path("convert", "*"))
    then = {identity(row): row for path in paths for row in rows_of(path) if row.status != LEFT_OUT}
    now = {identity(row): row for rows in forecast.raw.values() for row in rows if row.status != LEFT_OUT}
    changed = (key for key in now.keys() & then.keys() if differs(then[key], now[key]))
    return {
        "changed": sorted(name for key in changed for name in _changed_files(then[key], now[key])),
        "new": _names(now, then),
        "gone": _names(then, now),
    }


def _names(scans: Mapping[Identity, Row], others: Mapping[Identity, Row]) -> list[str]:
    return sorted(row.scan for key, row in scans.items() if key not in others)


def _changed_files(then: Row, now: Row) -> list[str]:
    """Files that differ; the scan if its files were or are unknown."""
    if not then.inputs or not now.inputs:
        return [now.scan]
    files = set(then.inputs.values()) ^ set(now.inputs.values())
    return sorted({printable(path) for path, _ in files})


def _tables(forecast: Forecast) -> list[str]:
    """Tables of the study and of raters that are different from those the cohort was made with."""
    root = forecast.flow.root
    made = {path: sha for row in rows_of(root / ledger_path("cohort")) for path, sha in row.inputs.values()}
    if not made or made.get(TABLES) == sha256_bytes(forecast.entry[TABLES]):
        return []
    now = {row.scan: row.inputs for row in parse_ledger(forecast.entry[TABLES].decode())}
    then = {row.scan: row.inputs for row in rows_of(root / TABLES)}
    names = sorted(name for name in now.keys() | then.keys() if now.get(name) != then.get(name))
    # A run that noted them did not reach the cohort.
    return names or ["different from those the cohort was made with"]


def _packages(forecast: Forecast) -> list[str]:
    """Packages whose changed versions repeat steps."""
    tasks = (_ran_for(forecast, step, "software") for step in pipeline.NAMES)
    records = [last_entry(forecast.flow.root / activity_path(Path(task.ledger))) for task in tasks if task]
    now = surroundings()
    found = (
        text
        for then in records
        for name in ("python", "packages")
        for text in differences(then.get(name), now[name], "" if name == "packages" else name)
    )
    return list(dict.fromkeys(found)) or (["different from those at the last run"] if records else [])


def _ran_for(forecast: Forecast, step: str, why: str) -> Task | None:
    return next((task for task in forecast.tasks.values() if task.step == step and task.why == why), None)

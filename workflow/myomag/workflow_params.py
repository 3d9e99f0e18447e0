"""What a rule hands to its script: one canonical string per rule, so that Snakemake re-runs what a change touches."""

from pathlib import Path
from typing import Any

from myomag.config import Settings
from myomag.ledger import Row, read_ledger
from myomag.provenance import canonical, code_digest


def step_spec(settings: Settings, step: str, script: Path, rows: list[Row]) -> str:
    """Settings of a scan-level step, overrides of the scans of one batch, and the digest of the code, as JSON."""
    targets = {row.participant_id for row in rows} | {row.scan for row in rows}
    overrides = {
        target: content[step] for target, content in settings.overrides.items() if target in targets and step in content
    }
    return canonical({"settings": settings.model_dump()[step], "overrides": overrides, "code": code_digest(script)})


def section_spec(content: dict[str, Any], script: Path) -> str:
    """Settings of a study-level step and the digest of its code, as JSON."""
    return canonical({"settings": content, "code": code_digest(script)})


def rejections(settings: Settings) -> dict[str, str]:
    """Participants and scans rejected by hand, with the reasons."""
    return {target: content["reject"] for target, content in settings.overrides.items() if "reject" in content}


def raw_rows(root: Path, path: str) -> list[Row]:
    """Rows of a raw ledger of the derivative."""
    return read_ledger(root / path)

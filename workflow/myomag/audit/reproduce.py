"""Results recomputed and compared byte for byte with those recorded."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from myomag import pipeline
from myomag.audit.causes import differences
from myomag.audit.lineage import code_origin, state
from myomag.audit.recompute import raw_files, recompute, recomputed_rows, steps_taken
from myomag.audit.record import DERIVATIVE, Derivative, File, Ledger
from myomag.audit.statistic import estimate_values
from myomag.audit.trace import COHORT, known_names, scans_named
from myomag.audit.values import Value, cell_values, differing_values, unknown
from myomag.errors import LedgerError, SettingsError
from myomag.io.files import printable, sha256_bytes, sha256_file, write_if_changed
from myomag.ledger.activity import CODE, ENVIRONMENT, environment
from myomag.ledger.pooled import PROTOCOLS
from myomag.ledger.rows import Row
from myomag.ledger.spec import step_code
from myomag.run.jobs import available_cores

MOST = 10
"""Largest number of files listed singly before the rest is counted."""
MOST_VALUES = 5
"""Number of values listed for each."""


@dataclass(frozen=True)
class Deviation:
    """A file, or the outcome of a step, that came out differently.

    Attributes
    ----------
    scan : str or None
        The scan; None for a file made from many.
    step, path : str
        Step, and its file, or "outcome".
    present, found : str or None
        SHA-256 of the file in the derivative and of the one computed now, or both outcomes.
    reasons : tuple of str
        What differs from the recorded run.
    values : tuple of Value
        Values of a record or table that differ: in the derivative, and as computed now.
    """

    scan: str | None
    step: str
    path: str
    present: str | None
    found: str | None
    reasons: tuple[str, ...]
    values: tuple[Value, ...] = ()


@dataclass(frozen=True)
class Reproduction:
    """What was recomputed, and what came out differently.

    Attributes
    ----------
    scans : list of str
        Recomputed scans.
    same : int
        Files with the same bytes.
    deviations : list of Deviation
        Those with different bytes.
    environment : list of str
        How software and machine differ from those recorded.
    whole : bool
        Whether all scans were recomputed, and with them the results over many scans.
    from_raw : bool
        Whether raw data and tables of the study were available.
    """

    scans: list[str]
    same: int
    deviations: list[Deviation]
    environment: list[str]
    whole: bool
    from_raw: bool

    def as_dict(self) -> dict[str, Any]:
        """Content for a script."""
        return {"ok": not self.deviations} | asdict(self)


def reproduce(derivative: Derivative, targets: Sequence[str], cores: int | None = None) -> Reproduction:
    """Recompute scans in a temporary folder, with the recorded settings, and compare the bytes.

    Parameters
    ----------
    derivative : Derivative
        The record.
    targets : sequence of str
        Participants, sessions or scans; none: the whole study with its tables and pages.
    cores : int, optional
        Number of processes [all processors].

    Raises
    ------
    SettingsError
        If a target is unknown, or the derivative is a group.
    LedgerError
        If raw data or pooled begin times are not those recorded.
    """
    if derivative.sites:
        raise SettingsError(
            f"{derivative.root}: a group of sites; reproduce each of them (myomag reproduce SITE), group them again "
            "into another folder, and compare the two: myomag diff."
        )
    scans = _scans(derivative, targets)
    _check_sources(derivative, scans)
    with tempfile.TemporaryDirectory(prefix="myomag-") as name:
        folder = Path(name).resolve()
        study_files = recompute(derivative, scans, folder, cores or available_cores())
        for path, made in study_files.items():
            write_if_changed(folder, path, made)
        rows = recomputed_rows(folder)
        pairs = [*_scan_pairs(derivative, rows), *_study_pairs(derivative, study_files)]
        deviations = [_explained(derivative, folder, *pair) for pair in pairs if pair[3] != pair[4]]
        if COHORT.path not in study_files:
            deviations += _of_tables(derivative, cell_values(derivative, folder, rows))
    if not derivative.has_study:
        deviations += _of_tables(derivative, estimate_values(derivative))
    same = sum(pair[3] == pair[4] for pair in pairs)
    whole = set(scans) == set(derivative.rows)
    return Reproduction(scans, same, deviations, _environment(derivative), whole, derivative.has_study)


def _scans(derivative: Derivative, targets: Sequence[str]) -> list[str]:
    if not targets:
        return list(derivative.rows)
    scans: dict[str, None] = {}
    for target in targets:
        found = scans_named(derivative, target)
        if not found:
            raise SettingsError(f"{target}: {unknown(target, known_names(derivative), 'participant or scan')}")
        scans |= dict.fromkeys(found)
    return list(scans)


def _check_sources(derivative: Derivative, scans: Sequence[str]) -> None:
    raw = scans if derivative.has_study else ()
    sources = {file: sha for scan in raw for file, sha in raw_files(derivative, scan).items()}
    protocols = File(DERIVATIVE, PROTOCOLS)
    if protocols in derivative.makers:
        sources[protocols] = derivative.makers[protocols][1].outputs[PROTOCOLS][1]
    for file, sha in sources.items():
        if (now := state(derivative, file, sha)) != "as recorded":
            raise LedgerError(f"{file.path}: {now} since the results were made; restore it, see: myomag verify STUDY")


Pair = tuple[Ledger, Row, str, str | None, str | None]
"""Ledger, row, file (or "outcome"), and what is in the derivative and was found now."""


def _scan_pairs(derivative: Derivative, rows: Mapping[str, Mapping[str, Row]]) -> Iterator[Pair]:
    for scan, steps in rows.items():
        for step, found in steps.items():
            if step not in derivative.rows[scan] or step in ("raw", *steps_taken(derivative)):
                continue
            ledger, recorded = derivative.rows[scan][step]
            if (recorded.status, recorded.reason) != (found.status, found.reason):
                yield ledger, recorded, "outcome", _outcome(recorded), _outcome(found)
            computed = dict(found.outputs.values())
            for path in sorted({*computed, *dict(recorded.outputs.values())}):
                yield ledger, recorded, path, _present(derivative, path), computed.get(path)


def _study_pairs(derivative: Derivative, contents: Mapping[str, bytes]) -> Iterator[Pair]:
    for path, content in sorted(contents.items()):
        if File(DERIVATIVE, path) in derivative.makers:
            ledger, row = derivative.makers[File(DERIVATIVE, path)]
            yield ledger, row, path, _present(derivative, path), sha256_bytes(content)


def _outcome(row: Row) -> str:
    return row.reason or row.status


def _present(derivative: Derivative, path: str) -> str | None:
    place = derivative.root / path
    return sha256_file(place) if place.is_file() else None


def _explained(
    derivative: Derivative, folder: Path, ledger: Ledger, row: Row, path: str, present: str | None, found: str | None
) -> Deviation:
    values = differing_values(derivative.root / path, folder / path)
    if pipeline.BY_NAME[ledger.step].kind == "scan":
        name = "/".join(filter(None, (row.participant_id, row.session_id)))
        values = [replace(value, name=f"{name} {value.name}") for value in values]
    return _deviation(derivative, ledger, row, path, (present, found), values)


def _of_tables(derivative: Derivative, found: Iterable[tuple[File, list[Value]]]) -> Iterator[Deviation]:
    """Tables that were not remade as a whole, with their values that do not follow from what was."""
    for file, values in found:
        if values and file in derivative.makers:
            digests = (_present(derivative, file.path), None)
            yield _deviation(derivative, *derivative.makers[file], file.path, digests, values)


def _deviation(
    derivative: Derivative,
    ledger: Ledger,
    row: Row,
    path: str,
    digests: tuple[str | None, str | None],
    values: Sequence[Value],
) -> Deviation:
    """A deviation with what differs from the recorded run."""
    reasons, (present, found) = [], digests
    if path != "outcome" and (present or found) and present != dict(row.outputs.values()).get(path):
        reasons.append(derivative.advice.complete("the file was changed since it was made, see: myomag verify STUDY"))
    now = step_code(ledger.step)
    if row.code != now:
        reasons.append(f"code: recorded {row.code[:12]}… ({code_origin(ledger.activity)}), now {now[:12]}…")
    if not derivative.settings_hold(ledger, row):
        reasons.append("settings: config.yaml differs from those the step was run with")
    reasons += [f"environment: {text}" for text in _environment_of(ledger)]
    scan = row.scan if pipeline.BY_NAME[ledger.step].kind == "scan" else None
    reasons = reasons or ["nothing that is recorded differs"]
    return Deviation(scan, ledger.step, path, present, found, tuple(reasons), tuple(values))


def _environment_of(ledger: Ledger) -> list[str]:
    now = environment()
    keys = [key for key in ENVIRONMENT if key in ledger.activity]
    return list(differences({key: ledger.activity[key] for key in keys}, {key: now[key] for key in keys}))


def _environment(derivative: Derivative) -> list[str]:
    """Differences of software, machine and checkout from those of the recorded steps."""
    now = environment()
    texts = [text for ledger in derivative.of_step(*pipeline.SCAN_STEPS) for text in _environment_of(ledger)]
    for ledger in derivative.of_step(*pipeline.SCAN_STEPS):
        recorded = {key: ledger.activity.get(key) for key in CODE}
        texts += differences(recorded, {key: now[key] for key in CODE})
    return list(dict.fromkeys(texts))


def _value_lines(deviation: Deviation) -> Iterator[str]:
    """The values that differ, or the digests or outcomes if there are none to list."""
    for value in deviation.values[:MOST_VALUES]:
        yield f"  {printable(str(value))} computed now"
    if len(deviation.values) > MOST_VALUES:
        yield f"  … and {len(deviation.values) - MOST_VALUES} more values: --json has all"
    if not deviation.values:
        yield f"  in the derivative {deviation.present}, computed now {deviation.found}"


def reproduction_lines(result: Reproduction) -> Iterator[str]:
    """Lines of a reproduction for a terminal."""
    for deviation in result.deviations[:MOST]:
        yield f"{deviation.path if deviation.path != 'outcome' else deviation.scan}: differs, step {deviation.step}"
        yield from _value_lines(deviation)
        yield from (f"  {reason}" for reason in deviation.reasons)
    if len(result.deviations) > MOST:
        yield f"… and {len(result.deviations) - MOST} more: --json has all"
    yield from (f"recorded → now: {text}" for text in result.environment)
    if not result.from_raw:
        yield "The study is not here: recomputed from the converted scans as recorded."
        yield (
            "Tables were compared with the records and with cohort.tsv; to recompute them: myomag reproduce STUDY "
            "--output CRATE"
        )
    if not result.whole:
        yield "The pooled begin times of the protocols are those recorded: only a whole study can recompute them."
    verdict = (
        f"{len({each.path for each in result.deviations})} differ"
        if result.deviations
        else "all the same, byte for byte"
    )
    yield f"{len(result.scans)} scans recomputed, {result.same + len(result.deviations)} files compared: {verdict}."

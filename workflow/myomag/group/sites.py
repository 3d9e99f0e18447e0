"""The sites of a group: their derivatives, their names, and whether they can be taken together."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, combinations
from pathlib import Path
from typing import Any

from myomag import pipeline
from myomag.audit.causes import differences
from myomag.audit.chain import ledger_problems, settings_problems
from myomag.audit.group import Site, has_raw, with_study
from myomag.audit.record import Derivative, Ledger, open_derivative
from myomag.errors import LedgerError, SettingsError
from myomag.ledger.derivative import RAW_LINK
from myomag.ledger.rows import checked_outputs, ledger_path
from myomag.ledger.sites import SiteNames
from myomag.ledger.spec import step_code
from myomag.run.lock import check_quiet

SAME = {
    "fit": ("prior_knowledge",),
    "magnesium": (
        *("ph_calibration", "mg_calibration", "temperature_c", "ionic_strength_mol_l"),
        *("atp_mmol_l", "total_creatine_mmol_l", "atp_line"),
    ),
}
"""Settings that determine the meaning of the numbers: values made with different ones are not on one scale."""
TOLD = ("qc", "fit", "magnesium")
"""Sections in which any other difference is reported."""
_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9]*")


def open_sites(places: Sequence[Path], names: Sequence[str]) -> dict[str, Derivative]:
    """Derivatives by the name of their site.

    Parameters
    ----------
    places : sequence of Path
        Studies or their derivatives.
    names : sequence of str
        Name of each site; none: that of the folder of each study.

    Raises
    ------
    SettingsError
        If a folder is not a derivative of a study, or the names are not one for each, valid and unique.
    """
    found = [with_study(open_derivative(place)) for place in places]
    if group := next((each for each in found if each.sites), None):
        made_from = ", ".join(map(str, group.sites.values()))
        raise SettingsError(f"{group.root}: is itself a group; name the derivatives it was made from: {made_from}")
    if len({each.root for each in found}) < len(found):
        raise SettingsError("a derivative is given twice; give each once.")
    if names and len(names) != len(found):
        raise SettingsError(f"{len(names)} names for {len(found)} derivatives; give --site NAME for each, or for none.")
    labels = list(names) or [_folder_name(each) for each in found]
    for label, each in zip(labels, found, strict=True):
        if not _LABEL.fullmatch(label) or label == RAW_LINK:
            raise SettingsError(
                f"{each.root}: {label!r} is not a valid site name; use letters and digits, a letter first: "
                "--site NAME, once for each derivative, in the same order."
            )
    if len({label.lower() for label in labels}) < len(labels):
        raise SettingsError(
            f"two sites have the same name ({', '.join(labels)}); name them: --site NAME, once for each derivative."
        )
    return dict(zip(labels, found, strict=True))


def _folder_name(derivative: Derivative) -> str:
    """Folder of the study, or of a derivative elsewhere, without characters not allowed in labels."""
    root = derivative.root
    folder = root.parents[1] if (root.parent.name, root.name) == ("derivatives", "myomag") else root
    return re.sub(r"[^A-Za-z0-9]", "", folder.name)


def check_finished(name: str, derivative: Derivative) -> None:
    """Refuse a derivative that is not finished, or has been changed.

    Raises
    ------
    LedgerError
        Naming the first problem and the remedy.
    """
    check_quiet(derivative.root)
    # Another version may use different settings for a step, so its digests cannot be compared; `remarks` reports it.
    other = {ledger.path for ledger in derivative.ledgers.values() if not _is_current(ledger)}
    settings = (problem for problem in settings_problems(derivative) if problem.path not in other)
    problems = chain(ledger_problems(derivative), settings)
    if problem := next(problems, None):
        message = derivative.advice.complete(problem.message)
        raise LedgerError(f"site {name}: not finished, or changed since: {problem.path}: {message}")
    with derivative.advice.in_errors():
        for step in ("settings", "protocols", "cohort"):
            checked_outputs(derivative.root, Path(ledger_path(step)))


def _is_current(ledger: Ledger) -> bool:
    return all(not row.code or row.code == step_code(ledger.step) for row in ledger.rows)


def check_alike(sites: Mapping[str, Derivative]) -> None:
    """Refuse sites whose values are not on one scale: different calibrations, constants or prior knowledge.

    Raises
    ------
    SettingsError
        Naming the setting and its values.
    """
    (first, reference), *others = sites.items()
    for name, derivative in others:
        for section, keys in SAME.items():
            one, other = ({key: each.document[section].get(key) for key in keys} for each in (reference, derivative))
            if found := list(differences(one, other, section)):
                raise SettingsError(
                    f"sites {first} and {name} have different settings, so their values are not on one scale: "
                    f"{'; '.join(found)}. Use the same in both studies and run them again."
                )


def remarks(sites: Mapping[str, Derivative]) -> Iterator[str]:
    """Other differences between sites, or from this version of the code, that may affect their results."""
    (first, reference), *others = sites.items()
    for name, derivative in others:
        if found := [text for section in TOLD for text in _other(section, reference.document, derivative.document)]:
            yield f"sites {first} and {name} have different settings: {'; '.join(found)}."
        steps = [step for step in pipeline.SCAN_STEPS if _codes(derivative, step) != _codes(reference, step)]
        if steps:
            yield f"sites {first} and {name} were made by different code at {', '.join(steps)}."
    for name, derivative in sites.items():
        old = [step for step in pipeline.SCAN_STEPS if _codes(derivative, step) - {step_code(step)}]
        if old:
            yield f"site {name} was made by a different version of myomag ({', '.join(old)})."


def _other(section: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    """Settings of a section that differ, apart from those that must not."""
    one, other = ({key: v for key, v in each[section].items() if key not in SAME.get(section, ())} for each in (a, b))
    return list(differences(one, other, section))


def _codes(derivative: Derivative, step: str) -> set[str]:
    return {row.code for ledger in derivative.of_step(step) for row in ledger.rows}


def named_sites(sites: Mapping[str, Derivative], *, same_participants: bool) -> dict[str, Site]:
    """Sites with the names of their scans in the group.

    Raises
    ------
    SettingsError
        If two different participants would have the same label.
    """
    named = {name: Site(SiteNames(name, same_participants), derivative) for name, derivative in sites.items()}
    labels = {name: set(_participants(site)) for name, site in named.items()}
    for one, other in combinations(named, 2):
        if not same_participants and (shared := labels[one] & labels[other]):
            raise SettingsError(
                f"{min(shared)}: the label of a participant of {one} and of one of {other}; name the sites "
                "differently: --site NAME, once for each derivative."
            )
    return named


def _participants(site: Site) -> Iterator[str]:
    for ledger in site.derivative.of_step("raw"):
        yield from (site.names.participant(row.participant_id) for row in ledger.rows if row.participant_id)


def check_place(out: Path, sites: Mapping[str, Derivative]) -> None:
    """Refuse a folder in which the group would mix with something else.

    Raises
    ------
    SettingsError
        If it is or is inside a derivative, is among raw data, or contains other files.
    """
    remedy = "name a new folder for the group."
    for derivative in sites.values():
        if out == derivative.root:
            raise SettingsError(f"{out}: is the derivative of a site; {remedy}")
        among = has_raw(derivative) and out.is_relative_to(derivative.study)
        inside = out.relative_to(derivative.study).parts if among else ("elsewhere",)
        if not inside or inside[0].startswith(("sub-", "sourcedata", "phenotype")):
            raise SettingsError(f"{out}: is among the raw data of {derivative.study}; {remedy}")
    if above := next((folder for folder in out.parents if (folder / "ledger").is_dir()), None):
        raise SettingsError(f"{out}: is inside the derivative {above}; {remedy}")
    if out.exists() and not out.is_dir():
        raise SettingsError(f"{out}: is a file; {remedy}")
    others = [path.name for path in out.iterdir() if not path.name.startswith(".")] if out.is_dir() else []
    if others and not Derivative(out, out).sites:
        raise SettingsError(f"{out}: contains other files ({min(others)}, …); {remedy}")

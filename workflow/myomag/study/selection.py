"""Scans of some participants and sessions only."""

from collections.abc import Sequence

from myomag.errors import SettingsError, hint
from myomag.study.search import Study


def selected_scans(study: Study, participants: Sequence[str] = (), sessions: Sequence[str] = ()) -> set[str]:
    """Scans of the participants and sessions named.

    Parameters
    ----------
    study : Study
        Scans found in the study folder.
    participants, sessions : sequence of str
        Labels, with or without sub- and ses-; none: all.

    Raises
    ------
    SettingsError
        If a label is unknown, naming similar ones, or no scan has both.
    """
    people = _known("participant", "sub-", participants, {scan.participant_id for scan in study.scans})
    visits = _known("session", "ses-", sessions, {scan.session_id for scan in study.scans if scan.session_id})
    chosen = [scan for scan in study.scans if not people or scan.participant_id in people]
    found = [scan for scan in chosen if not visits or scan.session_id in visits]
    for person in sorted(people - {scan.participant_id for scan in found}):
        there = ", ".join(sorted({scan.session_id for scan in chosen if scan.participant_id == person}))
        raise SettingsError(
            f"--session {' '.join(sessions)}: {person} has no scan of this session; its sessions: {there}."
        )
    return {scan.stem for scan in found}


def _known(option: str, prefix: str, labels: Sequence[str], known: set[str]) -> set[str]:
    """Labels with their prefix, all known."""
    named = {label if label in known or label.startswith(prefix) else prefix + label for label in map(str, labels)}
    for label in sorted(named - known):
        near = hint(label, sorted(known), most=3)
        if not near:
            listed = ", ".join(sorted(known)[:3]) or f"none with a {option} label"
            near = f"the study has {listed}{', …' if len(known) > 3 else ''}."
        raise SettingsError(f"--{option} {label}: the study has no scan of it; {near}")
    return named

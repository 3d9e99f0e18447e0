"""Names of participants, sessions and scans when derivatives of several sites are joined.

The same label at two sites is two people, unless the settings say otherwise: the site is prefixed to the label. If it
is one person, the site is prefixed to the session label, so that scan names remain unique.
"""

from dataclasses import dataclass, replace

from myomag.ledger.rows import Row


@dataclass(frozen=True)
class SiteNames:
    """Name of a site, and its effect on labels.

    Attributes
    ----------
    site : str
        Letters and digits, a letter first.
    same_participants : bool
        Whether participants with the same label at two sites are the same people.
    """

    site: str
    same_participants: bool = False

    def participant(self, label: str) -> str:
        """Label of a participant, such as sub-leiden001 for sub-001 of leiden."""
        return label if self.same_participants else f"sub-{self._before(label.removeprefix('sub-'))}"

    def session(self, label: str) -> str:
        """Label of a session; "" if there is none and the participant labels distinguish the sites."""
        return f"ses-{self._before(label.removeprefix('ses-'))}" if self.same_participants else label

    def scan(self, stem: str, session: str) -> str:
        """Stem of a scan; `session` is its original session label."""
        participant, *rest = stem.split("_")
        rest = rest[1:] if session and rest[:1] == [session] else rest
        renamed = self.session(session)
        return "_".join([self.participant(participant), *([renamed] if renamed else []), *rest])

    def target(self, name: str) -> str:
        """Participant or scan named by an override."""
        parts = name.split("_")
        session = parts[1] if len(parts) > 1 and parts[1].startswith("ses-") else ""
        return self.scan(name, session) if len(parts) > 1 else self.participant(name)

    def row(self, row: Row) -> Row:
        """Row of a ledger under its names in the group; one without a participant is identified by its site."""
        if not row.participant_id:
            return replace(row, scan=f"{self.site}:{row.scan}")
        participant, session = self.participant(row.participant_id), self.session(row.session_id)
        own = row.scan == row.participant_id
        scan = participant if own else self.scan(row.scan, row.session_id)
        return replace(row, participant_id=participant, session_id="" if own else session, scan=scan)

    def _before(self, label: str) -> str:
        """Label prefixed by the site, with an x in between if digits would run together."""
        return f"{self.site}{'x' if self.site[-1].isdigit() and label else ''}{label}"

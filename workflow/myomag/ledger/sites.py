"""Names of participants, sessions and scans where the derivatives of several sites are joined.

The same label at two sites is two people, unless the settings say otherwise: the site goes before the label. Where it
is one person, the site goes before the label of the session, so that scans still have names of their own.
"""

from dataclasses import dataclass, replace

from myomag.ledger.rows import Row


@dataclass(frozen=True)
class SiteNames:
    """How a site is called, and what that makes of its labels.

    Attributes
    ----------
    site : str
        Letters and digits, a letter first.
    same_participants : bool
        Whether participants of the same label at two sites are the same people.
    """

    site: str
    same_participants: bool = False

    def participant(self, label: str) -> str:
        """Label of a participant, such as sub-leiden001 for sub-001 of leiden."""
        return label if self.same_participants else f"sub-{self._before(label.removeprefix('sub-'))}"

    def session(self, label: str) -> str:
        """Label of a session; "" where there is none and the participants tell the sites apart."""
        return f"ses-{self._before(label.removeprefix('ses-'))}" if self.same_participants else label

    def scan(self, stem: str, session: str) -> str:
        """Stem of a scan; `session` is its label before."""
        participant, *rest = stem.split("_")
        rest = rest[1:] if session and rest[:1] == [session] else rest
        renamed = self.session(session)
        return "_".join([self.participant(participant), *([renamed] if renamed else []), *rest])

    def target(self, name: str) -> str:
        """Participant or scan that an override names."""
        parts = name.split("_")
        session = parts[1] if len(parts) > 1 and parts[1].startswith("ses-") else ""
        return self.scan(name, session) if len(parts) > 1 else self.participant(name)

    def row(self, row: Row) -> Row:
        """Row of a ledger under the names it has among the others; one of no participant is told by its site."""
        if not row.participant_id:
            return replace(row, scan=f"{self.site}:{row.scan}")
        participant, session = self.participant(row.participant_id), self.session(row.session_id)
        own = row.scan == row.participant_id
        scan = participant if own else self.scan(row.scan, row.session_id)
        return replace(row, participant_id=participant, session_id="" if own else session, scan=scan)

    def _before(self, label: str) -> str:
        """Site before a label, told apart from it by an x where digits would run into it."""
        return f"{self.site}{'x' if self.site[-1].isdigit() and label else ''}{label}"

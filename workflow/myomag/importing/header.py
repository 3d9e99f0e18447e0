"""What a file's header says that determines its place in a study."""

import re
import unicodedata
from dataclasses import dataclass, field, replace
from itertools import permutations
from typing import Any

from myomag.io.nuclei import GYROMAGNETIC_RATIO_MHZ_T, HERTZ_ABOVE, nucleus_from_field, nucleus_name

_LOCALISED = re.compile(r"svs|press|steam|laser|isis|special|single.?voxel", re.IGNORECASE)
_BLANK = re.compile(r"(.)\1*|.*anonym.*|unknown|none|n/?a|.*phantom.*", re.IGNORECASE | re.DOTALL)
"""What replaces a name that was removed: one repeated character, or such a word."""

_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"})
SHORTEST_CODE = 4
"""A shorter identifier is a number of the study, not of a hospital."""
MOST_WORDS = 8
"""Words of a name that are also joined in pairs."""


@dataclass(frozen=True)
class Header:
    """Header of a file; None or "" if a quantity is not stated.

    Attributes
    ----------
    nucleus : str or None
        Nucleus, initially as written in the file.
    frequency_mhz, field_t : float or None
        Spectrometer frequency [MHz] and static field [T].
    date : str
        Digits of the acquisition date and time, such as 20240131 or 20240131104500.
    protocol, sequence : str
        Name of the protocol or series, and of the sequence.
    te_s, tr_s : float or None
        Echo time and repetition time [s].
    transients, points : int or None
        FIDs in the file, coils not counted, and samples of each.
    localised : bool
        Whether a voxel was selected, by the header.
    series : tuple
        What the files of one scan share; empty if a scan is a single file.
    uid : str
        Identifier of the series, if it has one.
    number : int
        Number of the file in its series; 0 if it is not numbered.
    grid : str
        Size of a grid from which a voxel can be chosen, such as 8x8x1; "" for a single voxel.
    reason : str
        Why the file is not a scan to analyse; "" if there is no known reason.
    patient : str
        Hospital identifier of the person: for comparison, never written out.
    personal : frozenset of str
        Names and dates that identify the person: never written out.
    """

    nucleus: str | None = None
    frequency_mhz: float | None = None
    field_t: float | None = None
    date: str = ""
    protocol: str = ""
    sequence: str = ""
    te_s: float | None = None
    tr_s: float | None = None
    transients: int | None = None
    points: int | None = None
    localised: bool = False
    series: tuple[object, ...] = ()
    uid: str = ""
    number: int = 0
    grid: str = ""
    reason: str = ""
    patient: str = field(default="", repr=False)
    personal: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def suffix(self) -> str:
        """BIDS suffix from the names of sequence and protocol in the header."""
        if self.grid:
            return "mrsi"
        named = _LOCALISED.search(f"{self.sequence} {self.protocol}")
        return "svs" if self.localised or named else "unloc"


def settled(header: Header, name: str) -> Header:
    """Header with the frequency in MHz, the nucleus in the form 31P, and the field if both determine it.

    Parameters
    ----------
    header : Header
        As read.
    name : str
        Name of the file, for messages.

    Raises
    ------
    ScanError
        If the nucleus is unknown.
    """
    mhz, field_t = header.frequency_mhz or None, header.field_t or None
    if mhz and mhz > HERTZ_ABOVE:
        mhz /= 1e6
    stated = nucleus_name(header.nucleus, f"{name}: nucleus") if header.nucleus else None
    nucleus = stated or (nucleus_from_field(mhz, field_t) if mhz else None)
    if mhz and nucleus and not field_t:
        field_t = mhz / GYROMAGNETIC_RATIO_MHZ_T[nucleus]
    return replace(header, nucleus=nucleus, frequency_mhz=mhz, field_t=field_t)


def digits(*texts: object) -> str:
    """Digits of the first text that begins like a date, followed by the time if the next text contains one."""
    for text in texts:
        found = re.sub(r"\D", "", str(text or "").partition("+")[0])
        if re.match(r"(19|20)\d\d[01]\d[0-3]\d", found):
            return found[:14]
    return ""


def person(name: object = "", birth_date: object = "", identifier: object = "") -> dict[str, Any]:
    """Fields `patient` and `personal` of a header, empty if the file was de-identified.

    Parameters
    ----------
    name, birth_date, identifier : object
        As written in the header.
    """
    kept = [str(text or "").strip().strip('"') for text in (name, birth_date, identifier)]
    names, born, patient = ("" if _BLANK.fullmatch(text) else text for text in kept)
    parts = [part for part in re.split(r"[\s^=,;_.]+", names) if part and not _BLANK.fullmatch(part)]
    numbered = [part for part in parts if re.search(r"\d", part)]
    words = _words(" ".join(part for part in parts if part not in numbered))
    codes = {code for code in (patient, *numbered) if len(code) >= SHORTEST_CODE}
    return {"patient": patient or " ".join(parts), "personal": frozenset({*words, *codes, *_dates(born)})}


def _words(names: str) -> set[str]:
    """Words of a name in the forms that folder names may contain: without diacritics, or joined in pairs."""
    forms = (names, _plain(names), _plain(names.translate(_UMLAUTS)))
    words = {word.lower() for form in forms for word in re.split(r"[\W_]+", form) if len(word) > 1}
    few = sorted(words)[:MOST_WORDS]
    return words | {f"{one}{other}" for one, other in permutations(few, 2)}


def _plain(text: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))


def _dates(birth_date: str) -> set[str]:
    """A date in the forms that folder and protocol names may contain."""
    found = re.sub(r"\D", "", birth_date)
    if len(found) != 8:
        return set()
    year, month, day = (found[:4], found[4:6], found[6:]) if found[:2] in ("19", "20") else _day_first(found)
    orders = ((year, month, day), (day, month, year), (month, day, year))
    return {mark.join(order) for order in orders for mark in ("", "-", "_", ".", "/")} | {birth_date}


def _day_first(date: str) -> tuple[str, str, str]:
    return date[4:], date[2:4], date[:2]

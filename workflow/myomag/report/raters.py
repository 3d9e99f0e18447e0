"""What the raters of the scans came to, in sentences, for page and terminal."""

from collections.abc import Sequence

from myomag.io.tables import TableRow
from myomag.wording.text import number, open_interval, plural


def rater_lines(rows: Sequence[TableRow], *, pairs: bool = True) -> list[str]:
    """Sentences on the raters: how many scans each rated, and how far they agree; none without ratings.

    Parameters
    ----------
    rows : sequence of mapping
        Rows of raters.tsv.
    pairs : bool
        Whether each two of more than two raters are told of, beside all of them.
    """
    single, compared = ([row for row in rows if bool(row["method"]) == several] for several in (False, True))
    own = [f"{row['raters']} {plural(row['scans'], 'scan')}, {row['rejected']} rejected" for row in single]
    return [f"Rated by: {'; '.join(own)}.", *map(_agreement, compared if pairs else compared[-1:])] if own else []


def _agreement(row: TableRow) -> str:
    *names, last = str(row["raters"]).split()
    alike = f"{row['accepted'] + row['rejected']} of {plural(row['scans'], 'scan')} judged alike"
    start = f"{row['method']} of {', '.join(names)} and {last}:"
    if row["kappa"] is None:
        return f"{start} none ({row['reason']}); {alike}."
    low, high = row["kappa_ci95_low"], row["kappa_ci95_high"]
    interval = f" (95 % interval {open_interval(low, high, 2)})" if low is not None else ""
    return f"{start} {number(row['kappa'])}{interval}; {alike}."

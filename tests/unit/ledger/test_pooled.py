"""What protocols.tsv tells the fits, and what is refused of it."""

from pathlib import Path

import pytest

from ledger_samples import Small
from myomag.errors import LedgerError
from myomag.ledger.pooled import PROTOCOLS, check_protocols, pooled_begin_times
from myomag.ledger.study_harness import write_study

TABLE = """protocol\tbegin_time_us\tbegin_time_sd_us\tspread_us\toutlying
p1\t240\t2.0\t1.5\tsub-1_unloc sub-2_unloc
p2\t250\t3.0\t0\tn/a
p3\tn/a\tn/a\tn/a\tn/a
"""


def test_protocols_with_a_pooled_value_are_read(tmp_path: Path) -> None:
    assert pooled_begin_times(tmp_path) == {}
    (tmp_path / PROTOCOLS).write_text(TABLE)
    found = pooled_begin_times(tmp_path)
    assert found == {
        "p1": _values(240.0, 2.0, 1.5, ["sub-1_unloc", "sub-2_unloc"]),
        "p2": _values(250.0, 3.0, 0.0, []),
    }


def _values(begin_time_us: float, sd_us: float, spread_us: float, outlying: list[str]) -> dict[str, object]:
    values = {"begin_time_us": begin_time_us, "begin_time_sd_us": sd_us, "spread_us": spread_us}
    return {**values, "outlying": outlying}


def test_table_that_its_step_did_not_write_is_refused(small: Small) -> None:
    check_protocols(small.root)
    write_study(small.job("protocols", read=()), [(PROTOCOLS, TABLE.encode())])
    check_protocols(small.root)
    (small.root / PROTOCOLS).write_text(TABLE.replace("240", "140"))
    with pytest.raises(LedgerError, match=r"protocols\.tsv: changed since step protocols wrote it. Remove it"):
        check_protocols(small.root)
    (small.root / PROTOCOLS).unlink()
    check_protocols(small.root)

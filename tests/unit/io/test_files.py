"""Files appear whole or not at all."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger_samples import tree
from myomag.errors import LedgerError
from myomag.io.files import PRIVATE, remove_files, sha256_bytes, together, write_atomic, write_if_changed
from myomag.ledger.cleanup import remove_unfinished


def test_kill_between_writing_and_renaming_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_atomic(tmp_path, "a/b.json", b"old")

    def killed(*_: object) -> None:
        raise SystemExit(137)

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(SystemExit):
        write_atomic(tmp_path, "a/b.json", b"new")
    assert (tmp_path / "a/b.json").read_bytes() == b"old"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.json"]


def test_files_appear_together_at_the_end_and_in_order(tmp_path: Path) -> None:
    with together(tmp_path) as write:
        write("first", b"1")
        write("folder/second", b"2")
        assert tree(tmp_path) == {}
    assert tree(tmp_path, private=True) == {"first": b"1", "folder/second": b"2"}


def test_a_file_in_pieces_has_the_digest_of_the_whole_and_half_of_one_never_appears(tmp_path: Path) -> None:
    pieces = [b"a\tb\n", b"1\t2\n"]
    with together(tmp_path) as write:
        assert write("whole", b"".join(pieces)) == write("pieces", iter(pieces)) == sha256_bytes(b"".join(pieces))
    expected = {"whole": b"".join(pieces), "pieces": b"".join(pieces)}
    assert tree(tmp_path, private=True) == expected

    def broken() -> Iterator[bytes]:
        yield pieces[0]
        raise ValueError("not finite")

    with pytest.raises(ValueError, match="not finite"), together(tmp_path) as write:
        write("pieces", broken())
    assert tree(tmp_path, private=True) == expected


def test_link_is_replaced_and_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "outside").write_bytes(b"theirs")
    (tmp_path / "root" / "a").symlink_to(tmp_path / "outside")
    write_atomic(tmp_path / "root", "a", b"ours")
    assert (tmp_path / "outside").read_bytes() == b"theirs"
    assert not (tmp_path / "root" / "a").is_symlink()


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_files_follow_the_umask(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        write_atomic(tmp_path, "shared", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "shared").stat().st_mode & 0o777 == mode


def test_unchanged_content_keeps_its_time_stamp(tmp_path: Path) -> None:
    write_if_changed(tmp_path, "a", b"1")
    os.utime(tmp_path / "a", ns=(1, 1))
    write_if_changed(tmp_path, "a", b"1")
    assert (tmp_path / "a").stat().st_mtime_ns == 1
    write_if_changed(tmp_path, "a", b"2")
    assert (tmp_path / "a").read_bytes() == b"2"


def test_removing_a_file_removes_the_folders_it_leaves_empty_and_nothing_outside(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    for path in ("a/b/c", "a/d"):
        write_atomic(root, path, b"")
    outside.write_bytes(b"theirs")
    remove_files(root, ["a/b/c", "a/never was"])
    assert list(tree(root)) == ["a/d"]
    assert not (root / "a/b").exists()
    with pytest.raises(LedgerError, match="is outside the derivative"):
        remove_files(root, ["../outside"])
    assert outside.exists()


KILLED = """
import sys
from pathlib import Path
from myomag.io.files import write_atomic
print("ready", flush=True)
while True:
    write_atomic(Path(sys.argv[1]), "big.bin", b"new" * 20_000_000)
"""


def test_kill_in_the_middle_of_a_big_write_leaves_a_whole_file(tmp_path: Path) -> None:
    old, new = b"old" * 20_000_000, b"new" * 20_000_000
    write_atomic(tmp_path, "big.bin", old)
    parts = []
    for pause in (0.0, 0.01, 0.03, 0.06):
        with subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            unfinished = tmp_path / PRIVATE / "unfinished"
            while not any(unfinished.iterdir()):
                pass
            time.sleep(pause)
            process.send_signal(signal.SIGKILL)
        parts += [path.stat().st_size for path in unfinished.iterdir()]
        assert (tmp_path / "big.bin").read_bytes() in (old, new)
        remove_unfinished(tmp_path)
        assert list(unfinished.iterdir()) == []
    assert any(0 <= size < len(new) for size in parts), "no kill came in the middle of a write"

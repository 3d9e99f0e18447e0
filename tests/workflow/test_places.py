"""Where myomag may live: an installation it must not write to, a home without room, a study that is read-only."""

import os
from pathlib import Path

from myomag.simulate.demo import write_demo
from running import checkout, myomag


def contents(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.lstat().st_mtime_ns, path.lstat().st_size) for path in folder.rglob("*")}


def test_run_writes_nothing_into_checkout_study_or_home(tmp_path: Path) -> None:
    repository, study = checkout(tmp_path / "checkout"), tmp_path / "study"
    write_demo(study, participants=1)
    before = contents(repository), contents(study)
    # A home that cannot hold a file, for root either. Python alone would write beside the code, and only where it may.
    home = {"HOME": os.devnull, "XDG_CACHE_HOME": "", "PYTHONDONTWRITEBYTECODE": "1"}
    options = ("--output", tmp_path / "out", "--", "--cores", "1", "--until", "convert")
    done = myomag("run", study, *options, repository=repository, **home)
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "out" / "ledger" / "convert").glob("*.tsv"))
    assert (contents(repository), contents(study)) == before


def test_run_by_an_account_without_a_name(tmp_path: Path) -> None:
    study, nameless = tmp_path / "study", tmp_path / "nameless"
    write_demo(study, participants=1)
    nameless.mkdir()
    (nameless / "sitecustomize.py").write_text("import pwd\npwd.getpwuid = {}.__getitem__\n", encoding="utf-8")
    names = dict.fromkeys(("LOGNAME", "USER", "LNAME", "USERNAME"), "")
    done = myomag("run", study, "--", "--cores", "1", "--until", "convert", PYTHONPATH=str(nameless), **names)
    assert done.returncode == 0, done.stderr

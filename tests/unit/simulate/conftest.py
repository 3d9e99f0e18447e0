"""One simulated study for all tests that only read it."""

import pytest

from myomag.io.tables import read_tsv
from myomag.simulate.demo import write_demo


@pytest.fixture(scope="package")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "study"
    write_demo(folder, participants=12, seed=3)
    return folder


@pytest.fixture(scope="package")
def truth(study):
    return read_tsv(study / "truth.tsv").set_index("participant_id")

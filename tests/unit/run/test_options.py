"""What the options for Snakemake ask for."""

import pytest

from myomag.errors import SettingsError
from myomag.run.options import Asked, asked_for


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ([], Asked()),
        (["--cores", "2", "--keep-going"], Asked(cores="2")),
        (["--config", "qc={'warn_snr': 14}"], Asked({"qc": {"warn_snr": "14"}})),
        (["-n"], Asked(looks=True)),
        (["--summary"], Asked(looks=True)),
        (["--until", "fit"], Asked(part=True)),
        (["--omit-from", "cohort"], Asked(part=True)),
        (["ledger/fit/batch-1.tsv"], Asked(part=True)),
        (["--forcerun", "fit"], Asked(forced=True)),
    ],
)
def test_options_are_read_as_snakemake_reads_them(options: list[str], asked: Asked) -> None:
    assert asked_for(options) == asked


@pytest.mark.parametrize("options", [["--bogus"], ["--config", "qc"], ["--configfile", "none.yaml"]])
def test_what_snakemake_would_not_understand_is_refused(options: list[str]) -> None:
    with pytest.raises(SettingsError, match="options after --: "):
        asked_for(options)

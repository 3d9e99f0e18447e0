"""Many files at once: a line each, pages and a table; the scans are those that an import would find."""

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import vendor_samples
from html_page import parse
from import_samples import dicom
from muscle_fids import muscle_fid, noise
from myomag import cli
from myomag.cohort.columns import FIXED_NAMES
from myomag.errors import SettingsError
from myomag.settings.load import load_settings
from myomag.single.scan import ScanSteps, analyse_file
from myomag.single.show import crlb_percent, result_lines
from myomag.single.sources import find_sources, source_of
from myomag.single.spectrum import ROWS, spectrum_lines
from myomag.single.view import curves_of

MakeScan = Callable[..., Path]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    def run(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["myomag", "scan", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        return int(caught.value.code or 0), capsys.readouterr().out

    return run


def test_folder_gives_a_line_each_and_a_bad_file_is_no_end(
    tmp_path: Path, make_scan: MakeScan, call: Callable[..., tuple[int, str]]
) -> None:
    folder = tmp_path / "export"
    good = make_scan(folder / "P01/scan.nii.gz")
    bad = make_scan(folder / "P02/scan.nii.gz")
    bad.write_bytes(bad.read_bytes()[:3000])
    (folder / "notes.txt").write_text("none of a format that is read\n")
    clean = noise(np.random.default_rng(1), (256, 2), 1)
    vendor_samples.rda(folder / "proton.rda", clean[:, :1], Nucleus="1H", MRFrequency=123.2)
    make_scan(folder / "=1+1.nii.gz", pcr_snr=0.5)
    code, out = call(folder, "--html", tmp_path / "pages", "--csv", tmp_path / "all.csv")
    assert code == 1
    lines = out.splitlines()
    flat = analyse_file(good, load_settings()).flat
    assert [line.split()[:2] for line in lines[1:4]] == [
        ["=1+1", "failed"],
        ["P01/scan", flat["verdict"]],
        ["P02/scan", "failed"],
    ]
    assert f"{flat['mg_mmol_l']:.3f} [{flat['mg_ci95_low_mmol_l']:.3f} to" in lines[2]
    assert "truncated" in lines[3]
    assert lines[4:6] == ["Included: 1 of 3 scans.", "1 left out: 1H, not 31P"]
    rows = list(csv.DictReader((tmp_path / "all.csv").read_text().splitlines()))
    assert tuple(rows[0]) == FIXED_NAMES
    assert [row["scan"] for row in rows] == ["'=1+1", "P01/scan", "P02/scan"]
    # Ten significant digits, as in cohort.tsv.
    assert float(rows[1]["mg_mmol_l"]) == pytest.approx(flat["mg_mmol_l"], rel=1e-9)
    assert rows[2]["mg_mmol_l"] == ""
    assert sorted(path.name for path in (tmp_path / "pages").iterdir()) == [
        "-1-1.html"[1:],
        "P01-scan.html",
        "P02-scan.html",
    ]


def test_page_of_a_scan_leads_to_nothing_that_is_not_there(
    tmp_path: Path, make_scan: MakeScan, call: Callable[..., tuple[int, str]]
) -> None:
    file = make_scan(tmp_path / "scan.nii.gz")
    code, out = call(file, "--html", tmp_path / "pages")
    assert (code, out.splitlines()[-1]) == (0, f"Page: {tmp_path / 'pages/scan.html'}")
    text = (tmp_path / "pages/scan.html").read_text()
    assert "index.html" not in text and "myomag trace" not in text and "Your rating: " not in text
    page = parse(text.encode())
    assert "Free Mg²⁺" in text and "scan.nii.gz" in text and page


def test_series_given_as_files_is_one_scan_and_a_name_in_a_file_name_is_not_shown(tmp_path: Path) -> None:
    fields = {"PatientName": "Doe^Jonathan", "SeriesInstanceUID": "1.2.3"}
    files = [dicom(tmp_path / f"JONATHAN_{n}.IMA", n, number=n, **fields) for n in (1, 2, 3)]
    (source,) = find_sources(files).scans
    assert list(source.files.values()) == files
    assert source.stem == "JONATHAN_1" and "JONATHAN" not in source.shown
    with ScanSteps(source, load_settings()) as steps:
        flat = steps.result().flat
    assert flat["status"] == "failed" and "JONATHAN" not in str(flat)
    assert len(find_sources([tmp_path]).scans) == 1
    other = vendor_samples.rda(tmp_path / "other.rda", muscle_fid(dwell_s=2.5e-4, begin_s=2e-4)[:, None])
    assert other.is_file()
    with pytest.raises(SettingsError, match="contains 2 scans"):
        source_of(tmp_path)


def test_one_scan_shows_crlb_ratios_and_spectrum(tmp_path: Path, make_scan: MakeScan) -> None:
    with ScanSteps(source_of(make_scan(tmp_path / "scan.nii.gz")), load_settings()) as steps:
        result = steps.result()
        curves = curves_of(steps, result)
    fit, magnesium = result.outcome.fit, result.outcome.magnesium
    assert fit is not None and magnesium is not None and curves is not None
    rows = {line.split()[0]: line for line in result_lines(result) if line and not line.startswith(" ")}
    assert f"{magnesium.pcr_atp_ratio:.2f}" in rows["PCr"]
    pcr = next(line for line in fit.lines if line.name == "PCr")
    assert crlb_percent(pcr) in rows["PCr"].split()
    assert float(crlb_percent(pcr)) == pytest.approx(100 * pcr.amplitude_sd / pcr.amplitude, rel=0.05)
    drawn = list(spectrum_lines(curves, 80, colours=False))
    # The highest column stands where PCr is: 10 ppm from the left end of 30.
    assert len(drawn) == ROWS + 2 and all(len(line) < 80 for line in drawn)
    first = drawn[0].replace("\u2800", " ")
    assert abs(len(first) - len(first.lstrip()) - 79 / 3) < 2
    assert "PCr, cut off" in drawn[-1]


def test_table_never_takes_the_place_of_a_scan(
    tmp_path: Path, make_scan: MakeScan, call: Callable[..., tuple[int, str]]
) -> None:
    file = make_scan(tmp_path / "scan.nii.gz")
    before = file.read_bytes()
    assert call(file, "--csv", file)[0] == 2
    assert file.read_bytes() == before


def test_json_of_many_is_a_list_and_of_one_as_ever(
    tmp_path: Path, make_scan: MakeScan, call: Callable[..., tuple[int, str]]
) -> None:
    file = make_scan(tmp_path / "a.nii.gz", pcr_snr=0.5)
    assert json.loads(call(file, "--json")[1])["scan"] == "a"
    assert [row["scan"] for row in json.loads(call(tmp_path, "--json")[1])] == ["a"]

"""Prior-knowledge CSV files of pyAMARES: imported as they stand, parsed and never evaluated."""

import math

import pytest

from myomag.core.prior_knowledge import PriorKnowledge, Tie, Value

TABLE = {
    "Index": ["BATP", "BATP2", "AATP", "AATP2", "PCr"],
    "Initial Values": [""] * 5,
    "amplitude": ["1.41", "BATP/2", "1.5", "AATP*0.5", "4"],
    "chemicalshift": ["-16.15", "BATP-15Hz", "-7.49", "AATP-0.13ppm", "0"],
    "linewidth": ["58.12", "BATP", "32.28", "AATP", "15.4"],
    "phase": ["0", "BATP", "BATP", "BATP", "BATP"],
    "g": ["0"] * 5,
    "Bounds": [""] * 5,
    "bounds amplitude": ["(0, "] * 5,
    "bounds chemicalshift": ["(-16.30,-16.00)"] * 2 + ["(, -7.42)"] * 2 + ["(-0.5, 0.5)"],
    "bounds linewidth": ["(0, 61.9)"] * 4 + ["(, 17.6)"],
    "bounds phase": ["(-180, 180)"] * 5,
    "bounds g": ["(0,1)"] * 5,
}


def text(cells: dict[tuple[str, str], str] | None = None, without: str = "", extra: str = "", columns: int = 5) -> str:
    """CSV file with some cells changed, a row left out and lines added."""
    rows = []
    for row, values in TABLE.items():
        if row == without:
            continue
        values = [(cells or {}).get((row, name), value) for name, value in zip(TABLE["Index"], values, strict=True)]
        label = row.removeprefix("bounds ")
        rows.append(",".join([label, *(f'"{value}"' if "," in value else value for value in values[:columns])]))
    return "\n".join(rows) + "\n" + extra


def imported(content: str) -> PriorKnowledge:
    return PriorKnowledge.from_pyamares_csv(content, "brain")


def test_numbers_ties_and_open_bounds_are_understood():
    prior = imported(text())
    assert prior.name == "brain"
    lines = {line.name: line.parameters for line in prior.lines}
    assert list(lines) == TABLE["Index"]
    assert lines["BATP"]["amplitude"] == Value(1.41, 0.0, math.inf)
    assert lines["BATP2"]["amplitude"] == Tie("BATP", scale=0.5)
    assert lines["AATP2"]["amplitude"] == Tie("AATP", scale=0.5)
    assert lines["BATP"]["shift_ppm"] == Value(-16.15, -16.30, -16.00)
    assert lines["BATP2"]["shift_ppm"] == Tie("BATP", offset=-15.0)
    assert lines["AATP"]["shift_ppm"] == Value(-7.49, -math.inf, -7.42)
    assert lines["AATP2"]["shift_ppm"] == Tie("AATP", offset_ppm=-0.13)
    assert lines["BATP"]["lorentzian_hz"] == Value(58.12, 0.0, 61.9)
    assert lines["PCr"]["phase_deg"] == Tie("BATP")
    # A width that is open below begins at zero.
    assert lines["PCr"]["lorentzian_hz"] == Value(15.4, 0.0, 17.6)
    assert all(entry["gaussian_hz"] == Value(0.0, 0.0, 0.0) for entry in lines.values())


def test_comments_and_blank_rows_are_passed_over():
    plain = imported(text())
    noisy = '"#  Ren et al, 2015",,,\n# note\n\n' + text(extra='# tail,,\n" # more, text",\n,,,,\n')
    assert imported(noisy) == plain
    assert imported(noisy.replace("\n", "\r\n")) == plain


def test_gaussian_lines_take_the_linewidth_as_their_width():
    prior = imported(text({("g", "AATP"): "1", ("g", "AATP2"): "AATP"}))
    alpha, second, beta = (prior.line(name).parameters for name in ("AATP", "AATP2", "BATP"))
    assert alpha["gaussian_hz"] == Value(32.28, 0.0, 61.9)
    assert alpha["lorentzian_hz"] == Value(0.0, 0.0, 0.0)
    assert second["gaussian_hz"] == Tie("AATP")
    assert beta["gaussian_hz"] == Value(0.0, 0.0, 0.0)


def test_without_bounds_parameters_are_open_and_without_g_lorentzian():
    content = text().split("Bounds")[0].replace("g,0,0,0,0,0\n", "")
    parameters = imported(content).line("BATP").parameters
    assert parameters["shift_ppm"] == Value(-16.15)
    assert parameters["lorentzian_hz"] == Value(58.12, 0.0)


HOSTILE = [
    "__import__('os').system('touch owned')",
    "(lambda: 1)()",
    "BATP.__class__",
    "BATP+1",
    "BATP/0",
    "BATP/1e-400",
    "BATP*1e400",
    "BATP*nan",
    "BATP/2/2",
    "PCR",
    "",
    "1e999",
    "nan",
    "inf",
    "0x10",
    "1_000",
    "٣",
    "１６",
    "−16.15",
    "9" * 60_000 + "x",
    "-" * 60_000,
]


@pytest.mark.parametrize("cell", HOSTILE, ids=lambda cell: ascii(cell[:24]))
@pytest.mark.parametrize("row", ["amplitude", "chemicalshift"])
def test_a_cell_that_is_neither_number_nor_tie_is_refused_with_row_and_column(tmp_path, monkeypatch, row, cell):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=f"{row} of AATP2: ") as refused:
        imported(text({(row, "AATP2"): cell}))
    assert len(str(refused.value)) < 200
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("cell", ["(1; 2)", "5", "(a, b)", "(0, 1, 2)", "(__import__('os'), 1)", "[0, 1]"])
def test_bounds_that_are_not_two_numbers_are_refused(cell):
    with pytest.raises(ValueError, match="amplitude of PCr: bounds "):
        imported(text({("bounds amplitude", "PCr"): cell}))


def test_a_start_value_outside_its_bounds_is_refused():
    with pytest.raises(ValueError, match="chemicalshift of PCr: start value 3 outside"):
        imported(text({("chemicalshift", "PCr"): "3"}))


@pytest.mark.parametrize("shape", ["0.5", "2", "Voigt", "AATP2"])
def test_shapes_other_than_lorentzian_and_gaussian_are_refused(shape):
    with pytest.raises(ValueError, match=r"g of AATP2: .*only 0"):
        imported(text({("g", "AATP2"): shape}))


@pytest.mark.parametrize("row", ["amplitude", "chemicalshift", "linewidth", "phase"])
def test_a_missing_row_is_named(row):
    with pytest.raises(ValueError, match=f"row {row} is missing"):
        imported(text(without=row))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not a pyAMARES prior-knowledge file"),
        (text(without="Index"), "row 'amplitude': expected Index"),
        (text(without="Initial Values"), "row 'amplitude': expected"),
        (text().replace("bounds", "Bounds").replace("linewidth", "linewidht", 1), "row 'linewidht': expected"),
        (text(extra='linewidth,"(0, 5)",,,,\n'), "row linewidth is given twice in bounds"),
        (text().replace("Index,BATP,BATP2", "Index,BATP,"), "row Index: column 3 has no name"),
        (text().replace("Index,BATP,BATP2", "Index,BATP,BATP"), "line BATP is given twice"),
        (text().replace("58.12,BATP,32.28,AATP,15.4", "58.12,BATP,32.28,AATP,15.4,7"), "outside the 5 columns"),
        (text(columns=4).replace("AATP,AATP2", "AATP,AATP2,PCr"), "amplitude of PCr: '' is neither"),
        ('"' + "x" * 200_000, "not a CSV file: field larger"),
    ],
)
def test_a_file_that_is_not_such_a_table_is_refused(content, message):
    with pytest.raises(ValueError, match=message):
        imported(content)


def test_ties_that_run_in_a_circle_are_refused():
    with pytest.raises(ValueError, match="amplitude: ties of AATP, PCr are circular"):
        imported(text({("amplitude", "AATP"): "PCr", ("amplitude", "PCr"): "AATP"}))

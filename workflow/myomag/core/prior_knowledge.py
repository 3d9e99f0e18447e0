"""Prior knowledge of an AMARES fit: lines, multiplets, bounds and ties, parsed and never evaluated."""

import csv
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

QUANTITIES = ("amplitude", "shift_ppm", "lorentzian_hz", "gaussian_hz", "phase_deg", "j_hz")
_DEFAULTS: dict[str, dict[str, float]] = {
    "amplitude": {"start": 1.0, "lower": 0.0, "upper": math.inf},
    "gaussian_hz": {"fixed": 0.0},
    "phase_deg": {"fixed": 0.0},
    "j_hz": {"fixed": 0.0},
}


@dataclass(frozen=True)
class Value:
    """A parameter of its own: start value and bounds, in the unit of its quantity; fixed when the bounds coincide."""

    start: float
    lower: float = -math.inf
    upper: float = math.inf

    def __post_init__(self) -> None:
        """Refuse bounds that leave no room for the start value."""
        if math.isnan(self.start) or math.isnan(self.lower) or math.isnan(self.upper):
            raise ValueError("a start value or bound is not a number")
        if not self.lower <= self.start <= self.upper:
            raise ValueError(f"start value {self.start:g} outside its bounds {self.lower:g} … {self.upper:g}")

    @property
    def fixed(self) -> bool:
        """Whether the parameter stays at its start value."""
        return self.lower == self.upper


@dataclass(frozen=True)
class Tie:
    """A parameter that follows the same quantity of another line: scale · other + offset.

    The offset of a tied shift is in Hz, because couplings do not scale with the field; every other offset is in the
    unit of its quantity.
    """

    line: str
    scale: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True)
class Line:
    """One line or multiplet of the model.

    Attributes
    ----------
    name : str
        Name of the line.
    parameters : mapping of str to Value or Tie
        One entry per quantity of `QUANTITIES`: amplitude of the whole multiplet, its centre [ppm], Lorentzian and
        Gaussian FWHM [Hz], phase at t = 0 [degrees], coupling J [Hz].
    ratios : tuple of float
        Relative amplitudes of the components, which lie J apart around the centre.
    """

    name: str
    parameters: Mapping[str, Value | Tie]
    ratios: tuple[float, ...] = (1.0,)


@dataclass(frozen=True)
class PriorKnowledge:
    """Prior knowledge of all lines of a spectrum."""

    name: str
    lines: tuple[Line, ...]
    description: str = ""

    def __post_init__(self) -> None:
        """Check that names are unique and ties end at a line with a parameter of its own."""
        names = [line.name for line in self.lines]
        if not names:
            raise ValueError("prior knowledge without lines")
        if duplicate := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"line {duplicate} is given twice")
        for line in self.lines:
            for quantity in QUANTITIES:
                _, _, offset = self.root(line.name, quantity)
                if quantity == "gaussian_hz" and offset:
                    raise ValueError(f"line {line.name}: gaussian_hz: a tie of a Gaussian width takes no offset")

    def line(self, name: str) -> Line:
        """Line of that name; ValueError if there is none."""
        for line in self.lines:
            if line.name == name:
                return line
        raise ValueError(f"unknown line {name}")

    def root(self, name: str, quantity: str) -> tuple[str, float, float]:
        """Line whose own parameter a tied one follows, with the total scale and offset of the chain.

        Raises
        ------
        ValueError
            If a tie names an unknown line or the ties run in a circle.
        """
        scale, offset, seen = 1.0, 0.0, [name]
        while isinstance(entry := self.line(name).parameters[quantity], Tie):
            scale, offset, name = scale * entry.scale, offset + scale * entry.offset, entry.line
            if name in seen:
                raise ValueError(f"{quantity}: ties of {', '.join(seen)} run in a circle")
            seen.append(name)
        return name, scale, offset

    @classmethod
    def from_yaml(cls, path: str | Path) -> "PriorKnowledge":
        """Read prior knowledge from a YAML file (format: config/README.md)."""
        import yaml

        document = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        if not isinstance(document, dict):
            raise ValueError(f"{Path(path).name}: expected a mapping with name and lines")
        return cls.from_dict(document)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "PriorKnowledge":
        """Prior knowledge from the mapping a YAML file holds.

        Raises
        ------
        ValueError
            Naming the line and the field.
        """
        _check_keys(document, {"name", "lines"}, {"description"}, "prior knowledge")
        if not isinstance(document["lines"], Mapping):
            raise ValueError("lines: expected a mapping of line names")
        lines = tuple(_line(str(name), content) for name, content in document["lines"].items())
        return cls(str(document["name"]), lines, str(document.get("description", "")))

    def to_dict(self) -> dict[str, Any]:
        """Mapping that `from_dict` reads back."""
        lines = {
            line.name: {key: _entry_dict(key, entry) for key, entry in line.parameters.items()}
            | {"ratios": list(line.ratios)}
            for line in self.lines
        }
        return {"name": self.name, "description": self.description, "lines": lines}

    @classmethod
    def from_pyamares_csv(cls, path: str | Path) -> "PriorKnowledge":
        """Import a prior-knowledge CSV of pyAMARES as it stands.

        Each column is a line. `BATP/2`, `AATP-16Hz` or `BATP` in a cell is a tie, `(0, ` an open bound. Its `g` row
        (0 Lorentzian, 1 Gaussian) must hold 0 or 1.

        Raises
        ------
        ValueError
            Naming the row and the column of a cell that cannot be understood.
        """
        path = Path(path)
        with path.open(encoding="utf-8-sig", newline="") as handle:
            rows = [row for row in csv.reader(handle) if any(cell.strip() for cell in row)]
        table, bounds, names = _pyamares_rows(rows)
        lines = tuple(
            Line(name, {quantity: _pyamares_entry(quantity, name, table, bounds, names) for quantity in QUANTITIES})
            for name in names
        )
        return cls(path.stem, lines, "imported from a pyAMARES CSV file")


def _check_keys(content: Mapping[str, Any], required: set[str], optional: set[str], where: str) -> None:
    if missing := sorted(required - set(content)):
        raise ValueError(f"{where}: {missing[0]} is missing")
    if unknown := sorted(set(map(str, content)) - required - optional):
        raise ValueError(f"{where}: unknown key {unknown[0]} (known: {', '.join(sorted(required | optional))})")


def _line(name: str, content: Any) -> Line:
    if not isinstance(content, Mapping):
        raise ValueError(f"line {name}: expected a mapping")
    _check_keys(content, {"shift_ppm", "lorentzian_hz"}, {*QUANTITIES, "ratios"}, f"line {name}")
    parameters = {key: _entry(content.get(key, _DEFAULTS.get(key)), key, name) for key in QUANTITIES}
    ratios = content.get("ratios", [1.0])
    if not isinstance(ratios, Sequence) or not ratios or not all(_is_number(r) and r > 0 for r in ratios):
        raise ValueError(f"line {name}: ratios: expected positive numbers")
    return Line(name, parameters, tuple(float(ratio) for ratio in ratios))


def _entry(content: Any, key: str, name: str) -> Value | Tie:
    """Value {start, lower, upper} or {fixed}, or Tie {same_as, scale, offset[_hz]}."""
    where = f"line {name}: {key}"
    if not isinstance(content, Mapping):
        raise ValueError(f"{where}: expected {{start, lower, upper}}, {{fixed}} or {{same_as}}")
    offset = "offset_hz" if key == "shift_ppm" else "offset"
    for field, value in content.items():
        if field != "same_as" and not _is_number(value):
            raise ValueError(f"{where}.{field}: expected a number, found {value!r}")
    if "same_as" in content:
        _check_keys(content, {"same_as"}, {"scale", offset}, where)
        return Tie(str(content["same_as"]), float(content.get("scale", 1.0)), float(content.get(offset, 0.0)))
    if "fixed" in content:
        _check_keys(content, {"fixed"}, set(), where)
        return Value(*(3 * (float(content["fixed"]),)))
    _check_keys(content, {"start"}, {"lower", "upper"}, where)
    try:
        return Value(
            float(content["start"]), float(content.get("lower", -math.inf)), float(content.get("upper", math.inf))
        )
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


def _entry_dict(key: str, entry: Value | Tie) -> dict[str, Any]:
    if isinstance(entry, Tie):
        return {
            "same_as": entry.line,
            "scale": entry.scale,
            "offset_hz" if key == "shift_ppm" else "offset": entry.offset,
        }
    if entry.fixed:
        return {"fixed": entry.start}
    bounds = {"lower": entry.lower, "upper": entry.upper}
    return {"start": entry.start} | {side: value for side, value in bounds.items() if math.isfinite(value)}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)


_PYAMARES_ROWS = {"amplitude": "amplitude", "shift_ppm": "chemicalshift", "lorentzian_hz": "linewidth"} | {
    "phase_deg": "phase",
    "gaussian_hz": "linewidth",
}
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"


def _pyamares_rows(
    rows: Sequence[Sequence[str]],
) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, str]], list[str]]:
    """Cells of the two blocks "Initial Values" and "Bounds", by row and line name, and the line names."""
    blocks: dict[str, dict[str, dict[str, str]]] = {"initial values": {}, "bounds": {}}
    names: list[str] = []
    block = ""
    for row in rows:
        label = row[0].strip()
        if label.startswith(("#", '"')) or not label:
            continue
        if label.lower() == "index":
            names = [cell.strip() for cell in row[1:] if cell.strip()]
        elif label.lower() in blocks:
            block = label.lower()
        elif block and names:
            blocks[block][label.lower()] = dict(zip(names, (cell.strip() for cell in row[1:]), strict=False))
    if not names or not blocks["initial values"]:
        raise ValueError("not a pyAMARES prior-knowledge file: rows 'Index' and 'Initial Values' are expected")
    for row_name in ("amplitude", "chemicalshift", "linewidth", "phase"):
        if row_name not in blocks["initial values"]:
            raise ValueError(f"row {row_name} is missing among the initial values")
    return blocks["initial values"], blocks["bounds"], names


def _pyamares_entry(
    quantity: str,
    name: str,
    table: Mapping[str, Mapping[str, str]],
    bounds: Mapping[str, Mapping[str, str]],
    names: Sequence[str],
) -> Value | Tie:
    """Entry of one quantity of one line; a width belongs to the Lorentzian or the Gaussian part as `g` says."""
    if quantity == "j_hz":
        return Value(0.0, 0.0, 0.0)
    shape = table.get("g", {}).get(name, "0") or "0"
    if shape not in names and (not re.fullmatch(_NUMBER, shape) or float(shape) not in (0.0, 1.0)):
        raise ValueError(f"g of {name}: {shape!r}: only 0 (Lorentzian) and 1 (Gaussian) can be imported")
    gaussian = shape not in names and float(shape) == 1.0
    if (quantity == "gaussian_hz" and not gaussian) or (quantity == "lorentzian_hz" and gaussian):
        return Value(0.0, 0.0, 0.0)
    row = _PYAMARES_ROWS[quantity]
    cell = table[row].get(name, "")
    if re.fullmatch(_NUMBER, cell):
        lower, upper = _pyamares_bounds(bounds.get(row, {}).get(name, ""), f"{row} of {name}")
        try:
            return Value(float(cell), lower, upper)
        except ValueError as error:
            raise ValueError(f"{row} of {name}: {error}") from error
    return _pyamares_tie(cell, names, f"{row} of {name}", quantity)


def _pyamares_tie(cell: str, names: Sequence[str], where: str, quantity: str) -> Tie:
    """`LINE`, `LINE/2`, `LINE*0.5` or `LINE-16Hz`."""
    for line in sorted(names, key=len, reverse=True):
        rest = cell.removeprefix(line)
        if rest == cell and cell != line:
            continue
        if not rest:
            return Tie(line)
        if match := re.fullmatch(rf"\s*([/*])\s*({_NUMBER})", rest):
            factor = float(match[2])
            if factor == 0:
                raise ValueError(f"{where}: {cell!r}: the factor of a tie is zero")
            return Tie(line, scale=1 / factor if match[1] == "/" else factor)
        if quantity == "shift_ppm" and (match := re.fullmatch(r"\s*([+-])\s*(\d+\.?\d*|\.\d+)\s*[hH][zZ]", rest)):
            return Tie(line, offset=float(match[1] + match[2]))
    raise ValueError(f"{where}: {cell!r} is neither a number nor a tie such as BATP, BATP/2 or BATP-15Hz")


def _pyamares_bounds(cell: str, where: str) -> tuple[float, float]:
    """`(low, high)`, either side possibly left open."""
    if not cell:
        return -math.inf, math.inf
    match = re.fullmatch(rf"\(\s*({_NUMBER})?\s*,\s*({_NUMBER})?\s*\)?", cell)
    if not match:
        raise ValueError(f"bounds, {where}: {cell!r} is not of the form (low, high)")
    return float(match[1] or -math.inf), float(match[2] or math.inf)

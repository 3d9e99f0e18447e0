"""Prior knowledge of an AMARES fit: lines, multiplets, bounds and ties, parsed and never evaluated."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

QUANTITIES = ("amplitude", "shift_ppm", "lorentzian_hz", "gaussian_hz", "phase_deg", "j_hz")
WIDTHS = ("lorentzian_hz", "gaussian_hz")
_DEFAULTS: dict[str, dict[str, float]] = {
    "amplitude": {"start": 1.0, "lower": 0.0},
    "gaussian_hz": {"fixed": 0.0},
    "phase_deg": {"fixed": 0.0},
    "j_hz": {"fixed": 0.0},
}


@dataclass(frozen=True)
class Value:
    """A parameter with start value and bounds, in the unit of its quantity; fixed if the bounds coincide."""

    start: float
    lower: float = -math.inf
    upper: float = math.inf

    def __post_init__(self) -> None:
        """Refuse bounds that exclude the start value."""
        if not math.isfinite(self.start) or math.isnan(self.lower) or math.isnan(self.upper):
            raise ValueError("a start value or bound is not a finite number")
        if not self.lower <= self.start <= self.upper:
            raise ValueError(f"start value {self.start:g} outside its bounds {self.lower:g} … {self.upper:g}")

    @property
    def fixed(self) -> bool:
        """Whether the parameter stays at its start value."""
        return self.lower == self.upper


@dataclass(frozen=True)
class Tie:
    """A parameter that follows the same quantity of another line: scale · other + offset.

    Attributes
    ----------
    line : str
        The other line.
    scale : float
        Factor.
    offset : float
        Offset in the unit of the quantity, of a shift in Hz, because couplings do not scale with the field.
    offset_ppm : float
        Further offset of a shift [ppm].
    """

    line: str
    scale: float = 1.0
    offset: float = 0.0
    offset_ppm: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a factor that does not tie."""
        if not all(map(math.isfinite, (self.scale, self.offset, self.offset_ppm))) or self.scale == 0:
            raise ValueError("scale and offset of a tie must be finite numbers, and the scale not zero")


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
        Relative amplitudes of the components, spaced by J around the centre.
    optional : bool
        Whether the line is fitted only if the data require it.
    at_most : tuple of str and float, or None
        Another line and the share of its amplitude above which this one has taken its place, and is left out.
    """

    name: str
    parameters: Mapping[str, Value | Tie]
    ratios: tuple[float, ...] = (1.0,)
    optional: bool = False
    at_most: tuple[str, float] | None = None


@dataclass(frozen=True)
class PriorKnowledge:
    """Prior knowledge of all lines of a spectrum."""

    name: str
    lines: tuple[Line, ...]
    description: str = ""

    def __post_init__(self) -> None:
        """Check that names are unique and ties end at a line with its own parameter."""
        names = [line.name for line in self.lines]
        if not names:
            raise ValueError("prior knowledge without lines")
        if duplicate := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"line {duplicate} is given twice")
        for line in self.lines:
            if line.at_most and line.at_most[0] not in names:
                raise ValueError(f"line {line.name}: at_most: {line.at_most[0]} is not a line of the prior knowledge")
            for quantity in QUANTITIES:
                owner = self.line(self.root(line.name, quantity).line)
                if (owner.optional or owner.at_most) and owner is not line:
                    raise ValueError(f"line {line.name}: {quantity}: tied to {owner.name}, which may be left out")
            for quantity in WIDTHS:
                self._check_width(line.name, quantity)

    def _check_width(self, name: str, quantity: str) -> None:
        """A negative width would let the FID grow without limit."""
        tie = self.root(name, quantity)
        root = self.line(tie.line).parameters[quantity]
        if quantity == "gaussian_hz" and tie.offset:
            raise ValueError(f"line {name}: gaussian_hz: a tie of a Gaussian width cannot have an offset")
        if isinstance(root, Value) and (tie.scale < 0 or tie.scale * root.lower + tie.offset < 0):
            raise ValueError(f"line {name}: {quantity}: the width may become negative; give a lower bound of 0 or more")

    @cached_property
    def required(self) -> "PriorKnowledge":
        """The lines that are always fitted."""
        return replace(self, lines=tuple(line for line in self.lines if not line.optional))

    def overgrown(self, amplitudes: Mapping[str, float]) -> tuple[str, ...]:
        """Lines stronger than allowed relative to another one, by the amplitudes of a fit."""
        limits = {line.name: line.at_most for line in self.lines if line.at_most and line.name in amplitudes}
        # Nothing was taken from a line that was not fitted.
        return tuple(
            name for name, (other, most) in limits.items() if amplitudes[name] > most * amplitudes.get(other, math.inf)
        )

    def without(self, names: Sequence[str]) -> "PriorKnowledge":
        """The other lines."""
        return replace(self, lines=tuple(line for line in self.lines if line.name not in names))

    def line(self, name: str) -> Line:
        """Line of that name; ValueError if there is none."""
        for line in self.lines:
            if line.name == name:
                return line
        raise ValueError(f"unknown line {name}")

    def root(self, name: str, quantity: str) -> Tie:
        """Line whose own parameter a quantity follows, directly or by a chain of ties, as one tie.

        Raises
        ------
        ValueError
            If a tie names an unknown line or the ties are circular.
        """
        scale, offset, offset_ppm, seen = 1.0, 0.0, 0.0, [name]
        while isinstance(entry := self.line(name).parameters[quantity], Tie):
            offset, offset_ppm = offset + scale * entry.offset, offset_ppm + scale * entry.offset_ppm
            scale, name = scale * entry.scale, entry.line
            if name not in (line.name for line in self.lines):
                raise ValueError(
                    f"line {seen[-1]}: {quantity}: tied to {name}, which is not a line of the prior knowledge"
                )
            if name in seen:
                raise ValueError(f"{quantity}: ties of {', '.join(seen)} are circular")
            seen.append(name)
        return Tie(name, scale, offset, offset_ppm)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "PriorKnowledge":
        """Prior knowledge from the mapping of a document (format: docs/extend.md).

        Raises
        ------
        ValueError
            Naming the line and the field.
        """
        _check_keys(document, {"name", "lines"}, {"description"}, "prior knowledge")
        for key in ("name", "description"):
            if not isinstance(document.get(key, ""), str):
                raise ValueError(f"{key}: expected text, found {document[key]!r}")
        if not isinstance(document["lines"], Mapping):
            raise ValueError("lines: expected a mapping of line names")
        lines = tuple(_line(str(name), content) for name, content in document["lines"].items())
        return cls(document["name"], lines, document.get("description", ""))

    def to_dict(self) -> dict[str, Any]:
        """Mapping that `from_dict` reads back."""
        lines = {
            line.name: {key: _entry_dict(key, entry) for key, entry in line.parameters.items()}
            | {"ratios": list(line.ratios)}
            | ({"optional": True} if line.optional else {})
            | ({"at_most": {"line": line.at_most[0], "ratio": line.at_most[1]}} if line.at_most else {})
            for line in self.lines
        }
        return {"name": self.name, "description": self.description, "lines": lines}

    @classmethod
    def from_pyamares_csv(cls, text: str, name: str) -> "PriorKnowledge":
        """Prior knowledge from the text of a pyAMARES CSV file.

        See `myomag.core.pyamares_csv`.

        Raises
        ------
        ValueError
            Naming the row and the column of a cell that cannot be understood.
        """
        from myomag.core.pyamares_csv import pyamares_lines

        return cls(name, pyamares_lines(text), "imported from a pyAMARES CSV file")


def _check_keys(content: Mapping[str, Any], required: set[str], optional: set[str], where: str) -> None:
    if missing := sorted(required - set(content)):
        raise ValueError(f"{where}: {missing[0]} is missing")
    if unknown := sorted(set(map(str, content)) - required - optional):
        raise ValueError(f"{where}: unknown key {unknown[0]} (known: {', '.join(sorted(required | optional))})")


def _line(name: str, content: Any) -> Line:
    if not isinstance(content, Mapping):
        raise ValueError(f"line {name}: expected a mapping")
    _check_keys(content, {"shift_ppm", "lorentzian_hz"}, {*QUANTITIES, "ratios", "optional", "at_most"}, f"line {name}")
    parameters = {key: _entry(content.get(key, _DEFAULTS.get(key)), key, name) for key in QUANTITIES}
    ratios = content.get("ratios", [1.0])
    if not isinstance(ratios, Sequence) or not ratios or not all(_is_number(r) and 0 < r < math.inf for r in ratios):
        raise ValueError(f"line {name}: ratios: expected positive numbers")
    if not isinstance(optional := content.get("optional", False), bool):
        raise ValueError(f"line {name}: optional: expected true or false")
    return Line(name, parameters, tuple(float(ratio) for ratio in ratios), optional, _at_most(content, name))


def _at_most(content: Mapping[str, Any], name: str) -> tuple[str, float] | None:
    if (limit := content.get("at_most")) is None:
        return None
    where = f"line {name}: at_most"
    if not isinstance(limit, Mapping):
        raise ValueError(f"{where}: expected {{line, ratio}}")
    _check_keys(limit, {"line", "ratio"}, set(), where)
    if not _is_number(limit["ratio"]) or limit["ratio"] <= 0:
        raise ValueError(f"{where}.ratio: expected a positive number, found {limit['ratio']!r}")
    return str(limit["line"]), float(limit["ratio"])


def _entry(content: Any, key: str, name: str) -> Value | Tie:
    """Value {start, lower, upper} or {fixed}, or Tie {same_as, scale, offset[_hz]}."""
    where = f"line {name}: {key}"
    if not isinstance(content, Mapping):
        raise ValueError(f"{where}: expected {{start, lower, upper}}, {{fixed}} or {{same_as}}")
    offset = "offset_hz" if key == "shift_ppm" else "offset"
    for field, value in content.items():
        if field != "same_as" and not _is_number(value):
            raise ValueError(f"{where}.{field}: expected a number, found {value!r}")
        if field in ("lower", "upper") and math.isinf(value):
            raise ValueError(f"{where}.{field}: found {value!r}; omit it if there is no bound")
    try:
        if "same_as" in content:
            further = {"offset_ppm"} if key == "shift_ppm" else set()
            _check_keys(content, {"same_as"}, {"scale", offset} | further, where)
            scale, shift, shift_ppm = content.get("scale", 1), content.get(offset, 0), content.get("offset_ppm", 0)
            return Tie(str(content["same_as"]), float(scale), float(shift), float(shift_ppm))
        if "fixed" in content:
            _check_keys(content, {"fixed"}, set(), where)
            return Value(*(3 * (float(content["fixed"]),)))
        _check_keys(content, {"start"}, {"lower", "upper"}, where)
        lower = float(content.get("lower", 0 if key in WIDTHS else -math.inf))
        return Value(float(content["start"]), lower, float(content.get("upper", math.inf)))
    except ValueError as error:
        message = str(error)
        raise ValueError(message if message.startswith(where) else f"{where}: {message}") from error


def _entry_dict(key: str, entry: Value | Tie) -> dict[str, Any]:
    if isinstance(entry, Tie):
        offset = {"offset_hz" if key == "shift_ppm" else "offset": entry.offset}
        further = {"offset_ppm": entry.offset_ppm} if entry.offset_ppm else {}
        return {"same_as": entry.line, "scale": entry.scale} | offset | further
    if entry.fixed:
        return {"fixed": entry.start}
    bounds = {"lower": entry.lower, "upper": entry.upper}
    return {"start": entry.start} | {side: value for side, value in bounds.items() if math.isfinite(value)}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)

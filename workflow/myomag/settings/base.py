"""Base of all sections of the settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler


class OutsideError(ValueError):
    """A number outside its range; the message gives the range after `must be`."""


@dataclass(frozen=True)
class Within:
    """Range of a number, its unit, and the reason: a value in the wrong unit is reported before anything is computed.

    Attributes
    ----------
    low, high : float
        Both ends included.
    unit : str
        Unit as written after a number; "" for none.
    why : str
        Why values outside are wrong, or the unit that may have been meant, as a sentence or a question.
    """

    low: float
    high: float
    unit: str
    why: str

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g} {self.unit}".rstrip()

    def check(self, value: float) -> float:
        """Value within the range; NaN never is."""
        if not self.low <= value <= self.high:
            raise OutsideError(f"within {self}: {self.why}")
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> Any:
        return AfterValidator(self.check).__get_pydantic_core_schema__(source, handler)

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "minimum": self.low, "maximum": self.high}


Fraction = Annotated[float, Within(0, 1, "", "it is a fraction between 0 and 1; is it in percent?")]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1)]
Document = Name | dict[str, Any]
"""Prior knowledge or a calibration: its name or file as set by the user, its content once the settings are resolved."""


class Section(BaseModel):
    """Base of every settings section: unknown keys and loosely typed values are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @classmethod
    def only(cls, values: Mapping[str, Any]) -> Self:
        """Section with these values and no others: a step that reads a setting it has not declared fails.

        Raises
        ------
        pydantic.ValidationError
            If the section does not accept a value.
        """
        section = cls.model_validate(values)
        for name in cls.model_fields.keys() - values.keys():
            del section.__dict__[name]
        return section


def content(document: Document) -> dict[str, Any]:
    """Prior knowledge or calibration of resolved settings.

    Raises
    ------
    TypeError
        If the settings contain only its name: they were not read by `myomag.settings.load`.
    """
    if isinstance(document, str):
        raise TypeError(f"{document}: the settings are not resolved")
    return document

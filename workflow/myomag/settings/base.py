"""What all sections of the settings share."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1)]
Document = Name | dict[str, Any]
"""Prior knowledge or a calibration: its name or file as it is set, its content once the settings are resolved."""


class Section(BaseModel):
    """Base of every settings section: unknown keys and loosely typed values are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @classmethod
    def only(cls, values: Mapping[str, Any]) -> Self:
        """Section that holds these values and no others: a step that asks for a setting it has not declared fails.

        Raises
        ------
        pydantic.ValidationError
            If a value is not what the section takes.
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
        If the settings hold its name: they were not read by `myomag.settings.load`.
    """
    if isinstance(document, str):
        raise TypeError(f"{document}: the settings are not resolved")
    return document

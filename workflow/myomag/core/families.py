"""Calibrations of every family, from their documents."""

from collections.abc import Mapping
from typing import Any

from myomag.core.calibration import KEYS, check_keys
from myomag.core.magnesium import MgCalibration, mg_calibration
from myomag.core.ph import PhCalibration, ph_calibration
from myomag.core.speciation import FAMILY, SpeciationCalibration, speciation_calibration

MG_FAMILIES = ("iotti", "gupta_moore", FAMILY)


def mg_family(document: Mapping[str, Any]) -> MgCalibration | SpeciationCalibration:
    """Magnesium calibration of whichever family; ValueError says what is wrong with the document."""
    check_keys(document, KEYS, "calibration")
    family = document["family"]
    if document["quantity"] == "mg" and family not in MG_FAMILIES:
        raise ValueError(f"family is {family!r}; a calibration of mg needs one of {', '.join(MG_FAMILIES)}")
    return speciation_calibration(document) if family == FAMILY else mg_calibration(document)


def any_calibration(document: Mapping[str, Any]) -> PhCalibration | MgCalibration | SpeciationCalibration:
    """Calibration of whichever quantity and family; ValueError says what is wrong with the document."""
    return ph_calibration(document) if document.get("quantity") == "ph" else mg_family(document)

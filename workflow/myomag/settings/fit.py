"""Settings of the AMARES fit and of the begin time."""

from typing import Annotated

from pydantic import Field

from myomag.settings.base import Document, Name, Section, Within

_FIRST = "the first sample comes tens to a few thousand microseconds after the pulse"
BeginTimeUs = Annotated[float, Within(-5000, 5000, "µs", f"{_FIRST}; is it in ns?")]
BeginTimeSdUs = Annotated[float, Within(0.01, 5000, "µs", f"{_FIRST}; is it in s?")]


class Pulse(Section):
    """Excitation by a block pulse."""

    duration_us: Annotated[
        float,
        Within(1, 20_000, "µs", "a pulse that excites muscle lasts tens to thousands of microseconds; is it in ms?"),
    ] = Field(description="Duration [µs].")
    flip_angle_deg: Annotated[
        float, Within(2, 179, "degrees", "a smaller angle excites nothing, and 180° inverts; is it in radians?")
    ] = Field(description="Flip angle on resonance [degrees].")
    carrier_ppm: Annotated[float, Within(-100, 100, "ppm", "the spectrum spans −20 to 10 ppm; is it in Hz?")] = Field(
        0.0, description="Carrier frequency of the pulse [ppm from PCr]."
    )


class FitSettings(Section):
    """AMARES fit of the averaged FID."""

    prior_knowledge: Document = Field(
        "muscle_rest",
        description="Prior knowledge: a name in config/prior_knowledge/, a .yaml or pyAMARES .csv file in the study "
        "folder, or the content itself.",
    )
    fit_begin_time: bool = Field(
        True, description="Fit the begin time (first-order phase); false keeps the stated value."
    )
    begin_time_us: BeginTimeUs | None = Field(
        None,
        description="Begin time of the first sample [µs]. null: from the sidecar: AcquisitionStartTime; else 0 for "
        "an echo, which is sampled from its top, EchoTime for an FID, or 0. Only the start value if "
        "fit_begin_time is true.",
    )
    begin_time_sd_us: BeginTimeSdUs = Field(
        100.0,
        description="Uncertainty (SD) of the stated begin time if no other scan of the protocol informs it [µs].",
    )
    echo_begin_time_sd_us: BeginTimeSdUs = Field(
        20.0,
        description="Uncertainty (SD) of the first sample of an echo relative to its top if no other scan of the "
        "protocol informs it [µs].",
    )
    pool_begin_time: bool = Field(
        True,
        description="Pool the begin time over the scans of a protocol (protocols.tsv) and use it as a prior in each "
        "fit.",
    )
    protocol_fields: list[Name] = Field(
        default_factory=lambda: [
            "Manufacturer",
            "ManufacturersModelName",
            "PulseSequenceType",
            "SequenceName",
            "EchoTime",
            "SpectralWidth",
            "SpectrometerFrequency",
        ],
        description="Sidecar fields that distinguish protocols; numbers are compared to three digits.",
    )
    begin_time_window_us: Annotated[float, Within(1, 10_000, "µs", f"{_FIRST}; is it in ms or s?")] = Field(
        400.0, description="The fitted begin time stays within this distance of its start value [µs]."
    )
    pulse: Pulse | None = Field(
        None,
        description="Block pulse of the excitation: {duration_us, flip_angle_deg, carrier_ppm from PCr}. A long "
        "pulse leaves phases on lines far from its carrier that no begin time accounts for: 500 µs and "
        "90° at 3 T shift Mg by 3 % or more. The begin time is then measured from where lines near the "
        "carrier appear to start. null: no such phases.",
    )
    skip_time_us: (
        Annotated[float, Within(0, 20_000, "µs", "half of the ATP signal is gone after 20 ms; is it in ns?")] | None
    ) = Field(
        None,
        description="Leave out this initial part of the FID [µs], which contains the broad signals of bone and "
        "phospholipids. null: 4.5 decay times of a signal 28 ppm wide, about 1 ms at 3 T; the record "
        "gives the number of samples.",
    )

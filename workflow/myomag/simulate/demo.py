"""The simulated study: a BIDS dataset of raw scans with known truth, some of them bad on purpose."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from myomag.core.families import shift_calibration
from myomag.errors import SettingsError
from myomag.progress import progress
from myomag.settings.load import load_settings
from myomag.simulate.dataset import write_scan, write_study
from myomag.simulate.exercise import SimulatedSeries, simulated_series, write_series, write_truth
from myomag.simulate.population import draw_population
from myomag.simulate.simulated_scan import SimulatedScan, simulated_scan


@dataclass(frozen=True)
class Preset:
    """Kind of study to simulate; both have the population of Cameron et al. 2019.

    Attributes
    ----------
    participants : int
        Default number of participants.
    pcr_snr : tuple of float
        Range of the PCr SNR after averaging, chosen.
    repeat_every : int or None
        One in this many participants is scanned twice in one session, the muscle unchanged.
    series : bool
        Whether each participant also has a series of rest, exercise and recovery.
    """

    participants: int
    pcr_snr: tuple[float, float]
    repeat_every: int | None
    series: bool = False


PRESETS = {
    "small": Preset(24, (40.0, 80.0), None),
    "blsa": Preset(441, (12.0, 30.0), 5),
    "exercise": Preset(12, (40.0, 80.0), None, series=True),
}
"""`small` has good scans of few people; `blsa` has the size of the published study, and scans whose error matters;
`exercise` a series of rest, exercise and recovery beside each scan at rest."""


def write_demo(
    directory: Path,
    *,
    preset: Preset = PRESETS["small"],
    participants: int | None = None,
    seed: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write a simulated BIDS study and its truth.

    The same seed gives the same bytes; a participant does not depend on their number.

    Parameters
    ----------
    directory : Path
        Folder of the study; must be new or empty.
    preset : Preset
        Kind of study.
    participants : int, optional
        Number of participants [the preset's].
    seed : int
        Seed of all random numbers.
    progress : callable, optional
        Called with the number of participants done and in total.

    Raises
    ------
    SettingsError
        If the folder is not empty or a number is out of range.
    """
    participants = preset.participants if participants is None else participants
    _check_request(directory, participants, seed)
    magnesium = load_settings().model_dump()["magnesium"]
    ph, mg = (shift_calibration(magnesium[f"{quantity}_calibration"], quantity) for quantity in ("ph", "mg"))
    scans: list[SimulatedScan] = []
    exercised: list[SimulatedSeries] = []
    for index in range(1, participants + 1):
        # Its own random generator makes each participant independent of all others.
        rng = np.random.default_rng([seed, index])
        person = draw_population(rng, 1)
        repeated = preset.repeat_every is not None and index % preset.repeat_every == 0
        for run in (1, 2) if repeated else (None,):
            scans.append(simulated_scan(index, run, person, (ph, mg), preset.pcr_snr, rng))
            write_scan(directory, scans[-1], rng)
        if preset.series:
            exercised.append(simulated_series(index, person, rng))
            write_series(directory, exercised[-1], (ph, mg), rng)
        if progress is not None:
            progress(index, participants)
    write_study(directory, scans, seed)
    if exercised:
        write_truth(directory, exercised)


def show_demo(directory: Path, preset: str, participants: int | None, seed: int) -> None:
    """Write a study from a preset, show progress, and print its location."""
    number = participants or PRESETS[preset].participants
    with progress("participants simulated", number) as advance:
        write_demo(
            directory,
            preset=PRESETS[preset],
            participants=number,
            seed=seed,
            progress=lambda done, _: advance(done),
        )
    print(f"Wrote a simulated study of {number} participants to {directory}.")


def _check_request(directory: Path, participants: int, seed: int) -> None:
    if participants < 1:
        raise SettingsError(f"participants = {participants}: must be at least 1.")
    if seed < 0:
        raise SettingsError(f"seed = {seed}: must not be negative.")
    if directory.exists() and not directory.is_dir():
        raise SettingsError(f"{directory}: is a file; name a new or empty folder for the simulated study.")
    if directory.is_dir() and next(directory.iterdir(), None) is not None:
        raise SettingsError(f"{directory}: the folder is not empty; name a new or empty one for the simulated study.")

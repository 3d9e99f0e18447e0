"""The minimum that pyAMARES published for its simulated brain FID, found with its own prior knowledge.

How the pinned values were made: README.md in this folder.
"""

import csv

import numpy as np
import pytest

from myomag.core.amares import AmaresFit, fit_amares
from myomag.core.prior_knowledge import PriorKnowledge

# Its width runs to zero, where the two solvers stop at different places.
LEFT_OUT = "UDPG"
MULTIPLETS = ("BATP", "AATP", "GATP")


@pytest.fixture(scope="module")
def reference(shared_data):
    """FID with its sampling, prior knowledge and the published table."""
    folder = shared_data / "reference"
    if not folder.is_dir():
        pytest.skip("the pyAMARES reference is not among the shared data")
    with (folder / "amares_example_expected.csv").open(encoding="utf-8", newline="") as handle:
        table = {row["name"]: row for row in csv.DictReader(handle)}
    data = np.load(folder / "amares_example.npz", allow_pickle=False)
    prior = PriorKnowledge.from_pyamares_csv(
        (folder / "amares_example_prior_knowledge.csv").read_text(encoding="utf-8-sig"), "reference"
    )
    return data, prior, table


def fitted(data, prior, factor=1.0) -> AmaresFit:
    return fit_amares(
        data["fid"] * factor,
        dwell_time_s=float(data["dwell"]),
        spectrometer_frequency_mhz=float(data["MHz"]),
        prior=prior,
        begin_time_s=float(data["deadtime"]),
    )


def test_the_prior_knowledge_is_imported_whole(reference):
    _, prior, table = reference
    names = [line.name for line in prior.lines]
    assert len(names) == 16
    assert set(table) <= set(names)
    assert {"BATP2", "BATP3", "AATP2", "GATP2"} == set(names) - set(table)
    # BATP/2 and BATP-15Hz
    assert prior.root("BATP2", "amplitude").scale == 0.5
    assert prior.root("BATP2", "shift_ppm").offset == -15.0
    assert prior.root("AATP2", "shift_ppm").offset == -16.0


@pytest.mark.parametrize("factor", [1e-6, 1.0, 1e9])
def test_the_published_table_is_met_to_four_digits(reference, factor):
    data, prior, table = reference
    found = fitted(data, prior, factor)
    assert found.converged
    assert found.at_bound == ("lorentzian_hz:UDPG",)
    for name, row in table.items():
        if name == LEFT_OUT:
            continue
        index = found.names.index(name)
        members = [name]
        if name in MULTIPLETS:
            members = [other for other in found.names if other.startswith(name)]
        amplitude = sum(found.amplitudes[found.names.index(member)] for member in members)
        for value, column in (
            (amplitude / factor, "amplitude"),
            (found.shifts_ppm[index], "chem shift(ppm)"),
            (found.linewidths_hz[index], "LW(Hz)"),
            (found.phases_deg[index], "phase(deg)"),
        ):
            assert f"{value:.3e}" == f"{float(row[column]):.3e}", (name, column)


def test_the_sum_of_squares_is_not_above_that_of_the_published_table(reference):
    data, prior, table = reference
    found = fitted(data, prior)
    time = float(data["deadtime"]) + float(data["dwell"]) * np.arange(len(data["fid"]))
    model = np.zeros(len(time), dtype=complex)
    for name, row in table.items():
        members = (
            [index for index, other in enumerate(found.names) if other.startswith(name)] if name in MULTIPLETS else []
        )
        members = members or [found.names.index(name)]
        share = found.amplitudes[members] / found.amplitudes[members].sum()
        distance = found.shifts_ppm[members] - found.shifts_ppm[found.names.index(name)]
        for part, offset in zip(share, distance, strict=True):
            frequency = (float(row["chem shift(ppm)"]) + offset) * float(data["MHz"])
            model += (
                float(row["amplitude"])
                * part
                * np.exp(1j * np.deg2rad(float(row["phase(deg)"])))
                * np.exp((2j * np.pi * frequency - np.pi * float(row["LW(Hz)"])) * time)
            )
    published = float(np.sum(np.abs(data["fid"] - model) ** 2))
    assert found.residual_norm_sq <= published * (1 + 1e-9)
    assert found.residual_norm_sq == pytest.approx(published, rel=1e-4)


def test_the_reference_conjugated_is_not_taken_for_a_brain(reference):
    data, prior, _ = reference
    right = fitted(data, prior)
    wrong = fit_amares(
        np.conj(data["fid"]),
        dwell_time_s=float(data["dwell"]),
        spectrometer_frequency_mhz=float(data["MHz"]),
        prior=prior,
        begin_time_s=float(data["deadtime"]),
    )
    assert wrong.residual_norm_sq > 10 * right.residual_norm_sq
    assert len(wrong.at_bound) > 10

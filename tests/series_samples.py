"""Series of muscle at rest, work and recovery, by a few lines of physics that share nothing with the package."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from muscle_fids import J_HZ, LINES, noise, write_scan

MHZ, DWELL_S, BEGIN_S = 51.7, 1 / 3000, 320e-6


@dataclass(frozen=True)
class Truth:
    """What the FIDs, shape (points, repetitions), were made from; `ph` is that of the pools together."""

    fids: np.ndarray
    time_s: np.ndarray
    pcr: np.ndarray
    pi: np.ndarray
    ph: np.ndarray
    pools: np.ndarray
    exercise_s: tuple[float, float]
    tau_s: float
    noise_sd: float


def series(
    *,
    rng,
    repetitions=(16, 16, 32),
    tr_s=3.0,
    snr=40.0,
    tau_s=24.0,
    pcr=(33.0, 17.0),
    ph=(7.03, 6.75),
    drift_hz=0.0,
    width_hz=9.0,
    pi_broader_hz=0.0,
    acid=(0.0, 7.03),
    points=2048,
    time_s=None,
):
    """Rest, work of one time constant of its own, and mono-exponential recovery of PCr and pH.

    `acid` are the share of Pi in fibres of their own from the start of work on, and their pH at its end;
    `pi_broader_hz` is how much broader Pi is then.
    """
    rest, work, _ = repetitions
    time_s = tr_s * np.arange(sum(repetitions)) if time_s is None else time_s
    start_s, end_s = (float(time_s[k]) if k < len(time_s) else tr_s * k for k in (rest, rest + work))
    # The value at the end of work is the one asked for.
    share = (1 - np.exp(-np.clip(time_s - start_s, 0, end_s - start_s) / 25)) / (1 - np.exp(-(end_s - start_s) / 25))
    left = np.where(time_s > end_s, np.exp(-np.clip(time_s - end_s, 0, None) / tau_s), 1.0)
    of_ph = np.clip((time_s - start_s) / (end_s - start_s), 0, 1) * np.where(
        time_s > end_s, np.exp(-np.clip(time_s - end_s, 0, None) / 40), 1.0
    )
    amplitude = pcr[0] - (pcr[0] - pcr[1]) * share * left
    acidity = ph[0] - (ph[0] - ph[1]) * of_ph
    share_acid = np.where(time_s >= start_s, acid[0], 0.0)
    pools = np.stack([acidity, ph[0] - (ph[0] - acid[1]) * of_ph])
    pi = 4.5 + pcr[0] - amplitude
    t = BEGIN_S + DWELL_S * np.arange(points)
    fids = np.zeros((points, len(time_s)), dtype=complex)
    for k in range(len(time_s)):
        lines = LINES | {"PCr": (0.0, amplitude[k], (0,))}
        for name, value, part in (("Pi", pools[0, k], 1 - share_acid[k]), ("Pi acid", pools[1, k], share_acid[k])):
            lines[name] = (pi_ppm(value), part * pi[k], (0,))
        hz = drift_hz * k / len(time_s)
        for name, (shift, height, parts) in lines.items():
            wide = width_hz + pi_broader_hz * of_ph[k] * name.startswith("Pi")
            for part in parts:
                turn = 2j * np.pi * (shift * MHZ + part * J_HZ + hz) - np.pi * wide
                fids[:, k] += height / len(parts) * np.exp(turn * t)
    sd = pcr[0] / snr
    fids = fids * np.exp(0.7j) + noise(rng, fids.shape, sd)
    together = (1 - share_acid) * pools[0] + share_acid * pools[1]
    return Truth(fids, time_s, amplitude, pi, together, pools, (start_s, end_s), tau_s, sd)


def pi_ppm(ph):
    """Shift of Pi at a pH [ppm]."""
    ratio = 10 ** (ph - 6.75)
    return (3.27 + 5.69 * ratio) / (1 + ratio)


def write_series(
    folder: Path, truth: Truth, *, events=True, tr_s=3.0, name="sub-1_task-plantar_nuc-31P_unloc", **metadata
) -> Path:
    """The series as NIfTI-MRS, with a table of its events where they are asked for."""
    folder.mkdir(parents=True, exist_ok=True)
    metadata = {"EchoTime": BEGIN_S, "RepetitionTime": tr_s} | metadata
    path = write_scan(folder / f"{name}.nii.gz", truth.fids, metadata, dwell_s=DWELL_S, mhz=MHZ)
    if events:
        start, end = truth.exercise_s
        rows = ((0, start, "rest"), (start, end - start, "exercise"), (end, 1000, "recovery"))
        rows = [row for row in rows if row[1] > 0]
        text = "".join(f"{onset}\t{duration}\t{kind}\n" for onset, duration, kind in rows)
        (folder / f"{name.rpartition('_')[0]}_events.tsv").write_text(f"onset\tduration\ttrial_type\n{text}")
    return path

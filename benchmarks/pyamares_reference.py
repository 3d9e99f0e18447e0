"""Time pyAMARES on its own reference FID; run with a Python that has pyAMARES 0.3.28 and pandas < 3.

Arguments: folder with the reference FID and prior knowledge, number of runs. Prints JSON.
"""

import contextlib
import io
import json
import sys
import time
from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("Agg")


def main() -> None:
    """Fit the reference a few times and print the times [s]."""
    folder, runs = Path(sys.argv[1]), int(sys.argv[2])
    started = time.perf_counter()
    import pyAMARES

    imported = time.perf_counter() - started
    data = np.load(folder / "amares_example.npz", allow_pickle=False)
    times, cpu_times = [], []
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        problem = pyAMARES.initialize_FID(
            data["fid"],
            priorknowledgefile=str(folder / "amares_example_prior_knowledge.csv"),
            MHz=float(data["MHz"]),
            sw=1 / float(data["dwell"]),
            deadtime=float(data["deadtime"]),
            preview=False,
            normalize_fid=False,
            xlim=(10, -20),
        )
        for _ in range(runs):
            started, cpu_started = time.perf_counter(), time.process_time()
            pyAMARES.fitAMARES(
                problem, fitting_parameters=problem.initialParams, method="least_squares", ifplot=False, inplace=False
            )
            times.append(time.perf_counter() - started)
            cpu_times.append(time.process_time() - cpu_started)
    print(json.dumps({"import_s": imported, "fit_s": times, "fit_cpu_s": cpu_times}))


if __name__ == "__main__":
    main()

"""Fit FIDs by pyAMARES and print JSON; run with a Python that has pyAMARES 0.3.28 and pandas < 3.

The .npz file holds `fid` (points or FIDs x points), `MHz`, `dwell` [s], `deadtime` [s, one or one per FID] and, where
the zero-order phases were read off, `phase_deg`. The prior knowledge is a CSV file of pyAMARES. Times are of fitAMARES.
"""

import argparse
import contextlib
import io
import json
import time
from typing import Any

import matplotlib
import numpy as np

matplotlib.use("Agg")


def main() -> None:
    """Fit every FID of the file, each as often as asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("prior_knowledge")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--initialize-with-lm", action="store_true", help="Levenberg-Marquardt before least_squares")
    options = parser.parse_args()
    data = np.load(options.data, allow_pickle=False)
    fids = np.atleast_2d(data["fid"])
    begins = np.broadcast_to(data["deadtime"], len(fids))
    phases = np.broadcast_to(data.get("phase_deg", 0.0), len(fids))
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        fits = [
            fit(fid, float(begin), float(phase), data, options)
            for fid, begin, phase in zip(fids, begins, phases, strict=True)
            for _ in range(options.runs)
        ]
    print(json.dumps(fits))


def fit(fid: np.ndarray, begin_s: float, phase_deg: float, data: Any, options: argparse.Namespace) -> dict[str, Any]:
    """Times [s] of one fit with the shifts [ppm] and what pyAMARES states of their SDs, or why there is none."""
    import pyAMARES

    started, cpu_started = time.perf_counter(), time.process_time()
    try:
        problem = pyAMARES.initialize_FID(
            fid,
            priorknowledgefile=options.prior_knowledge,
            MHz=float(data["MHz"]),
            sw=1 / float(data["dwell"]),
            deadtime=begin_s,
            delta_phase=phase_deg,
            preview=False,
            normalize_fid=False,
            xlim=(10, -20),
        )
        started, cpu_started = time.perf_counter(), time.process_time()
        done = pyAMARES.fitAMARES(
            problem,
            fitting_parameters=problem.initialParams,
            method="least_squares",
            initialize_with_lm=options.initialize_with_lm,
            ifplot=False,
        )
    except Exception as error:  # noqa: BLE001 (whatever a fit raises is counted, and the next FID fitted)
        said = {"error": f"{type(error).__name__}: {error}"}
    else:
        lines, bounds = done.result_multiplets, dict(zip(done.resultpd["name"], done.crlb, strict=True))
        said = {
            "converged": bool(done.out_obj.success),
            "amplitude": lines["amplitude"].to_dict(),
            "shift_ppm": lines["chem shift(ppm)"].to_dict(),
            "sd_ppm": lines["sd(ppm)"].to_dict(),
            "crlb_ppm": {name: float(bounds[f"freq_{name}"]) / problem.MHz for name in lines.index},
        }
    return said | {"fit_s": time.perf_counter() - started, "fit_cpu_s": time.process_time() - cpu_started}


if __name__ == "__main__":
    main()

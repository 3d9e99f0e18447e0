"""One simulated scan for the commands that look at a single file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from myomag.io.nifti_mrs import MrsData, nifti_mrs_bytes
from myomag.simulate.synthetic import ScanTruth, resting_muscle, simulate_scan

HEADER = {"EchoTime": 240e-6, "RepetitionTime": 2.0, "FlipAngle": 60.0}


def simulated_file(path: Path, transients: int = 16, header: dict[str, Any] = HEADER, **truth: Any) -> Path:
    """NIfTI-MRS file of a simulated scan of resting muscle."""
    lines = resting_muscle(pi_ppm=4.82, beta_atp_ppm=-15.95)
    scan = ScanTruth(lines=lines, transients=transients, begin_time_s=240e-6, hump_fraction=0, **truth)
    fid = simulate_scan(scan, np.random.default_rng(11))
    data = MrsData(fid[:, :, None], scan.dwell_time_s, scan.spectrometer_frequency_mhz, "31P", header)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(nifti_mrs_bytes(data))
    return path


@pytest.fixture(scope="session")
def make_scan() -> Callable[..., Path]:
    return simulated_file

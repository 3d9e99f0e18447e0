"""Run `snakemake --lint` on a small study and fail on any remark."""

import subprocess
import sys
import tempfile
from pathlib import Path

from myomag.simulate.demo import write_demo

REPOSITORY = Path(__file__).resolve().parents[2]


def main() -> int:
    """Exit code of the linter; a workflow without remarks prints its congratulation."""
    with tempfile.TemporaryDirectory() as folder:
        study, derivative = Path(folder) / "study", Path(folder) / "derivative"
        write_demo(study, participants=1)
        derivative.mkdir()
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(REPOSITORY / "Snakefile"), "--lint"]
        done = subprocess.run(
            [*command, "--directory", str(derivative), "--config", f"study={study}"],
            capture_output=True,
            text=True,
            check=False,
        )
    print(done.stdout + done.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())

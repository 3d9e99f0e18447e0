"""Build sdist and wheel, install the wheel in an environment of its own, and try it there: make wheel-test."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
MODULE = """
configfile: "config.yaml"

module myomag:
    snakefile: "git+file://{repository}/workflow/Snakefile@HEAD"
    prefix: "results"
    config: config

use rule * from myomag
"""
"""As snakedeploy writes it, but for the prefix, and a repository on a server."""
CODE = "from myomag.ledger.spec import step_code; print(step_code('fit'))"


def run(*command: str | Path, cwd: Path, **variables: str) -> str:
    """What a command prints; without PYTHONPATH, and it must succeed."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | variables
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=600
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\nexit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def build(folder: Path) -> Path:
    """The wheel, which comes out the same from the checkout and from the sdist."""
    hatchling = (sys.executable, "-m", "hatchling", "build")
    run(*hatchling, "-d", folder / "dist", cwd=REPOSITORY)
    (wheel,), (sdist,) = ((folder / "dist").glob(pattern) for pattern in ("*.whl", "*.tar.gz"))
    with tarfile.open(sdist) as archive:
        # The first releases of Python 3.11 know no filters.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(folder / "sdist")  # noqa: S202
    (source,) = (folder / "sdist").iterdir()
    run(*hatchling, "-t", "wheel", "-d", folder / "again", cwd=source)
    assert (folder / "again" / wheel.name).read_bytes() == wheel.read_bytes(), "the sdist builds another wheel"
    return wheel


def install(wheel: Path, folder: Path, python: str) -> Path:
    """Folder with the commands of an environment that holds the wheel and the packages of the lock file."""
    run(python, "-m", "venv", folder, cwd=wheel.parent)
    pip = (folder / "bin" / "python", "-m", "pip")
    lock = REPOSITORY / "envs" / "requirements.lock"
    run(*pip, "install", "--no-compile", "--require-hashes", "-r", lock, cwd=wheel.parent)
    run(*pip, "install", "--no-index", "--no-deps", wheel, cwd=wheel.parent)
    run(*pip, "check", cwd=wheel.parent)
    return folder / "bin"


def attempts(programs: Path, elsewhere: Path) -> Iterator[str]:
    """Every command as a user types it, in a folder that is neither study nor checkout."""

    def myomag(*arguments: str | Path) -> str:
        return run(programs / "myomag", *arguments, cwd=elsewhere)

    study, derivative = elsewhere / "study", elsewhere / "study" / "derivatives" / "myomag"
    yield myomag("--version")
    yield myomag("demo", "study", "--participants", "2", "--seed", "1")
    yield myomag("check", "study")
    yield myomag("run", "study", "--", "--cores", "2")
    assert (derivative / "report" / "index.html").is_file()
    (activity,) = (derivative / "ledger" / "fit").glob("*.activity.jsonl")
    recorded = json.loads(activity.read_text("utf-8").splitlines()[-1])
    assert recorded["git_commit"] is None
    assert recorded["wheel_sha256"]
    assert recorded["wheel_changed"] is False
    (raw,) = study.glob("sub-001/**/*.nii.gz")
    yield (scanned := myomag("scan", raw, "--json"))
    assert json.loads(scanned)["status"] == "included"
    yield (traced := myomag("trace", "study", "sub-001:mg_mmol_l"))
    assert "from a wheel" in traced
    yield myomag("verify", "study")
    yield (again := myomag("reproduce", "study"))
    assert "all the same, byte for byte" in again
    yield myomag("export", "study", "--ro-crate", "crate")
    assert (elsewhere / "crate" / "workflow" / "myomag" / "cli.py").is_file()
    assert not (elsewhere / "crate" / "workflow" / "myomag" / "checkout").exists()
    yield myomag("import", "look", "study/sub-001", "--plan", "plan.tsv")
    snakefile = myomag("--snakefile").strip()
    plain = (programs / "snakemake", "-n", "--snakefile", snakefile, "--config", f"study={study}")
    yield (nothing := run(*plain, "--directory", derivative, cwd=elsewhere))
    assert "Nothing to be done" in nothing
    for level in ("participant", "group"):
        yield myomag("bids", "study", "app", level, "--n-cpus", "2")
    assert (elsewhere / "app" / "cohort.tsv").read_bytes() == (derivative / "cohort.tsv").read_bytes()
    (elsewhere / "Snakefile").write_text(MODULE.format(repository=REPOSITORY), encoding="utf-8")
    shutil.copy2(REPOSITORY / "config" / "config.yaml", elsewhere)
    yield (planned := run(programs / "snakemake", "-n", "--config", f"study={study}", cwd=elsewhere))
    assert "cohort" in planned
    yield myomag("init", "study")


def main(python: str) -> None:
    """Fail with what was printed where a command fails."""
    with tempfile.TemporaryDirectory(prefix="wheel-") as name:
        folder = Path(name).resolve()
        wheel = build(folder)
        programs = install(wheel, folder / "environment", python)
        (elsewhere := folder / "elsewhere").mkdir()
        tried = sum(1 for _ in attempts(programs, elsewhere))
        codes = {
            run(programs / "python", "-c", CODE, cwd=elsewhere, PYTHONPATH=path)
            for path in ("", str(REPOSITORY / "workflow"))
        }
        assert len(codes) == 1, "the wheel has another code than the checkout"
        version = run(programs / "python", "--version", cwd=folder).strip()
    print(f"{wheel.name} with {version}: {tried} commands tried, all well.")


if __name__ == "__main__":
    main(sys.argv[1])

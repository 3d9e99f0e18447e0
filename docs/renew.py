"""Renew the output in the pages of this folder: python docs/renew.py [PAGE …].

Every command of a `console` block (a line that starts with `$ `) is run again, one page in one new folder, and what
it prints takes the place of what stood below it. Names of user, host and kernel are replaced.
"""

import getpass
import os
import platform
import re
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"(```console\n)(.*?)(```\n)", re.DOTALL)
MYOMAG = "import sys; sys.argv[0] = 'myomag'; from myomag.cli import main; main()"


def renewed(page: str, folder: Path) -> str:
    """Page with the output of its commands as they print it now."""
    tools = folder / ".bin"
    tools.mkdir()
    command = tools / "myomag"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{MYOMAG}" "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    return BLOCK.sub(lambda block: f"{block[1]}{_block(block[2], folder)}{block[3]}", page)


def _block(text: str, folder: Path) -> str:
    commands = [line for line in text.splitlines() if line.startswith("$ ")]
    return "\n".join(f"{command}\n{_output(command[2:], folder)}" for command in commands)


def _output(command: str, folder: Path) -> str:
    """What a command prints; progress and time taken are left out."""
    paths = {
        "PATH": f"{folder / '.bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(REPOSITORY / "workflow"),
        "TYPER_USE_RICH": "0",  # the help of commands without frames
    }
    done = subprocess.run(  # noqa: S603
        ["bash", "-c", command],  # noqa: S607
        cwd=folder,
        env=os.environ | paths,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = (done.stdout + done.stderr).splitlines()
    shown = [line.rstrip() for line in lines if not re.match(r"\d+ of \d+ \w+|It took ", line)]
    text = "".join(f"{line}\n" for line in shown) + (f"[exit code {done.returncode}]\n" if done.returncode else "")
    for own, general in (
        (f"{folder}/", ""),
        (f"user {getpass.getuser()} on {socket.gethostname()}", "user jane on lab-pc"),
        (platform.platform(), "Linux"),
    ):
        text = text.replace(own, general)
    return text


def main(pages: list[str]) -> None:
    """Renew the pages named, or all."""
    for path in map(Path, pages) if pages else sorted(Path(__file__).parent.glob("*.md")):
        with tempfile.TemporaryDirectory() as folder:
            path.write_text(renewed(path.read_text(encoding="utf-8"), Path(folder)), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

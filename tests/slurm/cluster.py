"""A throw-away Slurm on this machine: `python tests/slurm/cluster.py up|down FOLDER`.

Three virtual nodes with one processor, each a slurmd of its own, without systemd, cgroups or an accounting database. It
needs root and the Debian packages munge, slurmctld, slurmd and slurm-client.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

NODES = ("n1", "n2", "n3")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue")
SYSTEM_CONF = Path("/etc/slurm/slurm.conf")
"""The plugin takes SLURM_CONF from its jobs, so `srun` looks here."""

_T = TypeVar("_T")
_PORT = 17_800
_CONF = """\
ClusterName=throwaway
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
# Without cgroups, Slurm itself looks at the memory of a job once a second and ends one that is above its request.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=UsePss,OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=sched_interval=2,bf_interval=2
SlurmdParameters=config_overrides
SlurmdTimeout=10
KillWait=2
MinJobAge=3600
ReturnToService=2
"""


class SlurmUnavailableError(Exception):
    """Why Slurm cannot be started here."""


def check() -> None:
    """Say why Slurm cannot be started here.

    Raises
    ------
    SlurmUnavailableError
        With the reason.
    """
    if sys.platform != "linux" or os.getuid() != 0:
        raise SlurmUnavailableError("a throw-away Slurm needs Linux and root")
    if missing := [name for name in PROGRAMS if shutil.which(name) is None]:
        raise SlurmUnavailableError(
            f"not installed: {', '.join(missing)} (apt-get install munge slurmctld slurmd slurm-client)"
        )
    if os.path.lexists(SYSTEM_CONF):
        raise SlurmUnavailableError(f"{SYSTEM_CONF} exists: this machine may belong to a cluster")


def start(folder: Path) -> None:
    """Start all daemons and wait until every node is idle.

    Raises
    ------
    SlurmUnavailableError
        If Slurm cannot be started here, or does not come up.
    """
    check()
    (folder / "state").mkdir(parents=True)
    folder.chmod(0o755)
    SYSTEM_CONF.parent.mkdir(exist_ok=True)
    SYSTEM_CONF.symlink_to(folder / "slurm.conf")
    (folder / "slurm.conf").write_text(_configuration(folder), encoding="ascii")
    key = folder / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(os.urandom(1024))
    run("munged", "--force", *(f"--{name}-file={folder}/munge.{name}" for name in ("key", "pid", "log", "seed")),
         f"--socket={folder}/munge.socket")  # fmt: skip
    run("slurmctld")
    for node in NODES:
        start_node(node)
    wait_for(lambda: states() == dict.fromkeys(NODES, "idle"), seconds=60)


def start_node(node: str) -> None:
    """Start the daemon of one node."""
    run("slurmd", "-N", node)


def kill_node(folder: Path, node: str) -> None:
    """Make a node vanish: its daemon and all that its jobs run, with no chance to say goodbye."""
    jobs = squeue("%i", f"--nodelist={node}")
    steps = [pid for pid, line in _processes() if any(line.startswith(f"slurmstepd: [{job}.") for job in jobs)]
    for pid in [int((folder / f"slurmd-{node}.pid").read_text()), *_with_descendants(steps)]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def stop(folder: Path) -> None:
    """Stop what `start` started, by process id."""
    if (folder / "slurmctld.pid").exists():
        subprocess.run(["scancel", "--user=root"], check=False, capture_output=True, timeout=20)
        with suppress(TimeoutError):
            wait_for(lambda: not squeue("%i"), seconds=15)
    for pid_file in [folder / "slurmctld.pid", *folder.glob("slurmd-*.pid"), folder / "munge.pid"]:
        if pid_file.exists():
            _end(int(pid_file.read_text()))
    if SYSTEM_CONF.is_symlink() and SYSTEM_CONF.readlink() == folder / "slurm.conf":
        SYSTEM_CONF.unlink()


def run(*command: str) -> str:
    """What a command of Slurm prints.

    Raises
    ------
    SlurmUnavailableError
        If it fails.
    """
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise SlurmUnavailableError(f"{command[0]}: {done.stderr.strip()}")
    return done.stdout


def squeue(fields: str, *options: str) -> list[str]:
    """Lines of squeue."""
    return run("squeue", "--noheader", f"--format={fields}", *options).split("\n")[:-1]


def states() -> dict[str, str]:
    """State of each node."""
    return dict(line.split() for line in run("sinfo", "--noheader", "--Node", "--format=%N %t").splitlines())


def wait_for(value: Callable[[], _T], *, seconds: float) -> _T:
    """Wait until something is true, and say what it is.

    Raises
    ------
    TimeoutError
        If it does not become true.
    """
    end = time.monotonic() + seconds
    while not (found := value()):
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.1)
    return found


def _configuration(folder: Path) -> str:
    host = socket.gethostname().split(".")[0]
    nodes = [
        f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={_PORT + number} CPUs=1 RealMemory=8000"
        for number, node in enumerate(NODES, start=1)
    ]
    partition = f"PartitionName=main Nodes={','.join(NODES)} Default=YES MaxTime=INFINITE State=UP"
    return "\n".join([_CONF.format(host=host, port=_PORT, folder=folder), *nodes, partition, ""])


def _processes() -> Iterator[tuple[int, str]]:
    """Process ids and command lines of everything that runs."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            yield int(path.parent.name), path.read_bytes().replace(b"\0", b" ").decode(errors="replace")


def _with_descendants(pids: list[int]) -> list[int]:
    """Process ids and those of all their children's children."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    found = list(pids)
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def _end(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        with suppress(TimeoutError):
            wait_for(lambda: not Path(f"/proc/{pid}").exists(), seconds=10)
            return
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    {"up": start, "down": stop}[sys.argv[1]](Path(sys.argv[2]).resolve())

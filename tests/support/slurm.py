"""A cluster of one machine for tests: Debian's SLURM on loopback, all its state in one folder, ended with the test.

Without systemd, cgroups and accounting: SLURM sees a job's processes in /proc, adds up their memory every second, and
remembers ended jobs as long as it runs. It has to be root's, since slurmd gives every job to its user.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
import pytest

PROGRAMS = ("munged", "slurmctld", "slurmd", "sinfo", "sbatch", "squeue", "scancel")
# Snakemake's plug-in takes SLURM's variables away from jobs, so that SLURM_CONF alone would not reach them.
SYSTEM = Path("/etc/slurm/slurm.conf")
CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={daemon}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
CommunicationParameters=NoAddrCache
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
PlugStackConfig=/dev/null
MpiDefault=none
SwitchType=switch/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SlurmdParameters=config_overrides
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0,bf_interval=1
OverTimeLimit=0
KillWait=5
InactiveLimit=0
MinJobAge=3600
ReturnToService=2
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/completed
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory={megabytes} State=UNKNOWN
PartitionName=test Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


@contextlib.contextmanager
def cluster(folder: Path) -> Iterator[Path]:
    """Run SLURM until the end, and yield the file with a line for each job that has ended.

    Skips the test where SLURM is not installed, is not to be started by this user, or is there already.
    """
    if missing := [name for name in PROGRAMS if not _program(name)]:
        pytest.skip(f"no {missing[0]}: SLURM is in Debian's packages slurmctld, slurmd, slurm-client and munge")
    if os.getuid():
        pytest.skip("slurmd starts as root alone")
    if SYSTEM.exists():
        pytest.skip(f"{SYSTEM} is another SLURM's")
    _configure(folder)
    # A link that leads nowhere is what a killed test has left.
    SYSTEM.unlink(missing_ok=True)
    SYSTEM.symlink_to(folder / "slurm.conf")
    try:
        _munge(folder)
        _do("slurmctld", "-c")
        _do("slurmd", "-c")
        _wait_for_an_idle_node(folder)
        yield folder / "completed"
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            _do("scancel", "--quiet", "--user=root")
            time.sleep(1)
        for name in ("slurmd.pid", "slurmctld.pid", "munge/pid"):
            _end(folder / name)
        SYSTEM.unlink()


def states(completed: Path) -> list[str]:
    """Return how each job has ended, as TIMEOUT, in the order of their ends."""
    lines = completed.read_text().splitlines() if completed.exists() else []
    return [dict(word.split("=", 1) for word in line.split() if "=" in word)["JobState"] for line in lines]


def _program(name: str) -> str | None:
    return shutil.which(name, path=os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/usr/local/sbin"]))


def _do(name: str, *arguments: str) -> str:
    done = subprocess.run([_program(name), *arguments], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()


def _configure(folder: Path) -> None:
    # Users' commands speak to munge through its socket.
    folder.chmod(0o755)
    for name in ("munge", "state", "spool"):
        (folder / name).mkdir(mode=0o755)
    (folder / "munge/key").write_bytes(os.urandom(1024))
    (folder / "munge/key").chmod(0o600)
    controller, daemon = _free_ports(2)
    content = CONFIGURATION.format(
        folder=folder,
        host=socket.gethostname().partition(".")[0],
        controller=controller,
        daemon=daemon,
        cores=max(2, os.cpu_count() or 0),
        megabytes=psutil.virtual_memory().total * 9 // 10 >> 20,
    )
    (folder / "slurm.conf").write_text(content)


def _free_ports(number: int) -> Sequence[int]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _munge(folder: Path) -> None:
    own = folder / "munge"
    files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
    # It warns of every folder above that others may write to, as /tmp.
    _do("munged", "--force", *(f"--{option}={own / name}" for option, name in files.items()))


def _wait_for_an_idle_node(folder: Path) -> None:
    end = time.monotonic() + 60
    while _do("sinfo", "--noheader", "--format=%T") != "idle":
        assert time.monotonic() < end, (folder / "slurmctld.log").read_text() + (folder / "slurmd.log").read_text()
        time.sleep(0.2)


def _end(pid: Path) -> None:
    """End the process whose number is in a file, in the hard way if it has to be, and wait for it."""
    with contextlib.suppress(OSError, ValueError, psutil.NoSuchProcess):
        process = psutil.Process(int(pid.read_text()))
        process.terminate()
        try:
            process.wait(10)
        except psutil.TimeoutExpired:
            process.kill()

"""docs/deploy/slurm.sh on a cluster of one machine: Debian's slurmctld and slurmd, with files and ports of their own."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SCRIPT = ROOT / "docs" / "deploy" / "slurm.sh"
DAEMONS = ("munged", "slurmctld", "slurmd")
SYSTEM = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
CONFIG = """
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CryptoType=crypto/munge
SlurmctldPort={controller}
SlurmdPort={node}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_min_interval=100000,batch_sched_delay=0
MpiDefault=none
ReturnToService=2
SlurmdParameters=config_overrides
KillWait=30
NodeName={host} NodeAddr=127.0.0.1 CPUs=8 State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


@dataclass(frozen=True)
class Cluster:
    folder: Path

    @property
    def env(self) -> dict[str, str]:
        return {"PATH": SYSTEM, "SLURM_CONF": str(self.folder / "slurm.conf")}

    def __call__(self, *words: object, env: dict[str, str] | None = None) -> str:
        done = subprocess.run(
            [str(word) for word in words], env={**(env or {}), **self.env}, cwd=self.folder, capture_output=True, text=True,
            check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout


def free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


@contextmanager
def daemon(folder: Path, *words: object) -> Iterator[subprocess.Popen]:
    with (folder / f"{Path(str(words[0])).name}.log").open("ab") as log:
        process = subprocess.Popen(
            [str(word) for word in words], env={"PATH": SYSTEM, "SLURM_CONF": str(folder / "slurm.conf")},
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def cluster(reachable_tmp) -> Iterator[Cluster]:
    missing = [name for name in (*DAEMONS, "sbatch") if shutil.which(name, path=SYSTEM) is None]
    if missing:
        pytest.skip(f"Slurm is not installed ({', '.join(missing)}): apt install slurmctld slurmd slurm-client munge")
    if os.geteuid():
        pytest.skip("slurmd starts jobs as other accounts: the test needs root")
    folder = reachable_tmp / "slurm"
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    (folder / "munge.key").write_bytes(os.urandom(1024))
    (folder / "munge.key").chmod(0o600)
    controller, node = free_ports(2)
    host = socket.gethostname().partition(".")[0]
    (folder / "slurm.conf").write_text(CONFIG.format(host=host, folder=folder, controller=controller, node=node))
    (folder / "cgroup.conf").write_text("CgroupAutomount=no\n")
    munged = ["munged", "-F", f"--key-file={folder}/munge.key", f"--socket={folder}/munge.socket",
              f"--pid-file={folder}/munged.pid", f"--log-file={folder}/munged.own.log", f"--seed-file={folder}/munge.seed"]  # fmt: skip
    with ExitStack() as held:
        held.enter_context(daemon(folder, *munged))
        wait(lambda: (folder / "munge.socket").exists(), folder)
        held.enter_context(daemon(folder, "slurmctld", "-D", "-c"))
        held.enter_context(daemon(folder, "slurmd", "-D", "-N", host))
        found = Cluster(folder)
        wait(lambda: idle(found), folder)
        yield found
        subprocess.run(["scancel", "--user=root"], env=found.env, check=False, timeout=30)
        wait(lambda: not found("squeue", "--noheader").strip(), folder)


def idle(cluster: Cluster) -> bool:
    shown = subprocess.run(
        ["sinfo", "--noheader", "--format=%T"], env=cluster.env, capture_output=True, text=True, check=False, timeout=60
    )
    return shown.stdout.strip() == "idle"


def wait(look: Callable[[], bool], folder: Path, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not look():
        logs = "\n".join(f"{path.name}: {path.read_text()[-1500:]}" for path in folder.glob("*.log"))
        assert time.monotonic() < deadline, logs
        time.sleep(0.1)


@pytest.fixture
def environment(shell, tmp_path) -> dict[str, str]:
    """What a user has set when sbatch is called; it goes with the job."""
    return {
        **{name: shell.env[name] for name in ("JOBCTL_DATABASE_URL", "JOBCTL_HOME", "PYTHONPATH", "PYTHONWARNINGS")},
        "JOBCTL_STORAGE": str(tmp_path / "storage"), "HOME": str(tmp_path), "LANG": "C.UTF-8",
    }  # fmt: skip


@pytest.fixture
def array(cluster, environment, tmp_path) -> Callable[..., str]:
    """Submits a script, with this environment's jobctl in front of the path."""

    def submit(*options: object) -> str:
        env = {**environment, "PATH": ""}
        path = f"{Path(sys.executable).parent}:{SYSTEM}"
        words = [
            "sbatch",
            "--parsable",
            f"--chdir={tmp_path}",
            f"--export=ALL,PATH={path}",
            f"--output={cluster.folder}/job-%A_%a.log",
            *options,
        ]
        return cluster(*words, env=env).strip()

    return submit


def statuses(conn) -> list[str]:
    return [row[0] for row in conn.execute("SELECT status FROM jobs ORDER BY id")]


def logs(cluster: Cluster) -> str:
    return "\n".join(path.read_text()[-1000:] for path in cluster.folder.glob("job-*.log"))


def running(cluster: Cluster, array: str) -> bool:
    return bool(cluster("squeue", "--noheader", f"--jobs={array}").strip())


def test_an_array_works_off_a_queue(cluster, array, shell, conn, eventually, tmp_path):
    trails = [tmp_path / f"trail{n}" for n in range(6)]
    for trail in trails:
        assert shell("submit", "steps", "--set", "items=4", "--set", f"trail={trail}").code == 0
    number = array("--array=0-2", "--cpus-per-task=1", SCRIPT)
    eventually(lambda: not running(cluster, number), 180)
    assert statuses(conn) == ["completed"] * 6, logs(cluster)
    assert {trail.read_text() for trail in trails} == {"first\nsquares 0\nsquares 2\ntotal\nlast\n"}
    assert {row[0] for row in conn.execute("SELECT name FROM workers")} == {f"slurm-{number}-{n}" for n in range(3)}


def test_scancel_releases_a_job_uncharged_and_the_next_task_finishes_it(
    cluster, array, shell, conn, eventually, tmp_path
):
    trail, hold = tmp_path / "trail", tmp_path / "trail.hold"
    hold.write_text("squares 4")
    assert shell("submit", "steps", "--set", "items=8", "--set", f"trail={trail}").code == 0
    first = array("--array=0", SCRIPT)
    eventually(lambda: trail.exists() and "squares 4" in trail.read_text())
    cluster("scancel", f"{first}_0")
    eventually(lambda: "stopping: running jobs are released" in logs(cluster))
    hold.unlink()  # it reaches its next safe point well within the grace
    eventually(lambda: statuses(conn) == ["pending"])
    eventually(lambda: not running(cluster, first))
    assert conn.execute("SELECT retry_count, crash_count, error_message FROM jobs").fetchone() == (0, 0, None)
    second = array("--array=1", SCRIPT)
    eventually(lambda: not running(cluster, second))
    assert statuses(conn) == ["completed"], logs(cluster)
    steps = trail.read_text().split("\n")
    assert sorted(steps) == sorted(set(steps)), logs(cluster)
    assert conn.execute("SELECT retry_count, crash_count FROM jobs").fetchone() == (0, 0)


def test_scancel_of_a_running_program_charges_nobody(cluster, array, shell, conn, eventually, tmp_path):
    """Slurm signals every process of a task, the program of a job too, not only the worker."""
    started = tmp_path / "started"
    program = f"test -e {started} && exit 0; touch {started}; exec sleep 600"
    assert shell("submit", "--", "sh", "-c", program).code == 0
    first = array("--array=0", SCRIPT, "--allow-commands")
    eventually(started.exists)
    cluster("scancel", f"{first}_0")
    eventually(lambda: not running(cluster, first))
    row = conn.execute("SELECT status, retry_count, crash_count, error_message FROM jobs").fetchone()
    assert row == ("pending", 0, 0, None), logs(cluster)
    second = array("--array=1", SCRIPT, "--allow-commands")
    eventually(lambda: not running(cluster, second))
    assert statuses(conn) == ["completed"], logs(cluster)

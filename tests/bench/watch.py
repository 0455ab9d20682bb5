"""CPU of `jobctl watch` on a terminal of 120 by 40 with 200 jobs, 60 of them running and moving, as a share of a core.

python tests/bench/watch.py [SECONDS]

The jobs are moved by beats of a worker that exists in the database only, five a second in turn; the share is that of the
watching process between its first picture and its end. Bytes are what the terminal got; at rest nothing may come but the
clock and the ages.
"""

import os
import pty
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from jobctl.core.job import NewJob
from jobctl.postgres import migrate
from jobctl.postgres.connect import connect
from jobctl.postgres.embedded import Server
from jobctl.postgres.lease_rows import ClaimTarget
from jobctl.postgres.leases import Leases

JOBS, RUNNING = 200, 60


def cpu(pid: int) -> float:
    """Seconds of user and system time."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    with tempfile.TemporaryDirectory(prefix="jobctl-bench-") as home:
        Path(home).chmod(0o755)
        server = Server(Path(home) / "server", report=lambda _: None, environment=os.environ)
        url = server.ensure()
        migrate.upgrade(url)
        queue = Leases(lambda: connect(url))
        queue.submit([NewJob("a", {}, title=f"A book of many words, volume {n}.pdf") for n in range(JOBS)])
        # old enough that ages do not change every second
        queue.connection.execute("UPDATE jobctl.jobs SET created_at = created_at - interval '2 days'")
        worker = queue.register(name="w", host="h", pid=1, version="0", capacity=99, job_types=["a"], queues=[])
        held = queue.claim(worker, [ClaimTarget("default", "a", 2)], RUNNING)
        share, size = watched(url, home, lambda n: queue.beat(worker, moved(held, n)), seconds)
        print(f"{JOBS} jobs, {RUNNING} moving: {share:.1%} of a core, {size / seconds:,.0f} bytes a second")
        share, size = watched(url, home, lambda _: None, seconds)
        print(f"{JOBS} jobs, none moving: {share:.1%} of a core, {size / seconds:,.0f} bytes a second")
        queue.close()
        server.stop(force=True)


def moved(held: list, n: int) -> dict:
    """A beat of all, with new progress of a twelfth of them."""
    progress = {
        "percent": n % 100,
        "stage": "s",
        "details": f"Embedding chunk {n} of 5,000",
        "current": n,
        "total": 5000,
    }
    return {job.token.job_id: (job.token, progress if i % 12 == n % 12 else None) for i, job in enumerate(held)}


def watched(url: str, home: str, move, seconds: float) -> tuple[float, int]:
    """(share of a core, bytes written)."""
    leader, follower = pty.openpty()
    env = {
        **os.environ,
        "JOBCTL_DATABASE_URL": url,
        "JOBCTL_HOME": home,
        "TERM": "xterm",
        "COLUMNS": "120",
        "LINES": "40",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "jobctl", "watch"], stdin=follower, stdout=follower, stderr=follower, env=env
    )
    os.close(follower)
    read(leader, 3.0)  # it has come up
    before, started, size, n = cpu(process.pid), time.monotonic(), 0, 0
    while time.monotonic() < started + seconds:
        n += 1
        move(n)
        size += read(leader, 0.2)
    share = (cpu(process.pid) - before) / (time.monotonic() - started)
    os.write(leader, b"q")
    process.wait(10)
    os.close(leader)
    return share, size


def read(leader: int, seconds: float) -> int:
    size, deadline = 0, time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        if select.select([leader], [], [], left)[0]:
            size += len(os.read(leader, 1 << 16))
    return size


if __name__ == "__main__":
    main()

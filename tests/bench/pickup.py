"""From a submission until its job starts in an idle worker, next to a bare process that listens.

    python tests/bench/pickup.py [JOBS] [ROUNDS]

Both are on the same server, and take turns job by job. The time begins before the submission and holds its commit. The bare
process claims with one statement, commits and notes the time; it has neither a child process nor a lease to renew.
"""

import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from statistics import median, quantiles

import baselines
import psycopg
from processes import PLUGIN, until, worker

from jobctl import wiring
from jobctl.client import Client, Options
from jobctl.postgres import migrate
from jobctl.postgres.connect import connect
from jobctl.postgres.embedded import Server
from jobctl.postgres.queue import Queue

CLAIM = """
UPDATE raw.fenced SET status = 'processing', lease_seq = lease_seq + 1, lease_id = gen_random_uuid(), started_at = now()
WHERE id = (SELECT id FROM raw.fenced WHERE status = 'pending' ORDER BY run_after, id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, payload
"""
IDLE = 0.05
"""Seconds without a job before each."""


def listen(url: str) -> None:
    """The bare process: prints when it has a job."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("LISTEN raw")
        print("listening", flush=True)
        while True:
            select.select([connection.fileno()], [], [])
            if list(connection.notifies(timeout=0)) and connection.execute(CLAIM, prepare=True).fetchone():
                print(time.time_ns(), flush=True)


@contextmanager
def listener(url: str) -> Iterator[subprocess.Popen]:
    """A bare process that is up."""
    process = subprocess.Popen([sys.executable, __file__, "--listen", url], stdout=subprocess.PIPE, text=True)
    try:
        process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.wait()


def raw(connection: psycopg.Connection, process: subprocess.Popen) -> float:
    """Milliseconds."""
    before = time.time_ns()
    connection.execute(baselines.SUBMIT, ["noop", "{}"], prepare=True)
    return (int(process.stdout.readline()) - before) / 1e6


def ours(connection: psycopg.Connection, client: Client) -> float:
    """Milliseconds."""
    before = time.time_ns()
    job = client.submit("stamp", {}, Options())
    ended = "SELECT output_data FROM jobctl.jobs WHERE id = %s AND status = 'completed'"
    until(lambda: connection.execute(ended, [job.id]).fetchone() is not None, "the job did not end")
    return (int(connection.execute(ended, [job.id]).fetchone()[0]) - before) / 1e6


def measure(url: str, home: str, jobs: int, rounds: int) -> tuple[list[float], list[float]]:
    """Milliseconds of bare pick-ups and of ours."""
    client = Client(Queue(lambda: connect(url)), storage=lambda: None, load=cache(wiring.pipeline))
    bare, own = [], []
    with connect(url) as connection:
        baselines.reset(connection)
        for _ in range(rounds):
            with worker(url, home, connection, concurrency=2), listener(url) as process:
                for number in range(jobs + 10):
                    time.sleep(IDLE)
                    first = raw(connection, process)
                    time.sleep(IDLE)
                    second = ours(connection, client)
                    if number >= 10:  # statements are prepared, and children run
                        bare.append(first)
                        own.append(second)
    client.close()
    return bare, own


def main() -> None:
    if sys.argv[1:2] == ["--listen"]:
        listen(sys.argv[2])
    sys.path.insert(0, str(PLUGIN))  # the entry point of the job
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with tempfile.TemporaryDirectory(prefix="jobctl-bench-") as home:
        Path(home).chmod(0o755)
        server = Server(Path(home) / "server", report=lambda _: None, environment=os.environ)
        url = server.ensure()
        migrate.upgrade(url)
        try:
            bare, own = measure(url, home, jobs, rounds)
        finally:
            server.stop(force=True)
    for name, values in (("raw LISTEN", bare), ("pick-up", own)):
        print(f"{name:<12} p50 {median(values):6.2f} ms   p90 {quantiles(values, n=10)[-1]:6.2f} ms")
    print(f"pick-up / raw LISTEN   p50 {median(own) / median(bare):.2f}   goal 1.5")


if __name__ == "__main__":
    main()

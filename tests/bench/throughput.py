"""Drain of no-op jobs by one worker, next to raw psycopg on the same server in the same run.

    python tests/bench/throughput.py [JOBS]

Baseline B: one statement that completes the last hundred jobs and claims the next hundred. Printed as a ratio.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg

from jobctl.core.job import NewJob
from jobctl.postgres import migrate
from jobctl.postgres.connect import connect
from jobctl.postgres.embedded import Server
from jobctl.postgres.leases import Leases

PLUGIN = Path(__file__).parents[1] / "plugin"
RAW = """
WITH done AS (UPDATE raw SET status = 'done' WHERE id = ANY (%s)),
next AS (
    SELECT id FROM raw WHERE status = 'pending' ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED
)
UPDATE raw SET status = 'running' FROM next WHERE raw.id = next.id RETURNING raw.id
"""


def raw(connection: psycopg.Connection, jobs: int) -> float:
    connection.execute("DROP TABLE IF EXISTS raw")
    connection.execute("CREATE TABLE raw (id bigint PRIMARY KEY, status text)")
    connection.execute("CREATE INDEX ON raw (id) WHERE status = 'pending'")
    connection.execute("INSERT INTO raw SELECT i, 'pending' FROM generate_series(1, %s) i", [jobs])
    connection.execute("VACUUM ANALYZE raw")
    started = time.perf_counter()
    batch: list[int] = []
    while True:
        batch = [row[0] for row in connection.execute(RAW, [batch])]
        if not batch:
            return jobs / (time.perf_counter() - started)


def drain(url: str, home: str, jobs: int) -> tuple[float, float]:
    queue = Leases(lambda: connect(url))
    started = time.perf_counter()
    for _ in range(jobs // 1000):
        queue.submit([NewJob("noop", {})] * 1000)
    enqueued = jobs / (time.perf_counter() - started)
    env = {**os.environ, "JOBCTL_DATABASE_URL": url, "JOBCTL_HOME": home, "PYTHONPATH": str(PLUGIN)}
    command = [sys.executable, "-m", "jobctl", "worker", "run", "--drain", "-q", "-c", "2"]
    subprocess.run([*command, "--max-jobs", "1"], env=env, check=True)  # imports and files are warm
    subprocess.run(command, env=env, check=True)
    row = queue.connection.execute(
        "SELECT count(*) / extract(epoch FROM max(completed_at) - min(started_at)) FROM jobctl.jobs WHERE id > 1"
    ).fetchone()
    queue.close()
    return enqueued, float(row[0])


def main() -> None:
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory(prefix="jobctl-bench-") as home:
        Path(home).chmod(0o755)
        server = Server(Path(home) / "server", report=lambda _: None, environment=os.environ)
        url = server.ensure()
        migrate.upgrade(url)
        try:
            with connect(url) as connection:
                bare = raw(connection, jobs)
            enqueued, drained = drain(url, home, jobs)
        finally:
            server.stop(force=True)
    print(f"enqueue in batches   {enqueued:8.0f} jobs/s")
    print(f"drain                {drained:8.0f} jobs/s   raw batched {bare:8.0f} jobs/s   ratio {drained / bare:.2f}")


if __name__ == "__main__":
    main()

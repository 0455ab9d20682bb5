"""No-op jobs by one worker, and their submission, next to bare psycopg on the same server in the same run.

    python tests/bench/throughput.py [JOBS] [ROUNDS]

Interleaved rounds; the ratios are of medians. The clock of a drain starts when the first job of a worker that is up starts:
its children run and know the job type. Loops to compare with: see baselines.py.
"""

import os
import sys
import tempfile
import time
from collections import defaultdict
from functools import cache
from pathlib import Path
from statistics import median

import baselines
import psycopg
from processes import PLUGIN, until, worker

from jobctl import wiring
from jobctl.client import Client, Options
from jobctl.postgres import migrate
from jobctl.postgres.connect import connect
from jobctl.postgres.embedded import Server
from jobctl.postgres.queue import Queue

WARM_UP = 400
SINGLES = 300
LEFT = "SELECT count(*) = 0 FROM jobctl.jobs WHERE status IN ('pending', 'processing')"
DRAINED = """
SELECT count(*) / extract(epoch FROM max(completed_at) - min(started_at)) FROM jobctl.jobs WHERE id > %s
"""

Figures = defaultdict[str, list[float]]


def drain(
    url: str,
    home: str,
    connection: psycopg.Connection,
    client: Client,
    *,
    jobs: int,
    concurrency: int,
    figures: Figures,
) -> None:
    """Jobs a second, CPU and memory of one worker."""
    name = f"drain -c {concurrency}"
    with worker(url, home, connection, concurrency=concurrency) as running:
        idle, _ = running.memory()
        submit_all(client, WARM_UP)
        until(lambda: connection.execute(LEFT).fetchone()[0], "the warm-up did not end")
        connection.execute("VACUUM ANALYZE jobctl.jobs, jobctl.events")
        last = connection.execute("SELECT max(id) FROM jobctl.jobs").fetchone()[0]
        figures["bulk"].append(submit_all(client, jobs))  # one transaction: they become visible at once
        before, wal = running.used(), wal_bytes(connection)
        until(lambda: connection.execute(LEFT).fetchone()[0], "the drain did not end")
        for part, spent in running.used().since(before, jobs).items():
            figures[f"{name}, {part} us"].append(spent)
        figures[f"{name}, WAL bytes"].append((wal_bytes(connection) - wal) / jobs)
        figures[name].append(float(connection.execute(DRAINED, [last]).fetchone()[0]))
        supervisor, child = running.memory()
        figures["supervisor idle MB"].append(idle)
        figures["supervisor after MB"].append(supervisor)
        figures["child after MB"].append(child)


def wal_bytes(connection: psycopg.Connection) -> int:
    return int(connection.execute("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')").fetchone()[0])


def submit_all(client: Client, jobs: int) -> float:
    started = time.perf_counter()
    client.submit_all([("noop", {}, Options())] * jobs)
    return jobs / (time.perf_counter() - started)


def submit_each(client: Client, jobs: int) -> float:
    started = time.perf_counter()
    for _ in range(jobs):
        client.submit("noop", {}, Options())
    return jobs / (time.perf_counter() - started)


def measure(url: str, home: str, jobs: int, rounds: int) -> Figures:
    figures: Figures = defaultdict(list)
    client = Client(Queue(lambda: connect(url)), storage=lambda: None, load=cache(wiring.pipeline))
    with connect(url) as connection:
        for _ in range(rounds):
            connection.execute("TRUNCATE jobctl.jobs, jobctl.events CASCADE")
            baselines.reset(connection)
            figures["raw batched"].append(baselines.drain_batched(connection, jobs))
            drain(url, home, connection, client, jobs=jobs, concurrency=2, figures=figures)
            figures["bare loop"].append(baselines.drain_fenced(connection, jobs))
            drain(url, home, connection, client, jobs=jobs, concurrency=1, figures=figures)
            baselines.reset(connection)
            for _ in range(3):
                figures["raw submit"].append(baselines.submit_each(connection, SINGLES))
                figures["submit"].append(submit_each(client, SINGLES))
            figures["raw COPY"].append(baselines.copy_all(connection, ({} for _ in range(jobs))))
    client.close()
    return figures


RATIOS = (
    ("drain -c 2", "bare loop", 0.6),
    ("drain -c 1", "drain -c 2", 0.7),
    ("drain -c 2", "raw batched", None),
    ("submit", "raw submit", 0.5),
    ("bulk", "raw COPY", 0.4),
)


def show(figures: Figures) -> None:
    middle = {name: median(values) for name, values in figures.items()}
    for name, value in middle.items():
        print(f"{name:<28} {value:>10,.0f}")
    for concurrency in (2, 1):
        parts = [middle[f"drain -c {concurrency}, {part} us"] for part in ("supervisor", "children", "postgres")]
        print(f"CPU a job, -c {concurrency}              {sum(parts):>10.0f} us   goal 90")
    for one, other, goal in RATIOS:
        print(f"{one} / {other:<20} {middle[one] / middle[other]:.2f}" + (f"   goal {goal}" if goal else ""))


def main() -> None:
    sys.path.insert(0, str(PLUGIN))  # the entry point of the no-op job
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with tempfile.TemporaryDirectory(prefix="jobctl-bench-") as home:
        Path(home).chmod(0o755)
        server = Server(Path(home) / "server", report=lambda _: None, environment=os.environ)
        url = server.ensure()
        migrate.upgrade(url)
        try:
            show(measure(url, home, jobs, rounds))
        finally:
            server.stop(force=True)


if __name__ == "__main__":
    main()

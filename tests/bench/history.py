"""Commands on a table of millions of finished jobs, next to the same commands on a small one, in the same run.

    python tests/bench/history.py [JOBS] [ROUNDS]

Two databases on one server of its own: JOBS finished jobs (default 2.2 million) with their history, and 2,000. Each command
is a process, as a person starts it; rounds are interleaved and the figures are medians. The goal is a difference: at most
300 ms more than on the small database. The last lines are the bytes that a finished job keeps.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from statistics import median

import psycopg
from psycopg.conninfo import make_conninfo

from jobctl.postgres import migrate
from jobctl.postgres.connect import connect
from jobctl.postgres.embedded import Server

JOBS, SMALL = 2_200_000, 2_000
GOAL = 300
"""Milliseconds beyond the same command on the small database."""
STEP = 200_000
"""Jobs that one statement writes."""
COMMANDS = {
    "list": ["list"],
    "list --sort updated": ["list", "--sort", "updated"],
    "list --title (many)": ["list", "--title", "volume 17"],
    "list --title (none)": ["list", "--title", "no such title"],
    "list --label (few)": ["list", "--label", "batch=b7"],
    "list --label (none)": ["list", "--label", "batch=none"],
    "list --label (half)": ["list", "--label", "source=scan"],
    "list --type (few)": ["list", "--type", "rare"],
    "list -o json": ["list", "-o", "json"],
    "list -s failed": ["list", "-s", "failed"],
    "stats": ["stats"],
    "stats --since 1h": ["stats", "--since", "1h"],
    "watch, one picture": ["watch", "--plain", "--timeout", "0"],
}
# One job a tenth of a second, the newest now. One in 1,000 has failed; one in a thousand is of a rare type, all of them old.
FILL = """
INSERT INTO jobctl.jobs (
    id, job_type, status, title, labels, created_by, created_at, run_after, started_at, attempt_started_at, completed_at,
    updated_at, input_data, output_data, metadata, progress, run_s, lease_seq, worker_id, error_type, error_message
) OVERRIDING SYSTEM VALUE
SELECT
    n, CASE WHEN n %% 1000 = 1 AND n < %(jobs)s::bigint / 2 THEN 'rare' WHEN n %% 3 = 0 THEN 'process_document' ELSE 'import_document' END,
    CASE WHEN n %% 1000 = 0 THEN 'failed' WHEN n %% 1000 = 500 THEN 'cancelled' ELSE 'completed' END,
    'A book of many words, volume ' || n || '.pdf',
    CASE n %% 10 WHEN 0 THEN jsonb_build_object('batch', 'b' || n / 1000, 'source', 'scan') WHEN 1 THEN '{"source": "scan"}' ELSE '{}' END,
    'ann', at, at, at + interval '2 s', at + interval '2 s', at + interval '5 s', at + interval '5 s',
    jsonb_build_object('path', '/home/ann/books/volume ' || n || '.pdf'), '{"document_id": 1, "chunks": 250}',
    '{"label": "Import", "stages": ["extract", "clean", "chunk", "enrich", "embed"]}',
    '{"percent": 100, "stage": "embed", "details": "Embedded 250 chunks", "current": 250, "total": 250, "unit": "chunk"}',
    3 + n %% 7, 1, 1, CASE WHEN n %% 1000 = 0 THEN 'permanent' END, CASE WHEN n %% 1000 = 0 THEN 'The file is not a PDF.' END
FROM generate_series(%(low)s::bigint, %(high)s::bigint) n, LATERAL (SELECT now() - (%(jobs)s::bigint - n) * interval '100 ms' - interval '1 min') t (at)
"""
HISTORY = """
INSERT INTO jobctl.events (job_id, at, kind, from_status, to_status, actor, lease_seq, detail)
SELECT j.id, e.at, e.kind, e.was, e.becomes, e.actor, e.seq,
    CASE WHEN e.kind = 'fail' THEN '{"error_type": "permanent", "message": "The file is not a PDF."}' ELSE '{}'::jsonb END
FROM jobctl.jobs j, LATERAL (VALUES
    (j.created_at, 'submit', NULL, 'pending', 'ann', NULL), (j.started_at, 'claim', 'pending', 'processing', 'worker:1', 1),
    (j.completed_at, CASE j.status WHEN 'completed' THEN 'complete' WHEN 'failed' THEN 'fail' ELSE 'cancel' END,
     'processing', j.status, 'worker:1', 1)
) e (at, kind, was, becomes, actor, seq)
WHERE j.id BETWEEN %(low)s AND %(high)s
"""
SIZES = """
SELECT 'jobs', pg_relation_size('jobctl.jobs') + pg_relation_size('jobctl.jobs', 'vm') UNION ALL
SELECT 'events', pg_relation_size('jobctl.events') UNION ALL
SELECT * FROM (
    SELECT indexrelname::text, pg_relation_size(indexrelid) FROM pg_stat_user_indexes
    WHERE relid IN ('jobctl.jobs'::regclass, 'jobctl.events'::regclass) ORDER BY 2 DESC
) indexes
"""


def fill(connection: psycopg.Connection, jobs: int) -> None:
    """Finished jobs with their history, past the triggers."""
    connection.execute("SET session_replication_role = replica; SET synchronous_commit = off")
    for low in range(1, jobs + 1, STEP):
        part = {"jobs": jobs, "low": low, "high": min(jobs, low + STEP - 1)}
        connection.execute(FILL, part)
        connection.execute(HISTORY, part)
    connection.execute("SELECT setval('jobctl.jobs_id_seq', %s)", [jobs])
    connection.execute("VACUUM ANALYZE jobctl.jobs, jobctl.events")
    connection.execute("RESET session_replication_role")


def made(server: str, name: str, jobs: int) -> str:
    """A database with so many finished jobs."""
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    url = make_conninfo(server, dbname=name)
    migrate.upgrade(url)
    with connect(url) as connection:
        connection.execute("SET statement_timeout = 0")
        fill(connection, jobs)
    return url


def measure(url: str, home: str, words: list[str]) -> float:
    """Milliseconds of a command, from its start to its end."""
    env = {**os.environ, "JOBCTL_DATABASE_URL": url, "JOBCTL_HOME": home, "COLUMNS": "120"}
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "jobctl", *words], env=env, capture_output=True, check=False)
    spent = (time.perf_counter() - started) * 1e3
    if done.returncode not in (0, 124):
        raise RuntimeError(f"{words}: {done.stderr.decode()}")
    return spent


def show(databases: dict[str, str], home: str, rounds: int) -> None:
    """The commands on both databases."""
    spent: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for _ in range(rounds):
        for command, words in COMMANDS.items():
            for size, url in databases.items():
                spent[command, size].append(measure(url, home, words))
    print(f"{'ms, medians':<24} {'small':>8} {'large':>8} {'more':>8}   goal {GOAL}")
    for command in COMMANDS:
        small, large = (median(spent[command, size]) for size in ("small", "large"))
        print(f"{command:<24} {small:>8,.0f} {large:>8,.0f} {large - small:>8,.0f}")


def show_sizes(url: str, jobs: int) -> None:
    """Bytes that a finished job keeps."""
    with connect(url) as connection:
        rows = connection.execute(SIZES).fetchall()
    print(f"\nbytes a job: {sum(size for _, size in rows) / jobs:,.0f}")
    for name, size in rows:
        if size / jobs >= 0.1:
            print(f"  {name:<28} {size / jobs:>8,.1f}")


def main() -> None:
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else JOBS
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with tempfile.TemporaryDirectory(prefix="jobctl-bench-") as home:
        Path(home).chmod(0o755)
        server = Server(Path(home) / "server", report=lambda _: None, environment=os.environ)
        try:
            url = server.ensure()
            databases = {"small": made(url, "small", SMALL), "large": made(url, "large", jobs)}
            show(databases, home, rounds)
            show_sizes(databases["large"], jobs)
        finally:
            server.stop(force=True)


if __name__ == "__main__":
    main()

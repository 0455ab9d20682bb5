"""What a worker asks of its database: statements and their time, connections, and the cost of one that waits.

    python tests/bench/statements.py [SECONDS] [JOBS] [DOCUMENTS]

A server of its own with pg_stat_statements, which counts every statement, BEGIN and COMMIT too. The documents are copies of
a page of Markdown and of a book, each with words of its own.
"""

import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import psycopg
from processes import PLUGIN, until, worker

from jobctl.postgres import migrate
from jobctl.postgres.connect import connect
from jobctl.postgres.embedded import Server

DATA = Path(__file__).parents[1] / "data"
BOOK = DATA / "project-history.en.epub"
LEFT = "SELECT count(*) = 0 FROM jobctl.jobs WHERE status IN ('pending', 'processing')"
TOTAL = (
    "SELECT coalesce(sum(calls), 0)::float8, coalesce(sum(total_exec_time + total_plan_time), 0) "
    "FROM pg_stat_statements WHERE query !~ 'pg_stat_statements|BENCH'"
)
OURS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name ~ 'jobctl'"


def jobctl(home: str, url: str, *words: object) -> None:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("JOBCTL_", "PG", "DATABASE_URL"))}
    subprocess.run(
        [sys.executable, "-m", "jobctl", *map(str, words)], check=True, stdout=subprocess.DEVNULL,
        env={**kept, "JOBCTL_HOME": home, "JOBCTL_DATABASE_URL": url, "PYTHONPATH": str(PLUGIN)},
    )  # fmt: skip


class Counted:
    """Statements since the last reset."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def reset(self) -> None:
        self._connection.execute("SELECT pg_stat_statements_reset() /* BENCH */")

    def total(self) -> tuple[float, float]:
        """Statements and milliseconds."""
        return self._connection.execute(TOTAL).fetchone()

    def most(self, count: int, each: int) -> None:
        rows = self._connection.execute(
            "SELECT calls, total_exec_time, left(regexp_replace(query, '\\s+', ' ', 'g'), 70) FROM pg_stat_statements "
            "WHERE query !~ 'pg_stat_statements|BENCH' ORDER BY calls DESC LIMIT %s", [count]
        )  # fmt: skip
        for calls, spent, text in rows:
            print(f"    {calls / each:8.2f} {spent / each:8.3f} ms  {text}")


def idle(url: str, home: str, connection: psycopg.Connection, counted: Counted, seconds: float) -> None:
    for workers in (1, 4):
        with ExitStack() as held:
            running = [held.enter_context(worker(url, home, connection, concurrency=2)) for _ in range(workers)]
            time.sleep(3)  # after the first sweeps
            counted.reset()
            before = [one.used() for one in running]
            time.sleep(seconds)
            calls, spent = counted.total()
            after = [one.used() for one in running]
            supervisor = sum(b.supervisor - a.supervisor for a, b in zip(before, after, strict=True))
            postgres = after[0].postgres - before[0].postgres
            held_connections = connection.execute(OURS + " /* BENCH */").fetchone()[0]
            print(
                f"{workers} idle worker(s): {calls / seconds / workers:.2f} statements a second and worker, "
                f"{spent / seconds / workers:.2f} ms of them; CPU of the worker {supervisor / seconds / workers * 100:.2f} %, "
                f"of Postgres {postgres / seconds / workers * 100:.2f} % of a core a worker; "
                f"{held_connections / workers:g} connections a worker of two children",
                flush=True,
            )


def work(url: str, home: str, connection: psycopg.Connection, counted: Counted, jobs: int, documents: int) -> None:
    with worker(url, home, connection, concurrency=2) as running:
        jobctl(home, url, "submit", "noop")
        until(lambda: connection.execute(LEFT + " /* BENCH */").fetchone()[0], "no job ended")
        lines = Path(home, "jobs.ndjson")
        lines.write_text('{"type": "noop"}\n' * jobs)
        for what, words, count in (
            ("no-op job, of many at once", ("submit", "-f", lines), jobs),
            ("page of Markdown", ("submit", *pages(home, documents)), documents),
            ("book (EPUB)", ("submit", *books(home, 2)), 2),
        ):
            counted.reset()
            before = running.used()
            jobctl(home, url, *words)
            until(lambda: connection.execute(LEFT + " /* BENCH */").fetchone()[0], f"{what}: did not end")
            calls, spent = counted.total()
            cpu = running.used().since(before, count)
            print(
                f"{what}: {calls / count:.2f} statements, {spent / count:.2f} ms of them; CPU {cpu['supervisor'] / 1000:.1f} + "
                f"{cpu['children'] / 1000:.1f} ms, Postgres {cpu['postgres'] / 1000:.1f} ms; "
                f"{connection.execute(OURS + ' /* BENCH */').fetchone()[0]} connections",
                flush=True,
            )
            counted.most(6, count)


def pages(home: str, count: int) -> list[Path]:
    text = (DATA / "lighthouse.md").read_text()
    made = [Path(home, f"page{n}.md") for n in range(count)]
    for number, path in enumerate(made):
        path.write_text(f"# Page {number}\n\n{text}")
    return made


def books(home: str, count: int) -> list[Path]:
    """The same book, in files that differ by a byte at their end."""
    made = [Path(home, f"book{n}.epub") for n in range(count)]
    for number, path in enumerate(made):
        path.write_bytes(BOOK.read_bytes() + b"\0" * number)
    return made


def main() -> None:
    seconds, jobs, documents = (int(n) for n in (*sys.argv[1:], *("20", "2000", "20")[len(sys.argv) - 1 :]))
    with tempfile.TemporaryDirectory(prefix="jobctl-bench-") as home:
        Path(home).chmod(0o755)
        server = Server(Path(home) / "server", report=lambda _: None, environment=os.environ)
        try:
            with psycopg.connect(server.ensure(), autocommit=True) as admin:
                admin.execute("ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'")
                admin.execute("ALTER SYSTEM SET pg_stat_statements.track_planning = on")
            server.stop(force=True)
            url = server.ensure()
            migrate.upgrade(url)
            with connect(url) as connection:
                connection.execute("CREATE EXTENSION pg_stat_statements")
                counted = Counted(connection)
                idle(url, home, connection, counted, seconds)
                work(url, home, connection, counted, jobs, documents)
        finally:
            server.stop(force=True)


if __name__ == "__main__":
    main()

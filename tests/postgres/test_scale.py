"""Lists and statistics read as much of a large table of ended jobs as of a small one, and say what they have not read."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from jobctl.client import Client, inspection
from jobctl.core.filters import Filters
from jobctl.core.job import NewJob
from jobctl.core.lifecycle import ACTIVE, DONE
from jobctl.postgres import listing
from jobctl.postgres.rows import filter_values
from jobctl.postgres.session import statement

FEW, MANY, WINDOW = 2_000, 40_000, 1_000
ENDED = """
INSERT INTO jobs (job_type, status, title, labels, created_at, started_at, completed_at, updated_at, run_s, error_type)
SELECT
    'a', CASE WHEN n %% 20 = 0 THEN 'failed' ELSE 'completed' END, 'book ' || n,
    CASE WHEN n IN (1, 700, 1900) THEN '{"few": "yes"}'::jsonb WHEN n %% 2 = 0 THEN '{"half": "yes"}' ELSE '{}' END,
    at, at, at, at, n %% 7, CASE WHEN n %% 20 = 0 THEN 'permanent' END
FROM generate_series(1, %s::int) n, LATERAL (SELECT now() - n * interval '1 s' AS at) t
ORDER BY n DESC
"""
FAILURES = """
INSERT INTO events (job_id, kind, to_status, detail)
SELECT id, CASE status WHEN 'failed' THEN 'fail' ELSE 'complete' END, status, '{"error_type": "permanent"}' FROM jobs
"""


def listed(sort: str = "id", **filters: object) -> dict[str, object]:
    return {**filter_values(Filters(**filters)), "sort": sort, "full": False, "limit": 50, "cap": 500}


PARTS = {"since": None, "types": None, "queue": None, "within": WINDOW, "failures": 200}
STATEMENTS = {
    "list": ("find", listed()),
    "list what ended": ("find", listed("ended", statuses=DONE)),
    "list what has not ended": ("find", listed("updated", statuses=ACTIVE)),
    "list by status": ("find", listed(statuses=("failed",))),
    "list by label": ("find", listed(labels={"few": "yes"})),
    "list by the name of a label": ("find", listed(label_keys=("few",))),
    "list by a label of half of the jobs": ("find", listed(labels={"half": "yes"})),
    "list by a label that none has": ("find", listed(labels={"few": "no"})),
    "search titles": ("find", listed(title="no such", within=WINDOW)),
    "search types": ("find", listed(types=("b",), within=WINDOW)),
    "sort by title": ("find", listed("title", within=WINDOW)),
    "count": ("count", listed()),
    "count titles": ("count", listed(title="no such", within=WINDOW)),
    "stats": ("stats", PARTS),
    "stats_window": ("stats_window", PARTS),
    "errors": ("errors", PARTS),
    "metrics": ("queue_metrics", {"cap": 200, "pairs": 9}),
    "durations": ("duration_histogram", PARTS),
}


def buffers(conn: psycopg.Connection, verb: str, values: dict[str, object]) -> int:
    """Pages that a statement touches."""
    plan = conn.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement(verb)}", values).fetchone()[0][0]["Plan"]
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


def filled(conn: psycopg.Connection, jobs: int) -> dict[str, int]:
    conn.execute(ENDED, [jobs])
    conn.execute(FAILURES)
    conn.execute("VACUUM ANALYZE jobs, events")
    return {name: buffers(conn, verb, values) for name, (verb, values) in STATEMENTS.items()}


def test_what_a_list_and_statistics_read_does_not_grow_with_the_jobs_that_ended(conn):
    small = filled(conn, FEW)
    conn.execute("TRUNCATE jobs, events CASCADE")
    large = filled(conn, MANY)
    grown = {name: (small[name], pages) for name, pages in large.items() if pages > 2 * small[name] + 60}
    # of the failures, each may be on pages of its own: their number has a bound
    assert grown.pop("stats", (0, 0))[1] < small["stats"] + WINDOW
    assert grown.pop("errors", (0, 0))[1] < small["errors"] + 3 * PARTS["failures"]
    assert grown == {}


def test_what_metrics_read_does_not_grow_with_the_backlog(conn):
    pages = []
    for jobs in (FEW, MANY):
        conn.execute("TRUNCATE jobs, events CASCADE")
        conn.execute(
            "INSERT INTO jobs (job_type, status) SELECT 'a', 'pending' FROM generate_series(1, %s::int)", [jobs]
        )
        conn.execute("VACUUM ANALYZE jobs")
        pages.append(buffers(conn, "queue_metrics", {"cap": 200, "pairs": 9}))
    assert pages[1] <= 2 * pages[0] + 60, pages


@pytest.fixture
def client(queue):
    return Client(queue, storage=lambda: None, load=lambda _: None)


def test_what_changed_last_comes_first_whether_it_has_ended_or_not(queue, conn):
    queue.submit([NewJob("a", {}) for _ in range(6)])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for number, (job_id, status) in enumerate(
        [(2, "completed"), (5, "pending"), (1, "failed"), (4, "paused"), (6, "cancelled")]
    ):
        at = start + timedelta(days=number)
        conn.execute("SET session_replication_role = replica")
        conn.execute(
            "UPDATE jobs SET status = %(status)s, updated_at = %(at)s, "
            "completed_at = CASE WHEN %(status)s IN ('completed', 'failed', 'cancelled') THEN %(at)s END WHERE id = %(id)s",
            {"status": status, "at": at, "id": job_id},
        )
        conn.execute("RESET session_replication_role")
    conn.execute("UPDATE jobs SET updated_at = '2025-01-01' WHERE id = 3")
    assert [job.id for job in queue.find(Filters(), sort="updated", limit=5)] == [6, 4, 1, 5, 2]
    assert [job.id for job in queue.find(Filters(), sort="updated")] == [6, 4, 1, 5, 2, 3]
    assert [job.id for job in queue.find(Filters(statuses=("failed", "paused")), sort="updated", limit=9)] == [4, 1]
    assert [job.id for job in queue.find(Filters(statuses=("pending",)), sort="updated", limit=1)] == [5]


def test_statistics_of_the_newest_jobs_say_so_and_count_older_ones_that_need_attention(queue, conn, monkeypatch):
    monkeypatch.setattr(listing, "COUNTED", 10)
    queue.submit([NewJob("a", {}) for _ in range(4)])
    conn.execute(
        "INSERT INTO jobs (job_type, status, completed_at) SELECT 'a', 'completed', now() FROM generate_series(1, 20)"
    )
    conn.execute(
        "INSERT INTO jobs (job_type, status, completed_at) SELECT 'a', 'failed', now() FROM generate_series(1, 3)"
    )
    conn.execute(
        "INSERT INTO jobs (job_type, status, completed_at) SELECT 'a', 'completed', now() FROM generate_series(1, 9)"
    )
    conn.execute("ANALYZE jobs")
    found = queue.stats(since=None, types=None, queue=None)
    assert {row.status: row.jobs for row in found.by_type} == {"pending": 4, "completed": 9, "failed": 3}
    assert (found.window.jobs, found.window.about) == (10, 36)
    assert queue.stats(since=datetime.now(UTC) + timedelta(hours=1), types=None, queue=None).window is None


def test_statistics_of_all_jobs_have_no_window(queue):
    queue.submit([NewJob("a", {}) for _ in range(4)])
    assert queue.stats(since=None, types=None, queue=None).window is None


def test_a_list_says_that_it_searched_the_newest_jobs_only(cli, queue, monkeypatch):
    queue.submit([NewJob("a", {}, title="old")])
    queue.submit([NewJob("a", {}, title="new") for _ in range(5)])
    assert "searched" not in cli("list", "--title", "old").err
    monkeypatch.setattr(inspection, "SEARCHED", 5)
    monkeypatch.setattr("jobctl.cli.commands.inspect.SEARCHED", 5)
    assert cli("list", "--title", "old").err.splitlines() == [
        "no jobs match",
        "searched the newest 5 jobs; -n 0 searches all",
    ]
    assert '"count": 0, "total": 0, "truncated": true' in cli("list", "--title", "old", "-o", "json").out
    assert cli("list", "--title", "old", "-n", "0", "-q").out == "1\n"
    assert cli("list", "--title", "new", "-n", "2").err == "2 of 5 jobs; -n 0 shows all\n"
    assert "searched the newest 5" in cli("list", "--sort", "title").err


@pytest.mark.parametrize(
    "served", [Filters(), Filters(statuses=("failed", "pending")), Filters(labels={"k": "v"}), Filters(ids=(1,)),
               Filters(until=datetime.now(UTC), title="x"), Filters(due=True, types=("a",))],
)  # fmt: skip
def test_what_an_index_serves_is_searched_whole(client, served):
    assert client.searched(served) == served
    assert client.searched(Filters(title="x")).within == inspection.SEARCHED
    assert client.searched(Filters(statuses=("failed", "completed"))).within == inspection.SEARCHED

"""The statement that writes log lines: bounded a job, the newest kept, and its cost linear in the lines that are written."""

import re
from importlib.resources import files

import psycopg
import pytest

from jobctl.core.job import NewJob
from jobctl.postgres.leases import LOG_BOUND


def rows(job_id: int, start: int, count: int, attempt: int = 1) -> list[tuple]:
    return [(job_id, attempt, "info", "stage", f"line {n}") for n in range(start, start + count)]


def kept(conn, job_id: int) -> list[int]:
    found = conn.execute("SELECT text FROM job_logs WHERE job_id = %s ORDER BY id", [job_id]).fetchall()
    return [int(text.split()[1]) for (text,) in found]


@pytest.mark.parametrize("batch", [1, 700, LOG_BOUND, LOG_BOUND + 300])
def test_the_newest_lines_of_each_job_are_kept_whatever_the_batches(queue, claim, conn, batch):
    queue.submit([NewJob("a", {}) for _ in range(2)])
    one, other = (claimed.token.job_id for claimed in claim())
    queue.log(rows(other, 0, 10))
    total = LOG_BOUND + 3 * batch
    queue.log(rows(one, 0, total - 3 * batch))
    for start in range(total - 3 * batch, total, batch):
        queue.log(rows(one, start, batch))
    assert kept(conn, one) == list(range(total - LOG_BOUND, total))
    assert kept(conn, other) == list(range(10))


def test_lines_of_an_attempt_that_is_over_are_not_written(queue, claim, conn):
    queue.submit([NewJob("a", {})])
    job_id = claim()[0].token.job_id
    queue.log([*rows(job_id, 0, 2), *rows(job_id, 5, 2, attempt=7)])
    queue.log(rows(4711, 0, 2))
    assert kept(conn, job_id) == [0, 1]


def touched(conn: psycopg.Connection, lines: list[tuple]) -> int:
    """Pages that one statement for these lines touches; it is rolled back."""
    text = (files("jobctl.postgres") / "sql" / "log.sql").read_text()
    ids, attempts, levels, stages, texts = (list(column) for column in zip(*lines, strict=True))
    values = {"ids": ids, "attempts": attempts, "levels": levels, "stages": stages, "texts": texts, "bound": LOG_BOUND}
    assert set(re.findall(r"%\((\w+)\)s", text)) == set(values)
    with conn.transaction(force_rollback=True):
        (plan,) = conn.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {text}", values).fetchone()
    return plan[0]["Plan"]["Shared Hit Blocks"] + plan[0]["Plan"]["Shared Read Blocks"]


def test_a_line_costs_the_same_however_many_there_are(queue, claim, conn):
    queue.submit([NewJob("a", {}) for _ in range(9)])
    jobs = [claimed.token.job_id for claimed in claim()]
    for job_id in jobs:
        queue.log(rows(job_id, 0, LOG_BOUND))
    conn.execute("VACUUM ANALYZE job_logs")
    each = {count: touched(conn, rows(jobs[0], 0, count)) / count for count in (500, 2000)}
    assert each[2000] <= 1.5 * each[500], each
    # a single line looks at what one job has, not at what all have, and not once for each line that is there
    assert touched(conn, rows(jobs[0], 0, 1)) < LOG_BOUND / 5

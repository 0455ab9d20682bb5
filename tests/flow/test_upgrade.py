"""A schema that is upgraded under a running worker."""

import json

from jobctl.postgres.revision import head
from tests.flow.test_control import submit, under_way


def test_a_worker_that_the_schema_no_longer_serves_releases_its_jobs_and_exits(shell, conn, eventually):
    job = submit(shell, "steps", "--set", "items=400", "--set", "slow=0.05")
    worker = shell.start("worker", "run", "-c1")
    eventually(lambda: under_way(conn, job))
    conn.execute("INSERT INTO compatibility (serves) VALUES ('9999')")
    assert worker.wait(40) == 5
    assert "upgraded beyond this jobctl" in worker.stderr.read()
    shown = json.loads(shell("show", job, "--json").out)
    assert (shown["status"], shown["crash_count"], shown["retry_count"]) == ("pending", 0, 0)
    another = shell("worker", "run", "--drain")
    assert another.code == 5
    assert json.loads(shell("show", job, "--json").out)["status"] == "pending"


def test_a_newer_schema_that_serves_this_program_is_no_reason_to_stop(shell, conn):
    job = submit(shell, "steps", "--set", "items=4")
    conn.execute("INSERT INTO compatibility (serves) VALUES ('0010')")
    conn.execute("UPDATE alembic_version SET version_num = '9999'")
    try:
        assert shell("worker", "run", "--drain").code == 0
        assert json.loads(shell("show", job, "--json").out)["status"] == "completed"
        assert shell("list").code == 0
    finally:
        conn.execute("UPDATE alembic_version SET version_num = %s", [head()])

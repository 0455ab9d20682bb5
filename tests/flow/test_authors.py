"""What authors of job types rely on, on a real worker: results of other jobs, and the policy of retries."""

import json

from tests.flow.test_programs_stop import job, submit


def test_a_job_reads_the_results_of_those_that_it_depends_on(shell, conn):
    small = submit(shell, "steps", "--set", "items=3")
    large = submit(shell, "steps", "--set", "items=4")
    joined = submit(shell, "gathers", "--after", small, "--after", large)
    assert shell("worker", "run", "--drain").code == 0
    assert job(shell, joined)["output"] == {
        str(small): {"total": 5, "count": 3}, str(large): {"total": 14, "count": 4},
    }  # fmt: skip


def test_a_result_that_is_gone_fails_the_job_that_needs_it_with_the_reason(shell, conn):
    first = submit(shell, "steps", "--set", "items=1")
    joined = submit(shell, "gathers", "--after", first)
    assert shell("worker", "run", "--drain", "--type", "steps").code == 0
    conn.execute("UPDATE jobs SET result_size = 99999, output_data = NULL WHERE id = %s", [first])  # as prune leaves it
    assert shell("worker", "run", "--drain").code == 0
    failed = job(shell, joined)
    assert (failed["status"], failed["error"]["type"]) == ("failed", "invalid")
    assert "was removed by prune" in failed["error"]["message"]


def test_a_stage_over_its_time_limit_is_retried_after_the_delay_of_its_type(shell, conn):
    submit(shell, "limited", "--set", "kind=sleep")
    assert shell("worker", "run", "--drain").code == 0
    shown = json.loads(shell("show", 1, "--json").out)
    assert shown["error"]["type"] == "transient"
    (delay,) = conn.execute("SELECT extract(epoch FROM next_retry_at - completed_at)::float8 FROM jobs").fetchone()
    assert 7_200 <= delay <= 7_930

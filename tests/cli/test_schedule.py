"""schedule, edit, --expires, --timeout, wait --fail-fast, watch --wait-for as they are typed."""

import json

import pytest

from tests.cli.test_shapes import holds


def add(cli, name="nightly", *more):
    return cli(
        "schedule", "add", name, "--cron", "30 2 * * *", "--tz", "Europe/Berlin", "steps", "--set", "items=3", *more
    )


def test_a_schedule_is_added_shown_paused_resumed_run_and_removed(cli):
    assert add(cli, "nightly", "--title", "T", "--priority", "high").code == 0
    shown = cli("schedule", "show", "nightly").out
    assert "30 2 * * * Europe/Berlin" in shown
    assert shown.count("T02:30:00+0") + shown.count("T03:00:00+02:00") == 5
    assert "nightly" in cli("schedule", "list").out
    assert cli("schedule", "pause", "nightly", "--reason", "moving").out == "schedule nightly paused\n"
    assert "moving" in cli("schedule", "show", "nightly").out
    assert cli("schedule", "resume", "nightly").out == "schedule nightly resumed\n"
    assert cli("schedule", "run-now", "nightly").out == "1\n"
    assert "by schedule nightly" in cli("show", "1").out
    assert cli("schedule", "remove", "nightly").code == 0
    assert cli("schedule", "show", "nightly").code == 3


def test_the_json_of_each_command_is_as_the_schema_says(cli):
    assert holds("schedule", add(cli, "nightly", "--json").out)["schedule"]["type"] == "steps"
    cli("schedule", "add", "often", "--every", "15m", "noop")
    assert holds("schedule_list", cli("schedule", "list", "--json").out)["count"] == 2
    for word in ("pause", "resume"):
        assert holds("schedule_changed", cli("schedule", word, "nightly", "--json").out)["changed"]
    assert holds("submitted", cli("schedule", "run-now", "nightly", "--json").out)["ids"] == [1]
    found = holds("schedule", cli("schedule", "show", "nightly", "--json").out)["schedule"]
    assert (len(found["next"]), found["last_job"], found["input"]) == (5, 1, {"items": 3, "slow": 0.0})
    assert holds("schedule_changed", cli("schedule", "remove", "nightly", "--json").out)["message"] == "removed"


@pytest.mark.parametrize(
    "words",
    [
        ("--every", "15m", "nothing_like_it"), ("--every", "15m", "steps", "--set", "items=x"), ("steps",),
        ("--every", "0s", "noop"), ("--cron", "0 3 * *", "noop"), ("--cron", "0 3 * * *", "--every", "1h", "noop"),
        ("--cron", "0 3 * * *", "--tz", "Mars/Base", "noop"), ("--every", "1h", "noop", "--set", "novalue"),
    ],
)  # fmt: skip
def test_what_cannot_be_scheduled_is_refused_with_exit_2(cli, words):
    assert cli("schedule", "add", "bad", *words).code == 2
    assert json.loads(cli("schedule", "list", "--json").out)["count"] == 0


def test_a_name_that_is_taken_is_refused(cli):
    add(cli)
    assert add(cli).code == 4


def test_retry_due_fires_schedules_and_cancels_what_expired(cli, conn):
    cli("schedule", "add", "often", "--every", "1h", "noop")
    cli("submit", "noop", "--expires", "2h")
    assert cli("retry", "--due").out == ""
    conn.execute(
        "UPDATE schedules SET created_at = created_at - interval '1 hour', next_at = next_at - interval '1 hour'"
    )
    conn.execute("UPDATE jobs SET expires_at = jobctl.clock()")
    assert cli("retry", "--due", "--dry-run").out == "dry run: would expire: 1\ndry run: would submit: 2\n"
    found = json.loads(cli("retry", "--due", "--json").out)
    assert (found["expired"], len(found["submitted"])) == ([1], 1)
    assert "expired: not started within 2h" in cli("show", "1").out


def test_doctor_warns_of_a_schedule_that_no_worker_fires(cli):
    add(cli)
    assert "no running worker takes the jobs of nightly" in cli("doctor").out


def test_a_dump_carries_schedules(cli, conn, tmp_path):
    add(cli)
    before = json.loads(cli("schedule", "list", "--json").out)
    assert cli("db", "dump", tmp_path / "all.dump").code == 0
    cli("schedule", "remove", "nightly")
    assert cli("db", "load", tmp_path / "all.dump", "-y").code == 0
    assert json.loads(cli("schedule", "list", "--json").out) == before


def test_lines_of_a_file_have_an_expiry_and_a_timeout(cli, conn):
    lines = '{"type": "noop", "expires": "2h", "timeout": 90}\n{"type": "noop", "expires": 60}\n'
    assert cli("submit", "-f", "-", stdin=lines).code == 0
    rows = conn.execute(
        "SELECT extract(epoch FROM expires_at - created_at)::int, metadata -> 'timeout_s' FROM jobs ORDER BY id"
    ).fetchall()
    assert rows == [(7200, 90), (60, None)]
    assert cli("submit", "-f", "-", stdin='{"type": "noop", "expires": "soon"}\n').code == 2


def test_a_job_that_takes_longer_than_its_timeout_ends_as_a_stage_does(shell):
    shell("submit", "steps", "--set", "items=100", "--set", "slow=0.2", "--timeout", "1s", "--max-retries", "0")
    shell("worker", "run", "--drain")
    job = json.loads(shell("show", "1", "--json").out)
    assert (job["status"], job["error"]["message"]) == ("failed", "timed out after 1s")


def test_edit_changes_a_pending_job_and_refuses_others(cli):
    cli("submit", "steps", "--set", "items=3", "--delay", "1h")
    assert cli("edit", "1", "--priority", "high", "--set", "items=4").out == "job 1: changed priority, input\n"
    assert holds("answers", cli("edit", "1", "--title", "T", "--json").out)["answers"][0]["answer"] == "done"
    assert cli("edit", "1", "--set", "items=x").code == 2
    assert cli("edit", "1").code == 2
    assert cli("edit", "99", "--title", "x").code == 3
    cli("cancel", "1")
    refused = cli("edit", "1", "--title", "x")
    assert (refused.code, refused.err.splitlines()[0]) == (4, "jobctl: cannot edit job 1: already cancelled")


def test_wait_fail_fast_ends_with_the_first_failure(cli):
    cli("submit", "noop", "--delay", "1h")
    cli("submit", "noop", "--delay", "1h")
    cli("cancel", "2")
    assert cli("wait", "1", "2", "--fail-fast", "--timeout", "30s").code == 11
    assert cli("wait", "1", "2", "--timeout", "0.1s").code in (11, 124)


def test_watch_waits_for_an_id_that_does_not_exist_yet(shell, eventually):
    assert shell("watch", "1").code == 3
    assert shell("watch", "1", "--wait-for", "--timeout", "0.3s").code == 124
    watching = shell.start("watch", "1", "--wait-for", "--timeout", "60s")
    shell("submit", "noop", "--delay", "1h")
    shell("cancel", "1")
    assert watching.wait(60) == 11

"""What an application does, with a real worker: submit from SQL, notifications, the command on the worker's machine."""

import json
import shlex
import sys

import pytest

from jobctl import verify_notification
from jobctl.wiring.notifying import for_children
from tests.receiver import receiving

ENDED = "SELECT count(*) FROM jobs WHERE status IN ('completed', 'failed', 'cancelled')"


@pytest.fixture
def worker(shell):
    def start(*words, **env):
        return shell.start("worker", "run", "--poll", "0.2", *words, env=env)

    return start


def test_a_job_of_sql_whose_input_is_invalid_fails_as_invalid_at_its_start(shell, conn):
    for given in ('{"items": "many"}', '{"no_such_field": 1}'):
        conn.execute("SELECT jobctl.submit('steps', %s)", [given])
    conn.execute("SELECT jobctl.submit('steps', '{\"items\": 4}')")
    assert shell("worker", "run", "--drain").code == 0
    rows = conn.execute(
        "SELECT status, error_type, error_message, lease_seq, last_checkpoint_stage FROM jobs ORDER BY id"
    ).fetchall()
    assert [row[:2] for row in rows] == [("failed", "invalid"), ("failed", "invalid"), ("completed", None)]
    assert "items" in rows[0][2]
    assert "no_such_field" in rows[1][2]
    assert {row[3:] for row in rows[:2]} == {(1, None)}


def test_a_notification_arrives_though_the_endpoint_fails_twice(shell, worker, conn, eventually):
    with receiving(500, 503) as receiver:
        worker(JOBCTL_NOTIFY_PRIVATE="1", JOBCTL_NOTIFY_SECRET="s3cret")
        done = shell("submit", "steps", "--set", "items=4", "--title", "T", "--notify", f"{receiver.url}/hook")
        assert done.code == 0, done.err
        eventually(lambda: conn.execute("SELECT detail FROM events WHERE kind = 'notified'").fetchone(), 60)
    assert [(body["id"], body["try"], body["status"], body["job"]["title"]) for body in receiver.bodies] == [
        (1, tries, "completed", "T") for tries in (1, 2, 3)
    ]
    assert all(
        verify_notification(body, headers["X-Jobctl-Signature"], "s3cret") for headers, body in receiver.received
    )
    assert conn.execute("SELECT count(*) FROM notifications").fetchone() == (0,)


def test_the_setting_is_the_url_of_jobs_that_name_none_and_a_cancelled_one_is_notified_by_a_worker(
    shell, worker, conn, eventually
):
    with receiving() as receiver:
        env = {"JOBCTL_NOTIFY_URL": f"{receiver.url}/all"}
        assert shell("submit", "steps", "--delay", "1h", env=env).code == 0
        line = json.dumps({"type": "noop", "notify": f"{receiver.url}/one"})
        assert shell("submit", "-f", "-", stdin=line, env=env).code == 0
        assert shell("cancel", 1).code == 0
        worker(JOBCTL_NOTIFY_PRIVATE="1")
        eventually(lambda: len(receiver.received) == 2)
    assert sorted(body["status"] for body in receiver.bodies) == ["cancelled", "completed"]


def test_a_worker_that_drains_sends_before_it_leaves_and_refuses_private_addresses_by_default(shell, conn):
    with receiving() as receiver:
        shell("submit", "noop", "--notify", receiver.url)
        done = shell("worker", "run", "--drain")
        assert done.code == 0
        assert receiver.received == []
        assert "notify_private" in done.err
        conn.execute("UPDATE notifications SET next_try_at = now() - interval '1 second'")
        shell("submit", "noop", "--notify", receiver.url)
        assert shell("worker", "run", "--drain", env={"JOBCTL_NOTIFY_PRIVATE": "1"}).code == 0
        assert sorted(body["job"]["id"] for body in receiver.bodies) == [1, 2]


def test_an_endpoint_that_hangs_delays_no_job(shell, worker, conn, eventually):
    with receiving(delay=60.0) as receiver:
        worker(JOBCTL_NOTIFY_PRIVATE="1")
        shell("submit", "noop", "--notify", receiver.url)
        eventually(lambda: receiver.received)
        shell("submit", "-f", "-", stdin='{"type": "noop"}\n' * 20)
        eventually(lambda: conn.execute(ENDED).fetchone() == (21,))
        assert conn.execute("SELECT tries FROM notifications").fetchone() == (1,)


def test_the_command_of_the_users_own_file_runs_with_the_event_on_stdin(shell, tmp_path):
    out = tmp_path / "out"
    script = f"import sys; open({str(out)!r}, 'a').write(sys.stdin.read() + '\\n')"
    config = tmp_path / "config" / "jobctl" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f"notify_command = {json.dumps([sys.executable, '-c', script])}\n")
    shell("submit", "steps", "--set", "items=2", "--title", "T")
    shell("submit", "trouble", "--max-retries", "0")
    env = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    done = shell("worker", "run", "--drain", env=env)
    assert done.code == 0, done.err
    events = [json.loads(line) for line in out.read_text().splitlines()]
    assert {event["job"]["id"]: event["kind"] for event in events}[1] == "job_ended"


def test_no_variable_and_no_project_sets_a_command(shell, tmp_path):
    out = tmp_path / "out"
    (tmp_path / ".jobctl.toml").write_text(f'notify_command = ["touch", "{out}"]\nnotify_private = true\n')
    shell("submit", "noop")
    env = {"JOBCTL_NOTIFY_COMMAND": f"touch:{out}"}
    assert shell("worker", "run", "--drain", env=env).code == 0
    assert not out.exists()
    shown = json.loads(shell("config", "show", "--json", env=env).out)
    assert "JOBCTL_NOTIFY_COMMAND" in str(shown) or "notify_command" in str(shown)
    assert "only your own settings file may set notify_command" in shell("doctor", env=env).out


def test_the_secret_is_shown_nowhere_and_reaches_no_handler(shell):
    env = {"JOBCTL_NOTIFY_SECRET": "s3cret-canary"}
    for words in (("config", "show"), ("config", "show", "--json"), ("doctor",)):
        done = shell(*words, env=env)
        assert "s3cret-canary" not in done.out + done.err
    seen = for_children({"notify_secret": "s3cret-canary", "notify_url": "https://x/", "poll": 1.0})
    assert seen == {"notify_url": "https://x/", "poll": 1.0}


@pytest.mark.parametrize("url", ["ftp://x/", "http://u:p@h/", "nonsense"])
def test_a_url_that_cannot_be_notified_is_refused_at_submission(shell, url):
    done = shell("submit", "noop", "--notify", url)
    assert (done.code, "p@h" in done.err) == (2, False)


def test_a_secret_of_the_worker_reaches_a_handler_and_no_row_and_no_log(shell, conn):
    shell("submit", "shell", "--set", "secret=API_KEY")
    done = shell("worker", "run", "--drain", env={"JOBCTL_SECRET_API_KEY": "s3cret-canary"})
    lines = {text for (text,) in conn.execute("SELECT text FROM job_logs")}
    assert {"log ***", "print ***", "program ***"} <= lines
    assert conn.execute(
        "SELECT error_message LIKE '%error ***%' OR last_error LIKE '%error ***%' FROM jobs"
    ).fetchone() == (True,)
    for table in ("jobs", "events", "job_logs", "checkpoints"):
        assert "s3cret-canary" not in str(conn.execute(f"SELECT t::text FROM {table} t").fetchall()), table
    assert "s3cret-canary" not in done.out + done.err


def test_a_program_ends_with_its_cancelled_job(shell, worker, conn, tmp_path, eventually):
    started = tmp_path / "started"
    worker()
    shell("submit", "shell", "--set", f"script=touch {shlex.quote(str(started))}; exec sleep 600")
    eventually(started.exists)
    shell("cancel", 1)
    eventually(lambda: conn.execute("SELECT status FROM jobs").fetchone() == ("cancelled",))

"""A worker shows what it has done, to a real scrape; the queue shows what is in it."""

import json
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from jobctl.cli.commands import metrics as metrics_command
from jobctl.cli.commands.metrics import _Pages
from jobctl.cli.output import queue_metrics
from jobctl.client import Client
from jobctl.core.errors import StoreUnavailable
from jobctl.postgres.queue import Queue
from jobctl.worker.metrics import METRICS
from tests.scrape import address, page, values

OPERATIONS = Path(__file__).parents[2] / "docs" / "OPERATIONS.md"
SETTLED = 'jobctl_jobs_settled_total{type="%s",status="%s"}'


def scrape(url: str) -> dict[str, float]:
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        text = answer.read().decode()
    assert {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")} == {m.name for m in METRICS}
    return values(text)


def test_a_worker_counts_what_it_settles_and_says_when_it_last_beat(shell, cli, eventually):
    worker = shell.start("worker", "run", "-c", "1", "--metrics", "0", "--name", 'a "b"')
    url = address(worker)
    cli("submit", "-f", "-", stdin='{"type":"noop"}\n' * 3 + '{"type":"trouble","input":{"kind":"invalid"}}\n')
    found = eventually(lambda: (seen := scrape(url + "/metrics")).get(SETTLED % ("trouble", "failed")) and seen)
    assert found[SETTLED % ("noop", "completed")] == 3
    assert found["jobctl_jobs_claimed_total"] == 4
    assert found['jobctl_attempts_failed_total{type="trouble",error_type="invalid"}'] == 1
    assert found['jobctl_job_wait_seconds_count{type="noop"}'] == 3
    assert found['jobctl_job_run_seconds_count{type="noop",status="completed"}'] == 3
    assert (found["jobctl_slots"], found["jobctl_database_away"], found["jobctl_database_errors_total"]) == (1, 0, 0)
    assert 0 <= found["jobctl_seconds_since_beat"] < 30
    assert found['jobctl_info{version="0.1.0",worker="a \\"b\\""}'] == 1
    assert page(url + "/healthz") == (200, "ok\n")
    assert eventually(lambda: page(url + "/readyz")[0] == 200)
    assert page(url + "/nothing") == (404, "pages: /metrics, /healthz, /readyz\n")
    taken = cli("worker", "run", "--metrics", url.rpartition(":")[2])
    assert (taken.code, taken.out) == (5, "")
    assert "Choose another address" in taken.err


def test_the_queue_is_counted_by_type_and_state(cli, conn):
    cli("submit", "noop", "--queue", "q")
    cli("submit", "noop", "--delay", "1h")
    conn.execute(
        "INSERT INTO jobs (job_type, status, error_type, run_after) VALUES"
        " ('noop', 'failed', 'transient', now()), ('noop', 'paused', NULL, now())"
    )
    conn.execute("UPDATE jobs SET run_after = now() - interval '90 s' WHERE queue = 'q'")
    cli("queue", "pause", "trouble", "--type")
    done = cli("metrics")
    assert done.code == 0
    found = values(done.out)
    assert found['jobctl_queue_jobs{queue="q",type="noop",state="ready"}'] == 1
    assert found['jobctl_queue_jobs{queue="default",type="noop",state="scheduled"}'] == 1
    assert found['jobctl_queue_jobs{queue="default",type="noop",state="paused"}'] == 1
    assert found['jobctl_queue_failed_jobs{queue="default",type="noop",error_type="transient"}'] == 1
    assert 90 <= found['jobctl_queue_oldest_ready_seconds{queue="q",type="noop"}'] < 600
    assert found['jobctl_queue_paused{of="type",name="trouble"}'] == 1
    assert found['jobctl_queue_unserved_type{type="noop"}'] == 1
    assert found['jobctl_queue_workers{state="alive"}'] == found["jobctl_queue_capped"] == 0
    assert found["jobctl_database_up"] == 1


def test_metrics_are_served_until_the_process_is_stopped(shell, cli):
    process = shell.start("metrics", "--serve", "0")
    url = address(process)
    assert values(page(url + "/metrics")[1])["jobctl_database_up"] == 1
    assert page(url + "/readyz") == page(url + "/healthz") == (200, "ok\n")
    assert page(url + "/other")[0] == 404
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as client:
        client.sendall(b"GET /metrics HTTP/1.1\r\n")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # it leaves with a reset
    taken = cli("metrics", "--serve", url.rpartition(":")[2])
    assert (taken.code, taken.out) == (5, "")
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) in (143, -signal.SIGTERM)
    assert process.stderr.read() == ""


def test_a_database_that_is_away_is_a_value_and_not_an_error_of_the_scrape():
    def away():
        raise StoreUnavailable("the database can't be reached")

    pages = _Pages(Client(Queue(away), storage=lambda: None, load=lambda _: None))
    assert (pages.metrics().status, values(pages.metrics().body)) == (200, {"jobctl_database_up": 0})
    assert (pages.ready().status, pages.ready().body) == (503, "the database can't be reached\n")


def test_a_database_that_does_not_answer_delays_no_scrape_and_is_asked_once(monkeypatch):
    answers, asked = threading.Event(), []

    def hang():
        asked.append(True)
        answers.wait()
        raise StoreUnavailable("late")

    monkeypatch.setattr(metrics_command, "ANSWERS_WITHIN", 0.05)
    pages = _Pages(Client(Queue(hang), storage=lambda: None, load=lambda _: None))
    assert [values(pages.metrics().body) for _ in range(3)] == [{"jobctl_database_up": 0}] * 3
    assert (pages.ready().status, pages.ready().body) == (503, "the database has not answered within 0.05 s\n")
    assert asked == [True]
    answers.set()


def test_metrics_that_are_printed_say_that_the_database_is_away(cli, monkeypatch):
    monkeypatch.setenv("JOBCTL_DATABASE_URL", "postgresql://x@127.0.0.1:1/x")
    monkeypatch.setenv("JOBCTL_DB", "postgresql://x@127.0.0.1:1/x")
    done = cli("metrics")
    assert (done.code, values(done.out)) == (6, {"jobctl_database_up": 0})
    assert "the database can't be reached" in done.err


def test_a_long_queue_hides_no_other(queue, conn):
    conn.execute(
        "INSERT INTO jobs (job_type, status, queue, priority, run_after)"
        " SELECT 'a', 'pending', 'long', n % 5, now() - n * interval '1 s' FROM generate_series(1, 40) n"
    )
    conn.execute(
        "INSERT INTO jobs (job_type, status, queue, run_after) VALUES"
        " ('a', 'pending', 'short', now() - interval '900 s'), ('b', 'pending', 'long', now() + interval '1 h')"
    )
    rows = {(r["queue"], r["job_type"], r["state"]): r for r in queue._run("queue_metrics", cap=30, pairs=9)}
    assert rows["short", "a", "ready"]["jobs"] == 1
    assert 900 <= rows["short", "a", "ready"]["oldest_s"] < 1900
    assert rows["long", "b", "scheduled"]["jobs"] == 1
    assert rows["long", "b", "scheduled"]["oldest_s"] is None
    long = rows["long", "a", "ready"]
    assert (long["jobs"], long["capped"], rows["short", "a", "ready"]["capped"]) == (10, True, False)
    assert 40 <= long["oldest_s"] < 900, "the oldest of all, whatever its priority"


def test_retries_and_rescues_are_counted(cli, conn):
    conn.execute(
        "INSERT INTO jobs (job_type, status, error_type, retry_count, crash_count, next_retry_at, run_after) VALUES"
        " ('a', 'failed', 'transient', 1, 0, now() + interval '1 h', now()),"
        " ('a', 'failed', 'invalid', 0, 0, NULL, now()),"
        " ('a', 'pending', NULL, 2, 1, NULL, now()), ('a', 'paused', NULL, 1, 0, NULL, now())"
    )
    found = values(cli("metrics").out)
    assert found['jobctl_queue_pending_retries{queue="default",type="a"}'] == 1
    assert found['jobctl_queue_retried_jobs{queue="default",type="a"}'] == 2
    assert found['jobctl_queue_rescued_jobs{queue="default",type="a"}'] == 1


@pytest.mark.parametrize(
    "given",
    [
        "é" * 70,
        "é" * 70 + ":1",
        "x" * 70 + ":1",
        "a..b:1",
        ".:1",
        "-a:1",
        "a b:9100",
        "host:65536",
        "host:",
        "9100x",
        "[::1:9100",
        "x" * 300 + ":1",
        "::::1",
    ],
)
@pytest.mark.parametrize("words", [("metrics", "--serve"), ("worker", "run", "--metrics")])
def test_what_is_no_address_is_refused(cli, words, given):
    done = cli(*words, given)
    assert done.code == 2, done.err
    assert len(done.err.splitlines()) <= 3


def test_a_line_about_a_job_names_job_type_attempt_and_worker(shell, cli, eventually):
    job = cli("submit", "trouble", "--set", "kind=invalid", "-q").out.strip()
    done = shell("worker", "run", "--drain", "--log-format", "json", "--name", "w1")
    lines = [json.loads(line) for line in done.err.splitlines() if line.startswith("{")]
    assert {line["worker"] for line in lines} == {"w1"}
    (ended,) = [line for line in lines if line.get("job") == int(job)]
    assert (ended["type"], ended["attempt"], ended["status"]) == ("trouble", 1, "failed")


def test_every_metric_is_documented():
    text = OPERATIONS.read_text()
    for metric in (*METRICS, *queue_metrics.METRICS):
        labels = ", ".join(f"`{name}`" for name in metric.labels)
        assert f"| `{metric.name}` | {metric.kind} | {labels} |" in text, metric.name


def problems(text: str) -> list[str]:
    """What the rules for names forbid, https://prometheus.io/docs/practices/naming/, and a page that can't be read."""
    found, kinds, seen = [], {}, set()
    for line in text.splitlines():
        if line.startswith("# HELP "):
            _, _, name, explained = line.split(" ", 3)
            found += [] if explained.strip() else [f"{name} has no help"]
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            kinds[name] = kind
            found += [] if re.fullmatch("jobctl(_[a-z0-9]+)+", name) else [f"{name} is no name"]
            found += [] if name.endswith("_total") == (kind == "counter") else [f"{name} is a {kind}"]
            found += (
                [f"{name} has a unit that is no base unit"]
                if re.search("_(ms|minutes|hours|mb|percent)$", name)
                else []
            )
        elif match := re.fullmatch(r'([a-z0-9_]+)((?:\{(?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)*\})?) ([0-9.e+-]+)', line):
            name = re.sub("_(bucket|sum|count)$", "", match[1])
            found += [] if kinds.get(match[1]) or kinds.get(name) == "histogram" else [f"{match[1]} has no type"]
            found += [f"{match[1]}{match[2]} is there twice"] if match[1] + match[2] in seen else []
            seen.add(match[1] + match[2])
        else:
            found.append(f"can't be read: {line}")
    return found


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        ("# HELP jobctl_a  \n", "jobctl_a has no help"),
        ("# TYPE Jobctl_a gauge\n", "Jobctl_a is no name"),
        ("# TYPE jobctl_a counter\n", "jobctl_a is a counter"),
        ("# TYPE jobctl_a_total gauge\n", "jobctl_a_total is a gauge"),
        ("# TYPE jobctl_wait_ms gauge\n", "jobctl_wait_ms has a unit that is no base unit"),
        ("jobctl_a 1\n", "jobctl_a has no type"),
        ("# TYPE jobctl_a gauge\njobctl_a 1\njobctl_a 1\n", "jobctl_a is there twice"),
        ('# TYPE jobctl_a gauge\njobctl_a{b="c"d"} 1\n', 'can\'t be read: jobctl_a{b="c"d"} 1'),
    ],
)
def test_the_parser_of_these_tests_knows_the_rules(page, problem):
    assert problems(page) == [problem]


def test_the_names_of_metrics_follow_the_rules_of_prometheus(shell, cli, eventually):
    cli("submit", "noop")
    worker = shell.start("worker", "run", "-c", "1", "--metrics", "0")
    url = address(worker)
    eventually(lambda: scrape(url + "/metrics").get(SETTLED % ("noop", "completed")))
    cli("submit", "noop", "--queue", 'a "b"')
    for text in (page(url + "/metrics")[1], cli("metrics").out, queue_metrics.without_database()):
        assert problems(text) == []
        if not shutil.which("promtool"):  # Debian's package prometheus
            continue
        checked = subprocess.run(
            ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False
        )
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")

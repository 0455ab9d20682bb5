"""What handlers print, log and report, end to end: nothing of the newest is lost, however much it is."""

import json

import pytest

BOUND = 5_000


def submit(shell, **values: object) -> int:
    done = shell("submit", "talks", *(word for k, v in values.items() for word in ("--set", f"{k}={v}")))
    assert done.code == 0, done.err
    return int(done.out)


def lines(shell, job_id: int) -> list[str]:
    return [json.loads(line)["text"] for line in shell("logs", job_id, "-o", "ndjson").out.splitlines()]


@pytest.mark.parametrize("kind", ["print", "log", "logging", "characters"])
def test_the_newest_lines_of_a_flood_are_kept_in_order(shell, conn, kind):
    count = 2_000 if kind == "characters" else 30_000
    job_id = submit(shell, kind=kind, size=count)
    done = shell("worker", "run", "--drain", "-c", 1)
    assert done.code == 0, done.err
    numbers = [int(text.rpartition(" ")[2]) for text in lines(shell, job_id)]
    if kind == "characters":
        assert numbers == [0] * count
    else:
        assert numbers == list(range(count - BOUND, count))


def test_lines_of_processes_that_a_handler_forks_arrive_whole(shell):
    job_id = submit(shell, kind="processes", size=500)
    done = shell("worker", "run", "--drain", "-c", 1)
    assert done.code == 0, done.err
    assert sorted(lines(shell, job_id)) == sorted(f"from process {number}" for number in range(500))
    assert json.loads(shell("show", job_id, "--json").out)["status"] == "completed"


def test_a_line_before_a_long_silence_is_shown_at_once(shell, conn, eventually):
    submit(shell, kind="silence")
    worker = shell.start("worker", "run", "-c", 1)
    seen = "SELECT array_agg(text ORDER BY id) FROM job_logs"
    assert eventually(lambda: conn.execute(seen).fetchone()[0]) == ["first", "second"]
    assert shell("cancel", 1, "--wait", "--timeout", "30s").code == 0
    worker.terminate()
    worker.wait(20)

"""queue limit and queue limits: what is set, replaced and removed from the shell, and what is refused."""

import json

import pytest


def test_a_limit_is_set_replaced_listed_and_removed(cli):
    assert cli("queue", "limits").err == "no limit is set\n"
    done = cli("queue", "limit", "mail", "--running", 4, "--rate", "60/m")
    assert (done.code, done.out) == (0, "queue mail: 4 running, 1/s started\n")
    cli("queue", "limit", "render", "--type", "--running", 1)
    assert cli("queue", "limit", "mail", "--weight", 3).out == "queue mail: weight 3\n"
    lines = cli("queue", "limits").out.splitlines()
    assert [line.split()[:4] for line in lines[1:]] == [
        ["queue", "mail", "weight", "3"],
        ["type", "render", "1", "running"],
    ]
    listed = json.loads(cli("queue", "limits", "-o", "json").out)
    assert [(one["kind"], one["name"], one["max_running"], one["weight"]) for one in listed["limits"]] == [
        ("queue", "mail", None, 3), ("type", "render", 1, None),
    ]  # fmt: skip
    assert cli("queue", "limit", "mail", "--none").out == "queue mail is limited no longer\n"
    assert cli("queue", "limit", "mail", "--none").out == "queue mail has no limit\n"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("q",), "give --running, --rate or --weight, or --none"),
        (("q", "--running", "2", "--none"), "give --running, --rate or --weight, or --none"),
        (("q", "--running", "0"), "0 is not in the range"),
        (("q", "--rate", "often"), "'often' is not a rate: use 5/s, 60/m, 1000/h or 10/d"),
        (("q", "--rate", "0/s"), "is not a rate"),
        (("q", "--weight", "1001"), "is not in the range"),
        (("q", "--type", "--weight", "2"), "a job type has no --weight"),
    ],
)
def test_what_is_no_limit_is_refused(cli, words, reason):
    done = cli("queue", "limit", *words)
    assert done.code == 2
    assert reason in done.err


def test_workers_keep_to_a_limit_and_finish_what_it_held_back(shell, cli, conn):
    cli("queue", "limit", "default", "--running", 1)
    cli("submit", "-f", "-", stdin='{"type":"noop"}\n' * 30)
    workers = [shell.start("worker", "run", "-c", "2", "--drain", "--poll", "0.05s") for _ in range(2)]
    assert [worker.wait(120) for worker in workers] == [0, 0]
    assert conn.execute("SELECT count(*) FROM jobs WHERE status = 'completed'").fetchone() == (30,)
    overlapping = """
        SELECT count(*) FROM jobs a JOIN jobs b ON a.id < b.id
        AND a.attempt_started_at < b.completed_at AND b.attempt_started_at < a.completed_at
    """
    assert conn.execute(overlapping).fetchone() == (0,)


def test_a_worker_declares_the_limits_of_its_types(shell, cli):
    cli("submit", "single")
    assert shell("worker", "run", "--drain", "--type", "single").code == 0
    (declared,) = json.loads(cli("queue", "limits", "-o", "json").out)["limits"]
    assert (declared["kind"], declared["name"], declared["max_running"], declared["declared"]) == (
        "type",
        "single",
        1,
        True,
    )
    assert "its code" in cli("queue", "limits").out

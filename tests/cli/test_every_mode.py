"""In every mode a command prints its document: with -q too, with nothing to do too."""

import json

import pytest

from tests.cli.test_hostile_arguments import commands

TEXTS = ("completion", "help", "metrics", "db dump", "db sql", "db roles", "result")
"""What these print is a script, a page, a dump or a result in every mode."""
ELSEWHERE = ("worker run", "torture", "db start", "db stop", "db downgrade", "db load", "watch")
"""Runs of their own, or of an embedded server: tested where those are."""
WORDS = {
    "submit": ("noop",), "wait": ("1", "--for", "pending"), "logs": ("1",), "queue pause": ("q",), "queue resume": ("q",),
    "worker drain": ("w",), "search": ("word",), "retry": ("--due",), "verify": (), "stats": (), "why": ("1",), "show": ("1",),
    **dict.fromkeys(("pause", "resume", "restart", "cancel", "delete"), ("1", "--dry-run")),
    "queue limit": ("q", "--running", "2"), "edit": ("1", "--priority", "low"), "schedule add": ("weekly", "noop", "--every", "7d"),
    **dict.fromkeys((f"schedule {verb}" for verb in ("show", "pause", "resume", "remove", "run-now")), ("nightly",)),
}  # fmt: skip


@pytest.fixture
def filled(cli, conn):
    """A job, a worker, and something in each list."""
    cli("submit", "noop", "--delay", "1h")
    cli("schedule", "add", "nightly", "noop", "--every", "1d")
    conn.execute("INSERT INTO workers (name, host, pid, version, capacity) VALUES ('w', 'h', 1, '0', 1)")
    return cli


@pytest.mark.parametrize("mode", ["json", "ndjson"])
@pytest.mark.parametrize("quiet", [(), ("-q",)], ids=["loud", "quiet"])
@pytest.mark.parametrize("path", [p for p in commands() if p not in (*TEXTS, *ELSEWHERE)])
def test_json_is_printed_and_parses(filled, path, quiet, mode):
    done = filled(*path.split(), *WORDS.get(path, ()), "-o", mode, *quiet)
    documents = [json.loads(line) for line in done.out.splitlines()]
    assert done.code in (0, 4, 5), done.err
    if mode == "json":
        assert len(documents) == 1
        assert documents[0]["v"] == 1
        assert documents[0]["kind"]


def test_a_sweep_that_finds_another_at_work_prints_its_document(cli, tmp_path):
    import fcntl

    with (tmp_path / "lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        done = cli("retry", "--due", "--lock", tmp_path / "lock", "-q", "-o", "json")
    assert json.loads(done.out) == {
        "v": 1,
        "kind": "sweep",
        "requeued": [],
        "rescued": [],
        "expired": [],
        "submitted": [],
        "dry_run": False,
        "locked": True,
    }


def test_a_sweep_prints_what_it_did_in_every_mode(cli, conn):
    conn.execute(
        "INSERT INTO jobs (job_type, status, error_type, next_retry_at) VALUES ('noop', 'failed', 'transient', now())"
    )
    for mode in ("csv", "tsv", "id", "table"):
        done = cli("retry", "--due", "--dry-run", "-o", mode, *(["-q"] if mode != "table" else []))
        assert "1" in done.out, mode

"""The commands of a person and of a worker whose logins have a role each, against the same sql/*.sql as the owner's."""

import json

import pytest

from tests.postgres.role_logins import logins_of


@pytest.fixture
def logins(conn, database_url):
    with logins_of(conn, database_url) as logins:
        yield logins


@pytest.fixture
def as_(cli, logins, monkeypatch):
    """Commands as one of the logins."""

    def call(who, *words, **more):
        monkeypatch.setenv("JOBCTL_DATABASE_URL", logins.url(who))
        return cli(*words, **more)

    return call


def test_the_commands_of_a_submitter_work_on_its_own_jobs(as_, logins, tmp_path):
    done = as_("ann", "submit", "noop", "--title", "Dune", "--key", "k", "--label", "l=1")
    assert (done.code, done.out) == (0, "1\n"), done.err
    lines = '{"type": "noop", "title": "Emma"}\n{"type": "noop", "after": [1]}\n'
    assert as_("ann", "submit", "-f", "-", stdin=lines).out == "2\n3\n"
    assert as_("ann", "submit", "noop", "--dry-run").code == 0
    assert as_("ann", "submit", "noop", "--key", "k", "--on-conflict", "error").code == 4
    assert "Dune" in as_("ann", "list").out
    assert json.loads(as_("ann", "show", "@last", "--json").out)["created_by"] == logins.name("ann")
    for words, shown in (
        (("show", "1"), "Dune"), (("show", "1", "--events"), logins.name("ann")), (("why", "1"), "worker"), (("why", "3"), "Waiting for"),
        (("logs", "1"), ""), (("stats",), "pending"), (("queue", "list"), ""), (("worker", "list"), ""), (("db", "current"), ""),
        (("pause", "1", "--reason", "later"), "paused"), (("resume", "1"), "resumed"), (("pause", "1", "--dry-run"), "would pause"),
        (("cancel", "2", "-y"), "cancelled"), (("retry", "2"), "queued"), (("cancel", "2", "-y"), "cancelled"),
        (("restart", "2", "-y"), "queued"), (("cancel", "2", "-y"), "cancelled"), (("delete", "2", "-y"), "deleted"),
        (("list", "--json"), "Dune"),
    ):  # fmt: skip
        done = as_("ann", *words)
        assert done.code == 0, (words, done.out, done.err)
        assert shown in done.out + done.err, (words, done.out, done.err)


def test_a_job_of_another_is_no_job_for_any_command(as_):
    as_("ann", "submit", "noop", "--title", "Dune", "--key", "k")
    before = as_("ann", "show", "1", "--json").out
    assert "Dune" not in as_("bob", "list", "--json").out
    for words in (
        ("show", "1"), ("why", "1"), ("logs", "1"), ("wait", "1", "--timeout", "0s"), ("watch", "1", "--once"), ("pause", "1"), ("resume", "1"),
        ("cancel", "1", "-y"), ("retry", "1"), ("restart", "1", "-y"), ("delete", "1", "-y"), ("submit", "noop", "--after", "1"), ("show", "@last"),
    ):  # fmt: skip
        done = as_("bob", *words)
        assert done.code in (2, 3), (words, done)
        assert "Dune" not in done.out + done.err
    old, new = json.loads(before), json.loads(as_("ann", "show", "1", "--json").out)
    assert {k: v for k, v in old.items() if k != "wait_s"} == {k: v for k, v in new.items() if k != "wait_s"}


@pytest.mark.parametrize(
    "words",
    [
        ("queue", "pause", "default"), ("queue", "resume", "default"), ("worker", "drain", "w"), ("prune",), ("retry", "--due"),
        ("db", "dump", "-y", "all.jobctl"), ("db", "downgrade", "base", "-y"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_commands_for_the_whole_database_are_refused_with_the_way_out(as_, words):
    done = as_("ann", *words)
    assert done.code == 5, done
    assert "permission denied" in done.err
    assert "Traceback" not in done.err


def test_a_submitter_cannot_run_a_worker(shell, logins):
    done = shell("worker", "run", "--drain", env={"JOBCTL_DATABASE_URL": logins.url("ann")})
    assert done.code == 5, done
    assert "permission denied" in done.err


def test_a_worker_with_its_role_alone_completes_jobs_and_their_follow_up_work(shell, logins, conn):
    ann = {"JOBCTL_DATABASE_URL": logins.url("ann")}
    assert shell("submit", "-f", "-", stdin='{"type":"steps"}\n{"type":"noop"}\n', env=ann).out == "1\n2\n"
    done = shell("worker", "run", "--drain", env={"JOBCTL_DATABASE_URL": logins.url("wim")})
    assert done.code == 0, done.err
    assert shell("wait", "1", "2", env=ann).code == 0
    assert shell("logs", "1", env=ann).code == 0
    actors = {actor for (actor,) in conn.execute("SELECT DISTINCT actor FROM events")}
    assert logins.name("ann") in actors
    assert all(actor in ("", logins.name("ann")) or actor.startswith("worker:") for actor in actors)


def test_a_reader_looks_and_changes_nothing(as_):
    as_("ann", "submit", "noop", "--title", "Dune")
    assert "Dune" in as_("rea", "list").out
    assert as_("rea", "show", "1").code == 0
    for words in (("pause", "1"), ("cancel", "1", "-y"), ("submit", "noop"), ("queue", "pause", "default")):
        assert as_("rea", *words).code == 5, words


def test_a_librarian_searches_and_sees_no_job(as_):
    as_("ann", "submit", "noop", "--title", "Dune")
    for words in (("search", "light"), ("connections",), ("review",)):
        done = as_("lib", *words)
        assert done.code == 0, (words, done)
    assert as_("lib", "list").code == 5
    assert as_("ann", "search", "light").code == 5

"""Rules of the command line, one by one: fields, ids, help, exit codes, the cache of completion, stats."""

import json
from pathlib import Path

import pytest

from jobctl.cli import exits
from jobctl.cli.app import State
from jobctl.cli.output.fields import JOB_FIELDS
from jobctl.cli.registry import COMMANDS, GROUPS
from jobctl.cli.watching.events import Stream
from jobctl.cli.watching.source import Source
from jobctl.core.errors import StoreUnavailable
from jobctl.core.lifecycle import Status
from tests.cli.make import job, running
from tests.cli.test_shapes import holds
from tests.cli.test_views import Client

ROOT = Path(__file__).parents[2]


# -- lists, fields, ids ----------------------------------------------------------------------------------------------


def test_a_quiet_list_is_ids_for_a_pipe(cli):
    cli("submit", "-f", "-", stdin='{"type":"noop"}\n' * 3)
    ids = cli("list", "-s", "pending", "-q").out
    assert ids == "3\n2\n1\n"
    assert cli("pause", "-", stdin=ids).out == "job 3: paused\njob 2: paused\njob 1: paused\n"


@pytest.mark.parametrize("mode", ["table", "json", "ndjson", "csv", "tsv"])
def test_fields_are_the_same_in_every_mode(cli, mode):
    cli("submit", "noop", "--title", "Dune", "--label", "a=b")
    told = cli("list", "-o", mode, "--fields", "id, status,progress.percent,labels.a").out
    values = {
        "table": "ID  STATUS   PROGRESS.PERCENT  LABELS.A\n1   pending  0.0               b\n",
        "json": None,
        "ndjson": '{"id": 1, "status": "pending", "progress.percent": 0.0, "labels.a": "b"}\n',
        "csv": "id,status,progress.percent,labels.a\n1,pending,0.0,b\n",
        "tsv": "id\tstatus\tprogress.percent\tlabels.a\n1\tpending\t0.0\tb\n",
    }[mode]
    if mode == "json":
        assert json.loads(told)["jobs"] == [{"id": 1, "status": "pending", "progress.percent": 0.0, "labels.a": "b"}]
    else:
        assert told == values


def test_an_unknown_field_is_an_error_even_where_there_is_no_job(cli):
    for words in (["list"], ["list", "-o", "csv"], ["show", "1"]):
        done = cli(*words, "--fields", "progress.precent")
        assert (done.code, done.out) == (2, "")
        assert "Did you mean progress.percent?" in done.err
    assert cli("list", "--fields", "help").out.split() == list(JOB_FIELDS)
    assert "output" in cli("show", "1", "--fields", "help").out.split()


def test_show_gives_what_is_there_and_names_what_is_not(cli):
    cli("submit", "-f", "-", stdin='{"type":"noop"}\n' * 2)
    done = cli("show", 1, 98, 2, 99, "-o", "tsv", "--fields", "id,input", "--no-header")
    assert (done.code, done.out) == (3, "1\t{}\n2\t{}\n")
    assert "no such job: 98, 99" in done.err
    assert cli("show", "-s", "pending", "-o", "id").out == "1\n2\n"
    assert json.loads(cli("show", 1, "--json", "--fields", "id,events").out)["events"][0]["kind"] == "submit"


def test_a_cut_list_says_how_many_there_are(cli):
    cli("submit", "-f", "-", stdin='{"type":"noop"}\n' * 7)
    done = cli("list", "-n", 3)
    assert len(done.out.splitlines()) == 4
    assert done.err == "3 of 7 jobs; -n 0 shows all\n"
    told = json.loads(cli("list", "-n", 3, "--json").out)
    assert (told["count"], told["total"], told["truncated"]) == (3, 7, True)
    assert len(cli("list", "-n", 0, "-o", "csv", "--fields", "id").out.splitlines()) == 8


@pytest.mark.parametrize("order", ["id", "updated", "priority", "type", "status", "title"])
def test_lists_are_sorted_as_asked(cli, order):
    cli("submit", "-f", "-", stdin='{"type":"noop","title":"b","priority":"high"}\n{"type":"steps","title":"a"}\n')
    cli("pause", 1)
    first = cli("list", "--sort", order, "-o", "id").out.split()[0]
    assert first == {"id": "2", "updated": "1", "priority": "1", "type": "1", "status": "1", "title": "2"}[order]


def test_a_log_that_is_followed_ends_with_the_outcome_of_its_job(cli):
    cli("submit", "noop")
    cli("cancel", 1)
    assert cli("logs", 1, "-f").code == 11
    assert cli("logs", 1).code == 0


@pytest.mark.parametrize(
    ("line", "says", "code"),
    [
        ('{"type":"stpes"}', "line 3: unknown job type: stpes", 2), ('{"type":"noop","delay":"x"}', "line 3: delay should be", 2),
        ("[1]", "line 3: no type", 2), ('{"type":"noop","labels":[1]}', "labels should be dict", 2),
        ('{"type":"noop","queue":true}', "queue should be str", 2), ('{"type":"noop","prio":1}', "unknown field 'prio'", 2),
        ('{"type":"noop","priority":"urgent"}', "unknown priority", 2), ('{"type":"steps","input":{"items":"x"}}', "line 3: steps: items", 2),
        ('{"type":"noop","after":["x"]}', "is not a job id", 2), ('{"type":"noop","after":[99]}', "no such job: 99", 3),
        ("{", "is not JSON", 2), ('{"type":"noop","delay":1e400}', "invalid delay: inf", 2), ('{"type":"noop","delay":-5}', "invalid delay: -5s", 2),
        ('{"type":"noop","max_retries":-4}', "invalid number of retries: -4", 2), ("\x00", "is not JSON", 2),
    ],
)  # fmt: skip
def test_a_bad_line_among_good_ones_is_named_and_none_is_created(cli, conn, line, says, code):
    done = cli("submit", "-f", "-", stdin=f'{{"type":"noop"}}\n\n{line}\n{{"type":"noop"}}\n')
    assert (done.code, done.out) == (code, "")
    assert says in done.err
    assert len(done.err.splitlines()) <= 3
    assert conn.execute("SELECT count(*) FROM jobs").fetchone() == (0,)


def test_many_jobs_go_in_as_one_whatever_comes_late(cli, conn):
    lines = '{"type":"noop"}\n' * 2500
    assert cli("submit", "-f", "-", stdin=f'{lines}{{"type":"nope"}}\n').code == 2
    assert conn.execute("SELECT count(*) FROM jobs").fetchone() == (0,)
    assert cli("submit", "-f", "-", "--dry-run", stdin=lines).err == "dry run: would create 2,500 jobs\n"
    assert conn.execute("SELECT count(*) FROM jobs").fetchone() == (0,)
    ids = cli("submit", "-f", "-", stdin=lines).out.split()
    assert ids == sorted(ids, key=int)
    assert conn.execute("SELECT count(*) FROM jobs").fetchone() == (2500,)


# -- help, exit codes ------------------------------------------------------------------------------------------------


def test_help_without_a_command_is_the_whole_picture_and_no_success(cli):
    done = cli()
    assert (done.code, done.out) == (2, "")
    for group, commands in GROUPS.items():
        assert f"\n{group}:\n" in done.err
        assert all(f"\n  {name} " in done.err for name in commands)
    assert cli("--help").out == done.err
    assert cli("help").out == done.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["submit", "process_document"], "chunk_size"), (["db", "upgrade"], "Usage: jobctl db upgrade"),
        (["exit-codes"], "   20  the awaited status can no longer be reached"), (["json"], "  checkpoint.sha256"),
        (["selectors"], "@last"), (["settings"], ".jobctl.toml"), (["worker"], "drain"),
    ],
)  # fmt: skip
def test_help_knows_commands_types_and_topics(cli, words, says):
    done = cli("help", *words)
    assert (done.code, done.err) == (0, "")
    assert says in done.out


def test_unknown_words_are_answered_with_the_known_ones(cli):
    assert "exit-codes" not in cli("help", "nope").out
    assert cli("help", "nope").code == cli("help", "db", "nope").code == 2
    assert "Did you mean upgrade?" in cli("db", "upgrad").err
    assert "Did you mean" in cli("list", "--statsu", "x").err


def test_every_help_begins_with_usage_and_has_examples_where_a_stranger_needs_one(cli):
    for name in ("submit", "list", "show", "watch", "wait", "logs", "stats", "why", "help"):
        told = cli(name, "--help").out
        assert told.index("Usage") < told.index("Examples:") < told.index("Options:") < told.index("Everywhere"), name


def test_the_exit_codes_are_those_of_the_manual(cli):
    page = (ROOT / "README.md").read_text() + (ROOT / "docs" / "jobctl.1").read_text()
    for code, words in exits.MEANINGS:
        assert str(code) in page
        assert words.split(",")[0].replace("-", "\\-") in page or words in page, words
    assert set(exits.OF_ERRORS.values()) <= {code for code, _ in exits.MEANINGS}
    assert exits.of_error(KeyError("x")) == 1


# -- the cache of completion -----------------------------------------------------------------------------------------


def test_what_is_offered_at_a_tab_follows_what_was_done(cli, shell):
    def offered() -> dict[str, str]:
        lines = (shell.home / "cache" / "ids").read_text().splitlines()
        return {line.split("\t")[0]: line.split("\t")[1] for line in lines}

    cli("submit", "-f", "-", stdin='{"type":"noop","title":"A"}\n{"type":"noop","title":"B"}\n')
    assert offered() == {"2": "pause,cancel", "1": "pause,cancel"}
    cli("pause", 1)
    assert offered()["1"] == "resume,cancel"
    cli("list")
    assert offered() == {"2": "pause,cancel", "1": "resume,cancel"}
    cli("cancel", 1, "--dry-run")
    assert "resume" in offered()["1"]
    cli("cancel", 1)
    cli("delete", 1)
    assert offered() == {"2": "pause,cancel"}
    assert oct((shell.home / "cache" / "ids").stat().st_mode)[-3:] == "600"


def test_a_cache_that_cannot_be_written_harms_nothing(cli, monkeypatch):
    monkeypatch.setenv("JOBCTL_HOME", "/proc/nowhere")
    assert cli("submit", "noop").code == 0
    assert cli("pause", 1).out == "job 1: paused\n"


# -- events ----------------------------------------------------------------------------------------------------------


def streamed(capsys, *pictures) -> list[dict]:
    """What a stream tells of a row of pictures."""
    state = State()
    state.client = Client(*pictures)
    source = Source(state, None, {})
    held = Stream(source, None)
    source.poll()
    held._print_rows(source.jobs)
    for place in range(1, len(pictures)):
        state.client.pictures = [pictures[place]]
        held._print_rows(source.poll())
    return [holds("event", line) for line in capsys.readouterr().out.splitlines()]


def test_events_say_what_changed_and_that_the_database_was_away(capsys):
    gone = StoreUnavailable("gone")
    failed = job(1, Status.FAILED, error_message="no", next_retry_at=job(1).now)
    told = streamed(capsys, [running(1), job(2)], [failed, job(2)], gone, gone, [failed])
    assert [(e["event"], e.get("id")) for e in told] == [
        ("job", 1), ("job", 2), ("status", 1), ("retry_scheduled", 1), ("reconnect", None), ("reconnect", None),
        ("resync", None), ("job", 1),
    ]  # fmt: skip
    assert [e["seq"] for e in told] == list(range(8))
    assert (told[2]["from"], told[2]["to"], told[2]["reason"]) == ("processing", "failed", "no")


def test_a_job_that_is_deleted_and_a_worker_that_falls_silent_are_told(capsys):
    told = streamed(capsys, [running(1), job(2)], [running(1, silent=60.0)], [running(1)])
    assert [(e["event"], e.get("id")) for e in told[2:]] == [("stale", 1), ("gone", 2), ("alive", 1)]


# -- stats -----------------------------------------------------------------------------------------------------------


def test_stats_count_time_and_draw(cli, conn):
    cli("submit", "-f", "-", stdin='{"type":"noop","queue":"q"}\n' * 3 + '{"type":"steps"}\n')
    conn.execute("SET session_replication_role = replica")
    for job_id, seconds in ((1, 0.05), (2, 5), (3, 4000)):
        conn.execute(
            "UPDATE jobs SET status = 'completed', created_at = now() - interval '3 hours', "
            "started_at = now() - interval '150 minutes', completed_at = now() - interval '150 minutes' + %s * interval '1 second', "
            "run_s = %s WHERE id = %s",
            (seconds, seconds, job_id),
        )
    conn.execute("SET session_replication_role = origin")
    told = json.loads(cli("stats", "--json").out)
    assert (told["counts"]["completed"], told["counts"]["pending"]) == (3, 1)
    assert {name: count for name, count in told["run_s"].items() if count} == {
        "up to 0.1s": 1,
        "1 to 10s": 1,
        "1 to 6h": 1,
    }
    assert told["ended_by_hour"][-3:] == [2, 1, 0]
    assert told["by_type"][0]["run_s"][0] == pytest.approx(5, abs=0.1)
    page = cli("stats", "--ascii").out
    assert "completed           3 ##############################" in page
    assert "ended in each of the last 24 hours" in page
    assert cli("stats", "-t", "steps", "--json").out.count('"completed": 0') == 1
    assert json.loads(cli("stats", "--queue", "q", "--json").out)["counts"]["pending"] == 0
    crossed = cli("stats", "-q", "--fail-over", "completed>2")
    assert (crossed.code, crossed.out, crossed.err) == (12, "", "threshold crossed: completed>2\n")
    assert cli("stats", "-q", "--fail-over", "completed>3").code == 0


def test_every_command_is_in_one_group_only():
    assert sum(map(len, GROUPS.values())) == len(COMMANDS)


# -- doctor ----------------------------------------------------------------------------------------------------------


def diagnosed(cli, *words: str) -> dict[str, dict]:
    return {check["id"]: check for check in json.loads(cli(*words, "doctor", "--json").out)["checks"]}


def test_the_doctor_finds_nothing_where_nothing_is(cli):
    done = cli("doctor")
    assert done.code == 0
    assert [line.split()[0] for line in done.out.splitlines()] == ["ok"] * 13
    assert "arrive" in diagnosed(cli)["hints"]["detail"]


def test_the_doctor_notes_what_somebody_should_look_at(cli, conn):
    cli("submit", "noop")
    assert (diagnosed(cli)["workers"]["note"], diagnosed(cli)["workers"]["hint"]) == (True, "jobctl worker run")
    cli("queue", "pause", "slow")
    assert "queue slow" in diagnosed(cli)["queue"]["detail"]
    conn.execute("SET session_replication_role = replica")
    conn.execute(
        "UPDATE jobs SET status = 'processing', lease_id = gen_random_uuid(), lease_expires_at = now() - interval '1 minute'"
    )
    conn.execute("SET session_replication_role = origin")
    assert "1 job whose lease ran out" in diagnosed(cli)["queue"]["detail"]
    assert cli("doctor").code == 0


def test_the_doctor_says_what_is_broken_with_the_code_of_it(cli, tmp_path, monkeypatch):
    gone = cli("--db", "postgresql://nobody:secret@127.0.0.1:1/x", "doctor")
    assert gone.code == 6
    assert "BAD   database" in gone.out
    assert "secret" not in gone.out + gone.err
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("JOBCTL_STORAGE", str(tmp_path / "file" / "x"))
    assert cli("doctor").code == 6
    assert not diagnosed(cli)["storage"]["ok"]

"""The command line as strangers, scripts and cron meet it."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jobctl.cli.registry import COMMANDS
from jobctl.postgres import revision
from tests.documents.make import epub, pdf

DATA = Path(__file__).parents[1] / "data"
HOT = [
    ["list"],
    ["show", "1"],
    ["pause", "1"],
    ["resume", "1"],
    ["cancel", "1"],
    ["retry", "1"],
    ["retry", "--due"],
    ["wait", "1"],
    ["why", "1"],
]


def test_a_file_is_processed_by_one_command_and_can_be_searched(shell):
    done = shell("submit", DATA / "lighthouse.md", "--run")
    assert (done.code, done.out) == (0, "1\n"), done.err
    assert "Processing: lighthouse.md" in done.err
    found = shell("search", "what happens when the keeper is ill", "-o", "json")
    hits = json.loads(found.out)["hits"]
    assert "neighbour rows over" in hits[0]["text"]
    assert hits[0]["heading_path"] == ["The Keeper of Skerry Light", "The keeper's log"]


@pytest.mark.parametrize(
    "name", ["project-history.en.pdf", "project-history.en.epub", "project-history.ja.pdf", "lighthouse.md"]
)
def test_every_chunk_is_exactly_its_range_of_the_stored_text(shell, conn, name):
    assert shell("submit", DATA / name, "--run", "-q").code == 0
    key = conn.execute("SELECT markdown_key FROM documents").fetchone()[0]
    text = (shell.home / "storage" / key).read_text()
    rows = conn.execute("SELECT text, start_offset, end_offset FROM chunks ORDER BY index").fetchall()
    assert len(rows) > 2
    assert all(text[start:end] == chunk for chunk, start, end in rows)


def test_the_right_passage_comes_first_for_a_handful_of_questions(shell):
    shell("submit", DATA / "project-history.en.pdf", DATA / "lighthouse.md", "--run", "-q")
    for question, words in (
        ("who founded the Debian project", "Ian Murdock"),
        ("how is the horn blown in fog", "two long tones"),
        ("how many steps does the tower have", "one hundred and ninety-six"),
        ("pronunciation of the name", "deb ee n"),
        ("which release was called buzz", "Buzz"),
    ):
        hits = json.loads(shell("search", question, "-o", "json", "-k", 3).out)["hits"]
        assert (
            words.lower()
            in " ".join(hit["text"] for hit in hits[: 1 if "fog" in question or "steps" in question else 3]).lower()
        ), question


def test_the_same_file_again_is_recognised(shell, conn):
    shell("submit", DATA / "lighthouse.md", "--run", "-q")
    before = conn.execute("SELECT id FROM chunks ORDER BY id").fetchall()
    assert shell("submit", DATA / "lighthouse.md", "--run", "-q").code == 0
    assert conn.execute("SELECT count(*) FROM documents").fetchone() == (1,)
    assert conn.execute("SELECT id FROM chunks ORDER BY id").fetchall() == before
    assert json.loads(shell("show", "@last", "--json", "--result").out)["output"]["unchanged"]


def test_two_documents_are_connected(shell, conn):
    shell("submit", DATA / "project-history.en.pdf", DATA / "project-history.en.epub", "--run", "-q")
    rows = json.loads(shell("connections", "-o", "json", "-n", 100).out)["connections"]
    assert len(rows) > 10
    assert all(row["source_document"] != row["target_document"] for row in rows)
    first = rows[0]["id"]
    assert shell("connections", "--validate", "--id", first).code == 0
    shell("submit", "detect_connections", "--set", "document_id=1", "--set", "threshold=0.99", "--run", "-q")
    left = json.loads(shell("connections", "-o", "json", "-n", 1000).out)["connections"]
    assert first in [row["id"] for row in left]


def bad(shell, folder: Path) -> list[tuple[list, str, int]]:
    empty = folder / "empty.md"
    empty.write_bytes(b"")
    nothing = folder / "nothing"
    nothing.mkdir()
    return [
        (["submit", folder / "missing.pdf"], "no such file", 2),
        (["submit", empty], "is empty", 2),
        (["submit", nothing], "no documents in", 2),
        (["submit"], "nothing to submit", 2),
        (["submit", "proces_document"], "Did you mean process_document", 2),
        (["submit", "process_document", "--payload", "{nonsense"], "not JSON", 2),
        (["submit", "process_document", "--payload", "[1]"], "not a JSON object", 2),
        (["submit", "process_document", "--set", "size"], "not FIELD=VALUE", 2),
        (
            ["submit", "process_document", "--set", "path=x", "--set", "chunk_size=5", "--set", "colour=red"],
            "chunk_size: .*colour: no such field",
            2,
        ),
        (["submit", "process_document", "--set", f"path={folder}"], "is a folder", 2),
        (["submit", "steps", "--delay", "soon"], "not a duration", 2),
        (["submit", "steps", "--at", "soon"], "is not a time", 2),
        (["submit", "steps", "--after", "99"], "no such job: 99", 3),
        (["show", "99"], "no such job: 99", 3),
        (["show", "abc"], "is not a job id", 2),
        (["show", "9" * 30], "no such job", 3),
        (["show", "-1"], "No such option|not a job id", 2),
        (["pause"], "which jobs to pause", 2),
        (["pause", "99"], "no such job: 99", 3),
        (["pause", "1", "--status", "failed"], "not both", 2),
        (["cancel", "--status", "pendign"], "unknown status", 2),
        (["list", "--since", "whenever"], "is not a time", 2),
        (["lst"], "Did you mean list", 2),
        (["list", "--fields", "id,statsu", "-o", "json"], "Did you mean status", 2),
        (["wait", "1", "--for", "happy"], "unknown status", 2),
        (["stats", "--fail-over", "x"], "is not STATUS>NUMBER", 2),
        (["--db", "mysql://x", "list"], "not a Postgres URL", 5),
        (["--db", "postgresql://nobody:secret@127.0.0.1:1/x", "list"], "can't be reached", 6),
        (["--config", folder / "none.toml", "list"], "no such configuration file", 5),
        (["@last"], "No such command", 2),
    ]


def test_bad_input_gets_a_clear_error_and_the_right_code_and_loses_nothing(shell, cli, conn, tmp_path):
    cli("submit", "steps")
    for words, message, code in bad(shell, tmp_path):
        done = cli(*words)
        assert done.code == code, (words, done)
        assert re.search(message, done.err), (words, done.err)
        assert len(done.err.strip().splitlines()) <= 3, done.err
        assert "Traceback" not in done.err
        assert "secret" not in done.err
        assert done.out == ""
    assert conn.execute("SELECT count(*) FROM jobs").fetchone() == (1,)


def test_documents_that_cannot_be_read_fail_their_job_with_a_sentence(shell, tmp_path):
    scan = pdf(tmp_path / "scan.pdf", [[], []])
    bomb = epub(tmp_path / "bomb.epub", ["<p>" + "a" * 30_000_000 + "</p>"])
    binary = tmp_path / "binary.md"
    binary.write_bytes(bytes(range(256)) * 10)
    for number, (path, words) in enumerate([(scan, "needs OCR"), (bomb, "bomb"), (binary, "binary data")], 1):
        done = shell("submit", path, "--run")
        assert done.code == 10
        assert words in done.err
        shown = json.loads(shell("show", number, "--json").out)
        assert (shown["status"], shown["error"]["type"], shown["next_retry_at"]) == ("failed", "invalid", None)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_said(shell, tmp_path):
    closed = tmp_path / "closed.md"
    closed.write_text("x")
    closed.chmod(0)
    assert "can't be read" in shell("submit", closed).err


def test_a_storage_that_cannot_be_written_is_said_and_nothing_is_created(shell, conn, tmp_path):
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be")
    done = shell("submit", DATA / "lighthouse.md", env={"JOBCTL_STORAGE": str(blocked / "storage")})
    assert done.code == 6
    assert "storage" in done.err
    assert conn.execute("SELECT count(*) FROM jobs").fetchone() == (0,)


def test_a_hostile_title_drives_nothing(cli):
    title = "a\x1b[31mred\u202e\nline\x07 " + "x" * 10_000
    assert cli("submit", "steps", "--title", title).code == 0
    for words in (
        ["list"],
        ["show", 1],
        ["watch", "--plain", "--timeout", "0.1s"],
        ["list", "-o", "json"],
        ["list", "-o", "tsv"],
    ):
        out = cli(*words).out
        assert not set("\x1b\x07\u202e") & set(out), words
    assert len(json.loads(cli("show", 1, "--json").out)["title"]) == 512


def test_json_is_whole_and_keeps_its_promises(shell):
    shell("submit", "steps", "--label", "team=a", "--priority", "high", "--key", "k")
    listed = json.loads(shell("list", "--json").out)
    assert {k: listed[k] for k in ("v", "kind", "count", "total", "truncated")} == {
        "v": 1,
        "kind": "job_list",
        "count": 1,
        "total": 1,
        "truncated": False,
    }
    job = listed["jobs"][0]
    for key in ["id", "type", "type_label", "title", "display_name", "queue", "priority", "labels", "key", "created_by", "status", "actions", "pause_requested", "cancel_requested", "alive", "heartbeat_age_s", "worker", "progress", "retry_count", "max_retries", "next_retry_at", "crash_count", "resume_count", "error", "checkpoint", "pause_reason", "paused_at", "resumed_at", "created_at", "run_after", "started_at", "completed_at", "updated_at", "wait_s", "run_s"]:  # fmt: skip
        assert key in job
    assert (job["priority"], job["labels"], job["key"], job["actions"]) == (
        "high",
        {"team": "a"},
        "k",
        ["pause", "cancel"],
    )
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", job["created_at"])
    assert json.loads(shell("list", "-o", "ndjson", "--fields", "id,progress.percent").out) == {
        "id": 1,
        "progress.percent": 0.0,
    }
    assert shell("list", "-o", "id").out == "1\n"
    assert shell("list", "-o", "csv", "--fields", "id,status").out == "id,status\n1,pending\n"


def test_globals_stand_before_or_after_the_command(cli):
    cli("submit", "steps")
    assert cli("-o", "id", "list").out == cli("list", "-o", "id").out == "1\n"


def test_answers_are_done_requested_unchanged_or_refused(cli):
    cli("submit", "steps")
    assert cli("pause", 1).out == "job 1: paused\n"
    assert cli("pause", 1).out == "job 1: already paused\n"
    assert cli("resume", 1, "--dry-run").out == "dry run: would resume job 1\n"
    assert cli("resume", 1).out == "job 1: resumed\n"
    assert cli("cancel", 1, "--reason", "enough").code == 0
    refused = cli("pause", 1)
    assert refused.code == 4
    assert "cannot pause job 1: already cancelled" in refused.err
    assert "jobctl retry 1 or jobctl restart 1 or jobctl delete 1" in refused.err
    both = cli("cancel", 1, 99)
    assert both.code == 3
    assert "no such job: 99" in both.err
    assert cli("delete", 1).out == "job 1: deleted\n"


def test_selectors_ask_before_they_act_on_many(cli):
    cli("submit", "-f", "-", stdin='{"type":"steps"}\n{"type":"noop"}\n{"type":"steps","title":"Dune"}\n')
    asked = cli("cancel", "-t", "steps")
    assert (asked.code, "2 jobs match" in asked.err) == (2, True)
    assert cli("cancel", "-t", "steps", "--title", "dune", "-y").out == "job 3: cancelled\n"
    assert cli("retry", "-", stdin="3\n").out == "job 3: queued again\n"


def test_bulk_submission_is_all_or_nothing(cli, conn):
    done = cli("submit", "-f", "-", stdin='{"type":"steps"}\n{"type":"stpes"}\n')
    assert (done.code, "Did you mean steps" in done.err) == (2, True)
    assert conn.execute("SELECT count(*) FROM jobs").fetchone() == (0,)


def test_keys_make_submission_repeatable(cli):
    assert cli("submit", "steps", "--key", "nightly").out == "1\n"
    assert cli("submit", "steps", "--key", "nightly").out == "1\n"
    assert cli("submit", "steps", "--key", "nightly", "--on-conflict", "skip").out == ""
    assert cli("submit", "steps", "--key", "nightly", "--on-conflict", "error").code == 4


def test_wait_returns_the_outcome(shell):
    shell("submit", "noop")
    assert shell("wait", 1, "--timeout", "0.3s").code == 124
    shell("worker", "run", "--drain", "-q")
    assert shell("wait", 1).code == 0
    assert shell("wait", 1, "--for", "paused").code == 20
    shell("submit", "noop")
    shell("cancel", 2)
    assert shell("wait", 2).code == 11
    assert shell("wait", 1, 2).code == 11


def test_why_says_what_to_type_next(cli):
    cli("submit", "steps")
    assert "jobctl worker run" in cli("why", 1).out
    cli("queue", "pause", "default")
    assert "jobctl queue resume default" in cli("why", 1).out


@pytest.mark.parametrize("words", HOT, ids=" ".join)
def test_the_hot_commands_import_neither_sqlalchemy_nor_pydantic_nor_alembic(shell, words):
    shell("submit", "steps")
    code = (
        "import sys, atexit\nfrom jobctl.cli.entry import run\n"
        f"run({[*words, *(['--timeout', '0.1s'] if words[0] == 'wait' else [])]!r})\n"
        "print([m for m in ('sqlalchemy', 'pydantic', 'alembic', 'numpy', 'tenacity') if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], env=shell.env, capture_output=True, text=True, check=False)
    assert done.stderr.strip().splitlines()[-1] == "[]", done.stderr


def test_help_imports_no_driver():
    code = "import sys\nfrom jobctl.cli.entry import run\nrun(['--help'])\nprint([m for m in ('psycopg', 'pydantic', 'tabulate') if m in sys.modules], file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "[]"


def test_every_command_helps(cli):
    for name in COMMANDS:
        done = cli(name, "--help")
        assert (done.code, done.err) == (0, ""), name
        assert "Usage" in done.out
        assert done.out == cli("help", name).out, name
    assert "chunk_size" in cli("submit", "process_document", "--help").out


def test_it_works_with_an_empty_environment(shell):
    shell("submit", "steps")
    bare = {"JOBCTL_DATABASE_URL": shell.env["JOBCTL_DATABASE_URL"]}
    done = subprocess.run(
        [sys.executable, "-m", "jobctl", "list"], env=bare, capture_output=True, text=True, cwd="/", check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Steps: 20 items" in done.stdout


def test_a_reader_that_goes_away_is_141(shell):
    shell("submit", "-f", "-", stdin='{"type":"noop"}\n' * 3000)
    command = f"{shlex.quote(sys.executable)} -m jobctl list -n 0 | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], env=shell.env, capture_output=True, text=True, check=False)
    assert done.returncode == 141
    assert done.stderr == ""


def test_a_full_disk_behind_stdout_is_said(shell):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "jobctl", "types"],
            env=shell.env,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr.splitlines()[0]) == (5, "jobctl: disk full: No space left on device")


def test_watch_in_a_pipe_is_lines_and_ends_with_the_jobs(shell):
    shell("submit", "steps", "--set", "slow=0.4")
    worker = shell.start("worker", "run", "--drain", "-q")
    done = shell("watch", 1)
    worker.wait(timeout=20)
    assert done.code == 0
    assert done.out.strip().splitlines()[-1].endswith("completed Steps: 20 items")
    assert "Squares number" in done.out


def test_watch_as_ndjson_ends_with_a_summary(shell):
    shell("submit", "steps")
    worker = shell.start("worker", "run", "--drain", "-q")
    lines = [json.loads(line) for line in shell("watch", 1, "-o", "ndjson").out.splitlines()]
    worker.wait(timeout=20)
    assert [line["seq"] for line in lines] == list(range(len(lines)))
    assert (lines[0]["event"], lines[1]["event"], lines[-1]["event"]) == ("hello", "job", "summary")
    assert (lines[-1]["counts"], lines[-1]["exit"]) == ({"completed": 1}, 0)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_watch_that_is_stopped_says_its_last_word(shell, cli, number, code):
    cli("submit", "noop", "--delay", "1h")
    process = shell.start("watch", "1", "-o", "ndjson")
    assert json.loads(process.stdout.readline())["event"] == "hello"
    assert json.loads(process.stdout.readline())["event"] == "job"
    process.send_signal(number)
    told = [json.loads(line) for line in process.stdout]
    assert (told[-1]["event"], told[-1]["exit"], process.wait(20)) == ("summary", code, code)


def test_a_script_that_waits_fails_with_its_job(shell):
    shell.start("worker", "run", "-q")
    script = """
    set -euo pipefail
    id=$(python -m jobctl submit trouble --set kind=invalid)
    python -m jobctl wait "$id" --timeout 60s || { code=$?; python -m jobctl show "$id" --fields error.type -o tsv --no-header; exit $code; }
    """
    path = f"{Path(sys.executable).parent}:{shell.env['PATH']}"
    env = {**shell.env, "PATH": path, "CI": "true"}
    done = subprocess.run(
        ["bash", "-c", script], env=env, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    assert (done.returncode, done.stdout) == (10, "invalid\n"), done.stderr


def test_lists_fit_their_terminal(cli, conn, monkeypatch):
    cli("submit", "steps", "--title", "The Man Who Sold the World and a good deal more than that.pdf")
    cli("submit", "steps", "--title", "短い題名ではない長い題名のある本についての物語とその続き 🎉🎉")
    conn.execute("UPDATE jobs SET created_at = now() - interval '5 minutes', run_after = now() - interval '5 minutes'")
    golden = Path(__file__).parent / "golden"
    for columns in (40, 80, 120):
        monkeypatch.setenv("COLUMNS", str(columns))
        out = cli("list").out
        file = golden / f"list-{columns}.txt"
        if os.environ.get("UPDATE_GOLDEN"):
            file.write_text(out)
        assert out == file.read_text()


def test_the_sweep_is_silent_when_there_is_nothing_to_do(cli, tmp_path):
    done = cli("retry", "--due", "--lock", tmp_path / "lock")
    assert (done.code, done.out, done.err) == (0, "", "")


def test_the_schema_on_a_server_is_brought_up_by_hand(shell, server_url):
    import psycopg
    from psycopg.conninfo import make_conninfo

    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute("DROP DATABASE IF EXISTS jobctl_cli WITH (FORCE)")
        admin.execute("CREATE DATABASE jobctl_cli")
    env = {"JOBCTL_DATABASE_URL": make_conninfo(server_url, dbname="jobctl_cli")}
    first = shell("list", env=env)
    assert (first.code, first.err.splitlines()[-1].strip()) == (5, "jobctl db upgrade")
    assert shell("db", "upgrade", env=env).code == 0
    assert shell("list", env=env).code == 0
    assert shell("db", "check", env=env).code == 0
    assert shell("db", "current", env=env).out.strip() == revision.head()
    status = json.loads(shell("db", "status", "--json", env=env).out)
    assert (status["embedded"], status["running"], status["schema"]) == (False, True, status["head"])
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute("DROP DATABASE jobctl_cli WITH (FORCE)")


def test_a_search_in_an_empty_library_finds_nothing_with_and_without_pgvector(cli, monkeypatch):
    for _ in range(2):
        done = cli("search", "anything", "-o", "json")
        assert (done.code, json.loads(done.out)["hits"]) == (0, [])
        monkeypatch.setattr("jobctl.postgres.search.reading.Index._pgvector", ("", frozenset()))

"""Nothing that comes from a row or an argument can drive a terminal, reorder a line or hide in it; JSON keeps it, escaped."""

import ast
import json
import re
from pathlib import Path

import pytest
from psycopg.types.json import Jsonb

from jobctl.cli.output.text import echo, escaped, visible
from jobctl.core.lifecycle import Status
from tests.cli.test_hostile_arguments import commands

ROOT = Path(__file__).parents[2]
EVIL = "x\x1b[31m\x1b]0;t\x07\x9b2J\u202e\u2066\u200b\u200d\u2060\ufeff\xad\u034f\u3164\U000e0041\U000e007fa\ufe0f\rz\ny\tw\u2028v"
FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe0f\ufeff\U000e0000-\U000e0fff]"
)
TERMINAL = ("table", "wide", "csv", "tsv", "id")
WORDS = {
    "show": ("1", "2", "3", "4", "5", "6", "--payload", "--result", "--trace", "--events"), "why": ("-s", "active,done"),
    "logs": ("1",), "wait": ("1", "--for", "pending"), "watch": ("--plain", "--timeout", "0.1s"), "search": ("word",),
    "verify": ("1",), "worker list": ("--all",), "connections": (), "review": (), "queue list": (), "doctor": (), "stats": (),
    "submit": (EVIL,), "queue pause": (EVIL,), "queue resume": (EVIL,), "queue limit": (EVIL, "--running", "2"), "worker drain": (EVIL,), "types": (EVIL,), "help": (EVIL,),
    "db downgrade": (EVIL,), "db dump": ("/nonexistent/" + EVIL,), "db load": (EVIL,), "config show": (), "prune": (),
    "retry": ("--due", "--dry-run"), **dict.fromkeys(("pause", "cancel", "delete", "restart", "resume"), (EVIL,)),
}  # fmt: skip


def insert(conn, table: str, **values) -> None:
    names, marks = ", ".join(values), ", ".join(["%s"] * len(values))
    given = [Jsonb(value) if isinstance(value, (dict, list)) else value for value in values.values()]
    conn.execute(f"INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE VALUES ({marks})", given)


@pytest.fixture
def evil(conn):
    """Hostile text in every text column that a command shows."""
    evil_map = {EVIL: EVIL}
    insert(conn, "workers", id=1, name=EVIL, host=EVIL, pid=1, version=EVIL, job_types=[EVIL], queues=[EVIL])
    for number, status in enumerate(Status, 1):
        running, failed = status is Status.PROCESSING, status is Status.FAILED
        insert(
            conn, "jobs", id=number, job_type=EVIL, status=str(status), title=EVIL, queue=EVIL, labels=evil_map,
            idempotency_key=f"{EVIL}{number}", concurrency_key=EVIL if running else None, created_by=EVIL, input_data=evil_map,
            output_data=evil_map, metadata={"label": EVIL, "mode": EVIL, "stages": [EVIL]}, error_message=EVIL, last_error=EVIL,
            progress={"percent": 5, "stage": EVIL, "details": EVIL, "unit": EVIL, "substage": EVIL}, error_trace=EVIL,
            error_type="transient" if failed else None, cancel_reason=EVIL, pause_reason=EVIL, last_checkpoint_stage=EVIL,
            last_checkpoint_path=EVIL, entity_type=EVIL, entity_id=EVIL, worker_id=1 if running else None,
            lease_id="0" * 32 if running else None, waiting_on="key" if status is Status.PENDING else None,
        )  # fmt: skip
        insert(conn, "events", job_id=number, kind=EVIL, from_status=EVIL, to_status=EVIL, actor=EVIL, detail=evil_map)
        insert(conn, "job_logs", job_id=number, attempt=1, level=EVIL, stage=EVIL, text=EVIL)
        insert(conn, "checkpoints", job_id=number, seq=1, lease_seq=1, stage=EVIL, complete=True, path=EVIL, sha256="0" * 64,
               size=1, pause_safe=True)  # fmt: skip
    insert(conn, "holds", kind="queue", name=EVIL, reason=EVIL, actor=EVIL)
    insert(conn, "documents", id=1, uid="0" * 32, title=EVIL, author=EVIL, source_type=EVIL, source_name=EVIL, markdown_key=EVIL,
           markdown_sha256=EVIL, engine=EVIL)  # fmt: skip
    for number in (1, 2):
        insert(conn, "chunks", id=number, document_id=1, generation=1, index=number, text=f"word {EVIL}", start_offset=0,
               end_offset=9, heading_path=[EVIL], summary=EVIL, engine=EVIL, vector=b"\x00" * 8)  # fmt: skip
    insert(conn, "connections", source_chunk=1, target_chunk=2, type=EVIL, strength=0.5, engine=EVIL, note=EVIL)
    insert(
        conn,
        "import_review",
        source=EVIL,
        source_id=EVIL,
        payload={"text": EVIL},
        suggestion={"score": 0.5},
        reason=EVIL,
    )


@pytest.mark.parametrize(
    "path", [path for path in commands() if path not in ("torture", "worker run", "db start", "db stop", "completion")]
)
def test_nothing_hostile_reaches_a_terminal(cli, evil, path):
    for mode in TERMINAL:
        for colour in ("never", "always"):
            done = cli(*path.split(), *WORDS.get(path, ()), "-o", mode, "--color", colour)
            assert done.code != 1, done.err
            text = re.sub("\x1b\\[(0|1|2|31|32|33|34)m", "", done.out) if colour == "always" else done.out
            assert not FORBIDDEN.search(text), f"{mode}: {text!a}"
            assert not FORBIDDEN.search(done.err), f"{mode}: {done.err!a}"


@pytest.mark.parametrize(
    "words", [("list",), ("show", "1", "--payload", "--events"), ("logs", "1"), ("queue", "list"), ("verify", "1")]
)
def test_json_is_exact_and_cannot_drive_a_terminal_either(cli, evil, words):
    out = cli(*words, "-o", "json").out
    assert not FORBIDDEN.search(out), ascii(out)
    assert json.dumps(EVIL)[1:-1] in json.dumps(json.loads(out))


def test_every_option_and_argument_that_is_shown_in_an_error_is_sanitised(cli):
    for path, command in commands().items():
        if path in ("torture", "worker run", "db start", "db stop", "completion"):
            continue
        for option in {name for param in command.params for name in param.opts if name.startswith("--")}:
            done = cli(*path.split(), option, EVIL, "--no-such-" + EVIL)
            assert not FORBIDDEN.search(done.out + done.err), f"{path} {option}: {done.err!a}"
    done = cli(EVIL)
    assert not FORBIDDEN.search(done.err)


def test_a_prompt_shows_no_more_than_a_line(cli, evil, monkeypatch):
    monkeypatch.setattr("jobctl.cli.commands.db.sys.stdin.isatty", lambda: True, raising=False)
    assert not FORBIDDEN.search(cli("db", "downgrade", EVIL).err)


def test_the_look_of_an_emoji_may_be_said_and_nothing_may_hide_behind_a_letter():
    assert visible("⚡\ufe0f Guide ❤\ufe0f.md") == "⚡\ufe0f Guide ❤\ufe0f.md"
    assert visible("a\ufe0f\ufe0e\ufe00") == "a\\ufe0f\\ufe0e\\ufe00"
    assert escaped('"\U000e0041"') == '"\\udb40\\udc41"'


def test_what_was_forgotten_is_shown_as_text_when_it_is_printed(capsys):
    echo("one\x07\x1b[2J\ntwo\u202e")
    assert capsys.readouterr().out == "one\\x07\\x1b[2J\ntwo\\u202e\n"


PRINTERS = {
    "text.py": 1,  # the sanitiser itself
    "fields.py": 1,  # csv and tsv, whose cells are sanitised one by one
    "inspect.py": 1,  # logs --raw
    "lines.py": 2,  # the sections of GitLab
    "entry.py": 2,  # click's own help; an error as JSON
    "about.py": 1, "db.py": 4, "doctor.py": 2, "worker.py": 1,  # scripts, and lines that are sanitised where they are made
}  # fmt: skip


def test_there_is_one_place_that_prints():
    found = {}
    for file in (ROOT / "jobctl" / "cli").rglob("*.py"):
        calls = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
        count = sum(ast.unparse(call.func) in ("click.echo", "click.secho", "print") for call in calls)
        if count:
            found[file.name] = count
    assert found == PRINTERS

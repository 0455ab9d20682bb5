"""What scripts rely on: the published JSON Schema, exit codes, headers, ASCII, errors of the configuration."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs" / "schema" / "v1.json").read_text())


def holds(kind: str, text: str) -> dict:
    """The object, when it is as the schema says."""
    told = json.loads(text)
    schema = {**SCHEMA, "$ref": f"#/$defs/{kind}"}
    Draft202012Validator.check_schema(schema)
    assert [error.message for error in Draft202012Validator(schema).iter_errors(told)] == []
    return told


def test_jobs_in_every_state_are_as_the_schema_says(shell):
    shell("submit", "trouble", "--set", "kind=invalid", "--label", "a=b", "--key", "k")
    shell("submit", "steps", "--set", "items=4")
    shell("worker", "run", "--drain")
    shell("submit", "noop", "--delay", "1h")
    shell("pause", "3", "--reason", "later")
    for words in (["list"], ["show", "1", "2", "3"]):
        told = holds("job_list", shell(*words, "--json").out)
        assert {job["status"] for job in told["jobs"]} == {"failed", "completed", "paused"}
    for number in (1, 2, 3):
        holds("job", shell("show", number, "--json", "--payload", "--result", "--trace", "--events").out)
    for line in shell("list", "-o", "ndjson").out.splitlines():
        holds("job", line)


def test_answers_errors_and_events_are_as_the_schema_says(cli):
    cli("submit", "noop", "--delay", "1h")
    assert holds("answers", cli("pause", "1", "--json").out)["answers"][0]["answer"] == "done"
    assert holds("answers", cli("pause", "1", "--json", "--dry-run").out)["dry_run"] is True
    refused = cli("retry", "1", "--json")
    holds("answers", refused.out)
    assert holds("error", cli("show", "77", "--json").err)["error"]["exit"] == 3
    cli("cancel", "1")
    events = [holds("event", line) for line in cli("watch", "1", "-o", "ndjson").out.splitlines()]
    assert [event["event"] for event in events] == ["hello", "job", "summary"]
    assert events[-1]["exit"] == 11


def test_another_key_in_a_job_is_noticed(cli):
    cli("submit", "noop", "--delay", "1h")
    told = json.loads(cli("show", "1", "--json").out)
    with pytest.raises(AssertionError, match="surprise"):
        holds("job", json.dumps(told | {"surprise": 1}))


def test_exit_codes_can_be_mapped_and_nonsense_is_refused(cli):
    cli("submit", "noop", "--delay", "1h")
    assert cli("wait", "1", "--timeout", "0.1s").code == 124
    assert cli("wait", "1", "--timeout", "0.1s", "--map-exit", "11=0,124=7").code == 7
    cli("cancel", "1")
    assert cli("wait", "1", "--map-exit", "11=0").code == 0
    for bad in ("11", "a=b", "1=999", "=0"):
        assert cli("wait", "1", "--map-exit", bad).code == 2


def test_any_command_can_be_given_a_limit(shell, conn):
    with conn.transaction():
        conn.execute("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE")
        done = shell("list", "--timeout", "1s")
    assert (done.code, done.out) == (124, "")
    assert "--timeout of 1 s ran out" in done.err


@pytest.mark.parametrize("mode", ["table", "wide", "csv", "tsv"])
def test_a_table_can_do_without_its_header(cli, mode):
    cli("submit", "noop", "--delay", "1h")
    fields = ("--fields", "id,status") if mode in ("csv", "tsv") else ()
    plain = cli("list", "-o", mode, *fields).out.splitlines()
    assert len(plain) == 2
    assert len(cli("list", "-o", mode, *fields, "--no-header").out.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("concurrency = 2\npoll = 'often'\n", ":2: poll should be float"),
        ("# a comment\n\nstorge = 'x'\n", ":3: unknown setting 'storge'"),
        ("[max_retries]\nnoop = 'many'\n", ":1: max_retries should be a table of job types"),
        ("concurrency = = 2\n", "line 1"),
    ],
)
def test_an_error_of_the_configuration_names_file_line_and_key(shell, text, says):
    (shell.home / ".jobctl.toml").write_text(text)
    done = shell("list")
    assert done.code == 5
    assert says in done.err
    assert ".jobctl.toml" in done.err
    if "storge" in text:
        assert "Did you mean storage?" in done.err


def test_whoever_runs_a_job_here_is_told_what_it_waits_for(shell):
    first = shell("submit", "noop", "--delay", "1h").out.strip()
    done = shell("submit", "noop", "--after", first, "--run", "--timeout", "6s")
    assert done.code == 124
    assert f"Waiting for job {first}, which is pending." in done.err


def test_the_man_page_says_every_command_and_is_read_without_a_warning(shell):
    page = (ROOT / "docs" / "jobctl.1").read_text()
    assert shell("completion", "man").out == page, "make completions"
    for name in ("submit", "worker run", "db upgrade", "watch"):
        assert f'.SS "{name}' in page
    if shutil.which("groff"):
        read = subprocess.run(
            ["groff", "-man", "-Tascii", "-ww", "-z", ROOT / "docs" / "jobctl.1"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert read.stderr == ""

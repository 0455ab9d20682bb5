"""Closed standard streams, deleted folders, names that are not text: the reason, and an exit code that means it."""

import json
import os
import subprocess
import sys

import pytest

from jobctl.cli.files import atomically
from jobctl.core.errors import UsageError


@pytest.fixture
def sh(shell):
    """A line of a shell in which $J is jobctl."""

    def run(line: str) -> tuple[int, str, str]:
        done = subprocess.run(
            ["bash", "-c", line.replace("$J", '"$PYTHON" -m jobctl')], env={**shell.env, "PYTHON": sys.executable}, cwd=shell.home,
            capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    return run


def test_a_closed_stdout_is_refused_before_anything_is_done(sh, shell):
    code, _, err = sh("$J submit noop >&-")
    assert (code, err.splitlines()[0]) == (2, "jobctl: stdout is closed")
    assert json.loads(shell("list", "--json").out)["jobs"] == []
    assert sh("$J list >&- 2>&-")[0] == 2


def test_a_worker_needs_no_stdout(sh):
    code, _, err = sh("$J worker run --drain >&-")
    assert (code, "stdout" in err) == (0, False), err


def test_a_closed_stdin_matters_only_to_who_reads_it(sh):
    assert sh("$J list --json <&-")[0] == 0
    for line in ("$J show - <&-", "$J submit -f - <&-", "$J submit noop --payload - <&-"):
        code, _, err = sh(line)
        assert (code, err.splitlines()[0]) == (2, "jobctl: stdin is closed"), line


def test_a_closed_stderr_loses_no_answer(sh):
    code, out, _ = sh("$J submit noop 2>&-")
    assert (code, out) == (0, "1\n")
    assert sh("$J list --json <&- 2>&-")[1].startswith("{")


def test_a_deleted_folder_is_named_as_the_reason(sh, shell):
    (shell.home / "book.md").write_text("# A")
    code, _, err = sh(
        "mkdir gone && cd gone && touch a.md && rmdir --ignore-fail-on-non-empty . ; rm -r ../gone; $J submit --run a.md"
    )
    assert code == 2, err
    assert len(err.splitlines()) <= 3
    code, _, err = sh("mkdir gone && cd gone && rm -r ../gone && $J submit ../book.md")
    assert code == 2, err


@pytest.mark.parametrize(
    "command",
    [
        "JOBCTL_HOME=relative $J list", "$J submit --run -- ./script.sh", "$J submit -C here -- ./script.sh",
        "$J submit --input a.txt -- cat a.txt", "$J submit obsidian_export --set vault=notes", "$J submit books/",
        "$J worker run --drain --input-root here", "$J result 1 -o file", "$J stats --html page.html", "$J db dump file",
        "$J doctor --document a.md", "$J types new thing", "$J submit -f jobs.ndjson", "$J --config here.toml list",
    ],
)  # fmt: skip
def test_no_command_takes_a_deleted_folder_for_a_bug(sh, command):
    sh("$J submit noop")
    code, _, err = sh(f"mkdir gone && cd gone && rm -r ../gone && {command}")
    assert code in (2, 4, 5, 10), err  # 10: the job that runs there has failed
    assert "a bug in jobctl" not in err
    assert code == 10 or len(err.splitlines()) <= 3, err


def test_a_file_by_its_absolute_path_is_processed_from_a_deleted_folder(sh, shell):
    (shell.home / "book.md").write_text("# A book\n\nWords of the lighthouse keeper.\n")
    code, _, err = sh(f"mkdir gone && cd gone && rm -r ../gone && $J submit --run '{shell.home}/book.md'")
    assert code == 0, err


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_one_name_that_is_not_text_does_not_keep_a_folder_out(sh, shell):
    folder = shell.home / "books"
    folder.mkdir()
    (folder / "good.md").write_text("# Good")
    (folder / "bad.md").write_text("# Bad")
    (folder / "bad.md").rename(folder / os.fsdecode(b"caf\xe9.md"))
    code, out, err = sh("$J submit books/")
    assert (code, out) == (2, "1\n")
    assert err == "jobctl: skipped, its name is not valid UTF-8: books/caf\\udce9.md\n"
    code, out, err = sh("$J submit books/caf$'\\xe9'.md")
    assert (code, out) == (2, "")
    assert "not valid UTF-8" in err


@pytest.mark.parametrize(
    "words", ["--title $'\\xff'", "--key $'\\xff'", "--label $'\\xff'=1", "--set a=$'\\xff'", "--queue $'\\xff'"]
)
def test_an_argument_that_is_not_text_is_refused(sh, words):
    code, out, err = sh(f"$J submit noop {words}")
    assert (code, out) == (2, "")
    assert "not valid UTF-8" in err
    assert len(err.splitlines()) <= 3


def test_ids_on_stdin_that_are_not_text_are_refused(sh):
    code, _, err = sh("printf '\\xff' | $J show -")
    assert (code, err.splitlines()[0]) == (2, "jobctl: stdin is not valid UTF-8")


def test_a_file_of_requests_that_cannot_be_read_has_no_line(cli, tmp_path):
    for name in (tmp_path / "missing", tmp_path, "x" * 5000):
        done = cli("submit", "-f", name)
        assert done.code == 2
        assert "line" not in done.err, done.err
        assert "cannot read" in done.err or "is not a regular file" in done.err


def test_a_fault_of_a_line_names_that_line(cli):
    good = '{"type": "noop"}\n'
    for bad in (
        "{",
        '{"type": "nope"}',
        '{"type": "noop", "key": ""}',
        '{"type": "noop", "labels": {"a": 1}}',
        "\udcff",
    ):
        done = cli("submit", "-f", "-", stdin=f"{good * 2}\n{bad}\n{good}")
        assert done.code == 2
        assert done.err.startswith("jobctl: line 4: "), done.err
    assert json.loads(cli("list", "--json").out)["jobs"] == []


def test_a_key_is_for_one_job(cli, tmp_path):
    for name in ("a.md", "b.md"):
        (tmp_path / name).write_text(f"# {name}")
    done = cli("submit", "a.md", "b.md", "--key", "k")
    assert (done.code, done.out) == (2, "")
    assert "--key is for one job" in done.err
    assert cli("submit", "a.md", "--key", "k").code == 0
    assert json.loads(cli("list", "--json").out)["count"] == 1


@pytest.mark.parametrize(
    "option",
    [
        ("--title", "t"),
        ("--key", "k"),
        ("--label", "a=b"),
        ("--set", "a=b"),
        ("--payload", "{}"),
        ("--at", "2h"),
        ("--after", "1"),
    ],
)
def test_an_option_of_one_job_is_not_dropped_silently_beside_a_file_of_many(cli, option):
    done = cli("submit", "-f", "-", *option, stdin='{"type": "noop"}')
    assert (done.code, done.out) == (2, "")
    assert f"{option[0]} can't be used with -f" in done.err


def test_input_that_nests_too_deeply_is_refused(cli):
    for depth, code in ((50, 0), (65, 2), (900, 2), (100_000, 2)):
        deep = "[" * depth + "]" * depth
        assert cli("submit", "steps", "--set", f"extra={deep}", "--dry-run").code in (code, 2), depth
        assert cli("submit", "steps", "--payload", f'{{"extra": {deep}}}').code == 2 or code == 0


def test_a_cancelled_job_that_had_failed_keeps_its_error(cli, conn):
    conn.execute(
        "INSERT INTO jobs (job_type, status, error_type, error_message) VALUES ('noop', 'failed', 'invalid', 'The page is torn.')"
    )
    cli("cancel", 1)
    card = cli("show", 1).out
    assert "cancelled" in card
    assert "error       The page is torn. (invalid)" in card
    assert json.loads(cli("show", 1, "--json").out)["error"]["message"] == "The page is torn."


def test_a_file_for_output_never_takes_the_place_of_a_device_or_a_fifo(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with pytest.raises(UsageError, match="not a regular file"), atomically(fifo):
        pass
    assert fifo.is_fifo()
    with atomically(tmp_path / "file") as sink:
        sink.write(b"x")
    assert (tmp_path / "file").read_bytes() == b"x"

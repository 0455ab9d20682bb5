"""Where submit reads from: folders with files of other formats, FIFOs, pipes of the shell."""

import os
import shlex
import subprocess
import sys

import pytest


def test_files_of_other_formats_in_a_folder_are_named(cli, tmp_path, conn):
    books = tmp_path / "books"
    (books / ".git").mkdir(parents=True)
    (books / ".git" / "config").write_text("")
    (books / "a.md").write_text("# A\n\nText.\n")
    for name in ("notes.rtf", *(f"picture{n}.png" for n in range(6))):
        (books / name).write_text("x")
    done = cli("submit", books)
    assert (done.code, done.out) == (0, "1\n")
    assert "skipped 7 files of other formats: " in done.err
    assert "notes.rtf" in done.err
    assert done.err.rstrip().endswith(" and 2 more")
    assert ".git" not in done.err
    assert conn.execute("SELECT count(*) FROM jobs").fetchone() == (1,)


def test_nothing_is_said_of_a_folder_of_documents(cli, tmp_path):
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "a.md").write_text("# A\n\nText.\n")
    assert cli("submit", tmp_path / "books").err == ""


@pytest.mark.parametrize("words", [("submit", "-f", "{fifo}"), ("submit", "noop", "--payload", "@{fifo}")])
def test_a_fifo_without_a_writer_is_refused_at_once(cli, tmp_path, words):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    done = cli(*(word.format(fifo=fifo) for word in words))
    assert done.code == 2
    assert "fifo is not a regular file\n  Send a stream through stdin, named -." in done.err


@pytest.mark.parametrize(
    "source", ["<(printf %s {line})", "/dev/stdin < <(printf %s {line})", "- < <(printf %s {line})"]
)
def test_a_pipe_of_the_shell_is_read(shell, conn, source):
    line = shlex.quote('{"type": "noop", "title": "from a pipe"}')
    script = f"{shlex.quote(sys.executable)} -m jobctl submit -f {source.format(line=line)}"
    done = subprocess.run(
        ["bash", "-c", script], env=shell.env, cwd=shell.home, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr
    assert conn.execute("SELECT title FROM jobs").fetchone() == ("from a pipe",)

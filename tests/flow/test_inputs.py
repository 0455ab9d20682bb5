"""Inputs: only regular files and folders under an allowed root, whatever is done to their names meanwhile."""

import json
import os
import socket
import stat
import threading
import time
from contextlib import chdir
from pathlib import Path

import pytest

from jobctl.client import input_files, open_regular
from jobctl.client.input_files import store
from jobctl.core.errors import Invalid, InvalidArguments
from jobctl.worker.inputs import open_input


@pytest.fixture
def root(tmp_path):
    """A root with a file, and a secret outside of it."""
    folder = tmp_path / "root"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "book.txt").write_text("inside")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "book.txt").write_text("secret")
    (tmp_path / "work").mkdir()
    return folder


def read(root: Path, path: Path) -> str:
    opened = open_input(str(path), [root], root.parent / "work")
    return opened.path.read_text()


class Swapping:
    """Puts a link in the place of a file or folder and takes it away again, as fast as it can."""

    def __init__(self, path: Path, target: Path) -> None:
        self._path, self._target, self._spare = path, target, path.with_name("spare")
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._swap)

    def _swap(self) -> None:
        link = self._path.with_name("link")
        while not self._over.is_set():
            self._path.rename(self._spare)
            link.symlink_to(self._target)
            link.rename(self._path)
            self._path.unlink()
            self._spare.rename(self._path)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


@pytest.mark.parametrize("what", ["sub", "sub/book.txt"])
def test_a_link_that_is_swapped_in_never_leads_out_of_the_root(root, what):
    outside = root.parent / "outside"
    target = outside if what == "sub" else outside / "book.txt"
    found = {"inside": 0, "refused": 0}
    deadline = time.monotonic() + 30
    with Swapping(root / what, target):
        while min(found.values()) < 200 and time.monotonic() < deadline:
            try:
                found[read(root, root / "sub" / "book.txt")] += 1
            except Invalid:
                found["refused"] += 1
    assert min(found.values()) > 0


def test_what_was_opened_stays_what_it_was(root):
    opened = open_input(str(root / "sub" / "book.txt"), [root], root.parent / "work")
    folder = open_input(str(root / "sub"), [root], root.parent / "work")
    (root / "sub").rename(root / "old")
    (root / "sub").symlink_to(root.parent / "outside")
    assert opened.path.read_text() == (folder.path / "book.txt").read_text() == "inside"
    assert (opened.path.name, folder.path.name) == ("book.txt", "sub")
    descriptor = int(opened.path.readlink().name)
    del opened
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_links_that_stay_inside_are_followed(root):
    (root / "link").symlink_to(root / "sub")
    (root / "relative").symlink_to("sub/book.txt")
    assert read(root, root / "link" / "book.txt") == read(root, root / "relative") == "inside"


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one, chdir(path.parent):
        one.bind(path.name)  # the whole path may be longer than the name of a socket


def _loop(path: Path) -> None:
    path.symlink_to(path)


BAD = {
    "fifo": _fifo, "socket": _socket, "loop": _loop, "missing": lambda _: None,
    "device": lambda path: path.symlink_to("/dev/zero"), "outside": lambda path: path.symlink_to("/etc/passwd"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_file_is_refused_at_once_by_a_worker(root, kind):
    BAD[kind](root / "bad")
    with pytest.raises(Invalid):
        read(root, root / "bad")


@pytest.mark.parametrize("kind", [kind for kind in BAD if kind != "outside"])
def test_what_is_no_file_is_refused_at_once_at_submit(root, kind):
    BAD[kind](root / "bad")
    with pytest.raises(InvalidArguments):
        open_regular(root / "bad", "path")


@pytest.mark.parametrize("path", ["", "a\x00b", "x" * 5000, "\udcff"])
def test_what_is_no_path_is_refused(root, path):
    with pytest.raises(InvalidArguments):
        open_regular(Path(path), "path")
    with pytest.raises(Invalid):
        open_input(path, [root], root.parent / "work")


def test_a_fifo_in_a_row_holds_no_slot(shell, conn, tmp_path):
    _fifo(tmp_path / "pipe.txt")
    shell("submit", "reading", "--set", f"path={tmp_path}/pipe.txt")
    assert shell("worker", "run", "--drain", "--input-root", tmp_path, env={"JOBCTL_SILENT_LIMIT": "5"}).code == 0
    status, kind, message, crashes = conn.execute(
        "SELECT status, error_type, error_message, crash_count FROM jobs"
    ).fetchone()
    assert (status, kind, crashes) == ("failed", "invalid", 0)
    assert "is not a regular file" in message


def test_jobs_read_files_and_folders_under_a_root_by_their_names(shell, tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    (root / "a.md").write_text("text")
    for path in (root / "a.md", root, "/etc/passwd"):
        shell("submit", "reading", "--set", f"path={path}")
    assert shell("worker", "run", "--drain", "-c1", "--input-root", root).code == 0
    seen = [json.loads(shell("show", job_id, "--json", "--result").out) for job_id in (1, 2, 3)]
    assert [job["output"] for job in seen] == [
        {"name": "a.md", "found": "text"}, {"name": root.name, "found": ["a.md"]}, None,
    ]  # fmt: skip
    assert seen[2]["error"]["type"] == "invalid"


def test_a_file_that_changes_while_it_is_submitted_is_refused(shell, tmp_path, monkeypatch):
    path = tmp_path / "log.txt"
    path.write_text("one line\n")
    real = input_files.source_key

    def growing(sha256: str) -> str:
        with path.open("a") as sink:
            sink.write("another\n")
        return real(sha256)

    monkeypatch.setattr(input_files, "source_key", growing)
    put, deleted = [], []

    class Storage:
        def exists(self, key: str) -> bool:
            return False

        def put_file(self, key: str, source) -> None:
            put.append(key)

        def delete(self, key: str) -> None:
            deleted.append(key)

    with open_regular(path, "path") as stream, pytest.raises(InvalidArguments, match="changes while it is read"):
        store(Storage(), stream, path, "path")
    assert put == deleted != []


def test_a_file_is_opened_once_and_read_to_its_end(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("x" * 100_000)
    with open_regular(path, "path") as stream:
        assert stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
        assert len(stream.read()) == 100_000

"""What needs more memory than there is fails once, with that reason; a worker whose children can't start ends."""

import json
import os
import secrets
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from jobctl.core.retry import OUT_OF_MEMORY
from jobctl.worker.children import START_ATTEMPTS, ChildPool


def pdf(*objects: bytes) -> bytes:
    """A file of these objects, the first being the catalog."""
    out, offsets = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    tail = b"xref\n0 %d\n0000000000 65535 f \n%btrailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF"
    return out + tail % (size, table, size, len(out))


def stream(data: bytes, more: bytes = b"") -> bytes:
    """Compressed twice: a kilobyte for a million."""
    data = zlib.compress(zlib.compress(data, 9), 9)
    head = b"<< /Length %d /Filter [ /FlateDecode /FlateDecode ] %b>>" % (len(data), more)
    return head + b"\nstream\n" + data + b"\nendstream"


CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"
PAGES = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
RESOURCES = b"/Resources << /Font << /F1 5 0 R >> /XObject << /X %d 0 R >> >> "
PAGE = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R " + RESOURCES % 6 + b">>"


def bomb(content: bytes) -> bytes:
    return pdf(CATALOG, PAGES, PAGE, stream(content), FONT)


def doubling(depth: int) -> bytes:
    """Forms that each show the next one twice."""
    form = b"/Type /XObject /Subtype /Form /BBox [0 0 612 792] "
    forms = [stream(b"/X Do /X Do", form + RESOURCES % (number + 1)) for number in range(6, 6 + depth)]
    last = stream(b"BT /F1 12 Tf (a b c d) Tj ET", form + RESOURCES % 6)
    return pdf(CATALOG, PAGES, PAGE, stream(b"/X Do"), FONT, *forms, last)


BOMBS = {
    "text": lambda: bomb(b"BT /F1 12 Tf " + b"(aaaaaaaaaaaaaaaa) Tj " * 1_000_000 + b"ET"),
    "states": lambda: bomb(b"q " * 10_000_000),
    "forms": lambda: doubling(24),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_tiny_pdf_that_needs_all_memory_fails_once_and_says_so(shell, kind, tmp_path):
    path = tmp_path / "bomb.pdf"
    path.write_bytes(BOMBS[kind]())
    assert path.stat().st_size < 10_000
    shell("submit", path)
    assert shell("worker", "run", "--drain", "-c1", env={"JOBCTL_CHILD_MEMORY_MB": "1024"}).code == 0
    job = json.loads(shell("show", 1, "--json", "--events").out)
    assert (job["status"], job["error"]["type"], job["crash_count"]) == ("failed", "invalid", 0), job["error"]
    assert "memory" in job["error"]["message"]
    assert [event["kind"] for event in job["events"]].count("claim") == 1


def test_a_handler_that_asks_for_too_much_fails_once_and_says_so(shell):
    shell("submit", "trouble", "--set", "kind=hog")
    assert shell("worker", "run", "--drain").code == 0
    job = json.loads(shell("show", 1, "--json").out)
    assert (job["status"], job["error"]["type"], job["crash_count"]) == ("failed", "invalid", 0)
    assert "child_memory_mb" in job["error"]["message"]


def test_a_crash_of_a_small_process_is_no_lack_of_memory(shell):
    shell("submit", "trouble", "--set", "kind=abort", "--set", "times=9")
    assert shell("worker", "run", "--drain").code == 0
    job = json.loads(shell("show", 1, "--json").out)
    assert (job["status"], job["error"]["type"], job["crash_count"]) == ("failed", "permanent", 3)


def test_a_worker_whose_children_have_no_memory_to_start_ends_and_charges_no_job(shell, conn):
    shell("submit", "noop")
    done = shell("worker", "run", "--drain", env={"JOBCTL_CHILD_MEMORY_MB": "60"})
    assert done.code == 5, done.err
    assert "no child process is able to start: it was ended: it needs more memory than it may use" in done.err
    assert done.err.count("was not able to start") == START_ATTEMPTS
    assert conn.execute("SELECT status, crash_count FROM jobs").fetchone() == ("pending", 0)


def test_a_library_that_finds_no_memory_fails_its_job_once_and_says_so(shell, conn, tmp_path):
    (tmp_path / "book.md").write_text("# A book\n\nThe lighthouse keeper wrote a letter. " * 20)
    shell("submit", tmp_path / "book.md")
    assert shell("worker", "run", "--drain", "-c1", env={"JOBCTL_CHILD_MEMORY_MB": "240"}).code == 0
    row = conn.execute("SELECT status, crash_count, error_type, error_message FROM jobs").fetchone()
    assert row == ("failed", 0, "invalid", OUT_OF_MEMORY.message)


def test_a_limit_of_the_shell_that_is_lower_than_the_setting_holds(shell, conn):
    shell("submit", "trouble", "--set", "kind=hog")
    shell("submit", "steps", "--set", "items=3")
    command = f'ulimit -v 2000000; exec "{sys.executable}" -m jobctl worker run --drain -c1'
    environment = {**shell.env, "JOBCTL_CHILD_MEMORY_MB": "0"}
    done = subprocess.run(["bash", "-c", command], env=environment, cwd=shell.home, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = conn.execute("SELECT status, crash_count, error_message FROM jobs ORDER BY id").fetchall()
    assert rows == [("failed", 0, OUT_OF_MEMORY.message), ("completed", 0, None)]


def test_children_that_are_killed_while_they_start_are_started_again_for_ever_and_ever_later():
    pool = ChildPool(
        lambda _channel, _setup: ["sh", "-c", "kill -9 $$"],
        setup=lambda _: {},
        environment={"PATH": os.environ["PATH"]},
    )
    delays = []
    for _ in range(START_ATTEMPTS + 3):
        child = pool.spawn()
        child.process.wait()
        pool.remove(child)
        delays.append(pool.spawn_delay())
    assert delays == sorted(delays)
    assert pool.start_failure is None
    pool.close()


# -- a control group, where this account may make one ------------------------------------------------------------------

GROUPS = Path("/sys/fs/cgroup")
MB = 1 << 20


@pytest.fixture
def small_group() -> Iterator[Path]:
    """A group whose processes may use 400 MB together."""
    version_1 = (GROUPS / "memory").is_dir()
    folder = (GROUPS / "memory" if version_1 else GROUPS) / f"jobctl-test-{secrets.token_hex(4)}"
    try:
        folder.mkdir()
        (folder / ("memory.limit_in_bytes" if version_1 else "memory.max")).write_text(str(400 * MB))
    except OSError as error:
        with suppress(OSError):
            folder.rmdir()
        pytest.skip(f"no control group can be made here: {error}")
    for swap in (folder / "memory.memsw.limit_in_bytes", folder / "memory.swap.max"):
        with suppress(OSError):
            swap.write_text(str(400 * MB) if version_1 else "0")
    yield folder
    folder.rmdir()


def in_group(shell, folder: Path, command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    script = f'echo $$ > "{folder}/cgroup.procs" && exec "{sys.executable}" -m jobctl {command}'
    return subprocess.run(
        ["sh", "-c", script], env={**shell.env, **environment}, cwd=shell.home, capture_output=True, text=True, check=False
    )  # fmt: skip


def test_what_the_kernel_kills_for_lack_of_memory_says_so(shell, small_group):
    shell("submit", "trouble", "--set", "kind=hog")
    shell("submit", "--", sys.executable, "-c", "bytearray(b'x') * (1 << 30)")
    shell("submit", "steps", "--set", "items=3")
    done = in_group(shell, small_group, "worker run --drain -c1 --allow-commands", JOBCTL_CHILD_MEMORY_MB="0")
    assert done.returncode == 0, done.stderr
    hog, program, good = (json.loads(shell("show", i, "--json").out) for i in (1, 2, 3))
    assert (hog["status"], hog["error"]["type"], hog["crash_count"]) == ("failed", "permanent", 3)
    assert "Its process was killed for lack of memory (SIGKILL), 3 times in a row" in hog["error"]["message"]
    assert "was killed for lack of memory (SIGKILL)" in program["error"]["message"]
    assert good["status"] == "completed"


def test_the_limit_of_the_group_holds_for_a_child_and_comes_before_the_kernel(shell, small_group):
    shell("submit", "trouble", "--set", "kind=hog")
    done = in_group(shell, small_group, "worker run --drain -c1")
    assert done.returncode == 0, done.stderr
    job = json.loads(shell("show", 1, "--json").out)
    assert (job["status"], job["error"]["type"], job["crash_count"]) == ("failed", "invalid", 0)
    assert "control group" in job["error"]["message"]
    assert "child processes may use 512 MB of memory" in done.stderr

"""jobctl commands as forks of one process that has jobctl loaded: a process of their own each, without the wait for imports.

What a fork shares with a command that a person types: its own memory, working folder, environment, files, signals and exit
code. What it does not: the start of the interpreter. Whatever depends on that (variables of Python, what is imported) is
run as a real command; ``Shell`` in conftest.py decides.
"""

import array
import importlib
import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile

LOADED = (
    "jobctl.wiring",
    "jobctl.client",
    "jobctl.postgres.queue",
    "jobctl.postgres.embedded",
    "jobctl_test_pipelines",
)


class Zygote:
    """The test's side: ``run`` asks for a fork and waits for its end."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def run(
        self, words: Sequence[str], *, env: dict[str, str], cwd: Path, stdin: str | None, wait: float
    ) -> tuple[int, str, str]:
        """Exit code (negative: the signal), stdout, stderr. Raises ``subprocess.TimeoutExpired`` and kills the fork."""
        ours, theirs = os.pipe()
        with TemporaryFile() as given, TemporaryFile() as out, TemporaryFile() as err:
            given.write((stdin or "").encode())
            given.seek(0)
            files = [given.fileno(), out.fileno(), err.fileno(), theirs]
            request = json.dumps({"words": list(words), "env": env, "cwd": str(cwd)}).encode()
            socket.send_fds(self._end, [request], files)
            os.close(theirs)
            try:
                code = self._end_of(ours, words, wait)
            finally:
                os.close(ours)
            return code, _text(out), _text(err)

    def _end_of(self, status: int, words: Sequence[str], wait: float) -> int:
        """The fork writes its pid at once and its exit code last; without a code it was killed."""
        deadline = time.monotonic() + wait
        said = b""
        while True:
            if not select.select([status], [], [], max(0.0, deadline - time.monotonic()))[0]:
                with suppress(ProcessLookupError, IndexError):
                    os.kill(int(said.split()[0]), signal.SIGKILL)
                raise subprocess.TimeoutExpired(list(words), wait)
            data = os.read(status, 64)
            said += data
            if not data:
                _, code = [*said.split(), b"-9"][:2]
                return int(code)


def _text(file: object) -> str:
    file.seek(0)
    return file.read().decode()


@contextmanager
def running(env: dict[str, str]) -> Iterator[Zygote]:
    """One process that forks until its socket ends."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.zygote", str(theirs.fileno())], env=env, pass_fds=[theirs.fileno()],
            cwd=Path(__file__).parents[1], stdin=subprocess.DEVNULL,
        )  # fmt: skip
        theirs.close()
        yield Zygote(ours)
    process.wait(10)


def serve(descriptor: int) -> None:
    """Forks once for each request."""
    from jobctl.cli.registry import COMMANDS

    for name in (*LOADED, *(f"jobctl.cli.commands.{place.partition(':')[0]}" for place, _ in COMMANDS.values())):
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps: no wait
    with socket.socket(fileno=descriptor) as end:
        while True:
            request, ancillary, _, _ = end.recvmsg(1 << 20, socket.CMSG_SPACE(4 * array.array("i").itemsize))
            if not request:
                return
            files = array.array("i")
            for _, _, data in ancillary:
                files.frombytes(data)
            if os.fork() == 0:
                end.detach()
                os.close(descriptor)
                _become(json.loads(request), list(files))
            for file in files:
                os.close(file)


def _become(request: dict, files: list[int]) -> None:
    """The rest of a fork's life."""
    from jobctl.cli import entry

    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        *streams, status = files
        os.set_inheritable(status, False)
        os.write(status, f"{os.getpid()} ".encode())
        for number, file in enumerate(streams):
            os.dup2(file, number)
            os.close(file)
        os.environ.clear()
        os.environ.update(request["env"])
        os.chdir(request["cwd"])
        time.tzset()
        random.seed()
        sys.argv = ["jobctl", *request["words"]]
        code = entry.run(request["words"])
    finally:
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os.write(status, str(code).encode())
        os._exit(code)


if __name__ == "__main__":
    serve(int(sys.argv[1]))

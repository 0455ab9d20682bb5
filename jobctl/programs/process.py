"""A program in a process group of its own: started, its output read as lines, signalled, ended with everything in its group."""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Self

from jobctl.core.errors import Invalid
from jobctl.programs.exits import Exit
from jobctl.system.cgroup import MemoryGroup

Stream = Literal["stdout", "stderr"]
OnLine = Callable[[Stream, str], None]
"""Receives each line of output, without its end."""
TURN = 0.1
"""Seconds between two looks at requests while a program is silent."""
READ_SIZE = 1 << 16
READS_AT_END = 1024
"""Reads after the program's end: a process that it left behind may go on writing for ever."""
LINE_CAP = 4_000
"""Bytes after which a line is cut, as the job's log does."""
_LIMITED = 'ulimit -v "$1" && shift && exec "$@"'


@dataclass(frozen=True, slots=True)
class Launch:
    """What is started: ``memory`` limits the address space of each of its processes, in bytes."""

    argv: Sequence[str]
    cwd: Path
    environment: Mapping[str, str]
    memory: int | None = None


class _Lines:
    """Bytes to lines. What a program overwrites with a carriage return is not kept."""

    def __init__(self, take: Callable[[str], None]) -> None:
        self._take = take
        self._rest = b""

    def add(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._pass_on(line)
        while len(self._rest) > LINE_CAP:
            head, self._rest = self._rest[:LINE_CAP], self._rest[LINE_CAP:]
            if b"\r" not in self._rest:
                self._pass_on(head)

    def end(self) -> None:
        if self._rest:
            self._pass_on(self._rest)
            self._rest = b""

    def _pass_on(self, line: bytes) -> None:
        self._take(line.rstrip(b"\r").rpartition(b"\r")[2].decode("utf-8", "replace"))


class Program:
    """A running program. A context manager: on leaving, its group is killed."""

    def __init__(self, launch: Launch, on_line: OnLine) -> None:
        """Starts it. Raises ``Invalid`` for a program that is not there or cannot be executed."""
        self.name = Path(launch.argv[0]).name
        self._kills = MemoryGroup().kills()
        self._process = _start(launch)
        self._selector = selectors.DefaultSelector()
        self._lines: dict[int, _Lines] = {}
        self._watch(self._process.stdout, lambda text: on_line("stdout", text))
        self._watch(self._process.stderr, lambda text: on_line("stderr", text))

    @property
    def pid(self) -> int:
        """The number of its process and of its process group."""
        return self._process.pid

    def _watch(self, stream: IO[bytes] | None, take: Callable[[str], None]) -> None:
        if stream is not None:
            os.set_blocking(stream.fileno(), False)
            self._selector.register(stream.fileno(), selectors.EVENT_READ)
            self._lines[stream.fileno()] = _Lines(take)

    def turn(self, seconds: float = TURN) -> Exit | None:
        """Passes on what it prints within ``seconds``; its end, when it has ended."""
        if self._lines:
            for key, _ in self._selector.select(seconds):
                self._read(key.fd)
        else:  # it has closed its output and goes on
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
        if self._process.poll() is None:
            return None
        for descriptor in list(self._lines):
            for _ in range(READS_AT_END):
                if not self._read(descriptor):
                    break
        for lines in self._lines.values():
            lines.end()
        self._lines.clear()
        return Exit(self._process.returncode, kernel=MemoryGroup().kills() != self._kills)

    def _read(self, descriptor: int) -> bool:
        """Passes on what is there; whether there was something."""
        try:
            data = os.read(descriptor, READ_SIZE)
        except BlockingIOError:
            return False
        if not data:
            self._selector.unregister(descriptor)
            self._lines.pop(descriptor).end()
            return False
        self._lines[descriptor].add(data)
        return True

    def signal(self, number: int) -> None:
        """A signal to all processes of its group."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def terminate(self, grace: float) -> Exit:
        """SIGTERM to the group; SIGKILL to what is left after ``grace`` seconds. Its output is still passed on."""
        deadline = time.monotonic() + grace
        self.signal(signal.SIGTERM)
        self.signal(signal.SIGCONT)
        while (end := self.turn()) is None and time.monotonic() < deadline:
            pass
        self.signal(signal.SIGKILL)
        while end is None:
            end = self.turn()
        return end

    def handles(self, number: int) -> bool:
        """Whether the program itself has a handler for a signal; False where the system does not tell."""
        with suppress(OSError, ValueError):
            for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
                if line.startswith("SigCgt:"):
                    return bool(int(line.split()[1], 16) >> (number - 1) & 1)
        return False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.signal(signal.SIGKILL)
        self._process.wait()
        self._selector.close()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()


def execute(launch: Launch, on_line: OnLine, check: Callable[[], None], *, grace: float = 5.0) -> Exit:
    """Runs a program to its end. What ``check`` raises, called ten times a second, ends it first: SIGTERM, then SIGKILL."""
    with Program(launch, on_line) as program:
        while (end := program.turn()) is None:
            try:
                check()
            except BaseException:
                program.terminate(grace)
                raise
        return end


def _start(launch: Launch) -> subprocess.Popen[bytes]:
    argv = list(launch.argv)
    if launch.memory is not None:
        argv = ["/bin/sh", "-c", _LIMITED, "sh", str(launch.memory >> 10), _found(argv[0], launch), *argv[1:]]
    try:
        return subprocess.Popen(
            argv, cwd=launch.cwd, env=dict(launch.environment), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True, bufsize=0,
        )  # fmt: skip
    except (OSError, ValueError) as error:
        raise _unusable(launch.argv[0], error) from None


def _found(name: str, launch: Launch) -> str:
    """The program's path: the shell that sets the limit would report one that is missing as an exit code."""
    found = shutil.which(name, path=launch.environment.get("PATH"))
    if found is None and not (launch.cwd / name).exists():
        raise _unusable(name, FileNotFoundError())
    return found or name


def _unusable(name: str, error: OSError | ValueError) -> Invalid:
    match error:
        case FileNotFoundError():
            return Invalid(f"this worker has no program {name!r}", hint="Install it there, or take it in with --input.")
        case PermissionError():
            return Invalid(f"{name!r} cannot be executed by the account of the job", hint="chmod +x")
        case OSError():
            return Invalid(f"{name!r} cannot be started: {error.strerror}")
        case _:
            return Invalid(f"{name!r} cannot be started: {error}")

"""``ctx.run``: a program that a stage starts; its output is the job's log, its exit code is an error of a class."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from jobctl.core.errors import CancelNow, ErrorType, Invalid, JobFailure, Paywall, Permanent, Transient
from jobctl.programs.stop_signals import TERMINATED
from jobctl.system.environment import variables
from jobctl.worker.channel import LINE_CAP

LOOK_EVERY = 0.1
"""Seconds between two polls at whether the job is to be cancelled."""
TERM_GRACE = 5.0
"""Seconds between the SIGTERM and the SIGKILL of a program whose job is cancelled."""
DRAIN = 2.0
"""Seconds to wait for the rest of the output after the program has ended: what it left behind may keep the pipe open."""
EXIT_CLASSES: Mapping[int, ErrorType] = {64: "invalid", 65: "invalid", 66: "invalid", 75: "transient"}
"""The exit codes of sysexits.h that tell a class; all others are permanent."""
_FAILURES: Mapping[ErrorType, type[JobFailure]] = {
    "invalid": Invalid, "transient": Transient, "paywall": Paywall, "permanent": Permanent,
}  # fmt: skip


def run_program(
    command: Sequence[str | Path],
    *,
    log: Callable[[str, str], None],
    cancelled: Callable[[], bool],
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    exits: Mapping[int, ErrorType | None] | None = None,
    terminated: Callable[[], None] = lambda: None,
) -> int:
    """Runs a program to its end; returns its exit code. See ``Context.run``. ``log`` receives level and text of a line.

    ``terminated`` is called for a program that SIGTERM has ended, before that is a failure.
    """
    name = Path(command[0]).name
    try:
        process = subprocess.Popen(
            [os.fspath(word) for word in command], cwd=cwd, env={**variables, **(env or {})}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise Permanent(f"{name} is not installed on this worker, or {cwd or Path.cwd()} does not exist") from error
    except OSError as error:
        raise Permanent(f"{name} cannot be run: {error.strerror}") from error
    readers = [
        threading.Thread(target=_read, args=[stream, level, log], daemon=True)
        for stream, level in ((process.stdout, "info"), (process.stderr, "warning"))
    ]
    for reader in readers:
        reader.start()
    try:
        code = _wait(process, cancelled)
    finally:
        _end(process)
        for reader in readers:
            reader.join(DRAIN)
    if code in TERMINATED and code not in (exits or {}):
        terminated()
    return _checked(name, code, exits or {})


def _read(stream: IO[bytes], level: str, log: Callable[[str, str], None]) -> None:
    with stream, suppress(ValueError):
        while line := stream.readline(LINE_CAP):
            log(level, line.decode("utf-8", "replace").rstrip("\r\n"))


def _wait(process: subprocess.Popen[bytes], cancelled: Callable[[], bool]) -> int:
    while True:
        try:
            return process.wait(LOOK_EVERY)
        except subprocess.TimeoutExpired:
            if cancelled():
                raise CancelNow from None


def _end(process: subprocess.Popen[bytes]) -> None:
    """The program and what it has started, if it still runs: politely first."""
    if process.poll() is not None:
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(TERM_GRACE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _checked(name: str, code: int, exits: Mapping[int, ErrorType | None]) -> int:
    """The exit code, where it is a success. Raises the failure of its class."""
    kind = exits.get(code, None if code == 0 else EXIT_CLASSES.get(code, "permanent"))
    if kind is None:
        return code
    how = f"ended with exit code {code}" if code >= 0 else f"was ended by {signal.Signals(-code).name}"
    raise _FAILURES[kind](f"{name} {how}")

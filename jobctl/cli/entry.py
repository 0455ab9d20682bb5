"""The entry point: runs a command, turns whatever comes up into a message and an exit code."""

from __future__ import annotations

import errno
import logging
import os
import signal
import sys
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

import click

from jobctl.cli import exits
from jobctl.cli.app import OutOfTime, State, root
from jobctl.cli.output.text import cut, echo, visible
from jobctl.core.errors import JobctlError, first_line

WIDEST = 500
"""Cells of a line of an error."""


class Terminated(BaseException):
    """SIGTERM, turned into an unwinding."""


def main(arguments: Sequence[str] | None = None, *, closed: Collection[int] = ()) -> None:
    """Runs a command and leaves with its exit code; ``closed``: standard streams that the caller has closed.

    At once: what a command opened is closed by then, and taking the interpreter down piece by piece costs a fifth of a
    ``show`` (measured by ``tests/bench/coldstart.py``).
    """
    code = run(arguments, closed=closed)
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def run(arguments: Sequence[str] | None = None, *, closed: Collection[int] = ()) -> int:
    """Runs a command; returns the exit code."""
    state = State(closed=closed)
    _terminate_like_others()
    try:
        result = root.main(
            args=None if arguments is None else list(arguments), prog_name="jobctl", standalone_mode=False, obj=state
        )
        sys.stdout.flush()
    except (click.exceptions.Exit, click.Abort, click.ClickException, SystemExit, KeyboardInterrupt) as error:
        return _left(state, error)
    except Terminated:
        return 143
    except OutOfTime:
        _complain(state, f"--timeout of {state.flags.get('timeout'):g} s ran out", "What was done so far is kept.", 124)
        return 124
    except Exception as error:  # every error becomes a message and a code
        return _broken_pipe() if isinstance(error, OSError) and error.errno == errno.EPIPE else _failed(state, error)
    finally:
        if state.client is not None:
            state.client.close()
    return result if isinstance(result, int) else 0


def _left(state: State, error: BaseException) -> int:
    """The code of a command that click ended: help, a usage error, an interrupt, a closed output pipe."""
    match error:
        case click.exceptions.Exit():
            return _flushed(error.exit_code)
        case SystemExit():  # click leaves like this when a reader closed the pipe
            closed = type(sys.stdout).__name__.endswith("PacifyFlushWrapper")
            return _broken_pipe() if closed else int(error.code or 0)
        case click.exceptions.NoArgsIsHelpError():
            click.echo(error.format_message(), err=True)
            return 2
        case click.ClickException():
            _complain(state, error.format_message(), _usage_hint(error), 2)
            return 2
        case _:
            return 130


def _terminate_like_others() -> None:
    def unwind(*_: object) -> None:
        raise Terminated

    try:
        signal.signal(signal.SIGTERM, unwind)
    except ValueError:  # not the main thread: signals are not ours
        return


def _flushed(code: int) -> int:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return _broken_pipe()
    return code


def _broken_pipe() -> int:
    """The output pipe was closed: not an error of ours, but not a success either."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 141


def _kinds(error: BaseException) -> set[str]:
    """The classes of an error by name: the drivers are not imported here."""
    return {f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__}


def _usage_hint(error: BaseException) -> str | None:
    context = getattr(error, "ctx", None)
    return f"{context.command_path} --help" if context else "jobctl --help"


def _has_working_folder() -> bool:
    try:
        Path.cwd()
    except OSError:
        return False
    return True


def _failed(state: State, error: BaseException) -> int:
    if state.verbosity >= 2:
        import traceback

        traceback.print_exception(error)
    code = exits.of_error(error)
    if isinstance(error, JobctlError):
        _complain(state, str(error), error.hint, code)
    elif isinstance(error, UnicodeError) or "psycopg.DataError" in _kinds(error):
        code = 2
        _complain(state, f"a value can't be stored: {first_line(error)}", _usage_hint(error), code)
    elif isinstance(error, RecursionError):
        code = 2
        _complain(state, "the input is nested too deeply", _usage_hint(error), code)
    elif any(kind.startswith("psycopg.") for kind in _kinds(error)):
        code = 6
        _complain(state, f"the database refused: {first_line(error)}", "jobctl doctor", code)
    elif isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        code = 5
        _complain(state, f"disk full: {error.strerror}", "Free space where the output or JOBCTL_HOME is.", code)
    elif isinstance(error, FileNotFoundError) and error.filename is None and not _has_working_folder():
        code = 2
        _complain(state, "the folder in which you are does not exist any more", "cd to another folder.", code)
    elif isinstance(error, OSError) and error.filename is not None:
        code = 2
        _complain(state, f"cannot use {str(error.filename)[:200]}: {error.strerror}", None, code)
    else:
        _complain(
            state, f"a bug in jobctl: {type(error).__name__}: {error}", "Run again with -vv and report what it prints.", 1
        )  # fmt: skip
    return code


def _complain(state: State, message: str, hint: str | None, code: int) -> None:
    """Up to three lines on stderr, the last says what to do; one object in a JSON mode."""
    if state.json:
        import json

        body = {"code": code, "exit": code, "message": message, "hint": hint, "retryable": code == 6}
        click.echo(json.dumps({"v": 1, "error": body}), err=True)
        return
    lines = [line for line in message.splitlines() if line.strip()][: 2 if hint else 3]
    echo(f"jobctl: {_line(lines[0] if lines else 'something went wrong')}", err=True)
    for line in [*lines[1:], *([hint] if hint else [])]:
        echo(f"  {_line(line.strip())}", err=True)


def _line(text: str) -> str:
    """One line, also of a value that fills a screen."""
    return cut(visible(text), WIDEST)

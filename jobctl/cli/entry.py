"""The entry point: runs a command, turns whatever comes up into a message and an exit code."""

from __future__ import annotations

import errno
import logging
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import click

from jobctl.cli import exits
from jobctl.cli.frame import OutOfTime, State, root
from jobctl.cli.text import visible
from jobctl.core.errors import JobctlError


class Terminated(BaseException):
    """SIGTERM, turned into an unwinding."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs a command and leaves with its exit code.

    At once: what a command opened is closed by then, and taking the interpreter down piece by piece costs a fifth of a
    ``show`` (measured by ``tests/bench/coldstart.py``).
    """
    code = run(arguments)
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; gives the exit code."""
    state = State()
    _terminate_like_others()
    try:
        result = root.main(
            args=None if arguments is None else list(arguments), prog_name="jobctl", standalone_mode=False, obj=state
        )
        sys.stdout.flush()
    except click.exceptions.Exit as leaving:
        return _flushed(leaving.exit_code)
    except SystemExit as leaving:  # click leaves like this when a reader went away
        gone = type(sys.stdout).__name__.endswith("PacifyFlushWrapper")
        return _broken_pipe() if gone else int(leaving.code or 0)
    except (click.Abort, KeyboardInterrupt):
        return 130
    except Terminated:
        return 143
    except OutOfTime:
        _complain(state, f"--timeout of {state.get('timeout'):g} s ran out", "Nothing that was done is undone.", 124)
        return 124
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return 2
    except click.ClickException as error:
        _complain(state, error.format_message(), _usage_hint(error), 2)
        return 2
    except BrokenPipeError:
        return _broken_pipe()
    except OSError as error:
        if error.errno == errno.EPIPE:
            return _broken_pipe()
        return _failed(state, error)
    except Exception as error:  # whatever comes up here becomes a message and a code
        return _failed(state, error)
    finally:
        if state.client is not None:
            state.client.close()
    return result if isinstance(result, int) else 0


def _terminate_like_others() -> None:
    def unwind(*_: Any) -> None:
        raise Terminated

    try:
        signal.signal(signal.SIGTERM, unwind)
    except ValueError:  # not the main thread: somebody else's signals
        return


def _flushed(code: int) -> int:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return _broken_pipe()
    return code


def _broken_pipe() -> int:
    """The reader went away: that is no error of ours, but not silence either."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 141


def _usage_hint(error: click.ClickException) -> str | None:
    context = getattr(error, "ctx", None)
    return f"{context.command_path} --help" if context else "jobctl --help"


def _failed(state: State, error: BaseException) -> int:
    if state.get("verbose", 0) >= 2:
        import traceback

        traceback.print_exception(error)
    code = exits.of_error(error)
    if isinstance(error, JobctlError):
        _complain(state, str(error), error.hint, code)
    elif type(error).__module__.startswith("psycopg"):
        code = 6
        _complain(state, f"the database refused: {str(error).strip().splitlines()[0]}", "jobctl doctor", code)
    elif isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        code = 5
        _complain(state, f"there is no room: {error.strerror}", "Make room where the output or JOBCTL_HOME is.", code)
    else:
        _complain(
            state, f"a bug in jobctl: {type(error).__name__}: {error}", "Run again with -vv and report what it prints.", 1
        )  # fmt: skip
    return code


def _complain(state: State, message: str, hint: str | None, code: int) -> None:
    """Up to three lines on stderr, the last says what to do; one object in a JSON mode."""
    if state.output in ("json", "ndjson"):
        import json

        body = {"code": code, "exit": code, "message": message, "hint": hint, "retryable": code == 6}
        click.echo(json.dumps({"v": 1, "error": body}), err=True)
        return
    lines = [line for line in message.splitlines() if line.strip()][: 2 if hint else 3]
    click.echo(f"jobctl: {visible(lines[0] if lines else 'something went wrong')}", err=True)
    for line in lines[1:]:
        click.echo(f"  {visible(line.strip())}", err=True)
    if hint:
        click.echo(f"  {visible(hint)}", err=True)

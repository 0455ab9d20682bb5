"""What every command shares: globals before and after the command, lazy loading, errors, exit codes."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

from jobctl import __version__
from jobctl.cli.text import seconds, visible
from jobctl.core import errors

EXIT_CODES: dict[type[BaseException], int] = {
    errors.UsageError: 2,
    errors.JobNotFound: 3,
    errors.IllegalTransition: 4,
    errors.ConfigError: 5,
    errors.StoreUnavailable: 6,
    errors.CheckpointError: 4,
    errors.JobFailure: 2,
    errors.JobctlError: 1,
}
"""The one table from errors to exit codes; the nearest class in an error's ancestry decides."""

COMMANDS: dict[str, tuple[str, str]] = {
    "submit": ("submit:submit", "Create a job; a file name alone processes that document."),
    "list": ("look:list_", "Show jobs as a table."),
    "show": ("look:show", "Show everything about a job, and what can be done with it."),
    "why": ("look:why", "Say why a job is where it is."),
    "watch": ("watch:watch", "Follow jobs live."),
    "wait": ("wait:wait", "Block until jobs have ended; return their outcome."),
    "logs": ("look:logs", "Show what a job's handler logged."),
    "pause": ("control:pause", "Pause jobs at their next safe point."),
    "resume": ("control:resume", "Continue paused jobs from their checkpoint."),
    "retry": ("control:retry", "Try failed or cancelled jobs again; --due is the sweep for cron."),
    "restart": ("control:restart", "Run ended jobs again from the first stage."),
    "cancel": ("control:cancel", "End jobs."),
    "delete": ("control:delete", "Remove ended jobs; what they made stays."),
    "verify": ("look:verify", "Check the bytes of checkpoints."),
    "worker": ("worker:worker", "Run and look after workers."),
    "queue": ("queue:queue", "Hold and release whole queues."),
    "search": ("library:search", "Find passages in processed documents."),
    "connections": ("library:connections", "Show and judge connections between passages."),
    "review": ("library:review", "Decide what an import could not: places, lost anchors."),
    "types": ("about:types", "Show job types with their input and stages."),
    "stats": ("stats:stats", "Show counts, times and retries."),
    "db": ("db:db", "Start, stop, upgrade and check the database."),
    "torture": ("torture:torture", "Kill everything at random and check that nothing is lost."),
    "prune": ("prune:prune", "Remove old checkpoints, and bytes that nothing refers to."),
    "doctor": ("about:doctor", "Check that everything is in order."),
    "config": ("about:config", "Show settings and where each comes from."),
    "completion": ("about:completion", "Print the completion script of a shell."),
    "version": ("about:version", "Print the version."),
}
ALIASES = {"ls": "list"}
OUTPUTS = ("table", "wide", "json", "ndjson", "csv", "tsv", "id")


class Duration(click.ParamType[float]):
    """``90``, ``90s``, ``20m``, ``1h30m``, ``2d`` as seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds."""
        if isinstance(value, (int, float)):
            return float(value)
        found = seconds(str(value))
        if found is None:
            self.fail(f"{value!r} is not a duration: use 90s, 20m, 1h30m or 2d", param, ctx)
        return found


class State:
    """What the globals say; carried by click's context."""

    def __init__(self) -> None:
        self.flags: dict[str, Any] = {}
        self.client: Any = None

    def get(self, name: str, default: Any = None) -> Any:
        """A global's value."""
        return self.flags.get(name, default)

    @property
    def output(self) -> str:
        """The output mode."""
        return str(self.get("output", "table"))

    @property
    def quiet(self) -> bool:
        """Whether only answers are wanted."""
        return bool(self.get("quiet"))

    def say(self, line: str) -> None:
        """A line beside the answer: stderr, unless quiet."""
        if not self.quiet:
            click.echo(visible(line), err=True)

    def settings(self) -> Any:
        """Settings by flag, environment and files."""
        from jobctl import wiring

        return wiring.settings({"db": self.get("db"), "config": self.get("config")})

    def connect(self) -> Any:
        """The client; opened once a command."""
        from jobctl import wiring

        if self.client is None:
            self.client = wiring.connect(self.settings(), say=self.say)
        return self.client


def _keep(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    given = value not in (None, (), False, 0)
    if given:
        name = "output" if param.name == "json_output" else str(param.name)
        ctx.ensure_object(State).flags[name] = "json" if param.name == "json_output" else value
    if given and param.name == "ascii":
        os.environ["JOBCTL_ASCII"] = "1"
    if given and param.name == "timeout":
        signal.signal(signal.SIGALRM, _out_of_time)
        signal.setitimer(signal.ITIMER_REAL, max(value, 0.001))


def global_options() -> list[click.Option]:
    """The globals: the same before and after the command."""
    both: dict[str, Any] = {"expose_value": False, "callback": _keep}
    return [
        click.Option(["--db"], metavar="URL", help="Database; default: JOBCTL_DATABASE_URL, or the embedded server.", **both),
        click.Option(["--config"], metavar="FILE", help="Settings from this file only.", **both),
        click.Option(["-o", "--output"], type=click.Choice(OUTPUTS), help="How to print.", **both),
        click.Option(["--json", "json_output"], is_flag=True, help="The same as -o json.", **both),
        click.Option(["--fields"], metavar="A,B.C", help="Only these fields.", **both),
        click.Option(["-q", "--quiet"], is_flag=True, help="Answers only.", **both),
        click.Option(["-v", "--verbose"], count=True, help="More; twice: tracebacks.", **both),
        click.Option(["--color"], type=click.Choice(["auto", "always", "never"]), help="Colour.", **both),
        click.Option(["--time", "time_mode"], type=click.Choice(["relative", "local", "utc"]), help="How to show times.", **both),
        click.Option(["--no-header"], is_flag=True, help="Tables, csv and tsv without their first line.", **both),
        click.Option(["--ascii"], is_flag=True, help="No marks and bars beyond ASCII.", **both),
        click.Option(["--timeout"], type=Duration(), help="Give up after this: 90s, 20m. Exit code 124.", **both),
        click.Option(["-y", "--yes"], is_flag=True, help="Do not ask.", **both),
    ]  # fmt: skip


class Command(click.Command):
    """A command that takes the globals too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        taken = {name for param in self.params for name in param.opts}
        self.params += [option for option in global_options() if not taken.intersection(option.opts)]
        self.context_settings = {"help_option_names": ["-h", "--help"], **self.context_settings}

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Own options first, the globals under a heading of their own."""
        shared = {option.name for option in global_options()}
        own: list[tuple[str, str]] = []
        common: list[tuple[str, str]] = []
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record:
                (common if param.name in shared else own).append(record)
        for title, rows in (("Options", own), ("Everywhere", common)):
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


class Family(click.Group):
    """A group of commands: ``db upgrade``."""

    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.context_settings = {"help_option_names": ["-h", "--help"]}

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggests the nearest name for an unknown one."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            near = difflib.get_close_matches(args[0], self.list_commands(ctx), 1)
            if near:
                raise click.UsageError(f"{error.message} Did you mean {near[0]}?", ctx) from None
            raise


class Root(Family):
    """The top: commands are imported when they are named, so that help costs nothing."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """In the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Imports the module of a command."""
        name = ALIASES.get(cmd_name, cmd_name)
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name][0].partition(":")
        command = getattr(importlib.import_module(f"jobctl.cli.{module}"), attribute)
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The table; nothing is imported for it."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, sentence) for name, (_, sentence) in COMMANDS.items()])


def _version(ctx: click.Context, _: click.Parameter, value: Any) -> None:
    if value:
        click.echo(f"jobctl {__version__}")
        ctx.exit(0)


@click.pass_context
def _root(ctx: click.Context) -> None:
    ctx.ensure_object(State)


root = Root(
    "jobctl",
    callback=_root,
    params=[
        *global_options(),
        click.Option(["--version"], is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Print the version."),
    ],
    help="Long document jobs on Postgres: submit, watch, pause, resume, retry, cancel.\n\n"
    "Start with: jobctl submit book.pdf --run",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """The entry point: runs a command and leaves with the right exit code."""
    sys.exit(run(arguments))


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
    except click.Abort:
        return 130
    except KeyboardInterrupt:
        return 130
    except Terminated:
        return 143
    except OutOfTime:
        _complain(state, f"--timeout of {state.get('timeout'):g} s ran out", "Nothing that was done is undone.", 124)
        return 124
    except click.ClickException as error:
        _complain(state, error.format_message(), _usage_hint(error), 2)
        return 2
    except BrokenPipeError:
        return _broken_pipe()
    except OSError as error:
        if error.errno == 32:
            return _broken_pipe()
        return _failed(state, error)
    except Exception as error:  # whatever comes up here becomes a message and a code
        return _failed(state, error)
    finally:
        if state.client is not None:
            state.client.close()
    return result if isinstance(result, int) else 0


class Terminated(BaseException):
    """SIGTERM, turned into an unwinding."""


class OutOfTime(BaseException):
    """The time of ``--timeout`` is over."""


def _out_of_time(*_: Any) -> None:
    raise OutOfTime


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
    code = next((EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES), 1)
    if isinstance(error, errors.JobctlError):
        _complain(state, str(error), error.hint, code)
    elif type(error).__module__.startswith("psycopg"):
        code = 6
        _complain(state, f"the database refused: {str(error).strip().splitlines()[0]}", "jobctl doctor", code)
    else:
        _complain(
            state,
            f"a bug in jobctl: {type(error).__name__}: {error}",
            "Run again with -vv and report what it prints.",
            1,
        )
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


def command(name: str | None = None, **attrs: Any) -> Callable[[Callable[..., Any]], Command]:
    """``click.command`` with the globals."""
    return click.command(name, cls=Command, **attrs)


def pass_state(function: Callable[..., Any]) -> Callable[..., Any]:
    """Gives the state as the first argument."""
    return click.make_pass_decorator(State, ensure=True)(function)

"""What every command shares: the globals before and after it, lazy loading, help."""

from __future__ import annotations

import importlib
import signal
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Concatenate, ParamSpec

import click

from jobctl import __version__, wiring
from jobctl.cli.output.display import Display
from jobctl.cli.output.text import LONGEST, cut, echo, is_text, seconds
from jobctl.cli.registry import ALIASES, COMMANDS, GROUPS
from jobctl.client import Client
from jobctl.core.errors import UsageError
from jobctl.system.environment import variables
from jobctl.wiring import Settings

OUTPUTS = ("table", "wide", "json", "ndjson", "csv", "tsv", "id")
P = ParamSpec("P")
HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}


class OutOfTime(BaseException):
    """``--timeout`` ran out."""


class Duration(click.ParamType[float]):
    """``90``, ``90s``, ``20m``, ``1h30m``, ``2d`` as seconds; at most a hundred years."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds."""
        if isinstance(value, (int, float)):
            return float(value)
        found = seconds(str(value))
        if found is None:
            self.fail(f"{cut(str(value), 60)!r} is not a duration: use 90s, 20m, 1h30m or 2d", param, ctx)
        if found > LONGEST:
            self.fail(f"{cut(str(value), 60)!r} is longer than a hundred years", param, ctx)
        return found


class State(Display):
    """The globals of one command, and the client it opens; carried by click's context."""

    def __init__(self, *, closed: Collection[int] = ()) -> None:
        super().__init__()
        self.closed = closed
        """Which of the standard streams (0, 1, 2) are closed."""
        self.client: Client | None = None

    @property
    def yes(self) -> bool:
        """Whether nothing is to be asked."""
        return self.has("yes")

    @property
    def verbosity(self) -> int:
        """How many -v there are."""
        count = self.flags.get("verbose")
        return count if isinstance(count, int) else 0

    def settings(self) -> Settings:
        """Settings by flag, environment and files."""
        return wiring.settings({"db": self.text("db"), "config": self.text("config")})

    def connect(self) -> Client:
        """The client; opened once a command."""
        if self.client is None:
            self.client = wiring.connect(self.settings(), report=self.notice)
        return self.client


# -- the globals -----------------------------------------------------------------------------------------------------


def _keep(ctx: click.Context, param: click.Parameter, value: object) -> None:
    is_set = value not in (None, (), False, 0)
    if is_set:
        name = "output" if param.name == "json_output" else str(param.name)
        ctx.ensure_object(State).flags[name] = "json" if param.name == "json_output" else value
    if is_set and param.name == "ascii":
        variables["JOBCTL_ASCII"] = "1"
    if is_set and param.name == "timeout":
        signal.signal(signal.SIGALRM, _out_of_time)
        signal.setitimer(signal.ITIMER_REAL, max(float(str(value)), 0.001))


def _out_of_time(*_: object) -> None:
    raise OutOfTime


def global_options() -> list[click.Option]:
    """The globals: the same before and after the command."""
    both: dict[str, Any] = {"expose_value": False, "callback": _keep}
    return [
        click.Option(["--db"], metavar="URL", help="Database; default: JOBCTL_DATABASE_URL, or the embedded server.", **both),
        click.Option(["--config"], metavar="FILE", help="Settings from this file only.", **both),
        click.Option(["-o", "--output"], type=click.Choice(OUTPUTS), help="Output format.", **both),
        click.Option(["--json", "json_output"], is_flag=True, help="Same as -o json.", **both),
        click.Option(["--fields"], metavar="A,B.C", help="Only these fields; help lists them.", **both),
        click.Option(["-q", "--quiet"], is_flag=True, help="Print only the answer; for a list, the ids.", **both),
        click.Option(["-v", "--verbose"], count=True, help="More detail; twice: tracebacks.", **both),
        click.Option(["--color"], type=click.Choice(["auto", "always", "never"]), help="When to use colour.", **both),
        click.Option(["--time", "time_mode"], type=click.Choice(["relative", "local", "utc"]), help="How to print times.", **both),
        click.Option(["--no-header"], is_flag=True, help="Leave out the header of tables, csv and tsv.", **both),
        click.Option(["--ascii"], is_flag=True, help="Only ASCII marks and bars.", **both),
        click.Option(["--timeout"], type=Duration(), help="Give up after this: 90s, 20m. Exit code 124.", **both),
        click.Option(["-y", "--yes"], is_flag=True, help="Do not ask for confirmation.", **both),
    ]  # fmt: skip


FILE_NAMES = ("config", "file", "lock", "roots", "words")
"""Parameters that name files: bytes that are not UTF-8 are possible there."""


def _encodable(value: object) -> bool:
    """Whether a parameter's text, or each of several, can be encoded."""
    return all(map(_encodable, value)) if isinstance(value, tuple) else not isinstance(value, str) or is_text(value)


# -- commands and families -------------------------------------------------------------------------------------------


class Command(click.Command):
    """A command that takes the globals too, and shows examples first."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), silent: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.silent = silent
        """Whether the command writes nothing to stdout."""
        self.examples = tuple(examples)
        taken = {name for param in self.params for name in param.opts}
        self.shared = [option for option in global_options() if not taken.intersection(option.opts)]
        self.params += self.shared
        self.context_settings = {**HELP_OPTIONS, **self.context_settings}

    def invoke(self, ctx: click.Context) -> object:
        """Runs the command, if stdout is open: without it the outcome would be lost."""
        if 1 in ctx.ensure_object(State).closed and not self.silent:
            raise UsageError("stdout is closed", hint="Redirect it to /dev/null if the output is not wanted.")
        return super().invoke(ctx)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuses text that no database and no JSON can take, where it is not the name of a file."""
        rest = super().parse_args(ctx, args)
        for param in self.params:
            if param.name not in FILE_NAMES and not _encodable(ctx.params.get(str(param.name))):
                raise click.BadParameter("it is not valid UTF-8", ctx, param)
        return rest

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Examples, own options by heading, and the globals in a line each."""
        _examples(formatter, self.examples)
        shared = {option.name for option in self.shared}
        headings: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record and isinstance(param, click.Option) and param.name not in shared:
                headings.setdefault(getattr(param, "heading", "Options"), []).append(record)
        for heading, rows in sorted(headings.items(), key=lambda item: item[0] != "Options"):
            _section(formatter, heading, rows)
        with formatter.section("Everywhere (jobctl --help)"):
            formatter.write_text(" ".join(_brief(option) for option in self.shared))


class Family(click.Group):
    """A group of commands: ``db upgrade``."""

    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.context_settings = HELP_OPTIONS

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
        command = getattr(importlib.import_module(f"jobctl.cli.commands.{module}"), attribute)
        return command if isinstance(command, click.Command) else None

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Examples, the commands by group, the globals."""
        _examples(formatter, EXAMPLES)
        for title, commands in GROUPS.items():
            _section(formatter, title, [(name, sentence) for name, (_, sentence) in commands.items()])
        records = [param.get_help_record(ctx) for param in self.get_params(ctx)]
        _section(formatter, "Options, before or after the command", filter(None, records))


EXAMPLES = (
    "jobctl submit book.pdf --run            process a document now, in this process",
    "jobctl submit books/ && jobctl watch    queue a folder and watch it; a worker runs it:",
    "jobctl worker run                       in another terminal, or on another machine",
    "jobctl list -s failed -q | jobctl retry -",
)


def _examples(formatter: click.HelpFormatter, lines: Sequence[str]) -> None:
    if lines:
        with formatter.section("Examples"):
            for line in lines:
                formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


def _section(formatter: click.HelpFormatter, title: str, rows: Iterable[tuple[str, str]]) -> None:
    found = list(rows)
    if found:
        with formatter.section(title):
            formatter.write_dl(found)


def _brief(option: click.Option) -> str:
    """``[-o table|wide|…]``."""
    choices = getattr(option.type, "choices", None)
    value = "|".join(choices) if choices else "" if option.is_flag or option.count else option.metavar or "DUR"
    return f"[{option.opts[0]}{f' {value}' if value else ''}]"


def _version(ctx: click.Context, _: click.Parameter, value: object) -> None:
    if value:
        echo(f"jobctl {__version__}")
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
    subcommand_metavar="COMMAND [ARGS]…",
    help="Long work as jobs on Postgres: submit, watch, pause, resume, retry, cancel.",
)  # fmt: skip


def top() -> click.Context:
    """The context of the root, for walking the commands."""
    return click.Context(root, info_name="jobctl", help_option_names=HELP_OPTIONS["help_option_names"])


def command(name: str | None = None, **attrs: Any) -> Callable[[Callable[..., int]], Command]:
    """``click.command`` with the globals; ``examples`` are lines that help shows first."""
    return click.command(name, cls=Command, **attrs)


def pass_state(function: Callable[Concatenate[State, P], int]) -> Callable[P, int]:
    """Passes the state as the first argument."""
    return click.make_pass_decorator(State, ensure=True)(function)

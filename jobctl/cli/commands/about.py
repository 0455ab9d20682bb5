"""types, config, completion, version."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

import click

from jobctl import __version__
from jobctl.cli.app import Family, State, command, pass_state
from jobctl.cli.output.fields import dumps, emit
from jobctl.cli.output.table import table
from jobctl.cli.output.text import echo, visible
from jobctl.core.errors import ConfigError, MissingExtra, UsageError
from jobctl.core.pipeline import Pipeline


@command(
    examples=[
        "jobctl types                    all that are installed",
        "jobctl types new count_words    the package of a new one, with a test",
    ]
)
@click.argument("words", nargs=-1, metavar="[NAME] | new NAME")
@click.option("--into", metavar="DIR", help="Folder for the package of new; default: the current one.")
@pass_state
def types(state: State, words: tuple[str, ...], into: str | None) -> int:
    """Show job types with their input, stages, and where they can pause. In JSON: the input's JSON Schema.

    A type that can't be loaded is named with the reason on stderr; the others work.

    new NAME writes a small package with that job type: entry point, input model, two stages and a test.
    """
    if words[:1] == ("new",) and len(words) == 2:
        return _new(words[1], into or ".")
    if len(words) > 1 or into is not None:
        raise UsageError("expected one job type, or: new NAME", hint="jobctl types --help")
    return _show(state, words[0] if words else None)


def _new(name: str, into: str) -> int:
    from jobctl.cli.commands.new_type import write_package

    package = write_package(name, Path(into))
    echo(str(package))
    echo(visible(f"Install and try it: cd {package} && pip install -e '.[dev]' && pytest"), err=True)
    return 0


def _show(state: State, name: str | None) -> int:
    from jobctl import wiring

    working, broken = ({name: wiring.pipeline(name)}, {}) if name else wiring.pipelines()
    if not state.for_people:
        emit(state, "type_list", "types", [_type(pipeline) for pipeline in working.values()])
    elif name:
        from jobctl.cli.commands.submit import type_help

        echo(type_help(working[name]))
    else:
        rows = [[p.name, p.label, " → ".join(s.name for s in p.stages), p.help] for p in working.values()]
        rows += [[n, "", str(error).removeprefix(f"{n} "), ""] for n, error in broken.items() if _is_optional(error)]
        for line in table(["TYPE", "LABEL", "STAGES", "WHAT IT DOES"], sorted(rows)):
            echo(line)
    for error in broken.values():
        if not (state.for_people and _is_optional(error)):
            echo(visible(f"warning: {error}"), err=True)
    return 0


def _is_optional(error: ConfigError) -> bool:
    return isinstance(error, MissingExtra)


def _type(pipeline: Pipeline) -> dict[str, object]:
    stages = [
        {
            "name": s.name, "share": s.share, "batched": s.size is not None, "batch_size": s.size, "pause_safe": s.pause_safe,
            "percent": [round(edge, 1) for edge in pipeline.span(i)],
        }
        for i, s in enumerate(pipeline.stages)
    ]  # fmt: skip
    return {
        "id": pipeline.name, "name": pipeline.name, "label": pipeline.label, "help": pipeline.help,
        "max_retries": pipeline.max_retries, "stages": stages, "input_schema": pipeline.args.model_json_schema(),
        "example": pipeline.example,
    }  # fmt: skip


@click.group(cls=Family)
def config() -> None:
    """Show settings and where each comes from."""


@config.command("show")
@pass_state
def config_show(state: State) -> int:
    """Print each setting with its value and source. Passwords are never printed."""
    from jobctl import wiring

    settings = state.settings()
    items = [
        {"id": name, "name": name, "value": wiring.display_value(name, value), "source": settings.sources[name]}
        for name, value in sorted(settings.values.items())
    ]
    if not state.for_people:
        ignored = [{"source": i.source, "name": i.name, "reason": i.reason} for i in settings.ignored]
        emit(state, "setting_list", "settings", items, ignored=ignored)
        return 0
    for line in table(
        ["SETTING", "VALUE", "SOURCE"], [[str(i["name"]), dumps(i["value"]), str(i["source"])] for i in items]
    ):
        echo(line)
    for text in settings.ignored:
        echo(visible(f"ignored: {text}"))
    return 0


@command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish", "man"]))
@pass_state
def completion(state: State, shell: str) -> int:  # noqa: ARG001 - every command takes it
    """Print the completion script of a shell, or the man page.

    bash: jobctl completion bash > ~/.local/share/bash-completion/completions/jobctl

    man: jobctl completion man > ~/.local/share/man/man1/jobctl.1
    """
    from jobctl.cli.completion import script

    click.echo(script(shell), nl=False)
    return 0


@command()
@pass_state
def version(state: State) -> int:
    """Print the version."""
    facts = {"id": "jobctl", "version": __version__, "python": platform.python_version(), "platform": sys.platform}
    if state.json:
        echo(dumps({"v": 1, "kind": "version", **facts}))
    else:
        echo(f"jobctl {__version__}")
        if state.verbosity:
            echo(f"Python {facts['python']} on {os.uname().sysname} {os.uname().machine}")
    return 0

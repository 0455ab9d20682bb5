"""help: of a command, or of what all commands share."""

from __future__ import annotations

import click

from jobctl.cli.app import State, command, pass_state, root, top
from jobctl.cli.output.text import echo
from jobctl.cli.topics import TOPICS
from jobctl.core.errors import UsageError


@command("help", examples=["jobctl help submit process_document", "jobctl help db upgrade", "jobctl help exit-codes"])
@click.argument("words", nargs=-1, metavar="[COMMAND… | TOPIC]")
@pass_state
def help_(state: State, words: tuple[str, ...]) -> int:  # noqa: ARG001 - every command takes it
    """Explain a command, or a topic: exit-codes, json, selectors, settings."""
    echo(TOPICS[words[0]] if len(words) == 1 and words[0] in TOPICS else _command(words))
    return 0


def _command(words: tuple[str, ...]) -> str:
    group: click.Command = root
    context = top()
    for place, word in enumerate(words):
        found = group.get_command(context, word) if isinstance(group, click.Group) else None
        if found is None:
            if group is root or isinstance(group, click.Group):
                known = ", ".join(group.list_commands(context))
                raise UsageError(f"no such command or topic: {' '.join(words[: place + 1])!r}", hint=known)
            context.meta["words"] = words[place:]
            break
        group, context = found, click.Context(found, info_name=word, parent=context)
    return group.get_help(context)

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
    held: click.Command = root
    context = top()
    for place, word in enumerate(words):
        found = held.get_command(context, word) if isinstance(held, click.Group) else None
        if found is None:
            if held is root or isinstance(held, click.Group):
                known = ", ".join(held.list_commands(context))
                raise UsageError(f"there is no command or topic {' '.join(words[: place + 1])!r}", hint=known)
            context.meta["words"] = words[place:]
            break
        held, context = found, click.Context(found, info_name=word, parent=context)
    return held.get_help(context)

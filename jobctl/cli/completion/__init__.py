"""Completion scripts and the manual page."""

from jobctl.cli.completion.grammar import IDS
from jobctl.cli.completion.manual import manual
from jobctl.cli.completion.shells import bash, fish, zsh

__all__ = ["IDS", "script"]

SCRIPTS = {"bash": bash, "zsh": zsh, "fish": fish, "man": manual}


def script(shell: str) -> str:
    """The script of a shell, or the manual page (``man``)."""
    return SCRIPTS[shell]()

"""The command line: parse, call the client, render. Commands are loaded when they are named."""

from __future__ import annotations

import gc

CYCLES = 20_000
"""New objects between two searches for garbage in cycles: a command is over before one is worth it, and its imports alone
caused ninety. Measured: 4 % of a `show`."""


def main() -> None:
    """The entry point: leaves with the exit code of the command."""
    gc.set_threshold(CYCLES)
    from jobctl.cli.entry import main as run

    run()

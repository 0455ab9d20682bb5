"""The command line: parse, call the client, render. Commands are loaded when they are named."""

from __future__ import annotations

import gc
import os
import sys

CYCLES = 20_000
"""New objects between two searches for garbage in cycles: a command is over before one is worth it, and its imports alone
caused ninety. Measured: 4 % of a `show`."""


def main() -> None:
    """The entry point: leaves with the exit code of the command."""
    gc.set_threshold(CYCLES)
    closed = _filled()
    from jobctl.cli.entry import main as run

    run(closed=closed)


def _filled() -> frozenset[int]:
    """Opens /dev/null in the place of each standard stream that is closed (``jobctl list >&-``); returns which were.

    Otherwise the next file or connection would get its number, and be written to as if it were the stream.
    """
    closed = set()
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            closed.add(number)
            os.open(os.devnull, os.O_RDONLY if number == 0 else os.O_WRONLY)  # the lowest free number: this one
            setattr(sys, name, os.fdopen(number, "w" if number else "r", closefd=False))
    return frozenset(closed)

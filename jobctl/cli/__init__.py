"""The command line: parse, call the client, render. Commands are loaded when they are named."""

from __future__ import annotations

from jobctl.cli.entry import main

__all__ = ["main"]

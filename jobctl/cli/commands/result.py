"""result: what a completed job returned."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from jobctl.cli.app import State, command, pass_state
from jobctl.cli.files import atomically
from jobctl.cli.output.text import escaped
from jobctl.cli.selectors import numbers
from jobctl.core.errors import UsageError


@command("result", examples=["jobctl result 7 | jq .", "jobctl result @last -o words.json"])
@click.argument("job", metavar="ID")
@click.option("-o", "--output", "file", metavar="FILE", help="Write it there; default: stdout.")
@pass_state
def result(state: State, job: str, file: str | None) -> int:
    """Print what a completed job returned, as JSON; bytes in it are {"$base64": "…"}.

    Small results are in the job's row, large ones in the storage: there the hash is compared first.
    """
    ids = numbers(state, [job])
    if len(ids) != 1:
        raise UsageError("result takes one job", hint="jobctl result ID")
    data: bytes = state.connect().result_json(ids[0])
    if file is None or file == "-":
        shown = escaped(data.decode()).encode() if sys.stdout.isatty() else data
        sys.stdout.flush()
        sys.stdout.buffer.write(shown + b"\n")
        return 0
    path = Path(file)
    with atomically(path) as sink:
        sink.write(data + b"\n")
    state.notice(f"{len(data) + 1:,} bytes written to {path}")
    return 0

"""``submit [OPTIONS] -- PROGRAM ARGUMENTS``: what stands before and after the two dashes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypedDict

import click

from jobctl.cli.options import combined
from jobctl.cli.output.text import cut, is_text
from jobctl.core.errors import UsageError
from jobctl.core.exit_class import ExitClass

_SIZE = re.compile(r"(\d{1,9})\s?([MG])(?:i?B)?", re.IGNORECASE)
_MEGABYTES = {"M": 1, "G": 1024}
_OUTPUT, _KEEP = "--output", "--keep"
_OPTIONS = ("shell", "inputs", "keep", "env", "chdir", "memory", "exit_codes")


class ProgramValues(TypedDict):
    """The values of the options of a program; ``argv`` is what follows ``--``, None where nothing does."""

    argv: tuple[str, ...] | None
    shell: bool
    inputs: tuple[str, ...]
    keep: tuple[str, ...]
    env: tuple[str, ...]
    chdir: str | None
    memory: int | None
    exit_codes: tuple[str, ...]


class ProgramOption(click.Option):
    """An option with a heading of its own in help."""

    heading = "Programs (submit … -- PROGRAM)"


class Memory(click.ParamType[int]):
    """``512M`` or ``2G`` as megabytes."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Megabytes."""
        found = _SIZE.fullmatch(str(value))
        if found is None or int(found[1]) == 0:
            self.fail(f"{cut(str(value), 60)!r} is not a size: use 512M or 2G", param, ctx)
        return int(found[1]) * _MEGABYTES[found[2].upper()]


program_options = combined(
    click.option("--shell", is_flag=True, cls=ProgramOption, help="Run the words after -- by /bin/sh."),
    click.option("--input", "inputs", multiple=True, metavar="FILE…", cls=ProgramOption,
                 help="Take files into the storage; the program finds them in its folder."),
    click.option(_KEEP, "keep", multiple=True, metavar="GLOB", cls=ProgramOption,
                 help="Keep these files of its folder as results; before -- also --output GLOB."),
    click.option("--env", multiple=True, metavar="NAME[=VALUE]", cls=ProgramOption,
                 help="Set a variable, or pass on that of the worker."),
    click.option("--chdir", metavar="DIR", cls=ProgramOption, help="Working folder; default: one of the job's own."),
    click.option("--memory", type=Memory(), metavar="SIZE", cls=ProgramOption,
                 help="Address space of each of its processes: 512M, 2G."),
    click.option("--exit-code", "exit_codes", multiple=True, metavar="N=CLASS", cls=ProgramOption,
                 help=f"What an exit code means: {', '.join(ExitClass)}."),
)  # fmt: skip
"""The options of a program."""


def split_command(args: Sequence[str]) -> tuple[list[str], tuple[str, ...] | None]:
    """Arguments before the first ``--``, and the program after it; None: there is no ``--``.

    Before it, ``--output`` is ``--keep``, and ``--input`` takes all words up to the next option.
    """
    if "--" not in args:
        return list(args), None
    position = list(args).index("--")
    return list(_rewritten(args[:position])), tuple(args[position + 1 :])


def _rewritten(words: Iterable[str]) -> Iterable[str]:
    listing = fresh = False
    for word in words:
        if word == _OUTPUT or word.startswith(f"{_OUTPUT}="):
            listing = False
            yield word.replace(_OUTPUT, _KEEP, 1)
        elif word.startswith("-") and word != "-":
            listing = fresh = word == "--input"
            yield word
        else:
            if listing and not fresh:
                yield "--input"
            fresh = False
            yield word


def require_no_program(given: ProgramValues) -> None:
    """Raises ``UsageError`` for an option of a program where there is none."""
    used = next((name for name, value in given.items() if name in _OPTIONS and value not in (None, (), False)), None)
    if used is not None:
        option = {"exit_codes": "exit-code", "inputs": "input"}.get(used, used)
        raise UsageError(f"--{option} is for programs", hint="jobctl submit [OPTIONS] -- PROGRAM ARGUMENTS")


def payload(words: Sequence[str], argv: Sequence[str], given: ProgramValues) -> dict[str, Any]:
    """The input of the job. Raises ``UsageError``."""
    if not argv:
        raise UsageError("no program after --", hint="jobctl submit -- ffmpeg -i in.mov out.mp4")
    if words:
        raise UsageError(f"unexpected argument {words[0]!r} before --", hint="The program stands after --")
    if not all(map(is_text, argv)):
        raise UsageError("an argument of the program is not valid UTF-8")
    pairs = [text.partition("=") for text in given["env"]]
    fields: dict[str, Any] = {
        "argv": list(argv), "shell": given["shell"], "outputs": list(given["keep"]), "inputs": _inputs(given["inputs"]),
        "chdir": os.path.abspath(given["chdir"]) if given["chdir"] else None,  # noqa: PTH100 - links stay as they are
        "environment": {name: value for name, sign, value in pairs if sign},
        "pass_environment": [name for name, sign, _ in pairs if not sign],
        "memory_mb": given["memory"], "exit_codes": dict(map(_exit_code, given["exit_codes"])),
    }  # fmt: skip
    return {name: value for name, value in fields.items() if value not in (None, False, [], {})}


def _inputs(files: Sequence[str]) -> dict[str, str]:
    """Where each file comes from, by its name in the program's folder: as it was written, where that leads below here."""
    found: dict[str, str] = {}
    for text in files:
        path = Path(text)
        inside = not path.is_absolute() and ".." not in path.parts
        name = str(path) if inside else path.name
        if not is_text(text):
            raise UsageError(f"the name of this file is not valid UTF-8: {text}", hint="Rename it.")
        if found.setdefault(name, os.path.abspath(text)) != os.path.abspath(text):  # noqa: PTH100
            raise UsageError(f"two input files have the name {name}", hint="Copy one of them to another name.")
    return found


def _exit_code(text: str) -> tuple[str, str]:
    code, sign, kind = text.partition("=")
    if not sign or not code.isdecimal() or int(code) > 255 or kind not in list(ExitClass):
        raise UsageError(
            f"--exit-code {cut(text, 60)!r} is not CODE=CLASS", hint=f"3=transient; one of {', '.join(ExitClass)}"
        )
    return code, kind

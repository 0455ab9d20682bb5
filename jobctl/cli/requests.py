"""What ``submit`` is to create: of options, of files and folders, or of lines of JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TypedDict

from jobctl.cli.app import State
from jobctl.cli.files import readable
from jobctl.cli.folders import Skipped, documents, exists
from jobctl.cli.output.text import cut, is_text, parse_when
from jobctl.cli.programs import ProgramValues, payload, require_no_program
from jobctl.cli.selectors import numbers, read_stdin
from jobctl.client import Options
from jobctl.core.durations import parse_duration
from jobctl.core.errors import UsageError
from jobctl.core.formats import COLLECTED
from jobctl.core.names import COMMAND_TYPE

RESERVED = 60.0
"""Seconds that a job of ``--run`` is kept from other workers: it is to run here, where its folders are."""


OWN_FIELDS = ("payload", "sets", "title", "at", "after", "labels", "key")
"""Options that describe one job: the lines of ``-f`` have fields for them."""


class InputOptions(TypedDict):
    """The values of the options that describe an input."""

    payload: str | None
    sets: tuple[str, ...]


class SubmitOptions(InputOptions, ProgramValues):
    """The values of the options of ``submit``."""

    title: str | None
    queue: str
    priority: str
    max_retries: int | None
    delay: float
    at: str | None
    after: tuple[str, ...]
    labels: tuple[str, ...]
    key: str | None
    on_conflict: str
    notify: str | None
    file: str | None
    wait_: bool
    watch_: bool
    run_: bool
    timeout: float | None
    job_timeout: float | None
    expires: float | None
    dry_run: bool


Request = tuple[str, Mapping[str, object], Options]
"""Job type, input, options."""


def requests_of(state: State, words: tuple[str, ...], values: SubmitOptions) -> tuple[Iterable[Request], Skipped]:
    """What is to be created, and the files that are left out."""
    if values["argv"] is not None:
        return [_program(state, words, values["argv"], values)], Skipped()
    require_no_program(values)
    if values["file"] is not None:
        if words:
            raise UsageError("give a type, or -f FILE, not both", hint="jobctl submit --help")
        if unused := [name for name, value in values.items() if name in OWN_FIELDS and value not in (None, ())]:
            option = {"sets": "set", "labels": "label"}.get(unused[0], unused[0])
            raise UsageError(f"--{option} can't be used with -f", hint="Put it into the lines of the file.")
        if values["file"] == "-" and 0 in state.closed:
            raise UsageError("stdin is closed")
        return Lines(values["file"], values), Skipped()
    if not words:
        raise UsageError("nothing to submit", hint="jobctl submit FILE, or: jobctl submit TYPE --set field=value")
    options = _options(state, values)
    if _is_path(state, words[0]):
        data = input_data(state, values)
        found, skipped = documents(words)
        if values["key"] is not None and len(found) > 1:
            raise UsageError(
                f"--key is for one job, and these are {len(found)} files",
                hint="Submit them one by one, or with -f and a key in each line.",
            )
        return [("process_document", {**data, "path": str(path)}, options) for path in found], skipped
    if len(words) > 1:
        raise UsageError(
            f"unexpected argument {words[1]!r}", hint="Fields of the input are given with --set field=value"
        )
    return [(words[0], input_data(state, values), options)], Skipped()


def _program(state: State, words: tuple[str, ...], argv: tuple[str, ...], values: SubmitOptions) -> Request:
    if unused := [name for name in ("file", "payload", "sets") if values.get(name) not in (None, ())]:
        raise UsageError(f"--{unused[0].removesuffix('s')} can't be used with a program")
    return COMMAND_TYPE, payload(words, argv, values), _options(state, values)


def _is_path(state: State, word: str) -> bool:
    """An existing file or folder without the name of a job type; or something that can only be meant as a path."""
    from jobctl import wiring

    return (
        (exists(word) and word not in wiring.job_types(state.settings()))
        or "/" in word
        or Path(word).suffix.lower() in COLLECTED
    )


def _options(state: State, values: SubmitOptions) -> Options:
    if values["at"] is not None and values["delay"]:
        raise UsageError("give --at or --delay, not both")
    at = parse_when(values["at"], option="--at", ahead=True) if values["at"] is not None else None
    return Options(
        title=values["title"], queue=values["queue"], priority=values["priority"], max_retries=values["max_retries"],
        delay=values["delay"], at=at, after=tuple(numbers(state, values["after"])) if values["after"] else (),
        labels=dict(pair(label) for label in values["labels"]), key=values["key"], on_conflict=values["on_conflict"],
        notify=values["notify"], reserved=RESERVED if values["run_"] else 0.0,
        expires=values["expires"], timeout=job_timeout(values),
    )  # fmt: skip


def job_timeout(values: SubmitOptions) -> float | None:
    """The limit of the job itself, in seconds: ``--timeout`` is that of the wait where the command waits."""
    waits = values["wait_"] or values["watch_"] or values["run_"]
    return values["job_timeout"] if waits or values["job_timeout"] is not None else values["timeout"]


def pair(text: str) -> tuple[str, str]:
    """``K=V`` of a label as two."""
    name, _, value = text.partition("=")
    return name, value


def input_data(state: State, values: InputOptions) -> dict[str, object]:
    """The input that ``--payload`` and ``--set`` describe. Raises ``UsageError``."""
    data: dict[str, object] = {}
    if values["payload"] is not None:
        parsed = _json(_text(state, values["payload"]), "--payload")
        if not isinstance(parsed, dict):
            raise UsageError("--payload is not a JSON object", hint='--payload \'{"path": "book.pdf"}\'')
        data = parsed
    for item in values["sets"]:
        name, sign, value = item.partition("=")
        if not sign or not name:
            raise UsageError(f"--set {item!r} is not FIELD=VALUE")
        data[name] = _value(value)
    return data


def _text(state: State, source: str) -> str:
    if source == "-":
        return read_stdin(state)
    if source.startswith("@"):
        try:
            with readable(source[1:]) as stream:
                return stream.read().decode()
        except (OSError, ValueError) as error:
            raise _unreadable(source[1:], error) from error
    return source


def _unreadable(name: str, error: OSError | ValueError) -> UsageError:
    reason = error.strerror if isinstance(error, OSError) else "it is not valid UTF-8"
    return UsageError(f"cannot read {cut(name, 200)}: {reason}")


def _json(text: str, where: str) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise UsageError(f"{where} is not JSON: {error}") from error
    except RecursionError as error:
        raise UsageError(f"{where} is nested too deeply") from error


def _value(text: str) -> object:
    """JSON where it is JSON (numbers, true, lists), else text."""
    try:
        return json.loads(text)
    except ValueError:
        return text
    except RecursionError as error:
        raise UsageError("--set: the value is nested too deeply") from error


FIELDS: dict[str, type | tuple[type, ...]] = {
    "type": str, "input": dict, "title": str, "queue": str, "priority": str, "key": str, "labels": dict, "max_retries": int,
    "delay": (int, float), "after": list, "notify": str,
    "expires": (int, float, str), "timeout": (int, float, str),
}  # fmt: skip
"""What a line of ``-f`` may hold."""


class Lines:
    """Requests from lines of JSON, read as they are needed; ``number`` is the line that was read last."""

    def __init__(self, source: str, values: SubmitOptions) -> None:
        self._source = source
        self._values = values
        self.number = 0

    def __iter__(self) -> Iterator[Request]:
        try:
            source = sys.stdin.buffer if self._source == "-" else readable(self._source)
            with TextIOWrapper(source, "utf-8", "surrogateescape") as stream:
                for number, line in enumerate(stream, 1):
                    self.number = number
                    if line.strip():
                        yield self._numbered(line)
        except (OSError, ValueError) as error:
            raise _unreadable(self._source, error) from error

    def _numbered(self, line: str) -> Request:
        if not is_text(line):
            raise UsageError(f"line {self.number}: not valid UTF-8")
        try:
            return self._request(line)
        except UsageError as error:
            raise UsageError(f"line {self.number}: {error}", hint=error.hint) from error

    def _request(self, line: str) -> Request:
        item = _json(line, "the line")
        if not isinstance(item, dict) or "type" not in item:
            raise UsageError("no type", hint='{"type": "process_document", "input": {"path": "a.pdf"}}')
        for name, value in item.items():
            if name not in FIELDS:
                raise UsageError(f"unknown field {name!r}", hint=f"one of: {', '.join(FIELDS)}")
            allowed = FIELDS[name]
            if isinstance(value, bool) or not isinstance(value, allowed):
                kinds = allowed if isinstance(allowed, tuple) else (allowed,)
                raise UsageError(f"{name} should be {' or '.join(kind.__name__ for kind in kinds)}, not {value!r}")
        options = self._values
        inherited: dict[str, Any] = {
            "queue": options["queue"], "priority": options["priority"], "max_retries": options["max_retries"],
            "delay": options["delay"], "on_conflict": options["on_conflict"],
            "notify": options["notify"], "expires": options["expires"], "timeout": job_timeout(options),
            "reserved": RESERVED if options["run_"] else 0.0,
        }  # fmt: skip
        own = {name: value for name, value in item.items() if name not in ("type", "input", "after")}
        own |= {name: _length(name, own[name]) for name in ("expires", "timeout") if name in own}
        after = tuple(_id(value) for value in item.get("after", ()))
        return item["type"], item.get("input", {}), Options(**(inherited | own), after=after)


def _length(name: str, value: str | float) -> float:
    """Seconds of a duration in a line."""
    try:
        return parse_duration(value)
    except ValueError as error:
        raise UsageError(f"{name}: {error}") from error


def _id(value: object) -> int:
    if type(value) is not int:
        raise UsageError(f"after: {value!r} is not a job id")
    return int(value)

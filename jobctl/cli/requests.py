"""What ``submit`` is to create: of options, of files and folders, or of lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

import click

from jobctl.cli.app import State
from jobctl.cli.output.text import cut, is_text, parse_when
from jobctl.cli.selectors import numbers, read_stdin
from jobctl.client import Options
from jobctl.core.errors import UsageError

SUFFIXES = (".pdf", ".epub", ".docx", ".html", ".htm", ".xhtml", ".md", ".markdown", ".txt", ".text")

RESERVED = 60.0
"""Seconds that a job of ``--run`` is kept from other workers: it is to run here, where its folders are."""


OWN_FIELDS = ("payload", "sets", "title", "at", "after", "labels", "key")
"""Options that describe one job: the lines of ``-f`` have fields for them."""


class SubmitOptions(TypedDict):
    """The values of the options of ``submit``."""

    payload: str | None
    sets: tuple[str, ...]
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
    dry_run: bool


Request = tuple[str, Mapping[str, object], Options]
"""Job type, input, options."""


def requests_of(state: State, words: tuple[str, ...], values: SubmitOptions) -> tuple[Iterable[Request], list[str]]:
    """What is to be created, and the files that can't be."""
    if values["file"] is not None:
        if words:
            raise UsageError("give a type, or -f FILE, not both", hint="jobctl submit --help")
        if unused := [name for name, value in values.items() if name in OWN_FIELDS and value not in (None, ())]:
            option = {"sets": "set", "labels": "label"}.get(unused[0], unused[0])
            raise UsageError(f"--{option} can't be used with -f", hint="Put it into the lines of the file.")
        if values["file"] == "-" and 0 in state.closed:
            raise UsageError("stdin is closed")
        return Lines(values["file"], values), []
    if values["at"] is not None and values["delay"]:
        raise UsageError("give --at or --delay, not both")
    if not words:
        raise UsageError("nothing to submit", hint="jobctl submit FILE, or: jobctl submit TYPE --set field=value")
    options = _options(state, values)
    if _is_path(words[0]):
        data = _payload(state, values)
        found, skipped = _documents(words)
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
    return [(words[0], _payload(state, values), options)], []


def _is_path(word: str) -> bool:
    """An existing file or folder without the name of a job type; or something that can only be meant as a path."""
    from jobctl import wiring

    return (_exists(word) and word not in wiring.job_types()) or "/" in word or Path(word).suffix.lower() in SUFFIXES


def _exists(word: str) -> bool:
    try:
        return Path(word).exists()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _documents(words: Sequence[str]) -> tuple[list[Path], list[str]]:
    """The files that are named or lie in a named folder, and those among the latter whose names can't be recorded."""
    found: list[Path] = []
    skipped: list[str] = []
    for word in words:
        path = Path(word)
        if not _exists(word):
            raise UsageError(f"no such file: {cut(word, 200)}", hint="Give an existing file or folder.")
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
            if not inside:
                raise UsageError(f"no documents in {word}", hint=f"Looked for {', '.join(SUFFIXES)}")
            found += [p for p in inside if is_text(str(p))]
            skipped += [str(p) for p in inside if not is_text(str(p))]
        elif is_text(str(path)):
            found.append(path)
        else:
            raise UsageError(f"the name of this file is not valid UTF-8: {word}", hint="Rename it.")
    try:
        return [path.absolute() for path in found], skipped
    except FileNotFoundError as error:
        raise UsageError("the current folder was deleted", hint="cd to another one, or give absolute paths.") from error


def _options(state: State, values: SubmitOptions) -> Options:
    at = parse_when(values["at"], option="--at", ahead=True) if values["at"] is not None else None
    return Options(
        title=values["title"], queue=values["queue"], priority=values["priority"], max_retries=values["max_retries"],
        delay=values["delay"], at=at, after=tuple(numbers(state, values["after"])) if values["after"] else (),
        labels=dict(_pair(label) for label in values["labels"]), key=values["key"], on_conflict=values["on_conflict"],
        notify=values["notify"], reserved=RESERVED if values["run_"] else 0.0,
    )  # fmt: skip


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


def _payload(state: State, values: SubmitOptions) -> dict[str, object]:
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
            return Path(source[1:]).read_text(encoding="utf-8")
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
            with click.open_file(self._source, encoding="utf-8", errors="surrogateescape") as stream:
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
            "notify": options["notify"],
            "reserved": RESERVED if options["run_"] else 0.0,
        }  # fmt: skip
        own = {name: value for name, value in item.items() if name not in ("type", "input", "after")}
        after = tuple(_id(value) for value in item.get("after", ()))
        return item["type"], item.get("input", {}), Options(**(inherited | own), after=after)


def _id(value: object) -> int:
    if type(value) is not int:
        raise UsageError(f"after: {value!r} is not a job id")
    return int(value)

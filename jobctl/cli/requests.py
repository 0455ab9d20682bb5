"""What ``submit`` is to create: of options, of files and folders, or of lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from jobctl.cli.app import State
from jobctl.cli.output.text import cut, is_text, parse_when
from jobctl.cli.programs import payload, require_program
from jobctl.cli.selectors import numbers, read_stdin
from jobctl.core.errors import UsageError
from jobctl.core.names import COMMAND_TYPE

SUFFIXES = (".pdf", ".epub", ".docx", ".html", ".htm", ".xhtml", ".md", ".markdown", ".txt", ".text")

RESERVED = 60.0
"""Seconds that a job of ``--run`` is kept from other workers: it is to run here, where its folders are."""


OWN_FIELDS = ("payload", "sets", "title", "at", "after", "labels", "key")
"""Options that describe one job: the lines of ``-f`` have fields for them."""


def requests_of(state: State, words: tuple[str, ...], given: dict[str, Any]) -> tuple[Iterable[Any], list[str]]:
    """What is to be created, and the files that can't be."""
    if given["argv"] is not None:
        return [(COMMAND_TYPE, payload(words, given["argv"], given), _options(state, given))], []
    require_program(given)
    if given["file"] is not None:
        if words:
            raise UsageError("give a type, or -f FILE, not both", hint="jobctl submit --help")
        if unused := [name for name in OWN_FIELDS if given[name] not in (None, ())]:
            option = {"sets": "set", "labels": "label"}.get(unused[0], unused[0])
            raise UsageError(f"--{option} can't be used with -f", hint="Put it into the lines of the file.")
        if given["file"] == "-" and 0 in state.closed:
            raise UsageError("stdin is closed")
        return Lines(given["file"], given), []
    if not words:
        raise UsageError("nothing to submit", hint="jobctl submit FILE, or: jobctl submit TYPE --set field=value")
    options = _options(state, given)
    if _is_path(words[0]):
        data = _payload(state, given)
        found, skipped = _documents(words)
        if given["key"] is not None and len(found) > 1:
            raise UsageError(
                f"--key is for one job, and these are {len(found)} files",
                hint="Submit them one by one, or with -f and a key in each line.",
            )
        return [("process_document", {**data, "path": str(path)}, options) for path in found], skipped
    if len(words) > 1:
        raise UsageError(
            f"unexpected argument {words[1]!r}", hint="Fields of the input are given with --set field=value"
        )
    return [(words[0], _payload(state, given), options)], []


def _is_path(word: str) -> bool:
    """An existing file or folder; or something that can only be meant as a path."""
    return _exists(word) or "/" in word or Path(word).suffix.lower() in SUFFIXES


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


def _options(state: State, given: dict[str, Any]) -> Any:
    from jobctl.client import Options

    if given["at"] is not None and given["delay"]:
        raise UsageError("give --at or --delay, not both")
    at = parse_when(given["at"], option="--at", ahead=True) if given["at"] is not None else None
    return Options(
        title=given["title"], queue=given["queue"], priority=given["priority"], max_retries=given["max_retries"],
        delay=given["delay"], at=at, after=tuple(numbers(state, given["after"])) if given["after"] else (),
        labels=dict(_pair(label) for label in given["labels"]), key=given["key"], on_conflict=given["on_conflict"],
        reserved=RESERVED if given["run_"] else 0.0,
    )  # fmt: skip


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


def _payload(state: State, given: dict[str, Any]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    if given["payload"] is not None:
        data = _json(_text(state, given["payload"]), "--payload")
        if not isinstance(data, dict):
            raise UsageError("--payload is not a JSON object", hint='--payload \'{"path": "book.pdf"}\'')
    for item in given["sets"]:
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


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise UsageError(f"{where} is not JSON: {error}") from error
    except RecursionError as error:
        raise UsageError(f"{where} is nested too deeply") from error


def _value(text: str) -> Any:
    """JSON where it is JSON (numbers, true, lists), else text."""
    try:
        return json.loads(text)
    except ValueError:
        return text
    except RecursionError as error:
        raise UsageError("--set: the value is nested too deeply") from error


FIELDS: dict[str, Any] = {
    "type": str, "input": dict, "title": str, "queue": str, "priority": str, "key": str, "labels": dict, "max_retries": int,
    "delay": (int, float), "after": list,
}  # fmt: skip
"""What a line of ``-f`` may hold."""


class Lines:
    """Requests from lines of JSON, read as they are needed; ``number`` is the line that was read last."""

    def __init__(self, source: str, given: dict[str, Any]) -> None:
        self._source = source
        self._given = given
        self.number = 0

    def __iter__(self) -> Iterator[Any]:
        try:
            with click.open_file(self._source, encoding="utf-8", errors="surrogateescape") as stream:
                for number, line in enumerate(stream, 1):
                    self.number = number
                    if line.strip():
                        yield self._numbered(line)
        except (OSError, ValueError) as error:
            raise _unreadable(self._source, error) from error

    def _numbered(self, line: str) -> Any:
        if not is_text(line):
            raise UsageError(f"line {self.number}: not valid UTF-8")
        try:
            return self._request(line)
        except UsageError as error:
            raise UsageError(f"line {self.number}: {error}", hint=error.hint) from error

    def _request(self, line: str) -> Any:
        from jobctl.client import Options

        item = _json(line, "the line")
        if not isinstance(item, dict) or "type" not in item:
            raise UsageError("no type", hint='{"type": "process_document", "input": {"path": "a.pdf"}}')
        for name, value in item.items():
            if name not in FIELDS:
                raise UsageError(f"unknown field {name!r}", hint=f"one of: {', '.join(FIELDS)}")
            if isinstance(value, bool) or not isinstance(value, FIELDS[name]):
                kinds = FIELDS[name] if isinstance(FIELDS[name], tuple) else (FIELDS[name],)
                raise UsageError(f"{name} should be {' or '.join(kind.__name__ for kind in kinds)}, not {value!r}")
        inherited = {name: self._given[name] for name in ("queue", "priority", "max_retries", "delay", "on_conflict")}
        inherited["reserved"] = RESERVED if self._given["run_"] else 0.0
        own = {name: value for name, value in item.items() if name not in ("type", "input", "after")}
        after = tuple(_id(value) for value in item.get("after", ()))
        return item["type"], item.get("input", {}), Options(**(inherited | own), after=after)


def _id(value: Any) -> int:
    if type(value) is not int:
        raise UsageError(f"after: {value!r} is not a job id")
    return int(value)

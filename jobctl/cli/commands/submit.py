"""submit: a job of any type, or a file as it is."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from jobctl.cli import cache
from jobctl.cli.app import Command, Duration, State, pass_state
from jobctl.cli.exits import outcome_code
from jobctl.cli.output.fields import dumps
from jobctl.cli.output.text import cut, echo, is_text, parse_when, visible
from jobctl.cli.selectors import numbers, read_stdin
from jobctl.core.errors import UsageError
from jobctl.core.job import PRIORITIES
from jobctl.core.lifecycle import Status
from jobctl.core.names import plural

SUFFIXES = (".pdf", ".epub", ".docx", ".html", ".htm", ".xhtml", ".md", ".markdown", ".txt", ".text")

RESERVED = 60.0
"""Seconds that a job of ``--run`` is kept from other workers: it is to run here, where its folders are."""


class Submit(Command):
    """``submit TYPE --help`` shows the fields of the type."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keeps the words as they came: ``--help`` is obeyed before they are looked at."""
        ctx.meta["words"] = [word for word in args if not word.startswith("-")]
        return super().parse_args(ctx, args)

    def get_help(self, ctx: click.Context) -> str:
        """The command's help, or that of the type that is named."""
        from jobctl import wiring

        for word in ctx.meta.get("words", ()):
            try:
                return type_help(wiring.pipeline(word))
            except UsageError:
                continue
        return super().get_help(ctx)


def type_help(pipeline: Any) -> str:
    """Fields, stages and an example of a job type."""
    schema = pipeline.args.model_json_schema()
    required = set(schema.get("required", ()))
    lines = [f"Usage: jobctl submit {pipeline.name} --set FIELD=VALUE …", "", f"  {pipeline.help}", "", "Fields:"]
    for name, field in schema.get("properties", {}).items():
        kind = (
            field.get("type")
            or "/".join(k for o in field.get("anyOf", ()) if (k := o.get("type")) and k != "null")
            or "value"
        )
        default = field.get("default")
        rest = "required" if name in required else "optional" if default is None else f"default {json.dumps(default)}"
        lines.append(f"  {name:<20} {kind:<9} {field.get('description', '')} ({rest})")
    lines += ["", "Stages:", "  " + " → ".join(stage.name for stage in pipeline.stages)]
    if pipeline.example:
        sets = " ".join(f"--set {k}={v if isinstance(v, str) else json.dumps(v)}" for k, v in pipeline.example.items())
        lines += ["", "Example:", f"  jobctl submit {pipeline.name} {sets}"]
    return "\n".join(lines)


@click.command(
    cls=Submit,
    examples=[
        "jobctl submit book.pdf --run                   now, in this process, with its progress",
        "jobctl submit books/ --priority low            a folder, for the workers",
        "jobctl submit import_document --set path=library.zip --set mode=merge_smart --wait",
        "jobctl submit obsidian_sync --help             the fields of a job type",
    ],
)
@click.argument("words", nargs=-1, metavar="TYPE | PATH…")
@click.option("--payload", metavar="JSON|@FILE|-", help="Input as a JSON object.")
@click.option(
    "--set", "sets", multiple=True, metavar="K=V", help="One field of the input; V is parsed as JSON if possible."
)
@click.option("--title", help="Display title.")
@click.option("--queue", default="default", show_default=True, help="Queue.")
@click.option(
    "--priority", type=click.Choice(list(PRIORITIES)), default="normal", show_default=True, help="Queue priority."
)
@click.option("--max-retries", type=click.IntRange(0, 100), help="Limit of retries, automatic and manual.")
@click.option("--delay", type=Duration(), default=0.0, help="Earliest start, from now.")
@click.option("--at", metavar="WHEN", help="Earliest start, as a time.")
@click.option("--after", multiple=True, metavar="ID", help="Start after this job has completed; may be repeated.")
@click.option("--label", "labels", multiple=True, metavar="K[=V]", help="Label; may be repeated.")
@click.option("--key", help="Idempotency key: at most one unfinished job has it.")
@click.option("--on-conflict", type=click.Choice(["return", "skip", "error"]), default="return", show_default=True,
              help="If the key is taken: print that job, print nothing, or fail.")  # fmt: skip
@click.option("-f", "--file", "file", metavar="FILE|-", help="Many jobs: one JSON object per line, in one transaction.")
@click.option("--wait", "wait_", is_flag=True, help="Wait until it has ended; return the outcome.")
@click.option("--watch", "watch_", is_flag=True, help="Watch it live.")
@click.option("--run", "run_", is_flag=True, help="Run it now, in this process.")
@click.option("--timeout", type=Duration(), help="Limit of --wait.")
@click.option("--dry-run", is_flag=True, help="Validate; create nothing.")
@pass_state
def submit(state: State, words: tuple[str, ...], **given: Any) -> int:
    """Create a job; stdout is its id and nothing else.

    TYPE is a job type (see jobctl types); files and folders are processed as documents.
    """
    requests, skipped = _requests(state, words, given)
    skip = given["on_conflict"] == "skip"
    ids: list[int] = []
    try:
        answers = state.connect().submit_all(requests, dry_run=given["dry_run"])
    except UsageError as error:
        if not isinstance(requests, _Lines) or error.request is None:
            raise
        raise UsageError(f"line {requests.number}: {error}", hint=error.hint) from error
    for answer in answers:
        if answer.created or not skip:
            ids.append(answer.id)
        if not answer.created:
            state.say(f"job {answer.id} already has this key")
    if given["dry_run"]:
        state.say(f"dry run: would create {plural(len(ids), 'job')}")
    else:
        cache.add(ids[-cache.MOST :], given["title"] or " ".join(words))
        _print(state, ids)
    for path in skipped:
        echo(f"jobctl: skipped, its name is not valid UTF-8: {path}", err=True)
    code = 0 if given["dry_run"] else _afterwards(state, ids, given)
    return code or (2 if skipped else 0)


def _print(state: State, ids: Sequence[int]) -> None:
    if state.json:
        jobs = [{"id": job_id} for job_id in ids]
        echo(
            dumps({"v": 1, "kind": "submitted", "count": len(ids), "ids": list(ids)})
            if state.output == "json"
            else "\n".join(dumps(j) for j in jobs)
        )
    else:
        for job_id in ids:
            echo(str(job_id))
    sys.stdout.flush()


def _afterwards(state: State, ids: list[int], given: dict[str, Any]) -> int:
    from jobctl.cli.watching.views import watch_jobs

    if not ids:
        return 0
    if given["run_"]:
        return _run_here(state, ids, given["timeout"])
    if given["watch_"]:
        return watch_jobs(state, ids, {}, timeout=given["timeout"], report_to_stderr=True)
    if given["wait_"]:
        waited = state.connect().wait(ids, timeout=given["timeout"])
        for job_id, reason in waited.reasons.items():
            if reason != "reached":
                _explain(state, job_id)
        return outcome_code(list(waited.reasons.values()))
    return 0


def _run_here(state: State, ids: list[int], timeout: float | None) -> int:
    """A worker of our own for these jobs, watched until they and their follow-up work have ended."""
    from jobctl import wiring
    from jobctl.cli.watching.views import watch_jobs

    process = wiring.run_here(state.settings(), ids, say=state.say)
    try:
        code = watch_jobs(state, ids, {}, timeout=timeout, alive=lambda: process.poll() is None, report_to_stderr=True)
        if code != 124:
            process.wait()
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
    for job_id in ids:
        _explain(state, job_id)
    return code


def _explain(state: State, job_id: int) -> None:
    """How a job ended, in a line or two on stderr."""
    job = state.connect().get(job_id)
    if job.error_message and job.status is Status.FAILED:
        state.say(f"job {job_id} failed: {visible(job.error_message)}")
        state.say(f"  jobctl show {job_id} --trace")
    elif job.status is Status.COMPLETED and isinstance(job.output_data, dict):
        facts = ", ".join(
            f"{k} {v}"
            for k, v in job.output_data.items()
            if isinstance(v, (int, str)) and k != "uid" and v is not False
        )
        state.say(f"job {job_id} completed: {facts}")


# -- what to submit --------------------------------------------------------------------------------------------------


OWN_FIELDS = ("payload", "sets", "title", "at", "after", "labels", "key")
"""Options that describe one job: the lines of ``-f`` have fields for them."""


def _requests(state: State, words: tuple[str, ...], given: dict[str, Any]) -> tuple[Iterable[Any], list[str]]:
    """What is to be created, and the files that can't be."""
    if given["file"] is not None:
        if words:
            raise UsageError("give a type, or -f FILE, not both", hint="jobctl submit --help")
        if unused := [name for name in OWN_FIELDS if given[name]]:
            option = {"sets": "set", "labels": "label"}.get(unused[0], unused[0])
            raise UsageError(f"--{option} can't be used with -f", hint="Put it into the lines of the file.")
        if given["file"] == "-" and 0 in state.closed:
            raise UsageError("stdin is closed")
        return _Lines(given["file"], given), []
    if given["at"] is not None and given["delay"]:
        raise UsageError("give --at or --delay, not both")
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


class _Lines:
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

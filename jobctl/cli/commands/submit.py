"""submit: a job of any type, or a file as it is."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Unpack

import click

from jobctl.cli import cache
from jobctl.cli.app import Command, Duration, State, pass_state
from jobctl.cli.exits import outcome_code
from jobctl.cli.folders import Skipped
from jobctl.cli.options import new_job_options
from jobctl.cli.output.fields import dumps
from jobctl.cli.output.text import echo, visible
from jobctl.cli.programs import program_options, split_command
from jobctl.cli.requests import Lines, SubmitOptions, requests_of
from jobctl.core.errors import UsageError
from jobctl.core.lifecycle import Status
from jobctl.core.names import COMMAND_TYPE, plural
from jobctl.core.pipeline import Pipeline

NAMED = 5
"""Skipped files that are named; the others are counted."""


class Submit(Command):
    """``submit TYPE --help`` shows the fields of the type."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keeps the words as they came: ``--help`` is obeyed before they are looked at. What follows ``--`` is a program."""
        before, argv = split_command(args)
        ctx.meta["words"] = [word for word in before if not word.startswith("-")]
        rest = super().parse_args(ctx, before)
        ctx.params["argv"] = argv
        return rest

    def get_help(self, ctx: click.Context) -> str:
        """The command's help, or that of the type that is named."""
        from jobctl import wiring

        for word in ctx.meta.get("words", ()):
            try:
                return type_help(wiring.pipeline(word, ctx.ensure_object(State).settings()))
            except UsageError:
                continue
        return super().get_help(ctx)


def type_help(pipeline: Pipeline) -> str:
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
        "jobctl submit --input in.mov --output out.mp4 -- ffmpeg -i in.mov out.mp4",
    ],
)
@click.argument("words", nargs=-1, metavar="TYPE | PATH… | -- PROGRAM…")
@new_job_options
@click.option("--delay", type=Duration(), default=0.0, help="Earliest start, from now.")
@click.option("--at", metavar="WHEN", help="Earliest start, as a time.")
@click.option("--after", multiple=True, metavar="ID", help="Start after this job has completed; may be repeated.")
@click.option("--label", "labels", multiple=True, metavar="K[=V]", help="Label; may be repeated.")
@click.option("--key", help="Idempotency key: at most one unfinished job has it.")
@click.option("--on-conflict", type=click.Choice(["return", "skip", "error"]), default="return", show_default=True,
              help="If the key is taken: print that job, print nothing, or fail.")  # fmt: skip
@click.option("--notify", metavar="URL", help="POST the outcome there when the job has ended.")
@click.option("-f", "--file", "file", metavar="FILE|-", help="Many jobs: one JSON object per line, in one transaction.")
@click.option("--wait", "wait_", is_flag=True, help="Wait until it has ended; return the outcome.")
@click.option("--watch", "watch_", is_flag=True, help="Watch it live.")
@click.option("--run", "run_", is_flag=True, help="Run it now, in this process.")
@program_options
@click.option("--expires", type=Duration(), help="Cancel it if it has not started by then, from now.")
@click.option(
    "--timeout", type=Duration(), help="Limit of an attempt of the job; with --wait, --watch or --run of the wait."
)
@click.option("--job-timeout", type=Duration(), help="Limit of an attempt of the job, also with --wait.")
@click.option("--dry-run", is_flag=True, help="Validate; create nothing.")
@pass_state
def submit(state: State, words: tuple[str, ...], **values: Unpack[SubmitOptions]) -> int:
    """Create a job; stdout is its id and nothing else.

    TYPE is a job type (see jobctl types); files and folders are processed as documents; what follows -- is a program.
    """
    requests, skipped = requests_of(state, words, values)
    skip = values["on_conflict"] == "skip"
    ids: list[int] = []
    try:
        answers = state.connect().submit_all(requests, dry_run=values["dry_run"])
    except UsageError as error:
        if not isinstance(requests, Lines) or error.request is None:
            raise
        raise UsageError(f"line {requests.number}: {error}", hint=error.hint) from error
    for answer in answers:
        if answer.created or not skip:
            ids.append(answer.id)
        if not answer.created:
            state.notice(f"job {answer.id} already has this key")
    if values["dry_run"]:
        state.notice(f"dry run: would create {plural(len(ids), 'job')}")
    else:
        cache.add(ids[-cache.MOST :], values["title"] or " ".join(words) or COMMAND_TYPE)
        _print(state, ids)
    _report(state, skipped)
    code = 0 if values["dry_run"] else _afterwards(state, ids, values)
    return code or (2 if skipped.unnamed else 0)


def _report(state: State, skipped: Skipped) -> None:
    for path in skipped.unnamed:
        echo(f"jobctl: skipped, its name is not valid UTF-8: {path}", err=True)
    if skipped.others:
        shown = ", ".join(visible(path) for path in skipped.others[:NAMED])
        more = f" and {len(skipped.others) - NAMED:,} more" if len(skipped.others) > NAMED else ""
        state.notice(f"skipped {plural(len(skipped.others), 'file')} of other formats: {shown}{more}")


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


def _afterwards(state: State, ids: list[int], values: SubmitOptions) -> int:
    from jobctl.cli.watching.views import watch_jobs

    if not ids:
        return 0
    if values["run_"]:
        return _run_here(state, ids, values["timeout"])
    if values["watch_"]:
        return watch_jobs(state, ids, {}, timeout=values["timeout"], report_to_stderr=True)
    if values["wait_"]:
        waited = state.connect().wait(ids, timeout=values["timeout"])
        for job_id, reason in waited.reasons.items():
            if reason != "reached":
                _explain(state, job_id)
        return outcome_code(list(waited.reasons.values()))
    return 0


def _run_here(state: State, ids: list[int], timeout: float | None) -> int:
    """A worker of our own for these jobs, watched until they and their follow-up work have ended."""
    from jobctl import wiring
    from jobctl.cli.watching.views import watch_jobs

    process = wiring.start_local_worker(state.settings(), ids, report=state.notice)
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
        state.notice(f"job {job_id} failed: {visible(job.error_message)}")
        state.notice(f"  jobctl show {job_id} --trace")
    elif job.status is Status.COMPLETED and isinstance(job.output_data, dict):
        facts = ", ".join(
            f"{k} {v}"
            for k, v in job.output_data.items()
            if isinstance(v, (int, str)) and k != "uid" and v is not False
        )
        state.notice(f"job {job_id} completed: {facts}")

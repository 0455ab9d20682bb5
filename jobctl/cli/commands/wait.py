"""wait: block until jobs are where a script wants them, and return their outcome."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Unpack

import click

from jobctl.cli.app import Duration, State, command, pass_state
from jobctl.cli.exits import outcome_code
from jobctl.cli.output.fields import emit, job_object
from jobctl.cli.output.text import cut
from jobctl.cli.selectors import Selection, chosen, numbers, selectors
from jobctl.core.errors import UsageError
from jobctl.core.lifecycle import DONE, Status


def goals(words: Sequence[str]) -> tuple[Status, ...]:
    """``done`` or statuses. Raises ``UsageError``."""
    found: list[Status] = []
    for word in (part for value in words for part in value.split(",")):
        if word == "done":
            found += DONE
        elif word in list(Status):
            found.append(Status(word))
        else:
            raise UsageError(f"unknown status {word!r}", hint=f"one of: done, {', '.join(Status)}")
    return tuple(found) or DONE


@command(
    examples=["jobctl wait 7 8 --timeout 20m", "jobctl wait 7 --for paused", "jobctl wait -t import_document -s active"]
)
@click.argument("ids", nargs=-1, metavar="[ID…]")
@selectors
@click.option("--for", "wanted", multiple=True, metavar="STATUS", help="done (default), completed, paused, …")
@click.option("--any", "first", is_flag=True, help="Return after the first one.")
@click.option("--fail-fast", is_flag=True, help="Return as soon as one has failed or was cancelled.")
@click.option("--timeout", type=Duration(), help="Limit: 90s, 20m. Exit code 124.")
@click.option("--map-exit", "mapped", metavar="A=B,…", help="Map exit codes: 11=0,124=0.")
@pass_state
def wait(
    state: State, ids: tuple[str, ...], wanted: tuple[str, ...], first: bool, fail_fast: bool, timeout: float | None,
    mapped: str | None, **where: Unpack[Selection],
) -> int:  # fmt: skip
    """Wait until jobs have ended; return their outcome: 0, 10 failed, 11 cancelled, 20 unreachable, 124 timeout."""
    codes = exit_codes(mapped)
    client = state.connect()
    chosen_ids = numbers(state, ids) if ids else chosen(state, ids, where, verb="wait for")
    if not chosen_ids:
        state.notice("no jobs match")
        return 0
    waited = client.wait(chosen_ids, until=goals(wanted), first=first, fail_fast=fail_fast, timeout=timeout)
    if not state.for_people:
        jobs = [client.get(job_id, full=False) for job_id in chosen_ids if job_id in waited.statuses]
        emit(state, "job_list", "jobs", [job_object(job) for job in jobs], total=len(jobs), truncated=False)
    else:
        for job_id in chosen_ids:
            if job_id in waited.reasons:
                state.notice(f"job {job_id}: {waited.statuses.get(job_id, 'gone')}")
    code = outcome_code(list(waited.reasons.values()))
    return codes.get(code, code)


def exit_codes(text: str | None) -> dict[int, int]:
    """``11=0,124=0`` as a table. Raises ``UsageError``."""
    found: dict[int, int] = {}
    for part in filter(None, (part.strip() for part in (text or "").split(","))):
        pair = re.fullmatch("([0-9]{1,3})=([0-9]{1,3})", part)
        if pair is None or int(pair[2]) > 255:
            raise UsageError(f"--map-exit {cut(text or '', 60)!r} is not a list of A=B", hint="--map-exit 11=0,124=0")
        found[int(pair[1])] = int(pair[2])
    return found

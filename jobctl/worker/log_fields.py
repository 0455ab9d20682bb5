"""The fields that a line of the worker's log has for programs, beside its text for people."""

from __future__ import annotations

from jobctl.core.attempt import Claimed, Token


def of_attempt(token: Token, job_type: str | None = None, **more: object) -> dict[str, dict[str, object]]:
    """The ``extra`` of a line about an attempt."""
    named = {"type": job_type} if job_type is not None else {}
    return {"fields": {"job": token.job_id, **named, "attempt": token.lease_seq, **more}}


def of_job(job: Claimed) -> dict[str, dict[str, object]]:
    """The ``extra`` of a line about a job that runs here."""
    return of_attempt(job.token, job.job_type)


def of_id(job_id: int) -> dict[str, dict[str, object]]:
    """The ``extra`` of a line about a job of which no more is known here."""
    return {"fields": {"job": job_id}}

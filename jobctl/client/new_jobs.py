"""What a job is to be: the options of its submitter, its validated input, its row."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import PurePath
from typing import Protocol, TypedDict
from uuid import UUID

from jobctl.core.bounds import MAX_INPUT, MAX_LEVELS, too_deep
from jobctl.core.durations import format_duration
from jobctl.core.errors import InvalidArguments, UsageError
from jobctl.core.job import PRIORITIES, NewJob
from jobctl.core.notifications import checked_url
from jobctl.core.pipeline import Pipeline
from jobctl.core.titles import LibraryTitles

TITLE_CAP = 512
NAME_CAP = 512
"""Characters of a queue, a key or a label: it must fit an entry of an index."""
YEARS = range(2000, 2200)
"""In which a job may be due: an instant near the ends of the calendar can be written to a row and not read again."""
FOREVER = 100 * 365.25 * 86_400
"""Seconds: more than any wait."""
MOST_RETRIES = 10_000
DEFAULT_RETRIES = 3
CONFLICTS = ("return", "skip", "error")


@dataclass(frozen=True, slots=True)
class Options:
    """How a job is to be queued, apart from its input."""

    title: str | None = None
    queue: str = "default"
    priority: str = "normal"
    max_retries: int | None = None
    delay: float = 0.0
    at: datetime | None = None
    after: tuple[int, ...] = ()
    labels: Mapping[str, str] | None = None
    key: str | None = None
    on_conflict: str = "return"  # return skip error
    notify: str | None = None
    """URL that receives a POST when the job has ended; None: the setting ``notify_url``."""
    expires: float | None = None
    """Seconds after which the job is cancelled if it has not started."""
    timeout: float | None = None
    """Seconds that an attempt of the job may take."""
    reserved: float = 0.0
    """Seconds for which only a worker that was started for this very job may take it."""


class OptionFields(TypedDict, total=False):
    """The fields of ``Options`` as keyword arguments."""

    title: str | None
    queue: str
    priority: str
    max_retries: int | None
    delay: float
    at: datetime | None
    after: tuple[int, ...]
    labels: Mapping[str, str] | None
    key: str | None
    on_conflict: str
    notify: str | None
    expires: float | None
    timeout: float | None
    reserved: float


class Model(Protocol):
    """An input that is a pydantic model already."""

    def model_dump(self, *, mode: str, exclude_none: bool) -> dict[str, object]: ...


def new_job(
    pipeline: Pipeline, data: Mapping[str, object], options: Options, *, created_by: str, retries: Mapping[str, int],
    library: LibraryTitles | None = None,
) -> NewJob:  # fmt: skip
    """A validated job, ready for the queue. Raises ``InvalidArguments``."""
    _refuse_depth(pipeline.name, data)
    args = pipeline.validate(data)
    mode = pipeline.mode(args)
    title = None if library is None or options.title is not None else pipeline.library_title(args, library)
    metadata = {"label": pipeline.label, "stages": [stage.name for stage in pipeline.stages]}
    return _job(
        pipeline.name, args.model_dump(mode="json", exclude_none=True), options,
        title=title or pipeline.title(args), concurrency_key=pipeline.key(args), created_by=created_by,
        max_retries=retries.get(pipeline.name, pipeline.max_retries), metadata=metadata | ({"mode": mode} if mode else {}),
    )  # fmt: skip


def unvalidated_job(
    job_type: str, data: Mapping[str, object], options: Options, *, created_by: str, retries: Mapping[str, int]
) -> NewJob:
    """A job of a type that is not installed here: its worker validates the input, and fails it as invalid.

    Raises ``InvalidArguments`` for an input that JSON can't represent.
    """
    if not 0 < len(job_type) <= NAME_CAP:
        raise UsageError(f"the job type is {'too long' if job_type else 'empty'}", hint=f"1 to {NAME_CAP} characters")
    _refuse_depth(job_type, data)
    try:
        payload = json.loads(json.dumps(dict(data), allow_nan=False, default=_jsonable))
    except (TypeError, ValueError) as error:
        raise InvalidArguments(f"{job_type}: the input is not JSON: {error}", [f"input: {error}"]) from error
    return _job(
        job_type, payload, options, title="", concurrency_key=None, created_by=created_by,
        max_retries=retries.get(job_type, DEFAULT_RETRIES), metadata={},
    )  # fmt: skip


def _jsonable(value: object) -> str:
    """The text of a value in the form that a model reads."""
    if isinstance(value, (PurePath, UUID, Decimal)):
        return str(value)
    if isinstance(value, (date, time)):  # a datetime is a date
        return value.isoformat()
    raise TypeError(f"a value of type {type(value).__name__}")


def _refuse_depth(job_type: str, data: Mapping[str, object]) -> None:
    if too_deep(data):
        problem = f"input: nested deeper than {MAX_LEVELS} levels"
        raise InvalidArguments(f"{job_type}: {problem}", [problem])


def _job(
    job_type: str,
    payload: Mapping[str, object],
    options: Options,
    *,
    title: str,
    concurrency_key: str | None,
    created_by: str,
    max_retries: int,
    metadata: Mapping[str, object],
) -> NewJob:
    """A job with the options of its submitter, which win over what its type would choose."""
    if len(json.dumps(payload, ensure_ascii=False).encode("utf-8", "surrogatepass")) > MAX_INPUT:
        raise InvalidArguments(f"{job_type}: the input is larger than 64 KiB", ["input: larger than 64 KiB"])
    for name, seconds in (("expiry", options.expires), ("timeout", options.timeout)):
        if seconds is not None and not 0.0 < seconds < FOREVER:
            raise UsageError(f"invalid {name}: {seconds:g}s", hint="more than 0 seconds, up to 100 years")
    retries = max_retries if options.max_retries is None else options.max_retries
    _refuse_unfit(options, retries)
    shown = title if options.title is None else options.title
    return NewJob(
        job_type=job_type,
        input_data=payload,
        title=shown.replace("\x00", "").encode("utf-8", "replace").decode()[:TITLE_CAP],
        queue=options.queue,
        priority=PRIORITIES[options.priority],
        labels=dict(options.labels or {}),
        key=options.key,
        concurrency_key=concurrency_key,
        created_by=created_by,
        delay=options.delay,
        run_after=options.at,
        expires=options.expires,
        metadata={**metadata, **_metadata(options)},
        max_retries=retries,
        after=tuple(options.after),
    )


def _metadata(options: Options) -> dict[str, object]:
    """What the row's metadata keeps of the options."""
    reserved: dict[str, object] = {"reserved_s": options.reserved} if options.reserved else {}
    expiry: dict[str, object] = {"expires": format_duration(options.expires)} if options.expires is not None else {}
    limit: dict[str, object] = {"timeout_s": options.timeout} if options.timeout is not None else {}
    return reserved | expiry | limit | ({"notify_url": checked_url(options.notify)} if options.notify else {})


def _refuse_unfit(options: Options, retries: int) -> None:
    """Raises ``UsageError`` for options that are unknown, and for names and times that fit the row but are useless."""
    if options.priority not in PRIORITIES:
        raise UsageError(f"unknown priority {options.priority!r}", hint=f"one of: {', '.join(PRIORITIES)}")
    if options.on_conflict not in CONFLICTS:
        raise UsageError(f"unknown on_conflict {options.on_conflict!r}", hint=f"one of: {', '.join(CONFLICTS)}")
    if not 0.0 <= options.delay < FOREVER:
        raise UsageError(f"invalid delay: {options.delay:g}s", hint="0 seconds to 100 years")
    for name, seconds in (("expiry", options.expires), ("timeout", options.timeout)):
        if seconds is not None and not 0.0 < seconds < FOREVER:
            raise UsageError(f"invalid {name}: {seconds:g}s", hint="more than 0 seconds, up to 100 years")
    if not 0 <= retries <= MOST_RETRIES:
        raise UsageError(f"invalid number of retries: {retries}", hint=f"0 to {MOST_RETRIES}")
    _refuse_names(options)
    if options.at is not None and options.at.year not in YEARS:
        raise UsageError(f"no job can be due in {options.at:%Y}", hint=f"From {YEARS[0]} to {YEARS[-1]}")


def _refuse_names(options: Options) -> None:
    labels = options.labels or {}
    for what, text in (("queue", options.queue), ("key", options.key), *(("label", part) for part in labels)):
        if text is not None and not 0 < len(text) <= NAME_CAP:
            raise UsageError(f"the {what} is {'too long' if text else 'empty'}", hint=f"1 to {NAME_CAP} characters")
    if not all(isinstance(value, str) and len(value) <= NAME_CAP for value in labels.values()):
        raise UsageError("the value of a label is not text, or too long", hint=f"Up to {NAME_CAP} characters")

"""The line of the worker's log about an attempt that ended: no process."""

import json
import logging
from dataclasses import replace

import pytest

from jobctl.core.attempt import Failure, Outcome
from jobctl.core.lifecycle import Ending, Status
from jobctl.postgres.lease_rows import Settled
from jobctl.worker.reports import EndedAttempt, line, report
from tests.fakes.queue import claimed

JOB = replace(claimed(3, "process_document"), title="Book", metadata=json.dumps({"label": "Processing"}), max_retries=3)
INVALID = Failure("invalid", "the PDF is encrypted", "raw")
BUSY = Failure("transient", "connection refused", "raw")
CRASH = Failure("permanent", "Its process was killed by SIGKILL, 3 times in a row.", "killed by SIGKILL\nstderr of it")


def ended(kind: Ending, failure: Failure | None = None, **more: object) -> EndedAttempt:
    return EndedAttempt(Outcome(JOB.token, kind, failure=failure, **more), JOB, 0.44)


@pytest.mark.parametrize(
    ("attempt", "status", "text"),
    [
        (ended(Ending.COMPLETED), Status.COMPLETED, "completed in 0.4s: Processing: Book"),
        (
            ended(Ending.FAILED, INVALID, retry_after=60.0), Status.FAILED,
            "failed after 0.4s: Processing: Book: the PDF is encrypted (invalid)",
        ),
        (
            ended(Ending.FAILED, BUSY, retry_after=60.0), Status.FAILED,
            "failed after 0.4s: Processing: Book: connection refused (transient); retrying in 1m",
        ),
        (
            ended(Ending.FAILED, BUSY), Status.FAILED,
            "failed after 0.4s: Processing: Book: connection refused (transient)",
        ),
        (
            ended(Ending.FAILED, BUSY, retry_after=60.0), Status.PAUSED,
            "paused after 0.4s: Processing: Book: connection refused (transient)",
        ),
        (ended(Ending.PAUSED), Status.PAUSED, "paused after 0.4s: Processing: Book"),
        (ended(Ending.CANCELLED), Status.CANCELLED, "cancelled after 0.4s: Processing: Book"),
        (ended(Ending.FAILED, INVALID), Status.CANCELLED, "cancelled after 0.4s: Processing: Book"),
        (ended(Ending.RELEASED), Status.PENDING, "released after 0.4s: Processing: Book"),
        (
            ended(Ending.CRASHED, CRASH), Status.PENDING,
            "crashed after 0.4s: Processing: Book: killed by SIGKILL; runs again",
        ),
        (
            ended(Ending.CRASHED, CRASH), Status.FAILED,
            "failed after 0.4s: Processing: Book: Its process was killed by SIGKILL, 3 times in a row. (permanent)",
        ),
        (EndedAttempt(Outcome(JOB.token, Ending.RELEASED)), Status.PENDING, "released"),
    ],
)  # fmt: skip
def test_a_line_names_the_ending_the_duration_the_title_and_the_error(attempt, status, text):
    assert line(attempt, status) == f"job 3 {text}"


def test_the_last_retry_that_is_used_up_is_not_announced():
    attempt = ended(Ending.FAILED, BUSY, retry_after=60.0)
    used_up = replace(attempt, job=replace(JOB, retry_count=3))
    assert "retrying" not in line(used_up, Status.FAILED)


@pytest.mark.parametrize(("seconds", "text"), [(0.0, "0.0s"), (59.94, "59.9s"), (61.0, "1m"), (4000.0, "1h06m")])
def test_a_duration_has_a_decimal_below_a_minute(seconds, text):
    assert line(replace(ended(Ending.COMPLETED), seconds=seconds), Status.COMPLETED).split(": ")[0].endswith(f" {text}")


@pytest.mark.parametrize("metadata", ["", "[]", "{", '{"label": 3}', "[" * 100_000])
def test_metadata_that_cannot_be_read_leaves_the_name_of_the_type(metadata):
    attempt = replace(ended(Ending.COMPLETED), job=replace(JOB, metadata=metadata))
    assert line(attempt, Status.COMPLETED) == "job 3 completed in 0.4s: Process document: Book"


def test_a_record_has_the_facts_as_fields(caplog):
    with caplog.at_level(logging.INFO, "jobctl.worker"):
        settled = Settled(3, "process_document", Status.COMPLETED, None, awaited=False)
        report(ended(Ending.COMPLETED), settled)
    assert caplog.records[0].fields == {
        "job": 3, "type": "process_document", "attempt": JOB.token.lease_seq, "status": "completed",
        "duration_s": 0.44,
    }  # fmt: skip

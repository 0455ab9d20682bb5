"""Jobs as the views get them, without a database: the clock stands still."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from jobctl.core.job import Job, Progress
from jobctl.core.lifecycle import Status

NOW = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)
WORKER = {"id": 1, "name": "host-7", "host": "host", "pid": 7}
HOSTILE = "evil\x1b[2J\x07\u202etxt.fdp\nsecond line\t."


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def job(job_id: int, status: Status = Status.PENDING, title: str = "Dune.pdf", **more) -> Job:
    base = Job(
        id=job_id, job_type="process_document", status=status, title=title, queue="default", priority=2, labels={}, key=None,
        concurrency_key=None, waiting_on=None, created_by="ann", metadata={"label": "Processing", "stages": ["extraction", "chunking", "embedding"]},
        progress=Progress(), retry_count=0, max_retries=3, next_retry_at=None, crash_count=0, resume_count=0, error_type=None,
        error_message=None, last_error=None, checkpoint_stage=None, checkpoint_path=None, checkpoint_hash=None,
        checkpoint_at=None, pause_requested_at=None, cancel_requested_at=None, cancel_reason=None, pause_reason=None,
        paused_at=None, resumed_at=None, created_at=ago(240), run_after=ago(240), started_at=None, attempt_started_at=None,
        completed_at=None, updated_at=NOW, heartbeat_at=None, lease_seq=0, entity_type=None, entity_id=None, worker=None, now=NOW,
    )  # fmt: skip
    return replace(base, **more)


def running(job_id: int, title: str = "The Man Who Sold the World.pdf", *, silent: float = 2.0, **more) -> Job:
    progress = Progress(
        65.0, "embedding", None, "Embedding chunk 234 of 500", 234, 500, "chunk", 12.25, 130.0, "2026-11-25T11:59:58Z"
    )
    given = {
        "progress": progress,
        "heartbeat_at": ago(silent),
        "worker": WORKER,
        "started_at": ago(200),
        "lease_seq": 1,
    }
    return job(job_id, Status.PROCESSING, title, **(given | more))


def zoo() -> list[Job]:
    """One of each kind that people meet."""
    paused = {
        "checkpoint_stage": "chunking",
        "checkpoint_path": "k",
        "checkpoint_at": ago(120),
        "progress": Progress(45.0, "chunking"),
    }
    failed = {
        "error_type": "transient",
        "error_message": "The service did not answer in time.",
        "completed_at": ago(30),
    }
    return [
        running(1),
        running(2, "短い題名ではない長い題名のある本についての物語 🎉🎉.epub", silent=41),
        running(3, "Pausing.pdf", pause_requested_at=ago(1)),
        job(4, title=HOSTILE),
        job(5, title="Later.pdf", run_after=NOW + timedelta(minutes=90)),
        job(6, title="Behind.pdf", waiting_on="dependency"),
        job(7, Status.PAUSED, "Emma.epub", pause_reason="disk is full", **paused),
        job(8, Status.FAILED, "Moby Dick.pdf", next_retry_at=NOW + timedelta(minutes=3), retry_count=1, **failed),
        job(9, Status.FAILED, "Quota.pdf", **(failed | {"error_type": "paywall"})),
        job(10, Status.COMPLETED, "5 documents", job_type="export_documents", metadata={"label": "Export", "mode": "with connections"},
            progress=Progress(100.0), completed_at=ago(10), started_at=ago(100)),
        job(11, Status.CANCELLED, "Stopped.pdf", cancel_reason="wrong book", completed_at=ago(10)),
    ]  # fmt: skip

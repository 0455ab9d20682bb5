"""The job type of a run: cheap stages whose result is known beforehand and whose effects can be counted."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, Field

from jobctl.core.errors import Transient
from jobctl.core.pipeline import Pipeline
from jobctl.core.ports import Context, Library
from jobctl.system import clock

NAME = "torture"
PLANNED = "planned failure"
"""The only error of a job: whatever else fails it is the fault of what was done to its workers."""
CLOCK = "JOBCTL_TEST_CLOCK"
"""Environment variable: by how many seconds the clock of a process is wrong."""
EFFECTS = """
CREATE SCHEMA jobctl_torture;
CREATE TABLE jobctl_torture.effects (job_id bigint NOT NULL, attempt int NOT NULL, stage text NOT NULL);
"""


WRONG_CLOCK = f"""
import os, time

by = float(os.environ.get("{CLOCK}", "0"))
if by:
    from jobctl.system import clock
    from datetime import timedelta

    wall, now = time.time, clock.now
    time.time = lambda: wall() + by
    clock.now = lambda: now() + timedelta(seconds=by)
"""


class Torture(BaseModel):
    """Input of the job."""

    items: int = Field(20, ge=1)
    slow: float = Field(0.0, ge=0, description="Seconds a batch")
    fails: int = Field(0, ge=0, description="Attempts that end in a transient error")


pipeline = Pipeline(NAME, args=Torture, help="Work whose result is known, for `jobctl torture`.", max_retries=1000)


WRITING = frozenset({"listing", "joining", "closing"})
"""Stages that leave an effect."""


def expected(items: int) -> dict[str, object]:
    """The output of a job with ``items`` items, whatever faults occurred."""
    digests = "".join(_digest(n) for n in range(items))
    return {"items": items, "sha256": hashlib.sha256(digests.encode()).hexdigest()}


def _digest(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def _effect(ctx: Context, stage: str) -> None:
    """A row that is committed with the stage; more rows than commits mean that something was done twice."""

    def write(library: Library) -> None:
        row = (ctx.job_id, ctx.attempt, stage)
        insert = "INSERT INTO jobctl_torture.effects (job_id, attempt, stage) VALUES (%s, %s, %s)"
        library.connection.exec_driver_sql(insert, row)  # type: ignore[attr-defined]

    ctx.write(write)


@pipeline.stage(share=10)
def listing(ctx: Context, args: Torture) -> list[int]:
    """The numbers."""
    _effect(ctx, "listing")
    return list(range(args.items))


@pipeline.batches(share=60, size=4, noun="number")
def hashing(ctx: Context, numbers: Sequence[int]) -> list[str]:
    """One digest for each number."""
    clock.sleep(ctx.args.slow)
    if ctx.attempt <= ctx.args.fails and numbers[0] >= ctx.args.items // 2:
        raise Transient(PLANNED, retry_in=0.3)
    return [_digest(n) for n in numbers]


@pipeline.stage(share=20, pause_safe=False)
def joining(ctx: Context, digests: list[str]) -> str:
    """One digest of all."""
    _effect(ctx, "joining")
    return "".join(digests)


@pipeline.stage(share=10)
def closing(ctx: Context, joined: str) -> dict[str, object]:
    """The result."""
    _effect(ctx, "closing")
    return {"items": ctx.args.items, "sha256": hashlib.sha256(joined.encode()).hexdigest()}


def install(folder: Path) -> Path:
    """Writes a distribution that offers the job type to processes that have ``folder`` on their path; returns it."""
    info = folder / "jobctl_torture-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: jobctl-torture\nVersion: 1.0\n")
    (folder / "sitecustomize.py").write_text(WRONG_CLOCK)
    (info / "entry_points.txt").write_text(f"[jobctl.pipelines]\n{NAME} = {__name__}:pipeline\n")
    return folder

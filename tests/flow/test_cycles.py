"""Hundreds of pauses of one job, a thousand in the nightly size: nothing is charged, nothing is done twice, the result is the same."""

import os
from dataclasses import replace

import pytest
from pydantic import BaseModel

from jobctl.core.filters import Filters
from jobctl.core.lifecycle import Status
from jobctl.core.pipeline import Pipeline
from jobctl.postgres.lease_rows import ClaimTarget
from jobctl.worker.attempt import Attempt
from jobctl.worker.child import Requests
from tests.flow.test_byte_equal import Bench

CYCLES, JOBS, EACH = (1000, 200, 50) if os.environ.get("JOBCTL_PROFILE") == "nightly" else (300, 8, 25)


class Args(BaseModel):
    items: int


@pytest.fixture
def place(conn, database_url, tmp_path):
    held = Bench(database_url, tmp_path)
    held.queue.ttl = 3600.0
    yield held
    held.queue.close()


def cycle(place: Bench, jobs: int, cycles: int) -> list[int]:
    """Every batch of every job is followed by a pause and a resume; gives the batches that were worked."""
    worked: list[int] = []
    stops = Requests()
    pipeline = Pipeline("cycles", args=Args)

    @pipeline.batches(share=1, size=1, over=lambda _, args: list(range(args.items)))
    def working(ctx, numbers):
        worked.extend(numbers)
        place.queue.pause([ctx.job_id])
        stops.pause = True
        return [number * number for number in numbers]

    place.client._load = lambda _: pipeline
    ids = [place.client.submit("cycles", {"items": cycles}).id for _ in range(jobs)]
    services = replace(place.services, load=lambda _: pipeline)
    targets = [ClaimTarget("default", "cycles", 2)]
    while claimed := place.queue.claim(place.worker, targets, 1):
        stops.pause = False
        outcome = Attempt(claimed[0], services, place.queue, stops, report=lambda _: None, log=lambda *_: None).run()
        if outcome is not None:
            place.queue.settle([outcome])
        paused = [job.id for job in place.queue.find(Filters(ids=tuple(ids), statuses=(Status.PAUSED,)))]
        if paused:
            place.client.resume(paused)
    for job in place.queue.find(Filters(ids=tuple(ids)), full=True):
        assert (job.status, job.retry_count, job.crash_count) == (Status.COMPLETED, 0, 0)
        assert place.client.result(job.id) == [n * n for n in range(cycles)]
        assert job.resume_count >= cycles - 1
    return worked


@pytest.mark.timeout(600)
def test_hundreds_of_pauses_of_one_job_cost_nothing_and_repeat_nothing(place):
    assert cycle(place, 1, CYCLES) == list(range(CYCLES))


@pytest.mark.timeout(1800)
def test_many_jobs_paused_again_and_again_end_the_same(place):
    worked = cycle(place, JOBS, EACH)
    assert sorted(worked) == sorted(list(range(EACH)) * JOBS)

"""The limits of a stage: refused at definition, counted by numbers alone."""

import signal
from dataclasses import replace

import pytest
from pydantic import BaseModel

from jobctl.core.attempt import Record
from jobctl.core.pipeline import Limits, Pipeline
from jobctl.worker.limits import CHECK_EVERY, StageTimer
from tests.fakes.queue import claimed


class Nothing(BaseModel):
    pass


def pipeline() -> Pipeline:
    new = Pipeline("p", args=Nothing)
    new.stage(share=1, name="parse", timeout="10m", cpu="5m")(lambda ctx, args: 1)
    new.stage(share=1, name="fetch", timeout=60, on_timeout="transient")(lambda ctx, n: [n])
    new.batches(share=1, size=1, name="plain")(lambda ctx, items: items)
    return new


@pytest.fixture
def used():
    """Seconds of processor time by process id."""
    return {}


def timer(used: dict, *, timeout: float = 0.0, cpu: float = 0.0) -> StageTimer:
    return StageTimer({"a": pipeline().stages}, timeout=timeout, cpu=cpu, cpu_seconds=used.get)


def record(stage: str) -> Record:
    return Record(1, stage, 0, True, "k", "0" * 64, 1, True)


def test_limits_stand_with_the_stage():
    assert [stage.limits for stage in pipeline().stages] == [
        Limits(600.0, 300.0, "invalid"), Limits(60.0, None, "transient"), Limits(),
    ]  # fmt: skip


@pytest.mark.parametrize("wrong", [{"timeout": "soon"}, {"cpu": -1}, {"timeout": True}, {"on_timeout": "later"}])
def test_limits_that_make_no_sense_are_refused_at_definition(wrong):
    new = Pipeline("p", args=Nothing)
    for add in (lambda: new.stage(share=1, **wrong), lambda: new.batches(share=1, size=1, **wrong)):
        with pytest.raises(ValueError, match=r"duration|number|on_timeout"):
            add()


def test_a_stage_may_take_its_time_and_no_more(used):
    clock = timer(used)
    assert clock.check(7, claimed(1), "parse", 0.0, counted=True) is None
    assert clock.check(7, claimed(1), "parse", 599.9, counted=True) is None
    failure = clock.check(7, claimed(1), "parse", 600.0, counted=True)
    assert (failure.kind, failure.message) == ("invalid", "timed out after 10m in parse")


def test_the_time_in_which_a_job_is_frozen_does_not_count(used):
    clock = timer(used)
    clock.check(7, claimed(1), "fetch", 0.0, counted=True)
    clock.check(7, claimed(1), "fetch", 30.0, counted=True)
    assert clock.check(7, claimed(1), "fetch", 5000.0, counted=False) is None
    assert clock.check(7, claimed(1), "fetch", 5029.0, counted=True) is None
    failure = clock.check(7, claimed(1), "fetch", 5030.0, counted=True)
    assert (failure.kind, failure.message) == ("transient", "timed out after 1m in fetch")


def test_each_stage_each_job_and_each_process_has_a_clock_of_its_own(used):
    clock = timer(used)
    clock.check(7, claimed(1), "parse", 0.0, counted=True)
    clock.check(7, claimed(1), "parse", 590.0, counted=True)
    assert clock.check(7, claimed(1), "fetch", 595.0, counted=True) is None
    assert clock.check(7, claimed(1), "fetch", 650.0, counted=True) is None
    assert clock.check(7, claimed(2), "fetch", 656.0, counted=True) is None
    assert clock.check(8, claimed(1), "fetch", 700.0, counted=True) is None
    assert clock.check(7, claimed(2), "fetch", 716.0, counted=True) is not None


def test_processor_time_is_that_of_the_stage_alone_and_looked_at_now_and_then(used):
    clock = timer(used)
    used[7] = 1000.0  # of the jobs before
    assert clock.check(7, claimed(1), "parse", 0.0, counted=True) is None
    used[7] = 1300.0
    assert clock.check(7, claimed(1), "parse", CHECK_EVERY / 2, counted=True) is None
    failure = clock.check(7, claimed(1), "parse", CHECK_EVERY, counted=True)
    assert (failure.kind, failure.message) == ("invalid", "used 5m of CPU time in parse")
    clock.check(7, claimed(1), "fetch", 10.0, counted=True)


def test_a_stage_without_limits_has_those_of_the_worker_and_zero_is_none(used):
    assert timer(used).check(7, claimed(1), "plain", 1e9, counted=True) is None
    limited = timer(used, timeout=5.0)
    limited.check(7, claimed(1), "plain", 0.0, counted=True)
    assert limited.check(7, claimed(1), "plain", 5.0, counted=True).message == "timed out after 5s in plain"
    assert limited.check(8, claimed(1), "fetch", 0.0, counted=True) is None
    assert limited.check(8, claimed(1), "fetch", 59.0, counted=True) is None


def test_a_stage_that_has_not_reported_itself_is_the_first_without_a_complete_checkpoint(used):
    clock = timer(used)
    job = replace(claimed(1), records=(record("parse"),))
    clock.check(7, job, None, 0.0, counted=True)
    assert clock.check(7, job, None, 60.0, counted=True).message == "timed out after 1m in fetch"
    unknown = replace(job, job_type="another")
    assert clock.check(8, unknown, None, 0.0, counted=True) is None
    assert clock.check(9, job, "of a newer version", 0.0, counted=True) is None


def test_a_process_that_the_kernel_ended_for_its_processor_time_is_told_from_one_that_crashed(used):
    clock = timer(used)
    assert clock.ended_by_kernel(7, -signal.SIGXCPU) is None  # no stage was seen in it
    clock.check(7, claimed(1), "parse", 0.0, counted=True)
    assert clock.ended_by_kernel(7, -signal.SIGKILL) is None
    assert clock.ended_by_kernel(7, -signal.SIGXCPU).message == "used 5m of CPU time in parse"
    clock.forget(7)
    assert clock.ended_by_kernel(7, -signal.SIGXCPU) is None

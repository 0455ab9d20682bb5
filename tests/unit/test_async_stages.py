"""Stages that are ``async def``: on one event loop a process, cancelled at an await."""

import asyncio
from contextlib import closing

import pytest
from pydantic import BaseModel

from jobctl import Context, Pipeline, errors, testing
from jobctl.core.errors import CancelNow, PauseNow
from jobctl.worker.event_loop import StageLoop


@pytest.fixture
def loop():
    with closing(StageLoop()) as loop:
        yield loop


class Args(BaseModel):
    n: int = 3


def test_stages_and_batches_are_awaited_on_one_loop():
    pipeline = Pipeline("p", args=Args)
    loops = []

    @pipeline.stage(share=1)
    async def listing(ctx: Context, args: Args) -> list[int]:
        loops.append(asyncio.get_running_loop())
        await asyncio.sleep(0)
        ctx.progress("listing")
        return list(range(args.n))

    @pipeline.batches(share=1, size=2)
    async def squares(_: Context, numbers: list[int]) -> list[int]:
        loops.append(asyncio.get_running_loop())
        return list(await asyncio.gather(*(square(n) for n in numbers)))

    async def square(n: int) -> int:
        return n * n

    @pipeline.stage(share=1)
    def total(_: Context, numbers: list[int]) -> int:
        return sum(numbers)

    assert testing.run(pipeline, {"n": 5}).output == 30
    assert len(loops) == 4
    assert len(set(map(id, loops))) == 1


def test_an_error_of_a_coroutine_is_the_jobs():
    pipeline = Pipeline("p", args=Args)

    @pipeline.stage(share=1)
    async def fails(_: Context, args: Args) -> int:
        await asyncio.sleep(0)
        raise errors.Paywall(f"{args.n} credits")

    with pytest.raises(errors.Paywall, match="3 credits"):
        testing.run(pipeline, {})


def test_a_cancel_ends_it_at_an_await_and_lets_it_clean_up(loop):
    cleaned = []

    async def stage():
        try:
            await asyncio.sleep(3600)
        finally:
            cleaned.append(True)

    with pytest.raises(CancelNow):
        loop.run(stage(), lambda: True)
    assert cleaned == [True]


def test_a_stage_that_completes_in_spite_of_the_cancel_is_done(loop):
    async def stage():
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            return "done"

    assert loop.run(stage(), lambda: True) == "done"


def test_an_interrupt_inside_a_coroutine_stops_the_stage(loop):
    async def stage():
        await asyncio.sleep(0)
        raise PauseNow

    with pytest.raises(PauseNow):
        loop.run(stage(), lambda: False)


def test_tasks_that_a_stage_leaves_do_not_run_on(loop):
    ticks = []

    async def stage():
        async def tick():
            while True:
                ticks.append(1)
                await asyncio.sleep(0.001)

        ticking.append(asyncio.create_task(tick()))
        await asyncio.sleep(0.01)
        return 1

    ticking = []
    assert loop.run(stage(), lambda: False) == 1
    before = len(ticks)
    assert before > 0
    assert loop.run(asyncio.sleep(0.02, 2), lambda: False) == 2
    assert len(ticks) == before
    assert ticking[0].cancelled()


def test_an_asynchronous_generator_is_refused():
    pipeline = Pipeline("p", args=Args)
    with pytest.raises(TypeError, match="generator"):

        @pipeline.stage(share=1)
        async def stage(_ctx: Context, args: Args):
            yield args.n

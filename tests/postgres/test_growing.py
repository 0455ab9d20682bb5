"""Stages that are generators, stopped and started again against the real queue: nothing is lost and nothing is done twice."""

from collections.abc import Iterator

import pytest

from jobctl import Pipeline, Retry
from jobctl.core.errors import StoreUnavailable
from jobctl.core.lifecycle import Ending, Status
from jobctl.worker.child import Requests
from tests.postgres.test_attempt import Nothing, bench  # noqa: F401 - a fixture


class Busy(Exception):
    """A service has no time."""


def batched(bench, seen: list[int], stop_after: int | None) -> Pipeline:  # noqa: F811
    pipeline = Pipeline("a", args=Nothing)
    pipeline.stage(share=1, name="numbers")(lambda ctx, args: list(range(10)))

    @pipeline.batches(share=1, size=10)
    def squares(ctx, numbers: list[int]) -> Iterator[int]:
        for number in numbers:
            seen.append(number)
            bench.stops.release = len(seen) == stop_after
            ctx.write(lambda library, number=number: library.append(number))
            yield number * number

    return pipeline


def test_a_job_stops_in_the_middle_of_a_batch_and_goes_on_there(bench):  # noqa: F811
    seen: list[int] = []
    assert bench.attempt(batched(bench, seen, 4)).kind is Ending.RELEASED
    assert (seen, bench.records()[-1].done) == ([0, 1, 2, 3], 4)
    bench.stops = Requests()
    assert bench.attempt(batched(bench, seen, None)).kind is Ending.COMPLETED
    assert seen == bench.written == list(range(10))
    assert bench.job().output_data == [n * n for n in range(10)]


def test_after_an_outage_a_generator_goes_on_with_the_items_that_are_left(bench):  # noqa: F811
    seen: list[int] = []
    pipeline = Pipeline("a", args=Nothing)
    pipeline.stage(share=1, name="numbers")(lambda ctx, args: list(range(4)))

    @pipeline.batches(share=1, size=4)
    def copies(ctx, numbers: list[int]) -> Iterator[int]:
        for number in numbers:
            ctx.write(lambda library, number=number: library.append(number))
            if number == 2 and seen.count(2) == 0:
                seen.append(2)
                raise StoreUnavailable("away")
            seen.append(number)
            yield number

    assert bench.attempt(pipeline).kind is Ending.COMPLETED
    assert (seen, bench.written, bench.job().output_data) == ([0, 1, 2, 2, 3], [0, 1, 2, 3], [0, 1, 2, 3])


@pytest.mark.parametrize("asks", [False, True])
def test_a_generator_without_batches_keeps_what_it_has_yielded(bench, asks):  # noqa: F811
    seen: list[int] = []

    def made(stop_after: int | None) -> Pipeline:
        pipeline = Pipeline("a", args=Nothing)

        @pipeline.stage(share=1)
        def pages(ctx, args: Nothing) -> Iterator[int]:
            for page in range(len(ctx.partial()) if asks else 0, 6):
                seen.append(page)
                bench.stops.release = page + 1 == stop_after
                yield page * 10

        return pipeline

    assert bench.attempt(made(3)).kind is Ending.RELEASED
    bench.stops = Requests()
    assert bench.attempt(made(None)).kind is Ending.COMPLETED
    assert bench.job().output_data == [0, 10, 20, 30, 40, 50]
    assert seen == ([0, 1, 2, 3, 4, 5] if asks else [0, 1, 2, 0, 1, 2, 3, 4, 5])


@pytest.mark.parametrize("asks", [False, True])
@pytest.mark.parametrize("kept", [0, 3])
@pytest.mark.parametrize("every", [0.0, 3600.0])
def test_a_generator_without_batches_gives_nothing_twice_after_an_outage(bench, monkeypatch, asks, kept, every):  # noqa: F811
    monkeypatch.setattr("jobctl.worker.attempt.SAVE_EVERY", every)
    losses = [4]

    def made(stop_after: int | None) -> Pipeline:
        pipeline = Pipeline("a", args=Nothing)

        @pipeline.stage(share=1)
        def pages(ctx, args: Nothing) -> Iterator[int]:
            for page in range(len(ctx.partial()) if asks else 0, 6):
                ctx.write(lambda library, page=page: library.append(page))
                if page == 4 and losses:
                    losses.pop()
                    raise StoreUnavailable("away")
                bench.stops.release = page + 1 == stop_after
                yield page * 10

        return pipeline

    if kept:
        assert bench.attempt(made(kept)).kind is Ending.RELEASED
        bench.stops = Requests()
    assert bench.attempt(made(None)).kind is Ending.COMPLETED
    assert (bench.job().output_data, bench.written) == ([0, 10, 20, 30, 40, 50], [0, 1, 2, 3, 4, 5])


def test_a_pause_is_obeyed_between_two_results(bench):  # noqa: F811
    pipeline = Pipeline("a", args=Nothing)

    @pipeline.stage(share=1)
    def pages(ctx, args: Nothing) -> Iterator[int]:
        yield 1
        bench.queue.pause([1])
        bench.stops.pause = True
        yield 2
        pytest.fail("goes on after the pause")

    assert bench.attempt(pipeline) is None
    assert (bench.job().status, bench.records()[-1].done) == (Status.PAUSED, 2)


def test_the_policy_of_the_type_decides_class_and_delay(bench, conn):  # noqa: F811
    pipeline = Pipeline("a", args=Nothing, retry=Retry(backoff=["10s"], classes={Busy: "transient"}))

    @pipeline.stage(share=1)
    def calling(ctx, args: Nothing) -> None:
        raise Busy("no time")

    assert bench.attempt(pipeline).failure.kind == "transient"
    ((delay,),) = conn.execute("SELECT extract(epoch FROM next_retry_at - completed_at)::float8 FROM jobs").fetchall()
    assert 10 <= delay <= 11.5

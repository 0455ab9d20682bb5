"""Stages that are generators: their results come one by one, typed and linked as lists are."""

from collections.abc import AsyncIterator, Iterator

import pytest
from pydantic import BaseModel

from jobctl import Pipeline, testing


class Args(BaseModel):
    pass


def squares(count: int = 5, *, wrong: int = 0) -> Pipeline:
    pipeline = Pipeline("a", args=Args)

    @pipeline.stage(share=1)
    def numbers(ctx, args: Args) -> Iterator[int]:
        yield from range(count)

    @pipeline.batches(share=1, size=2)
    def squaring(ctx, batch: list[int]) -> Iterator[int]:
        for number in batch:
            yield number * number
        yield from range(wrong)

    @pipeline.stage(share=1)
    def adding(ctx, values: list[int]) -> int:
        return sum(values)

    return pipeline


def test_the_result_is_the_list_of_what_is_yielded():
    ran = testing.run(squares(), {})
    assert ran.output == 0 + 1 + 4 + 9 + 16
    assert [record.stage for record in ran.records if record.complete] == ["numbers", "squaring"]


def test_progress_counts_each_result_of_a_batch():
    shown = [progress.current for progress in testing.run(squares(), {}).progress if progress.stage == "squaring"]
    assert shown[-6:] == [0, 1, 2, 3, 4, 5]


def test_one_result_more_than_there_are_items_is_refused():
    with pytest.raises(TypeError, match="yielded more results than it has items"):
        testing.run(squares(wrong=1), {})


def test_fewer_results_than_items_are_refused():
    pipeline = Pipeline("a", args=Args)
    pipeline.stage(share=1, name="numbers")(lambda ctx, args: [1, 2, 3])

    @pipeline.batches(share=1, size=3)
    def dropping(ctx, batch: list[int]) -> Iterator[int]:
        yield batch[0]

    with pytest.raises(TypeError, match="yielded 1 result for 3 items"):
        testing.run(pipeline, {})


def test_an_empty_generator_returns_an_empty_list():
    assert testing.run(squares(0), {}).output == 0


def test_the_link_to_the_next_stage_is_checked():
    pipeline = Pipeline("a", args=Args)

    @pipeline.stage(share=1)
    def numbers(ctx, args: Args) -> Iterator[int]:
        yield 1

    with pytest.raises(TypeError, match=r"'numbers' returns list\[int\]"):

        @pipeline.stage(share=1)
        def reading(ctx, value: str) -> None:
            """Takes no list."""


def test_an_asynchronous_generator_is_refused():
    pipeline = Pipeline("a", args=Args)
    with pytest.raises(TypeError, match="asynchronous generator"):

        @pipeline.stage(share=1)
        async def numbers(ctx, args: Args) -> AsyncIterator[int]:
            yield 1


def test_results_that_cannot_be_stored_are_named():
    pipeline = Pipeline("a", args=Args)

    @pipeline.stage(share=1)
    def numbers(ctx, args: Args) -> Iterator[object]:
        yield object()

    with pytest.raises(Exception, match="numbers"):
        testing.run(pipeline, {})


def test_a_generator_is_closed_when_the_stage_fails():
    ended = []
    pipeline = Pipeline("a", args=Args)

    @pipeline.stage(share=1)
    def numbers(ctx, args: Args) -> Iterator[object]:
        try:
            yield object()
        finally:
            ended.append(True)

    with pytest.raises(Exception, match="numbers"):
        testing.run(pipeline, {})
    assert ended == [True]


def test_results_of_other_jobs_are_read_as_they_were_written():
    pipeline = Pipeline("a", args=Args)

    @pipeline.stage(share=1)
    def joining(ctx, args: Args) -> object:
        return {str(job): value for job, value in ctx.results().items()}

    assert testing.run(pipeline, {}).output == {}
    assert testing.run(pipeline, {}, results={7: (1, b"x")}).output == {"7": [1, b"x"]}


def test_only_a_generator_without_batches_asks_for_what_was_kept():
    pipeline = Pipeline("a", args=Args)
    pipeline.stage(share=1, name="asking")(lambda ctx, args: ctx.partial())
    with pytest.raises(TypeError, match="not a generator"):
        testing.run(pipeline, {})

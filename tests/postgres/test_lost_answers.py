"""An attempt whose commit is answered to nobody, and what it finds when it begins again."""

from functools import partial

import pytest

from jobctl import Pipeline
from jobctl.core.errors import StoreUnavailable
from jobctl.core.lifecycle import Ending, Status
from jobctl.worker import attempt as attempts
from jobctl.worker.child import Requests
from tests.postgres.test_attempt import Bench, Nothing


@pytest.fixture
def bench(queue, claim, tmp_path, monkeypatch):
    monkeypatch.setattr(attempts, "SAVE_EVERY", 0.0)
    monkeypatch.setattr(attempts, "RESEND_EVERY", 0.0)
    started = Bench(queue, claim, tmp_path)
    started.start()
    return started


def writing(bench: Bench) -> Pipeline:
    """Two stages that each leave a write and a follow-up job."""
    pipeline = Pipeline("a", args=Nothing)

    def stage(number: int, ctx, _value: object) -> int:
        ctx.write(partial(bench.note, number))
        ctx.submit("c", {"number": number})
        return number

    pipeline.stage(share=1, name="one")(partial(stage, 1))
    pipeline.stage(share=1, name="two")(partial(stage, 2))
    return pipeline


def lose_answers(bench: Bench, monkeypatch) -> list[str]:
    """The answer to the first try of each commit is lost. Returns the stages that were sent."""
    commit, sent = bench.queue.commit_stage, []

    def losing(token, record, **more):
        sent.append(record.stage)
        found = commit(token, record, **more)
        if sent.count(record.stage) == 1:
            raise StoreUnavailable("the answer was lost")
        return found

    monkeypatch.setattr(bench.queue, "commit_stage", losing)
    return sent


def test_a_commit_whose_answer_was_lost_is_not_sent_again(bench, conn, monkeypatch):
    sent = lose_answers(bench, monkeypatch)
    assert bench.attempt(writing(bench)).kind is Ending.COMPLETED
    assert (sent, bench.written) == (["one", "two"], [1, 2])
    submitted = conn.execute("SELECT input_data -> 'number' FROM jobs WHERE job_type = 'c' ORDER BY id").fetchall()
    assert submitted == [(1,), (2,)]
    assert [row.stage for row in bench.records()] == ["one", "two"]


def test_a_commit_whose_answer_was_lost_with_the_lease_ends_the_attempt(bench, conn, monkeypatch):
    """It did not happen, and the job is another's: to send it again would be refused, to go on would be worse."""
    commit, sent = bench.queue.commit_stage, []

    def away(token, record, **more):
        sent.append(record.stage)
        if len(sent) > 1:
            return commit(token, record, **more)
        conn.execute("UPDATE jobs SET lease_seq = lease_seq + 1, lease_id = gen_random_uuid()")
        raise StoreUnavailable("away")

    monkeypatch.setattr(bench.queue, "commit_stage", away)
    assert bench.attempt(writing(bench)) is None
    assert sent == ["one"]
    assert bench.job().status is Status.PROCESSING


def test_a_row_never_names_bytes_that_are_not_there(bench, monkeypatch):
    commit, found = bench.queue.commit_stage, []

    def looking(token, record, **more):
        found.append(bench.storage.exists(record.path))
        return commit(token, record, **more)

    monkeypatch.setattr(bench.queue, "commit_stage", looking)
    assert bench.attempt(writing(bench)).kind is Ending.COMPLETED
    assert found == [True, True]


def test_a_stage_that_has_fewer_items_than_were_done_begins_again(bench):
    count, seen = 10, []
    pipeline = Pipeline("a", args=Nothing)
    pipeline.stage(share=1, name="numbers")(lambda _ctx, _args: count)

    @pipeline.batches(share=1, size=2, name="squares", over=lambda _ctx, count_: range(min(count_, count)))
    def squares(_ctx, numbers: list[int]) -> list[int]:
        seen.append(numbers)
        bench.stops.release = len(seen) == 3
        return [n * n for n in numbers]

    pipeline.stage(share=1, name="sum")(lambda _ctx, values: sum(values))
    assert bench.attempt(pipeline).kind is Ending.RELEASED
    count, bench.stops = 4, Requests()  # what it works on has become less
    assert bench.attempt(pipeline).kind is Ending.COMPLETED
    assert bench.job().output_data == sum(n * n for n in range(4))
    assert seen[3:] == [[0, 1], [2, 3]]

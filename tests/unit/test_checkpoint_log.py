"""The checkpoint log of a job: where to continue, what a stage returned, and what damage costs."""

from dataclasses import dataclass

import pytest
from pydantic import BaseModel

from jobctl import Pipeline
from jobctl.core import checkpoint
from jobctl.core.attempt import Record
from jobctl.storage.local import LocalStorage
from jobctl.worker.checkpoints import CheckpointLog, Position, Unreadable


class Nothing(BaseModel):
    pass


@dataclass
class Page:
    number: int


pipeline = Pipeline("a", args=Nothing)


@pipeline.stage(share=1)
def reading(_ctx, _args) -> Page:
    return Page(1)


@pipeline.batches(share=1, size=2, over=lambda _ctx, page: [page.number] * 4)
def counting(_ctx, numbers: list[int]) -> list[Page]:
    return [Page(n) for n in numbers]


@pipeline.stage(share=1, pause_safe=False)
def saving(_ctx, _pages):  # without an annotation: plain data
    return {"saved": 1}


@pytest.fixture
def storage(tmp_path):
    return LocalStorage(tmp_path)


@pytest.fixture
def record(storage):
    def write(
        seq: int, stage: str, value: object, done: int = 0, *, complete: bool = True, safe: bool = True
    ) -> Record:
        data = checkpoint.encode(checkpoint.Segment(stage, value, done, complete=complete))
        path = f"jobs/1/1-x/{seq}"
        storage.put(path, data)
        return Record(seq, stage, done, complete, path, checkpoint.digest(data), len(data), safe)

    return write


@pytest.fixture
def records(record):
    return [
        record(1, "reading", {"number": 7}),
        record(2, "counting", [{"number": 0}, {"number": 1}], 2, complete=False),
        record(3, "counting", [{"number": 2}], 3),
        record(4, "saving", {"saved": 3}, safe=False),
    ]


def test_the_position_follows_the_records(storage, records):
    positions = [CheckpointLog(pipeline, storage, records[:n]).position() for n in range(5)]
    assert positions == [Position(0, 0), Position(1, 0), Position(1, 2), Position(2, 0), Position(3, 0)]


def test_values_are_read_back_in_the_type_that_the_stage_returns(storage, records):
    log = CheckpointLog(pipeline, storage, records)
    assert log.value("reading") == Page(7)
    assert log.value("counting") == [Page(0), Page(1), Page(2)]
    assert log.value("saving") == {"saved": 3}
    assert log.partial("counting") == [{"number": 0}, {"number": 1}, {"number": 2}]
    with pytest.raises(KeyError, match="no result of stage 'other'"):
        log.value("other")


def test_a_fresh_value_has_the_type_of_one_that_is_read_back(storage, records):
    log = CheckpointLog(pipeline, storage, records)
    log.keep("reading", {"number": 9})
    assert log.value("reading") == Page(9)


def test_a_cut_forgets_everything_from_there_on_and_what_was_read(storage, records):
    log = CheckpointLog(pipeline, storage, records)
    log.value("counting")
    log.cut(records[2])
    assert (log.records, log.dropped, log.position()) == (records[:2], [3, 4], Position(1, 2))
    assert log.value("counting") == [Page(0), Page(1)]
    log.cut(records[0])
    assert (log.records, log.dropped, log.position(), log.next_seq) == ([], [3, 4, 1, 2], Position(0, 0), 5)


def test_a_commit_continues_the_numbers_and_forgets_what_was_dropped(storage, records, record):
    log = CheckpointLog(pipeline, storage, records)
    log.cut(records[3])
    added = record(log.next_seq, "saving", {"saved": 5})
    log.add(added)
    assert (log.records[-1], log.dropped, log.next_seq) == (added, [], 6)


def test_a_job_may_stop_where_its_newest_record_is_safe(storage, records):
    assert [CheckpointLog(pipeline, storage, records[:n]).pause_safe for n in range(5)] == [True] * 4 + [False]


def test_records_that_do_not_fit_the_pipeline_are_unreadable(storage, record):
    for records, bad in (
        ([record(1, "counting", [])], 0),
        ([record(1, "reading", {"number": 1}), record(2, "reading", {"number": 1})], 1),
        (
            [
                record(1, "reading", {"number": 1}),
                record(2, "counting", [], 4, complete=False),
                record(3, "counting", [], 2),
            ],
            2,
        ),
    ):
        with pytest.raises(Unreadable) as found:
            CheckpointLog(pipeline, storage, records).position()
        assert found.value.record is records[bad]


@pytest.mark.parametrize("damage", ["missing", "changed", "longer", "other form"])
def test_bytes_that_cannot_be_used_are_unreadable_with_their_record(storage, record, damage, tmp_path):
    one = record(1, "reading", "no page" if damage == "other form" else {"number": 1})
    path = tmp_path / one.path
    if damage == "missing":
        path.unlink()
    elif damage == "changed":
        path.write_bytes(path.read_bytes()[:-1] + b"\x00")
    elif damage == "longer":
        path.write_bytes(path.read_bytes() + b"\x00")
    with pytest.raises(Unreadable) as found:
        CheckpointLog(pipeline, storage, [one]).value("reading")
    assert found.value.record is one
    assert str(found.value)


def test_a_stage_without_fewer_items_is_refused_by_its_first_record(storage, records):
    with pytest.raises(Unreadable, match="fewer") as found:
        CheckpointLog(pipeline, storage, records).refuse("counting", "there are fewer items than were done")
    assert found.value.record is records[1]

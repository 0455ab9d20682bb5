"""A job whose checkpoint has lost its bytes, or has others."""

from dataclasses import replace

import pytest

from jobctl.client import Client
from jobctl.core.checkpoint import digest
from jobctl.core.job import NewJob
from jobctl.core.lifecycle import Status
from jobctl.storage.local import LocalStorage
from tests.postgres.test_queue import RECORD


@pytest.fixture
def storage(tmp_path):
    return LocalStorage(tmp_path / "s")


@pytest.fixture
def client(queue, storage):
    return Client(queue, storage=lambda: storage, load=lambda _: None)


def test_a_job_whose_newest_checkpoint_has_no_bytes_is_not_resumed_unless_from_the_start(queue, claim, client):
    queue.submit([NewJob("a", {})])
    token = claim()[0].token
    queue.pause([1])
    assert queue.commit_stage(token, RECORD)[0] is Status.PAUSED
    (refused,) = client.resume([1])
    assert (refused.outcome, queue.statuses([1])) == ("refused", {1: Status.PAUSED})
    assert client.resume([1], from_start=True)[0].outcome == "done"
    assert queue.statuses([1]) == {1: Status.PENDING}


@pytest.mark.parametrize(("stored", "verdict"), [(b"bytes", "ok"), (b"other", "corrupt"), (None, "missing")])
def test_bytes_that_changed_are_found_before_anybody_needs_them(queue, claim, client, storage, stored, verdict):
    queue.submit([NewJob("a", {})])
    record = replace(RECORD, sha256=digest(b"bytes"), size=5)
    queue.commit_stage(claim()[0].token, record)
    if stored is not None:
        storage.put(record.path, stored)
    assert [found.verdict for found in client.verify([1])] == [verdict]

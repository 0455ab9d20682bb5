"""A folder as storage: what stands under a key is whole, whenever somebody looks or the writer dies."""

import io

import pytest

from jobctl.core.errors import CheckpointCorrupt, CheckpointMissing, StorageUnavailable
from jobctl.storage.local import LocalStorage

KEY = "jobs/1/1-abcdef01/1-one-0123"


class Watched(io.BytesIO):
    """A source that looks, while it is read, at what is under the key."""

    def __init__(self, data: bytes, storage: LocalStorage, *, fails: bool = False) -> None:
        super().__init__(data)
        self._storage = storage
        self._fails = fails
        self.seen: list[object] = []

    def read(self, size: int | None = -1) -> bytes:
        self.seen.append((self._storage.exists(KEY), list(self._storage.keys("jobs"))))
        if self._fails and len(self.seen) > 1:
            raise RuntimeError("the source broke off")
        return super().read(size)


@pytest.fixture
def storage(tmp_path):
    return LocalStorage(tmp_path / "s")


def test_nothing_is_under_a_key_before_all_of_it_is(storage):
    source = Watched(b"x" * (3 << 20), storage)
    storage.put_file(KEY, source)
    assert len(source.seen) >= 3
    assert set(map(str, source.seen)) == {str((False, []))}
    assert storage.get(KEY, max_bytes=3 << 20) == b"x" * (3 << 20)
    assert list(storage.keys("jobs")) == [KEY]


def test_a_write_that_breaks_off_leaves_nothing(storage):
    with pytest.raises(RuntimeError):
        storage.put_file(KEY, Watched(b"x" * (3 << 20), storage, fails=True))
    assert not storage.exists(KEY)
    assert [path for path in storage.root.rglob("*") if path.is_file()] == []


def test_bytes_that_stand_there_are_replaced_as_a_whole(storage):
    storage.put(KEY, b"old")
    with pytest.raises(RuntimeError):
        storage.put_file(KEY, Watched(b"new" * (1 << 20), storage, fails=True))
    assert storage.get(KEY, max_bytes=3) == b"old"
    storage.put(KEY, b"new")
    assert storage.get(KEY, max_bytes=3) == b"new"


def test_what_is_missing_or_larger_than_recorded_is_not_handed_out(storage):
    with pytest.raises(CheckpointMissing):
        storage.get(KEY, max_bytes=1)
    storage.put(KEY, b"ab")
    with pytest.raises(CheckpointCorrupt):
        storage.get(KEY, max_bytes=1)


def test_a_folder_that_cannot_be_used_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageUnavailable, match="file"):
        LocalStorage(tmp_path / "file").put(KEY, b"x")

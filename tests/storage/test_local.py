"""A folder as storage: what stands under a key is whole, whenever somebody looks or the writer dies."""

import io
import os

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


def test_a_link_in_the_storage_is_followed_neither_for_reading_nor_for_writing(storage, tmp_path):
    """A child process may write to the storage; the commands of its owner must not follow what it leaves there."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    storage.put(KEY, b"x")
    folder = (storage.root / KEY).parent
    (folder / "2-two-0123").symlink_to(outside / "secret")
    with pytest.raises(CheckpointCorrupt):
        storage.get(f"{KEY.rpartition('/')[0]}/2-two-0123", max_bytes=100)
    assert not storage.exists(f"{KEY.rpartition('/')[0]}/2-two-0123")
    (storage.root / "jobs" / "2").symlink_to(outside, target_is_directory=True)
    with pytest.raises(StorageUnavailable):
        storage.put("jobs/2/1-abcdef01", b"written outside")
    with pytest.raises(CheckpointCorrupt):
        storage.get("jobs/2/secret", max_bytes=100)
    storage.delete("jobs/2/secret")
    assert (outside / "secret").read_bytes() == b"secret"
    assert [path.name for path in outside.iterdir()] == ["secret"]


def test_what_is_no_file_is_not_waited_for(storage):
    storage.put(KEY, b"x")
    os.mkfifo((storage.root / KEY).parent / "3-three-0123")
    with pytest.raises(CheckpointCorrupt):
        storage.get(f"{KEY.rpartition('/')[0]}/3-three-0123", max_bytes=100)

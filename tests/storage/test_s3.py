"""The bucket as a storage, against a local server that speaks enough of the protocol."""

import io

import pytest

from jobctl import wiring
from jobctl.core.errors import CheckpointMissing, ConfigError, StorageUnavailable
from jobctl.storage.s3 import S3Storage
from jobctl.testing import contracts
from tests.fakes import s3


@pytest.fixture
def fake(monkeypatch):
    with s3.running() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


def test_it_holds_the_contract(fake, tmp_path):
    contracts.storage(S3Storage("s3://books/some/prefix"), workspace=tmp_path)
    assert fake.objects == {}


def test_keys_stand_under_the_prefix_and_a_long_list_is_read_to_its_end(fake):
    place = S3Storage("s3://books/lib/")
    for number in range(8):
        place.put(f"jobs/{number}/x", b"")
    place.put("jobsother/1", b"")
    assert [*place.keys("jobs")] == [f"jobs/{n}/x" for n in range(8)]
    assert sorted(fake.objects)[0] == "lib/jobs/0/x"


def test_a_large_stream_goes_up_in_parts_and_comes_back_whole(fake, tmp_path):
    data = bytes(range(256)) * (48 << 10)  # 12 MB, parts of 5 MB
    place = S3Storage("s3://books", part=5 << 20)
    place.put_file("big", io.BytesIO(data))
    assert sum(line.startswith("PUT big") for line in fake.requests) == 3
    copy = place.local_path("big", tmp_path)
    assert copy.read_bytes() == data
    asked = len(fake.requests)
    assert place.local_path("big", tmp_path) == copy
    assert len(fake.requests) == asked, "a key's bytes never change: they are fetched once"


def test_a_stream_that_went_up_is_still_open(fake):
    source = io.BytesIO(b"data")
    S3Storage("s3://books").put_file("a", source)
    assert (source.closed, fake.objects) == (False, {"a": b"data"})


@pytest.mark.parametrize("trouble", [[503], ["drop"], ["late"], [503, "drop", 500]])
def test_trouble_that_passes_is_not_seen(fake, trouble):
    fake.trouble = trouble
    place = S3Storage("s3://books")
    place.put("a", b"data")
    assert place.get("a", max_bytes=9) == b"data"


def test_trouble_that_stays_is_said_in_words_that_name_no_secret(fake, monkeypatch):
    place = S3Storage("s3://books/p")
    fake.trouble = [503] * 9
    with pytest.raises(StorageUnavailable, match=r"s3://books/p can't be used: error SlowDown"):
        place.put("a", b"data")
    fake.trouble = []
    with pytest.raises(StorageUnavailable, match="NoSuchBucket"):
        S3Storage("s3://films").put("a", b"")
    fake.key_id = "another"
    with pytest.raises(StorageUnavailable, match="InvalidAccessKeyId") as caught:
        S3Storage("s3://books").put("a", b"")
    assert s3.SECRET not in f"{caught.value} {caught.value.hint}"
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    with pytest.raises(StorageUnavailable, match="EndpointConnectionError"):
        S3Storage("s3://books").exists("a")


def test_a_key_that_is_gone_is_missing_and_not_trouble(fake):
    with pytest.raises(CheckpointMissing):
        S3Storage("s3://books").get("a", max_bytes=1)


def test_the_setting_chooses_the_storage_by_its_scheme(fake, tmp_path):
    def at(where: str):
        return wiring.storage(wiring.settings({}, {"JOBCTL_STORAGE": where, "HOME": str(tmp_path)}))

    assert at("s3://books/x").root == "s3://books/x"
    assert at(str(tmp_path)).root == tmp_path
    with pytest.raises(ConfigError, match="no storage named 'ftp'") as caught:
        at("ftp://x")
    assert "local, s3" in caught.value.hint
    with pytest.raises(ConfigError, match="names no bucket"):
        at("s3://")

"""Bytes in a bucket of S3, or of any service with the same protocol: ``s3://bucket/prefix``.

Credentials and endpoint come from boto3's own chain: ``AWS_ACCESS_KEY_ID``, ``AWS_ENDPOINT_URL_S3``, ``~/.aws``, a machine's role.
One object is one atomic, durable PUT; large ones go up in parts and are there when the last part is.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import boto3
from boto3.exceptions import S3UploadFailedError
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from jobctl.core.errors import CheckpointCorrupt, CheckpointMissing, ConfigError, StorageRefused, StorageUnavailable
from jobctl.core.keys import storage_key

PART = 64 << 20
AT_ONCE = 1000
"""Keys that one request removes: the limit of the protocol."""
_MISSING = frozenset({"NoSuchKey", "NotFound", "404"})
_REFUSED = frozenset({
    "InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied", "403", "NoSuchBucket", "InvalidToken", "AllAccessDisabled",
    "AccountProblem", "InvalidBucketName", "PermanentRedirect", "AuthorizationHeaderMalformed",
})  # fmt: skip
"""Codes of a setting that is wrong: no retry helps."""
_SKEWED = frozenset({"RequestTimeTooSkewed", "RequestExpired"})


class _Open(io.RawIOBase):
    """A stream that stays open: boto3 closes what it has uploaded, and the caller may not be done with it."""

    def __init__(self, source: BinaryIO) -> None:
        super().__init__()
        self._source = source

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._source.seekable()

    def read(self, size: int = -1) -> bytes:
        return self._source.read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._source.seek(offset, whence)

    def tell(self) -> int:
        return self._source.tell()


class S3Storage:
    """A bucket, and a prefix within it. ``part``: bytes from which an object goes up in parts of that size."""

    def __init__(self, root: str, *, part: int = PART) -> None:
        self.root = root
        self._bucket, _, prefix = root.removeprefix("s3://").partition("/")
        if not self._bucket:
            raise ConfigError(f"{root} names no bucket", hint="Write it as s3://bucket/prefix")
        self._prefix = prefix.strip("/") + "/" if prefix.strip("/") else ""
        self._transfer = TransferConfig(multipart_threshold=part, multipart_chunksize=part, use_threads=False)
        settings = Config(
            connect_timeout=5, read_timeout=60, retries={"mode": "standard", "max_attempts": 4},
            request_checksum_calculation="when_required", response_checksum_validation="when_required",
        )  # fmt: skip
        with self._explained(""):
            self._client: Any = boto3.client("s3", config=settings)

    def put(self, key: str, data: bytes) -> None:
        """Stores bytes under a key. The same key is only ever written with the same bytes."""
        self.put_file(key, io.BytesIO(data))

    def put_file(self, key: str, source: BinaryIO) -> None:
        """Stores a stream; in parts when it is large."""
        with self._explained(key):
            self._client.upload_fileobj(_Open(source), Config=self._transfer, **self._at(key))

    def get(self, key: str, *, max_bytes: int) -> bytes:
        """The bytes. Raises ``CheckpointMissing``, or ``CheckpointCorrupt`` past ``max_bytes``."""
        with self._explained(key), closing(self._client.get_object(**self._at(key))["Body"]) as body:
            data: bytes = body.read(max_bytes + 1)
        if len(data) > max_bytes:
            raise CheckpointCorrupt(f"{key} is larger than the {max_bytes} bytes it should have")
        return data

    def exists(self, key: str) -> bool:
        """Whether the key is there."""
        try:
            with self._explained(key):
                self._client.head_object(**self._at(key))
        except CheckpointMissing:
            return False
        return True

    def delete(self, key: str) -> None:
        """Removes a key; a missing one is not an error."""
        with self._explained(key):
            self._client.delete_object(**self._at(key))

    def delete_all(self, keys: Iterable[str]) -> None:
        """Removes keys, a thousand with one request; missing ones are not errors."""
        left = iter(keys)
        while some := list(islice(left, AT_ONCE)):
            with self._explained(some[0]):
                answer = self._client.delete_objects(
                    Bucket=self._bucket,
                    Delete={"Objects": [{"Key": self._at(key)["Key"]} for key in some], "Quiet": True},
                )
            if failed := answer.get("Errors"):
                raise self._unavailable(f"error {failed[0].get('Code', 'unknown')}")

    def keys(self, prefix: str) -> Iterator[str]:
        """Keys that begin with a folder name, in order."""
        pages = self._client.get_paginator("list_objects_v2")
        with self._explained(prefix):
            for page in pages.paginate(Bucket=self._bucket, Prefix=f"{self._prefix}{prefix}/"):
                for found in page.get("Contents", ()):
                    yield found["Key"].removeprefix(self._prefix)

    def local_path(self, key: str, workspace: Path) -> Path:
        """A copy in ``workspace``, made once: the bytes of a key never change."""
        target = workspace / hashlib.sha256(key.encode()).hexdigest()
        if not target.exists():
            arriving = target.with_suffix(".arriving")
            with self._explained(key), arriving.open("wb") as sink:
                self._client.download_fileobj(Fileobj=sink, Config=self._transfer, **self._at(key))
            arriving.replace(target)
        return target

    def _at(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._prefix + storage_key(key)}

    @contextmanager
    def _explained(self, key: str) -> Iterator[None]:
        """Maps errors of boto3. Only the error code is repeated: the rest of the response may name keys."""
        try:
            yield
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "unknown")
            if code in _MISSING:
                raise CheckpointMissing(f"no bytes under {key}") from None
            if code in _SKEWED:
                raise StorageUnavailable(
                    f"the storage {self.root} can't be used: this machine's clock is too far from the service's ({code})",
                    hint="Set the clock of this machine.",
                ) from error
            kind = StorageRefused if code in _REFUSED else StorageUnavailable
            raise self._unavailable(f"error {code}", kind) from error
        except NoCredentialsError as error:
            raise self._unavailable("no credentials", StorageRefused) from error
        except (BotoCoreError, S3UploadFailedError) as error:
            raise self._unavailable(type(error).__name__) from error

    def _unavailable(self, reason: str, kind: type[StorageUnavailable] = StorageUnavailable) -> StorageUnavailable:
        return kind(
            f"the storage {self.root} can't be used: {reason}",
            hint="Check the bucket, AWS_ENDPOINT_URL_S3 and the credentials (AWS_ACCESS_KEY_ID …).",
        )

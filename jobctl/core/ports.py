"""The Protocols: the interfaces of plug-ins (those for documents are in ``document.py``).

Each has a contract suite in ``jobctl.testing`` where others implement it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol, runtime_checkable


class Storage(Protocol):
    """Bytes under immutable keys (``a/b/c``: lower-case letters, digits, ``-._/``; no ``..``).

    Every write is durable when the call returns. Raises ``StorageUnavailable`` when the storage is
    unreachable, full or read-only, and ``CheckpointMissing`` when a key is not there.
    """

    def put(self, key: str, data: bytes) -> None: ...
    def put_file(self, key: str, source: BinaryIO) -> None: ...
    def get(self, key: str, *, max_bytes: int) -> bytes: ...
    def exists(self, key: str) -> bool: ...
    def delete(self, key: str) -> None: ...
    def keys(self, prefix: str) -> Iterator[str]: ...
    def local_path(self, key: str, workspace: Path) -> Path:
        """A local file with the bytes: the stored file itself, or a copy in ``workspace``."""
        ...


class Embedder(Protocol):
    """Turns texts into unit vectors.

    ``id`` names engine, version and dimension: vectors of different ids are never compared.
    """

    id: str
    dim: int

    def embed(self, texts: Sequence[str]) -> list[bytes]:
        """One little-endian float32 vector of ``dim`` numbers a text, length 1 (all zero: no known word)."""
        ...


@runtime_checkable
class InputModel(Protocol):
    """The methods that jobctl needs of an input model; every pydantic ``BaseModel`` class has it."""

    @classmethod
    def model_validate(cls, obj: Any) -> Any: ...
    @classmethod
    def model_json_schema(cls) -> dict[str, Any]: ...


Row = dict[str, Any]
"""A row of the library, by column name (the columns are those of ``postgres/tables.py``)."""


class Library(Protocol):
    """The document library. Inside ``Context.write`` it is in the transaction that commits the stage."""

    def document(self, document_id: int) -> Row | None: ...
    def document_by(self, **fields: Any) -> Row | None: ...
    def documents(self, ids: Sequence[int] | None = None) -> list[Row]: ...
    def lock(self, uid: str) -> Row | None:
        """The document with this uid; others that would save it wait until this transaction ends."""
        ...

    def save(
        self,
        fields: Mapping[str, Any],
        chunks: Sequence[Mapping[str, Any]],
        *,
        moves: Mapping[int, int | None] | None = None,
    ) -> int:
        """Writes a document, or a new generation of the one with this uid; returns its id.

        ``moves``: where a person's connections of an old chunk (id) go (index of a new chunk; None: to the review).
        """
        ...

    def judged_chunks(self, document_id: int) -> list[Row]:
        """Chunks with connections that a person judged, starred or noted."""
        ...

    def edges(self, document_ids: Sequence[int]) -> list[Row]:
        """Connections between these documents, their ends as (document uid, chunk index)."""
        ...

    def merge_connections(self, edges: Sequence[Mapping[str, Any]]) -> None:
        """Adds connections; of one that is there, a person's verdict stays, and what is new is added."""
        ...

    def backup_connections(self) -> list[Row]:
        """All connections, as they can be merged again."""
        ...

    def move_annotation(self, uid: str, start: int | None, end: int | None) -> None: ...
    def remove_annotation(self, uid: str) -> None: ...
    def reviews(
        self, *, source: str | None = None, status: str = "open", document_id: int | None = None
    ) -> list[Row]: ...
    def decide(self, review_id: int, status: str) -> Row | None: ...
    def update_review(self, review_id: int, values: Mapping[str, Any]) -> None: ...
    def synced(self, vault: str) -> list[Row]: ...
    def sync(self, values: Mapping[str, Any]) -> None: ...
    def unsync(self, document_id: int, vault: str) -> None: ...

    def chunks(self, document_ids: Sequence[int] | None = None, *, columns: Sequence[str] = ()) -> list[Row]: ...
    def chunk_ids(self, document_id: int) -> list[int]: ...
    def replace_connections(
        self,
        document_ids: Sequence[int] | None,
        types: Sequence[str],
        edges: Sequence[Mapping[str, Any]],
        *,
        keep_judged: bool = True,
    ) -> int:
        """New results for old in one go; judged ones stay. Returns the number afterwards."""
        ...

    def connections(self, document_id: int | None = None) -> list[Row]: ...
    def connected(self, document_id: int) -> None: ...
    def annotations(self, document_id: int) -> list[Row]: ...
    def annotate(self, values: Mapping[str, Any]) -> None: ...
    def review(self, values: Mapping[str, Any]) -> None: ...


class Context(Protocol):
    """What a stage may do. Nothing else: a handler has no access to the job row or the database."""

    job_id: int
    attempt: int
    args: Any
    settings: Mapping[str, Any]

    def result(self, stage: str) -> Any:
        """The checkpointed result of an earlier stage."""
        ...

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """What ``make`` returns, called once an attempt and shared by its stages; never part of a checkpoint."""
        ...

    def open(self, path: str) -> Path:
        """A local file for an input path: copied into the storage at submit, or under an allowed root."""
        ...

    def name(self, path: str) -> str:
        """The file name that an input path was submitted under."""
        ...

    def allowed(self, path: str) -> Path:
        """The path, if it is under a root that this worker allows."""
        ...

    def plugin(self, kind: str, name: str | None = None) -> Any:
        """The configured implementation of an extension point: ``embedder``, ``engine`` by name."""
        ...

    def count_as(self, noun: str) -> None:
        """Sets the noun for the items of this batched stage, where it is known only now."""
        ...

    def about(self, entity_type: str, entity_id: int | str) -> None:
        """Sets the entity that the job is about, once that is known."""
        ...

    def progress(
        self, details: str, *, current: int | None = None, total: int | None = None, unit: str | None = None
    ) -> None:
        """Reports the position of the stage as text. Cheap: call it as often as you like."""
        ...

    def log(self, text: str, *, level: str = "info") -> None: ...

    def check_interrupt(self) -> None:
        """A point where the stage may be stopped without harm: raises an ``Interrupt`` if that was requested."""
        ...

    def write(self, work: Callable[[Library], None]) -> None:
        """Library writes of this stage: run in the transaction that commits its checkpoint, under the token."""
        ...

    def read(self) -> Library:
        """The library for reading, outside any transaction of the job."""
        ...

    def submit(self, job_type: str, args: Mapping[str, Any], **options: Any) -> None:
        """Follow-up work, created once, in the same transaction as this stage's checkpoint."""
        ...

    storage: Storage


class Stops(Protocol):
    """The pending requests on a running job, as its child process receives them."""

    pause: bool
    cancel: bool
    release: bool

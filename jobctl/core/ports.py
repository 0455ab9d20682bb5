"""The Protocols: the interfaces of plug-ins (those for documents are in ``document.py``).

Each has a contract suite in ``jobctl.testing`` where others implement it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal, Protocol, Self, TypeVar, runtime_checkable

from jobctl.core.errors import ErrorType
from jobctl.core.library import (
    Annotation,
    Chunk,
    ChunkPosition,
    Connection,
    Document,
    DocumentFields,
    FoundConnection,
    JudgedChunk,
    JudgedConnection,
    NewAnnotation,
    NewChunk,
    NewReviewItem,
    PortableConnection,
    ReviewItem,
    ReviewStatus,
    VaultSync,
)
from jobctl.core.search import SearchIndex

T = TypeVar("T")
PauseSupport = Literal["checkpoint", "signal", "none"]
"""How a running stage stops for a pause: from a checkpoint that it has, at a signal that it handles, or not at all."""


class Storage(Protocol):
    """Bytes under immutable keys (``a/b/c``: lower-case letters, digits, ``-._/``; no ``..``).

    Every write is durable when the call returns. Raises ``StorageUnavailable`` when the storage is out of
    reach, full or read-only, and ``CheckpointMissing`` when a key is not there.
    """

    def put(self, key: str, data: bytes) -> None: ...
    def put_file(self, key: str, source: BinaryIO) -> None: ...
    def get(self, key: str, *, max_bytes: int) -> bytes: ...
    def exists(self, key: str) -> bool: ...
    def delete(self, key: str) -> None: ...
    def delete_all(self, keys: Iterable[str]) -> None: ...
    def keys(self, prefix: str) -> Iterator[str]: ...
    def local_path(self, key: str, workspace: Path) -> Path:
        """A local file with the bytes: the stored file itself, or a copy in ``workspace``."""
        ...


class Embedder(Protocol):
    """Turns texts into unit vectors.

    ``id`` names engine, version and dimension: vectors of different ids are never compared. A class with ``quick = True``
    embeds hundreds of sentences in a tenth of a second; a search then compares sentences too.
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
    def model_validate(cls, obj: object) -> Self: ...
    @classmethod
    def model_json_schema(cls) -> dict[str, Any]: ...
    def model_dump(self, *, mode: str = ..., exclude_none: bool = ...) -> dict[str, object]: ...


class Library(Protocol):
    """The document library. Inside ``Context.write`` it is in the transaction that commits the stage.

    A Protocol, so that job types and document engines do not import the database.
    """

    def document(self, document_id: int) -> Document | None: ...
    def document_with_uid(self, uid: str) -> Document | None: ...
    def document_with_source(self, sha256: str) -> Document | None: ...
    def documents(self, ids: Sequence[int] | None = None) -> list[Document]: ...
    def lock(self, uid: str) -> Document | None:
        """The document with this uid; others that would save it wait until this transaction ends."""
        ...

    def save(
        self, fields: DocumentFields, chunks: Sequence[NewChunk], *, moves: Mapping[int, int | None] | None = None
    ) -> int:
        """Writes a document, or a new generation of the one with this uid; returns its id.

        ``moves``: where a person's connections of an old chunk (id) go (index of a new chunk; None: to the review).
        """
        ...

    def connected(self, document_id: int) -> None: ...
    def chunks(self, document_ids: Sequence[int] | None = None) -> list[Chunk]: ...
    def chunk_positions(self, document_ids: Sequence[int] | None = None) -> list[ChunkPosition]: ...
    @property
    def index(self) -> SearchIndex:
        """What search and connections read, written by ``save``."""
        ...

    def judged_chunks(self, document_id: int) -> list[JudgedChunk]: ...

    def connections(self, document_id: int | None = None) -> list[Connection]: ...
    def portable_connections(self, document_ids: Sequence[int]) -> list[PortableConnection]: ...
    def backup_connections(self) -> list[JudgedConnection]: ...
    def merge_connections(self, connections: Sequence[FoundConnection]) -> None:
        """Adds connections; of one that exists a person's judgement stays, and what is new in it is added.

        All of one class: ``FoundConnection``, or ``JudgedConnection`` with the judgements to merge.
        """
        ...

    def replace_connections(
        self,
        document_ids: Sequence[int] | None,
        types: Sequence[str],
        connections: Sequence[FoundConnection],
        *,
        keep_judged: bool = True,
    ) -> int:
        """New results for old at once; what a person judged stays. Returns the number that exist now."""
        ...

    def judge(
        self, connection_id: int, *, user_validated: bool | None = None, starred: bool | None = None,
        note: str | None = None,
    ) -> bool: ...  # fmt: skip

    def annotations(self, document_id: int) -> list[Annotation]: ...
    def annotate(self, annotation: NewAnnotation) -> None: ...
    def move_annotation(self, uid: str, start: int | None, end: int | None) -> None: ...
    def remove_annotation(self, uid: str) -> None: ...

    def reviews(
        self, *, source: str | None = None, status: ReviewStatus = "open", document_id: int | None = None
    ) -> list[ReviewItem]: ...
    def review(self, item: NewReviewItem) -> None: ...
    def update_review(self, review_id: int, item: NewReviewItem) -> None: ...
    def decide(self, review_id: int, status: ReviewStatus) -> ReviewItem | None: ...

    def synced(self, vault: str) -> list[VaultSync]: ...
    def sync(self, note: VaultSync) -> None: ...
    def unsync(self, document_id: int, vault: str) -> None: ...


class Stops(Protocol):
    """The requests that a running job has received."""

    pause: bool
    cancel: bool
    release: bool


class Context(Protocol):
    """What a stage may do. Nothing else: a handler has no access to the job row or the database."""

    job_id: int
    attempt: int
    args: Any
    settings: Mapping[str, Any]
    workspace: Path
    """A folder for temporary files of this attempt, removed with it."""
    stops: Stops
    """The requests that the job has received; ``check_interrupt`` obeys them."""

    def result(self, stage: str) -> Any:
        """The checkpointed result of an earlier stage."""
        ...

    def results(self) -> Mapping[int, Any]:
        """Results of the jobs of ``after``, by id. Raises ``Invalid`` where one is gone, ``Transient`` where its job runs again."""
        ...

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What ``make`` returns, made once an attempt and shared by its stages; never part of a checkpoint."""
        ...

    def open(self, path: str | Path) -> Path:
        """A local file for an input path: taken into storage at submit, or under an allowed root."""
        ...

    def name(self, path: str | Path) -> str:
        """The file name that an input path was submitted under."""
        ...

    def allowed(self, path: str | Path) -> Path:
        """A path that lies under a root that this worker allows."""
        ...

    def plugin(self, kind: str, name: str | None = None) -> Any:
        """The implementation of an extension point: ``embedder`` as configured, ``engine`` by name."""
        ...

    def count_as(self, noun: str) -> None:
        """Sets the noun for the items of this batched stage, where it is known only now."""
        ...

    def about(self, entity_type: str, entity_id: int | str) -> None:
        """Sets the entity that the job is about, once that is known."""
        ...

    def progress(
        self, details: str, *, current: float | None = None, total: float | None = None, unit: str | None = None
    ) -> None:
        """Reports how far the stage is. Cheap: call it as often as you like."""
        ...

    def send_progress(self) -> None:
        """Sends the newest progress, where it came too early to be sent at once: for a stage that is silent afterwards."""
        ...

    def log(self, text: str, *, level: str = "info") -> None: ...

    def run(
        self,
        command: Sequence[str | Path],
        *,
        cwd: str | Path | None = None,
        env: Mapping[str, str] | None = None,
        exits: Mapping[int, ErrorType | None] | None = None,
    ) -> int:
        """Runs a program to its end, without a shell; returns its exit code. Its output is the job's log, line by line.

        It starts in the attempt's temporary folder, unless ``cwd`` names another; ``env`` is added to its variables.
        It ends with the job, and is stopped when the job is cancelled.

        Raises ``Invalid`` for the exit codes 64 to 66, ``Transient`` for 75, ``Permanent`` for the others but 0.
        ``exits`` decides otherwise: exit code → class, None: a success.
        """
        ...

    def secret(self, name: str) -> str:
        """A secret of the worker, of its environment (``JOBCTL_SECRET_<name>``) or its file; masked in logs and errors.

        What a stage returns is stored as it is: keep secrets out of it. Raises ``Permanent`` where the worker has none.
        """
        ...

    def check_interrupt(self) -> None:
        """A point where the stage may be stopped without harm: raises an ``Interrupt`` if that was requested."""
        ...

    def save(self, value: object) -> None:
        """Commits a checkpoint inside this stage, which must not work in batches. Raises an ``Interrupt`` where the job stops with it."""
        ...

    @property
    def has_saved(self) -> bool:
        """Whether there is a checkpoint inside this stage."""
        ...

    def saved(self, load: Callable[[Any], T]) -> T | None:
        """What ``load`` makes of the newest checkpoint inside this stage; None: there is none.

        One for which it raises ``CheckpointError`` is dropped, and the stage starts again from the one before.
        """
        ...

    def partial(self) -> list[Any]:
        """What this stage, a generator, has yielded in earlier attempts and jobctl has kept; it yields what comes after.

        Without this call a generator that is started again yields everything again, and what was kept is left out.
        """
        ...

    def pause_support(self, how: PauseSupport) -> None:
        """Reports how this stage stops for a pause: ``jobctl pause`` says so, or refuses."""
        ...

    def write(self, work: Callable[[Library], None]) -> None:
        """Library writes of this stage: run in the transaction that commits its checkpoint, under the token."""
        ...

    def read(self) -> Library:
        """The library for reading, outside any transaction of the job."""
        ...

    def submit(self, job_type: str, args: Mapping[str, object], **options: object) -> None:
        """Follow-up work, created once, in the same transaction as this stage's checkpoint."""
        ...

    storage: Storage

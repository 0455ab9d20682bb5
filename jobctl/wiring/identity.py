"""Which storage belongs to the database: known from the first use on."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from jobctl.client import Client
from jobctl.core.ports import Storage
from jobctl.wiring.configuration import Settings, display_value
from jobctl.wiring.plugins import storage, storage_location

if TYPE_CHECKING:  # a command that prints its help must not load the driver
    from jobctl.postgres.identity import IdentityVerbs
    from jobctl.storage.proven import ProvenStorage


def client_storage(settings: Settings, queue: IdentityVerbs) -> Callable[[], Storage]:
    """The storage of a client, made at its first use in a process."""
    held: dict[int, ProvenStorage] = {}

    def get() -> Storage:
        pid = os.getpid()
        if pid not in held:
            held[pid] = proven_storage(settings, lambda: queue)
        return held[pid]

    return get


def proven_storage(settings: Settings, queue: Callable[[], IdentityVerbs]) -> ProvenStorage:
    """The configured storage, which refuses to be used where it is not the one of the database that ``queue`` reaches."""
    from jobctl.storage.proven import ProvenStorage

    place = storage(settings)
    return ProvenStorage(place, lambda: identify(queue(), place, _location(settings)))


def identify(queue: IdentityVerbs, place: Storage, location: str) -> str | None:
    """The id of the database's storage. The first that asks names ``place``, which has a marker then.

    None: there is none, and this login may not name one. Raises ``StorageRefused`` where the rows refer to bytes and
    ``place`` has none of them, and ``StorageUnavailable``.
    """
    from jobctl.storage.proven import read_marker, write_marker

    known = queue.storage_identity()
    if known.storage_id is not None or not known.may_identify:
        return known.storage_id
    with queue.transaction():
        queue.lock_storage_identity()
        if (known := queue.storage_identity()).storage_id is None:
            found = read_marker(place)
            if found is None:
                _require_known_bytes(queue, place)
                found = write_marker(place, str(uuid.uuid4()))
            queue.identify_storage(found, location)
            return found
    return known.storage_id


def prove(settings: Settings, client: Client) -> str:
    """Proves the configured storage; returns where it is. Raises ``StorageUnavailable``, ``StorageRefused``."""
    place = proven_storage(settings, lambda: client.queue)
    place.prove()
    return place.root


def adopt(settings: Settings, client: Client) -> str:
    """Makes the configured storage the one of the database, whatever was so before; returns its id."""
    from jobctl.storage.proven import prove as prove_storage
    from jobctl.storage.proven import read_marker, write_marker

    place = storage(settings)
    storage_id = read_marker(place) or write_marker(place, str(uuid.uuid4()))
    prove_storage(place, storage_id)
    client.queue.adopt_storage(storage_id, _location(settings))
    return storage_id


class StorageProver:
    """Proves the storage for a worker, in a thread of its own: ``queue`` is a connection that nothing else uses."""

    def __init__(self, settings: Settings, queue: IdentityVerbs) -> None:
        self._settings = settings
        self._queue = queue
        self._storage: ProvenStorage | None = None

    def __call__(self) -> None:
        """Raises ``StorageUnavailable`` where the storage can't be used, ``StoreUnavailable`` where the database can't."""
        if self._storage is None:
            self._storage = proven_storage(self._settings, lambda: self._queue)
        try:
            self._storage.prove()
        finally:
            self._queue.close()


def _location(settings: Settings) -> str:
    return str(display_value("storage", storage_location(settings)))


def _require_known_bytes(queue: IdentityVerbs, place: Storage) -> None:
    """A storage without a marker, under a database that was used before there were any: it must have what rows refer to."""
    from jobctl.storage.proven import refused

    keys = queue.stored_keys()
    if keys and not any(map(partial(_has, place), keys)):
        raise refused(place, "it has none of the bytes that jobs refer to")


def _has(place: Storage, key: str) -> bool:
    try:
        return place.exists(key)
    except ValueError:  # a path that no storage can have was not written by a worker
        return False

"""pgvector's type on a connection of psycopg."""

import struct
import sys
from array import array
from dataclasses import dataclass

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format


@dataclass(frozen=True, slots=True)
class Vector:
    """Little-endian float32 numbers, sent to the server as pgvector's type."""

    data: bytes


class _VectorDumper(Dumper):
    """pgvector's wire form: dimension, zero, big-endian float32. As text, a vector costs five times the bytes."""

    format = Format.BINARY

    def dump(self, obj: Vector) -> bytes:
        numbers = array("f", obj.data)
        if sys.byteorder == "little":
            numbers.byteswap()
        return struct.pack(">HH", len(numbers), 0) + numbers.tobytes()


def register_vectors(connection: psycopg.Connection[object]) -> None:
    """Lets a connection send ``Vector``."""
    connection.adapters.register_dumper(Vector, _VectorDumper)

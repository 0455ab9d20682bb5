"""The schema's metadata, and the kinds of column that its tables are made of."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Column,
    Identity,
    Integer,
    MetaData,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

metadata = MetaData(
    schema="jobctl",
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "ix": "%(column_0_label)s_idx",
        "uq": "%(table_name)s_%(column_0_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
    },
)

CLOCK = "jobctl.clock()"


def identity() -> Column[int]:
    """The primary key: a number that the database assigns."""
    return Column("id", BigInteger, Identity(always=True), primary_key=True, comment="Number people type")


def instant(name: str, comment: str, *, required: bool = False) -> Column[datetime]:
    """A point in time; a required one is the present by default."""
    default = text(CLOCK) if required else None
    return Column(name, TIMESTAMP(timezone=True), nullable=not required, server_default=default, comment=comment)


def count(name: str, comment: str, default: int = 0) -> Column[int]:
    """A number of things, from a default."""
    return Column(name, Integer, nullable=False, server_default=text(str(default)), comment=comment)


def json(name: str, comment: str, default: str = "'{}'::jsonb") -> Column[object]:
    """A JSON document."""
    return Column(name, JSONB, nullable=False, server_default=text(default), comment=comment)


def string(name: str, comment: str, *, required: bool = False, default: str | None = None) -> Column[str]:
    """A text."""
    server_default = text(default) if default is not None else None
    return Column(name, Text, nullable=not required, server_default=server_default, comment=comment)


def quoted(*words: str) -> str:
    """Words as SQL literals, separated by commas."""
    return ", ".join(f"'{word}'" for word in words)

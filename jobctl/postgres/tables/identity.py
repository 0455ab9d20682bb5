"""The tables of what belongs together: the storage and the server of the jobs."""

from sqlalchemy import Boolean, CheckConstraint, Column, Table, text
from sqlalchemy.dialects.postgresql import TIMESTAMP

from jobctl.postgres.tables.columns import instant, metadata, string


def single() -> Column[bool]:
    """The primary key of a table with one row."""
    comment = "Always true: there is one row at most"
    return Column("single", Boolean, primary_key=True, server_default=text("true"), comment=comment)


storage = Table(
    "storage",
    metadata,
    single(),
    string("storage_id", "What the marker in the storage says", required=True),
    string("location", "Where it was when it was identified, for people", required=True, default="''"),
    instant("identified_at", "When the marker was written or adopted", required=True),
    CheckConstraint("single", name="single"),
    CheckConstraint("char_length(storage_id) BETWEEN 1 AND 100", name="id"),
    comment="The storage that has the bytes of the jobs",
)

server = Table(
    "server",
    metadata,
    single(),
    string("system_id", "Its system identifier", required=True),
    string("timeline", "Its timeline: another after a promotion", required=True),
    Column(
        "since",
        TIMESTAMP(timezone=True),
        nullable=False,
        comment="When a sweep first found it; -infinity: it was the first",
    ),
    CheckConstraint("single", name="single"),
    comment="The server that the latest sweep found",
)

"""The tables of the document library, a comment a column."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import UUID

from jobctl.postgres.tables.columns import count, identity, instant, json, metadata, quoted, string

documents = Table(
    "documents",
    metadata,
    identity(),
    Column("uid", UUID(as_uuid=False), nullable=False, unique=True, comment="The same in every library and archive"),
    string("title", "Title", required=True),
    string("author", "Author"),
    string("source_type", "pdf epub docx html markdown text", required=True),
    string("source_name", "File name it was submitted under"),
    string("source_url", "Address it was fetched from"),
    string("source_sha256", "SHA-256 of the source"),
    string("source_key", "Storage key of the source"),
    string("language", "Two-letter code"),
    Column("page_count", Integer, comment="Pages, where the format has them"),
    count("word_count", "Words of the Markdown"),
    json("outline", "Headings: level, title, start", "'[]'::jsonb"),
    json("frontmatter", "Properties of a note that are not ours"),
    string("markdown_key", "Storage key of the Markdown", required=True),
    string("markdown_sha256", "SHA-256 of the Markdown", required=True),
    string("engine", "Embedding engine of the current chunks", required=True),
    count("generation", "Generation of the current chunks", 1),
    instant("created_at", "When it came into the library", required=True),
    instant("updated_at", "Latest change", required=True),
    instant("connected_at", "When its connections were detected last"),
    Index("documents_sha256_idx", "source_sha256"),
    comment="The library: one row a document",
)

chunks = Table(
    "chunks",
    metadata,
    identity(),
    Column(
        "document_id", BigInteger, ForeignKey(documents.c.id, ondelete="CASCADE"), nullable=False, comment="Document"
    ),
    Column("generation", Integer, nullable=False, comment="Generation it belongs to"),
    Column("index", Integer, nullable=False, comment="Order in the document, from 0"),
    string("text", "markdown[start_offset:end_offset]", required=True),
    Column("start_offset", Integer, nullable=False, comment="First code point"),
    Column("end_offset", Integer, nullable=False, comment="Code point after the last"),
    json("heading_path", "Headings it stands under, outermost first", "'[]'::jsonb"),
    Column("page_start", Integer, comment="First page, from 1"),
    Column("page_end", Integer, comment="Last page"),
    count("token_count", "Tokens, estimated"),
    json("themes", "Key phrases, best first", "'[]'::jsonb"),
    string("summary", "Lead sentence", required=True, default="''"),
    Column("importance", Double, nullable=False, server_default=text("0"), comment="Centrality, 0 to 1"),
    Column("polarity", Double, nullable=False, server_default=text("0"), comment="-1 to 1"),
    string("engine", "Embedding engine of the vector", required=True),
    Column("vector", LargeBinary, nullable=False, comment="Little-endian float32; empty: no vector"),
    UniqueConstraint("document_id", "index", name="chunks_document_index_key"),
    CheckConstraint("start_offset >= 0 AND end_offset > start_offset", name="offsets"),
    comment="Passages of documents, the unit of search and connection",
)

connections = Table(
    "connections",
    metadata,
    identity(),
    Column("source_chunk", BigInteger, ForeignKey(chunks.c.id, ondelete="CASCADE"), nullable=False, comment="From"),
    Column("target_chunk", BigInteger, ForeignKey(chunks.c.id, ondelete="CASCADE"), nullable=False, comment="To"),
    string("type", "Name of the engine that found it", required=True),
    Column("strength", Double, nullable=False, comment="0 to 1"),
    json("evidence", "Why: scores, sentences, shared phrases"),
    string("engine", "Engine and version, with its threshold", required=True),
    Column("user_validated", Boolean, comment="true confirmed, false rejected, null not judged"),
    Column("starred", Boolean, nullable=False, server_default=text("false"), comment="Marked by a person"),
    string("note", "A person's remark"),
    instant("judged_at", "When a person judged it"),
    instant("created_at", "When it was found", required=True),
    UniqueConstraint("source_chunk", "target_chunk", "type", name="connections_pair_key"),
    CheckConstraint("source_chunk <> target_chunk", name="self"),
    CheckConstraint("strength BETWEEN 0 AND 1", name="strength"),
    Index("connections_target_idx", "target_chunk"),
    comment="Relations between chunks of different documents",
)

annotations = Table(
    "annotations",
    metadata,
    identity(),
    Column("uid", UUID(as_uuid=False), nullable=False, unique=True, comment="The same in every library and archive"),
    Column(
        "document_id", BigInteger, ForeignKey(documents.c.id, ondelete="CASCADE"), nullable=False, comment="Document"
    ),
    Column("start_offset", Integer, comment="First code point in the Markdown; null: place lost, see review"),
    Column("end_offset", Integer, comment="Code point after the last"),
    string("text", "The passage", required=True),
    string("note", "A person's remark"),
    string("colour", "Colour"),
    json("tags", "Tags", "'[]'::jsonb"),
    string("origin", "user readwise obsidian import", required=True, default="'user'"),
    string("origin_id", "Id where it came from"),
    instant("created_at", "When it was made", required=True),
    instant("updated_at", "Latest change", required=True),
    UniqueConstraint("document_id", "origin", "origin_id", name="annotations_origin_key"),
    Index("annotations_document_idx", "document_id", "start_offset"),
    comment="Highlights and notes of a person",
)

import_review = Table(
    "import_review",
    metadata,
    identity(),
    string("source", "readwise obsidian reanchor", required=True),
    string("source_id", "Id where it came from", required=True),
    Column("document_id", BigInteger, ForeignKey(documents.c.id, ondelete="CASCADE"), comment="Document, where known"),
    json("payload", "What is to be placed"),
    json("suggestion", "Best place: start, end, score, runner-up"),
    string("reason", "Why a person has to look", required=True, default="''"),
    string("status", "waiting open accepted rejected", required=True, default="'open'"),
    instant("created_at", "When it came in", required=True),
    instant("reviewed_at", "When a person decided"),
    UniqueConstraint("source", "source_id", name="import_review_source_key"),
    CheckConstraint(f"status IN ({quoted('waiting', 'open', 'accepted', 'rejected')})", name="status"),
    Index("import_review_document_idx", "document_id"),
    comment="Imports that a person has to judge, or that wait for their document",
)

vault_sync = Table(
    "vault_sync",
    metadata,
    Column(
        "document_id", BigInteger, ForeignKey(documents.c.id, ondelete="CASCADE"), primary_key=True, comment="Document"
    ),
    Column("vault", Text, primary_key=True, comment="Resolved path of the vault"),
    string("note_path", "Path of the note in the vault", required=True),
    string("note_hash", "SHA-256 of the note as last written or read", required=True),
    string("library_hash", "SHA-256 of what the library had then", required=True),
    string("body", "The Markdown both sides agreed on", required=True, default="''"),
    instant("synced_at", "When", required=True),
    instant("missing_since", "The note is gone: a tombstone to confirm"),
    comment="What a vault and the library agreed on last",
)

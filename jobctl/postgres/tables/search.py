"""The tables of the search index, a comment a column. Their rows are made from chunks: no dump has them."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, Table, text

from jobctl.postgres.tables.columns import metadata, string
from jobctl.postgres.tables.library import chunks, documents

DERIVED = {"derived": True}


def _document(*, primary_key: bool) -> Column[int]:
    return Column(
        "document_id", BigInteger, ForeignKey(documents.c.id, ondelete="CASCADE"), primary_key=primary_key,
        autoincrement=False, nullable=False, comment="Document",
    )  # fmt: skip


search_documents = Table(
    "search_documents",
    metadata,
    _document(primary_key=True),
    Column("version", Integer, nullable=False, comment="Version of the index that it is in"),
    string("dictionary", "Text search dictionary of its words", required=True),
    Column("passages", Integer, nullable=False, comment="Passages"),
    Column("words", BigInteger, nullable=False, comment="Words of all passages, without stop words"),
    comment="Documents that are in the search index",
    info=DERIVED,
)

search_passages = Table(
    "search_passages",
    metadata,
    Column(
        "chunk_id", BigInteger, ForeignKey(chunks.c.id, ondelete="CASCADE"), primary_key=True, autoincrement=False,
        comment="Passage",
    ),
    Column("boilerplate", Boolean, nullable=False, comment="Contents, licence or a mere list of links: not compared"),
    Column("sample", Integer, nullable=False, comment="Hash of the text: an order for random samples"),
    Column(
        "terms", LargeBinary, nullable=False,
        comment="Hashes of its stems, ascending (int4 each), then their counts (a byte each)",
    ),
    Index("search_passages_sample_idx", "sample", "chunk_id", postgresql_where=text("NOT boilerplate")),
    comment="The words of each passage",
    info=DERIVED,
)  # fmt: skip

search_terms = Table(
    "search_terms",
    metadata,
    Column("term", Integer, primary_key=True, autoincrement=False, comment="Hash of the stem"),
    _document(primary_key=True),
    Column(
        "postings", LargeBinary, nullable=False, comment="int8 each: passage << 24 | count << 16 | words of the passage"
    ),
    Index("search_terms_document_idx", "document_id"),
    comment="Which passages of a document have a word",
    info=DERIVED,
)

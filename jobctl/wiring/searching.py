"""Search from a shell: it loads no SQLAlchemy, which would take as long as the search."""

from __future__ import annotations

from jobctl.client import Client
from jobctl.core.ports import Embedder
from jobctl.core.search import EVERYTHING, Chosen, FoundPassage, IndexSize, SearchHit, SearchResult
from jobctl.core.terms import matches
from jobctl.wiring.configuration import Settings
from jobctl.wiring.extras import needs_documents
from jobctl.wiring.plugins import plugin


@needs_documents("search")
def search(
    settings: Settings, client: Client, text: str, *, count: int = 10, chosen: Chosen = EVERYTHING
) -> SearchResult:
    """The passages that answer a text best, with their document and headings."""
    from jobctl.documents import relate
    from jobctl.postgres.search import Index

    embedder: Embedder = plugin(settings, {}, "embedder", None)
    question = embedder.embed([text])[0]
    embed = embedder.embed if getattr(embedder, "quick", False) else None
    answer = relate.search(Index(client.queue.connection), embedder.id, text, question, count, chosen, embed=embed)
    hits = [
        _hit(hit.passage, (hit.score, hit.lexical, hit.vector), hit.sentence, answer.matching) for hit in answer.hits
    ]
    return SearchResult(hits, answer.stop_words_only, answer.missing)


def index_state(client: Client) -> tuple[IndexSize, bool]:
    """What the index has, and whether vectors are found by pgvector. Raises ``ConfigError`` for a login that may not look."""
    from jobctl.postgres.search import Index

    index = Index(client.queue.connection)
    return index.size(), bool(index.graphs)


def _hit(
    passage: FoundPassage, scores: tuple[float, float, float], snippet: tuple[int, int], matching: frozenset[str]
) -> SearchHit:
    score, lexical, vector = (round(one, 4) for one in scores)
    return SearchHit(
        document_id=passage.document_id, title=passage.title, source_type=passage.source_type,
        language=passage.language, chunk=passage.index, heading_path=passage.heading_path, page=passage.page_start,
        score=score, lexical=lexical, vector=vector, start=passage.start_offset, end=passage.end_offset,
        snippet=snippet, matches=matches(passage.text, matching), text=passage.text,
    )  # fmt: skip

"""process_document and detect_connections as jobs next to a bare loop of the same engines, on the same book.

    python tests/bench/pipeline.py [BOOK.pdf]

All are measured in CPU seconds without imports, interleaved, medians. The loop extracts, cleans, cuts, enriches, embeds
and compares with a library of other books that it holds in memory; "and saves" also puts the passages into the same
tables with psycopg, in one transaction. The jobs do it through stages, checkpoints (written, fsynced) and the library.
"""

import gc
import hashlib
import os
import sys
import tempfile
import time
from functools import cache, partial
from pathlib import Path
from statistics import median

import psycopg
from psycopg.types.json import Jsonb

from jobctl import wiring
from jobctl.client import Client, Options
from jobctl.core.document import Enrichment
from jobctl.documents.chunk import chunk
from jobctl.documents.clean import clean
from jobctl.documents.embed import StaticEmbedder
from jobctl.documents.enrich import Enricher
from jobctl.documents.relate import Corpus, Edge, JoinedIndex, SemanticSimilarity, corpus
from jobctl.postgres import migrate
from jobctl.postgres.connect import connect
from jobctl.postgres.embedded import Server
from jobctl.postgres.lease_rows import ClaimTarget
from jobctl.postgres.leases import Leases
from jobctl.postgres.library import Libraries
from jobctl.testing.contracts import opened
from jobctl.worker.attempt import Attempt
from jobctl.worker.child import COLLECT_AT, Requests
from jobctl.worker.context import Services

ROUNDS = 9


def loop(path: Path, embedder: StaticEmbedder, others: Corpus, connection: psycopg.Connection | None = None) -> float:
    started = time.process_time()
    source = opened(path)
    text = clean(source.info, [source.part(i) for i in range(source.info.part_count)])
    source.close()
    spans = chunk(text)
    texts = [span.text for span in spans]
    enricher = Enricher(texts)
    known = [enricher.enrich(index) for index in range(len(texts))]
    vectors = embedder.embed(texts)
    if connection is not None:
        save(connection, "book", text.markdown, spans, known, vectors, embedder.id)
    compare(others, texts, vectors, known)
    return time.process_time() - started


def compare(others: Corpus, texts: list[str], vectors: list[bytes], known: list[Enrichment]) -> list[Edge]:
    mine = range(len(others.ids), len(others.ids) + len(texts))
    held = corpus(
        [*others.ids, *mine], [*others.documents, *(0 for _ in mine)], others.texts + texts,
        [row.tobytes() for row in others.vectors] + vectors, others.themes + [k.themes for k in known],
        others.polarity + [k.polarity for k in known],
    )  # fmt: skip
    index, engine = JoinedIndex(held), SemanticSimilarity()
    return engine.connect(index, list(mine), threshold=engine.calibrate(index), per_chunk=5)


def shelf(connection: psycopg.Connection, books: list[Path], embedder: StaticEmbedder) -> Corpus:
    """Other books, in the tables and in memory."""
    documents, texts, vectors, themes, polarity = [], [], [], [], []
    for number, path in enumerate(books, 1):
        source = opened(path)
        text = clean(source.info, [source.part(i) for i in range(source.info.part_count)])
        spans = chunk(text)
        enricher = Enricher([span.text for span in spans])
        known = [enricher.enrich(index) for index in range(len(spans))]
        made = embedder.embed([span.text for span in spans])
        save(connection, path.name, text.markdown, spans, known, made, embedder.id)
        documents += [number] * len(spans)
        texts += [span.text for span in spans]
        vectors += made
        themes += [k.themes for k in known]
        polarity += [k.polarity for k in known]
    return corpus(range(len(texts)), documents, texts, vectors, themes, polarity)


def save(connection, title, markdown, spans, known, vectors, engine) -> None:
    digest = hashlib.sha256(markdown.encode()).hexdigest()
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO jobctl.documents (uid, title, source_type, engine, markdown_key, markdown_sha256, word_count) "
            "VALUES (gen_random_uuid(), %s, 'pdf', %s, %s, %s, %s) RETURNING id",
            [title, engine, digest, digest, len(markdown.split())],
        )
        document = cursor.fetchone()[0]
        cursor.executemany(
            "INSERT INTO jobctl.chunks (document_id, index, text, start_offset, end_offset, heading_path, page_start, page_end, "
            "token_count, themes, summary, importance, polarity, vector, engine, generation) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 1)",
            [
                (document, s.index, s.text, s.start, s.end, Jsonb(s.heading_path), s.page_start, s.page_end, s.token_count,
                 Jsonb(k.themes), k.summary, k.importance, k.polarity, v, engine)
                for s, k, v in zip(spans, known, vectors, strict=True)
            ],
        )  # fmt: skip


def main() -> None:
    default = Path(__file__).parents[3] / "shared" / "corpus" / "developers-reference.pdf"
    book = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    if not book.exists():
        book = Path(__file__).parents[1] / "data" / "project-history.en.pdf"
    shelved = [path for path in sorted(book.parent.glob("*.*")) if path.suffix in (".pdf", ".epub") and path != book]
    embedder = StaticEmbedder()
    with tempfile.TemporaryDirectory(prefix="jobctl-bench-") as home:
        Path(home).chmod(0o755)
        server = Server(Path(home) / "server", report=lambda _: None, environment=os.environ)
        url = server.ensure()
        migrate.upgrade(url)
        held = wiring.settings({}, {"JOBCTL_HOME": home, "HOME": home})
        queue, libraries = Leases(lambda: connect(url)), Libraries()
        services = Services(
            storage=wiring.storage(held), library=libraries, reader=lambda: libraries(queue.connection), load=cache(wiring.pipeline),
            request=partial(wiring.request, held), workspace=Path(home), input_roots=(), settings=held.values,
            plugin=partial(wiring.plugin, held, {("embedder", held["embedding"]): embedder}),
        )  # fmt: skip
        client = Client(queue, storage=lambda: wiring.storage(held), load=wiring.pipeline)
        others = shelf(queue.connection, shelved, embedder)
        bare, saving, times, walls = [], [], [], []
        for _ in range(ROUNDS):
            bare.append(loop(book, embedder, others))
            saving.append(loop(book, embedder, others, queue.connection))
            queue.connection.execute("DELETE FROM jobctl.documents WHERE title = 'book'")
            usual = gc.get_threshold()
            gc.set_threshold(*COLLECT_AT)  # as in a child
            client.submit("process_document", {"path": str(book), "force": True, "title": "book"}, Options())
            cpu, wall = time.process_time(), time.perf_counter()
            for job_type in ("process_document", "detect_connections"):
                job = queue.claim(0, [ClaimTarget("default", job_type, 2)], 1)[0]
                outcome = Attempt(job, services, queue, Requests(), report=lambda _: None, log=lambda *_: None).run()
                queue.settle([outcome] if outcome else [])
            times.append(time.process_time() - cpu)
            walls.append(time.perf_counter() - wall)
            gc.set_threshold(*usual)
            queue.connection.execute("DELETE FROM jobctl.documents WHERE title = 'book'")
        queue.close()
        server.stop(force=True)
    source = opened(book)
    pages = source.info.part_count
    job = median(times)
    print(f"bare loop            {median(bare):.2f} CPU s   {pages / median(bare):.0f} pages/s")
    print(f"bare loop and saves  {median(saving):.2f} CPU s   {pages / median(saving):.0f} pages/s")
    print(
        f"as a job             {job:.2f} CPU s   {pages / job:.0f} pages/s   wall {median(walls):.2f} s   "
        f"ratio {median(bare) / job:.2f}, to the loop that saves {median(saving) / job:.2f}"
    )


if __name__ == "__main__":
    main()

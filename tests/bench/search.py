"""How well a search answers questions: mean reciprocal rank of the first ten, and the share of answers in the first five.

    python tests/bench/search.py [FOLDER]

``questions.txt`` has the questions, and words of the passage that answers each; even ones are for choosing parameters,
odd ones for judging. FOLDER has the documents: EPUBs and PDFs of Debian's packages developers-reference,
debian-policy, debian-history, debmake-doc, debian-faq, debian-reference-en, installation-guide-amd64, bash-doc. Without
it they are downloaded with ``apt-get download``. Beside ours, on the same passages: BM25 with stemming, and Postgres's
own text search (``ts_rank`` by the length of a passage, the best of its ways here; one word or another).
"""

import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psycopg

from jobctl import wiring
from jobctl.core.document import Enrichment, passage
from jobctl.core.ports import Library
from jobctl.core.terms import terms
from jobctl.documents import relate
from jobctl.documents.chunk import chunk
from jobctl.documents.clean import clean, language
from jobctl.postgres import migrate
from jobctl.postgres.connect import connect
from jobctl.postgres.embedded import Server
from jobctl.postgres.library import Libraries
from jobctl.testing.contracts import opened

PACKAGES = (
    "developers-reference debian-policy debian-history debmake-doc debian-faq debian-reference-en "
    "installation-guide-amd64 bash-doc"
).split()
BOOKS = (
    "developers-reference.epub policy.epub project-history.en.epub debmake-doc.en.epub debian-faq.en.pdf "
    "debian-reference.en.pdf install.en.pdf bashref.pdf"
).split()


def questions() -> list[tuple[str, list[str]]]:
    """Each question with words of the passages that answer it."""
    lines = Path(__file__).with_name("questions.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split(" | ") for line in lines if line[:1] != "#")
    return [(question, [" ".join(one.split()).lower() for one in answers.split(" || ")]) for question, answers in pairs]


@contextmanager
def books(words: list[str]) -> Iterator[list[Path]]:
    """The documents, downloaded unless a folder has them."""
    if words:
        yield [Path(words[0]) / name for name in BOOKS]
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run(["apt-get", "download", *PACKAGES], cwd=folder, check=True, capture_output=True)
        for package in folder.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", package, folder / "x"], check=True)
        for packed in (folder / "x").rglob("*.pdf.gz"):
            subprocess.run(["gunzip", packed], check=True)
        yield [next(path for path in (folder / "x").rglob(name)) for name in BOOKS]


@contextmanager
def library() -> Iterator[tuple[psycopg.Connection, Library]]:
    """An empty library on a server of its own."""
    with tempfile.TemporaryDirectory(prefix="jobctl-bench-") as name:
        Path(name).chmod(0o755)
        server = Server(Path(name), report=lambda _: None, environment=dict(os.environ), durable=False)
        server.ensure()
        try:
            migrate.upgrade(server.conninfo())
            with connect(server.conninfo()) as connection:
                yield connection, Libraries()(connection)
        finally:
            server.stop(force=True)


def add(documents: Library, path: Path, embedder) -> None:
    source = opened(path)
    text = clean(source.info, [source.part(i) for i in range(source.info.part_count)])
    source.close()
    spans = chunk(text)
    rows = [
        passage(span, Enrichment([], "", 0.0, 0.0), vector)
        for span, vector in zip(spans, embedder.embed([s.text for s in spans]), strict=True)
    ]
    fields = {
        "uid": str(uuid.uuid5(uuid.NAMESPACE_URL, path.name)), "title": path.stem, "source_type": path.suffix[1:],
        "markdown_key": "k", "markdown_sha256": "s", "engine": embedder.id, "language": language(text.markdown),
    }  # fmt: skip
    documents.save(fields, rows)


def bm25(texts: dict[int, str], stems) -> Callable[[str], list[int]]:
    """Plain BM25 (k1 1.2, b 0.75) over stems, as its authors have it."""
    bags = {i: Counter(s for w in terms(t) for s in stems[w]) for i, t in texts.items()}
    mean = sum(b.total() for b in bags.values()) / len(bags)
    held = Counter(term for bag in bags.values() for term in bag)

    def ask(question: str) -> list[int]:
        score = Counter()
        for stem in {s for w in terms(question) for s in stems.get(w, [w])}:
            idf = np.log(1 + (len(bags) - held[stem] + 0.5) / (held[stem] + 0.5))
            for i, bag in bags.items():
                if stem in bag:
                    score[i] += idf * bag[stem] * 2.2 / (bag[stem] + 1.2 * (0.25 + 0.75 * bag.total() / mean))
        return [i for i, _ in score.most_common(10)]

    return ask


def postgres(connection: psycopg.Connection) -> Callable[[str], list[int]]:
    connection.execute("CREATE TEMP TABLE fts AS SELECT id, to_tsvector('english', text) AS words FROM jobctl.chunks")

    def ask(question: str) -> list[int]:
        rows = connection.execute(
            "SELECT f.id FROM fts f, CAST(replace(plainto_tsquery('english', %s)::text, '&', '|') AS tsquery) q "
            "WHERE words @@ q ORDER BY ts_rank(words, q, 1) DESC, id LIMIT 10", [question]
        )  # fmt: skip
        return [i for (i,) in rows]

    return ask


def ranks(ask: Callable[[str], list[int]], texts: dict[int, str]) -> np.ndarray:
    """The rank of the first passage that answers each question, 1 the best; infinite behind the tenth."""
    found = []
    for question, answers in questions():
        places = [n for n, i in enumerate(ask(question)[:10], 1) if any(one in texts[i] for one in answers)]
        found.append(places[0] if places else np.inf)
    return np.asarray(found, dtype=float)


def report(name: str, found: np.ndarray) -> None:
    shown = [f"{np.mean(1 / part):.3f} / {np.mean(part <= 5):.2f}" for part in (found[::2], found[1::2], found)]
    print(f"| {name} | {' | '.join(shown)} |")


def main() -> None:
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    embedder = wiring.plugin(wiring.settings({}, {"HOME": "/"}), {}, "embedder", "static")
    with books(words) as paths, library() as (connection, documents):
        started = time.process_time()
        for path in paths:
            add(documents, path, embedder)
        held = documents.chunks()
        texts = {c.id: " ".join(c.text.split()).lower() for c in held}
        print(f"{len(paths)} documents, {len(held)} passages, {time.process_time() - started:.0f} CPU s to index")
        vocabulary = sorted({w for c in held for w in terms(c.text)} | {w for q, _ in questions() for w in terms(q)})
        stems = documents.index.stems("english_stem", vocabulary)

        def ours(question: str) -> list[int]:
            vector = embedder.embed([question])[0]
            answer = relate.search(documents.index, embedder.id, question, vector, embed=embedder.embed)
            return [hit.passage.id for hit in answer.hits]

        print("| search, MRR@10 / recall@5 | even | odd | all |\n|---|---|---|---|")
        report("jobctl", ranks(ours, texts))
        report("BM25 with stemming", ranks(bm25({c.id: c.text for c in held}, stems), texts))
        report("Postgres ts_rank", ranks(postgres(connection), texts))


if __name__ == "__main__":
    main()

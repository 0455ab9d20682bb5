"""How many of the connections that the engines find are ones, by pairs that a person labelled.

    python tests/bench/connections.py [FOLDER]

``pairs.jsonl`` has pairs of passages that were drawn at random from what the engines found in the documents of
``search.py`` (FOLDER), and whether the two say something about the same matter. Pairs that are not found any more (the
text of a licence, a table of contents, a weak score) are counted apart.
"""

import json
import sys
import uuid
from collections import Counter
from pathlib import Path

from search import books, library

from jobctl import wiring
from jobctl.core.document import passage
from jobctl.core.library import FoundConnection
from jobctl.core.ports import Library
from jobctl.documents.chunk import chunk
from jobctl.documents.clean import clean, language
from jobctl.documents.enrich import Enricher
from jobctl.documents.relate import Neighbourhoods, SemanticSimilarity, ThematicBridge, compare, once, thresholds
from jobctl.testing.contracts import opened

ENGINES = {one.name: one for one in (SemanticSimilarity(), ThematicBridge())}
BATCH, A_PASSAGE = 25, 5


def add(documents: Library, path: Path, embedder) -> None:
    source = opened(path)
    text = clean(source.info, [source.part(i) for i in range(source.info.part_count)])
    source.close()
    spans = chunk(text)
    texts = [span.text for span in spans]
    enricher = Enricher(texts)
    rows = [passage(s, enricher.enrich(s.index), v) for s, v in zip(spans, embedder.embed(texts), strict=True)]
    fields = {
        "uid": str(uuid.uuid5(uuid.NAMESPACE_URL, path.name)), "title": path.stem, "source_type": path.suffix[1:],
        "markdown_key": "k", "markdown_sha256": "s", "engine": embedder.id, "language": language(text.markdown),
    }  # fmt: skip
    documents.save(fields, rows)


def connections(documents: Library, engine: str) -> list[FoundConnection]:
    near = Neighbourhoods(documents.index, engine)
    least = thresholds(near.sample(), ENGINES, None)
    print(", ".join(f"{name} from {score}" for name, score in least.items()))
    ids, _ = documents.index.comparable(engine, None)
    batches = (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))
    return once([one for part in batches for one in compare(near.around(part), ENGINES, part, least, A_PASSAGE)])


def labelled() -> list[tuple[str, frozenset[tuple[str, str]], bool]]:
    """Engine, both ends (document and first words), whether it is a connection."""
    lines = Path(__file__).with_name("pairs.jsonl").read_text(encoding="utf-8").splitlines()
    pairs = [json.loads(line) for line in lines]
    return [(p["engine"], frozenset((tuple(p["one"]), tuple(p["other"]))), p["good"]) for p in pairs]


def main() -> None:
    embedder = wiring.plugin(wiring.settings({}, {"HOME": "/"}), {}, "embedder", "static")
    with books(sys.argv[1:]) as paths, library() as (_, documents):
        for path in paths:
            add(documents, path, embedder)
        names = {document.id: document.title for document in documents.documents()}
        ends = {c.id: (names[c.document_id], " ".join(c.text.split())[:80]) for c in documents.chunks()}
        found = connections(documents, embedder.id)
    kept = {(one.type, frozenset((ends[one.source_chunk], ends[one.target_chunk]))) for one in found}
    print(
        "| engine | found | labelled, still found | good | precision | good ones lost | others gone |\n"
        + "|---" * 7
        + "|"
    )
    for name, number in Counter(one.type for one in found).items():
        mine = [(pair, good) for engine, pair, good in labelled() if engine == name]
        held = [good for pair, good in mine if (name, pair) in kept]
        lost = [good for pair, good in mine if (name, pair) not in kept]
        precision = sum(held) / max(1, len(held))
        print(
            f"| {name} | {number} | {len(held)} of {len(mine)} | {sum(held)} | {precision:.2f} | {sum(lost)} | {len(lost) - sum(lost)} |"
        )


if __name__ == "__main__":
    main()

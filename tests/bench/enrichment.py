"""Summaries and key phrases of passages that stand under a heading which they do not see.

    python tests/bench/enrichment.py [FOLDER]

Prints the share of the headings' words that the key phrases have (six a passage), ours beside yake's where it is
installed, and how many summaries are empty, a heading or a number. FOLDER is that of ``search.py``.
"""

import random
import re
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

from search import books

from jobctl.core.document import Span
from jobctl.core.terms import terms, word_count
from jobctl.documents.chunk import chunk
from jobctl.documents.clean import clean
from jobctl.documents.enrich import Enricher
from jobctl.documents.enrich.lexicon import COMMON
from jobctl.testing.contracts import opened

SAMPLE, LEAST = 400, 400  # passages; characters of one


def passages(path: Path) -> list[Span]:
    source = opened(path)
    text = clean(source.info, [source.part(i) for i in range(source.info.part_count)])
    source.close()
    return chunk(text)


def body(text: str) -> str:
    return re.sub(r"^#{1,6} .*$", "", text, flags=re.MULTILINE).strip()


def headed(spans: Sequence[Span]) -> list[tuple[int, set[str]]]:
    """Passages that begin with a heading, with its words."""
    found = [
        (n, {w for w in terms(s.heading_path[-1]) if w not in COMMON and not w.isdigit() and len(w) > 2})
        for n, s in enumerate(spans) if s.heading_path and s.text.startswith("#") and len(body(s.text)) > LEAST
    ]  # fmt: skip
    return [(n, words) for n, words in found if words]


def share(asked: Sequence[tuple[str, set[str]]], phrases: Callable[[str], Sequence[str]]) -> float:
    held = sum(len(words & set(terms(" ".join(phrases(text))))) for text, words in asked)
    return held / sum(len(words) for _, words in asked)


def main() -> None:
    known: dict[str, Sequence[str]] = {}
    said: list[tuple[str, Span]] = []
    asked: list[tuple[str, set[str]]] = []
    with books(sys.argv[1:]) as paths:
        for path in paths:
            spans = passages(path)
            enricher, blind = Enricher([s.text for s in spans]), Enricher([body(s.text) for s in spans])
            said += [(enricher.enrich(n).summary, span) for n, span in enumerate(spans)]
            for n, words in headed(spans):
                known[body(spans[n].text)] = blind.enrich(n).themes
                asked.append((body(spans[n].text), words))
    asked = random.Random(2).sample(asked, min(SAMPLE, len(asked)))
    print(f"words of headings in key phrases, {len(asked)} passages\njobctl  {share(asked, known.__getitem__):.3f}")
    if find_spec("yake"):
        from yake import KeywordExtractor

        extractor = KeywordExtractor(lan="en", n=3, top=6)
        print(f"yake    {share(asked, lambda text: [p for p, _ in extractor.extract_keywords(text)]):.3f}")
    bad = [s for s, span in said if s and (s in span.heading_path or word_count(s) < 3)]
    print(f"summaries: {len(said)}, empty {sum(not s for s, _ in said)}, a heading or a number {len(bad)}")


if __name__ == "__main__":
    main()

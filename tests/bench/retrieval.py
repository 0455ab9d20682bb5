"""How well passages find each other: the first half of a section looks for its second half among those of all sections.

    python tests/bench/retrieval.py [--embedding static|minilm] [FILE…]

Mean reciprocal rank and share of firsts, by words alone, by vectors alone and by the joined score that search and
``semantic_similarity`` use. All comparisons are exact: there is no index whose recall could be less than 1.
"""

import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np

from jobctl import wiring
from jobctl.core.document import CleanText
from jobctl.core.ports import Embedder
from jobctl.documents.clean import clean
from jobctl.documents.relate import JoinedIndex, corpus
from jobctl.testing.contracts import opened

LEAST = 60  # words of a half


def halves(text: CleanText) -> list[tuple[str, str]]:
    """Sections cut in the middle, without their headings."""
    starts = [h.start for h in text.outline] + [len(text.markdown)]
    found = []
    for start, end in pairwise(starts):
        words = text.markdown[start:end].partition("\n")[2].split()
        if len(words) >= 2 * LEAST:
            middle = min(len(words) // 2, 300)
            found.append((" ".join(words[:middle]), " ".join(words[middle : middle + 300])))
    return found


def ranks(pairs: list[tuple[str, str]], embedder: Embedder) -> dict[str, np.ndarray]:
    """The rank of the right half, 1 the best, by each score."""
    texts = [one for one, _ in pairs] + [other for _, other in pairs]
    index = JoinedIndex(corpus(range(len(texts)), [0] * len(texts), texts, embedder.embed(texts)))
    count, found = len(pairs), {"words": [], "vectors": [], "joined": []}
    for place in range(count):
        joined, lexical, vector = (scores[count:] for scores in index.against_all(place))
        for name, scores in (("words", lexical), ("vectors", vector), ("joined", joined)):
            found[name].append(1 + int(np.sum(scores > scores[place])))
    return {name: np.asarray(values) for name, values in found.items()}


def main() -> None:
    data = Path(__file__).parents[1] / "data"
    words = sys.argv[1:]
    name = words[1] if words[:1] == ["--embedding"] else "static"
    paths = [Path(word) for word in words if not word.startswith("--") and word != name] or [
        data / "project-history.en.epub"
    ]
    pairs = []
    for path in paths:
        source = opened(path)
        pairs += halves(clean(source.info, [source.part(i) for i in range(source.info.part_count)]))
        source.close()
    started = time.process_time()
    found = ranks(pairs, wiring.plugin(wiring.settings({}, {"HOME": "/"}), {}, "embedder", name))
    print(f"{len(pairs)} sections of {len(paths)} files, {time.process_time() - started:.1f} CPU s")
    print("| score | first | mean reciprocal rank |\n|---|---|---|")
    for score, values in found.items():
        print(f"| {score} | {np.mean(values == 1):.3f} | {np.mean(1 / values):.3f} |")


if __name__ == "__main__":
    main()

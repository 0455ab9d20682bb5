"""The three connection engines. Each compares a source chunk with chunks of other documents only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from jobctl.documents.relate.index import JoinedIndex

RANDOM_PAIRS = 99.9
"""Percentile of chance pairs: a score below it has no meaning."""
FEW_PAIRS = 500
DEFAULT_THRESHOLD = 0.25
LOWEST, HIGHEST = 0.35, 0.4
"""Under the first, a third of the pairs that people judged had nothing to do with each other. Where a library is small and
its documents are akin, chance pairs are no chance; over the second, passages are alike."""

SAME = 0.9
"""Share of words in common from which two passages are the same text, which is no connection."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A connection found: positions in the corpus, strength 0 to 1, why."""

    source: int
    target: int
    strength: float
    evidence: dict[str, object] = field(default_factory=dict)


def _chance(index: JoinedIndex, percentile: float) -> float:
    noise = index.noise()
    if len(noise) < FEW_PAIRS:  # too little to judge by
        return DEFAULT_THRESHOLD
    return round(min(HIGHEST, float(np.percentile(noise, percentile))), 4)


class SemanticSimilarity:
    """Passages that say similar things, but not the same text: the joined score, at most K a chunk."""

    name = "semantic_similarity"
    version = 2

    def calibrate(self, index: JoinedIndex) -> float:
        """The 99.9th percentile of chance pairs from different documents, within bounds."""
        chance = _chance(index, RANDOM_PAIRS)
        return max(LOWEST, chance) if index.corpus.vectors.shape[1] and chance != DEFAULT_THRESHOLD else chance

    def connect(self, index: JoinedIndex, sources: Sequence[int], *, threshold: float, per_chunk: int) -> list[Edge]:
        """The best matches of each source over the threshold."""
        edges: list[Edge] = []
        for source in sources:
            score, lexical, vector = index.against_all(source)
            usable = (index.documents != index.documents[source]) & (score >= threshold) & (lexical < SAME)
            best = sorted(np.flatnonzero(usable).tolist(), key=lambda i: (-score[i], index.rank[i]))
            for target in _different(index, best, per_chunk):
                evidence: dict[str, object] = {
                    "lexical": round(float(lexical[target]), 4),
                    "vector": round(float(vector[target]), 4),
                }
                edges.append(Edge(source, target, round(min(1.0, float(score[target])), 4), evidence))
        return edges


class Contradiction:
    """Same topic, opposite tone: pairs for a model to decide on, hardly any of which contradict each other."""

    name = "contradiction_detection"
    version = 2
    needs_judge = True

    def calibrate(self, index: JoinedIndex) -> float:
        """Topics are compared by the joined score: a little above chance is enough."""
        return _chance(index, 99.0)

    def connect(self, index: JoinedIndex, sources: Sequence[int], *, threshold: float, per_chunk: int) -> list[Edge]:
        """Chunks on one topic whose polarity differs in sign by at least 0.5."""
        polarity = np.asarray(index.corpus.polarity)
        edges: list[Edge] = []
        for source in sources:
            score, _, _ = index.against_all(source)
            opposite = (polarity * polarity[source] < 0) & (np.abs(polarity - polarity[source]) >= 0.5)
            usable = opposite & (index.documents != index.documents[source]) & (score >= threshold)
            strength = np.minimum(1.0, score * np.abs(polarity - polarity[source]))
            best = sorted(np.flatnonzero(usable).tolist(), key=lambda i: (-strength[i], index.rank[i]))[:per_chunk]
            for target in best:
                evidence: dict[str, object] = {
                    "polarity": [float(polarity[source]), float(polarity[target])],
                    "themes": _shared(index, source, target),
                }
                edges.append(Edge(source, target, round(float(strength[target]), 4), evidence))
        return edges


class ThematicBridge:
    """Passages that are not alike and share a rare phrase, for a model to decide on: the middle band of the joined score."""

    name = "thematic_bridge"
    version = 2
    needs_judge = True

    def calibrate(self, index: JoinedIndex) -> float:
        """The upper end of the band: where similarity begins."""
        return SemanticSimilarity().calibrate(index)

    def connect(self, index: JoinedIndex, sources: Sequence[int], *, threshold: float, per_chunk: int) -> list[Edge]:
        """Chunks between half the threshold and the threshold that share a rare theme, which is the evidence."""
        holders: dict[str, list[int]] = {}
        for position, themes in enumerate(index.corpus.themes):
            for theme in themes:
                holders.setdefault(theme, []).append(position)
        rare = max(2, len(index.corpus.ids) // 50)
        edges: list[Edge] = []
        for source in sources:
            score, _, _ = index.against_all(source)
            shared: dict[int, list[str]] = {}
            for theme in index.corpus.themes[source]:
                if len(holders[theme]) <= rare:
                    for target in holders[theme]:
                        shared.setdefault(target, []).append(theme)
            usable = [
                target for target in shared
                if index.documents[target] != index.documents[source] and threshold / 2 <= score[target] < threshold
            ]  # fmt: skip
            best = sorted(usable, key=lambda i: (-len(shared[i]), -score[i], index.rank[i]))[:per_chunk]
            edges += [Edge(source, t, round(float(score[t]), 4), {"shared": sorted(shared[t])}) for t in best]
        return edges


def _different(index: JoinedIndex, ranked: Sequence[int], count: int) -> list[int]:
    """The first ``count`` that are not the same text as one before: each edition of a book says it again."""
    chosen: list[int] = []
    for one in ranked:
        if len(chosen) == count:
            break
        if all(index.shared_words(one, other) < SAME for other in chosen):
            chosen.append(one)
    return chosen


def _shared(index: JoinedIndex, source: int, target: int) -> list[str]:
    return sorted(set(index.corpus.themes[source]) & set(index.corpus.themes[target]))

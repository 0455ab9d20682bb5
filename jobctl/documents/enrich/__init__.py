"""Enrichment of chunks without a model service: key phrases, a lead sentence, centrality, polarity."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from jobctl.core.document import Enrichment
from jobctl.core.terms import terms
from jobctl.documents.enrich.lexicon import COMMON, NEGATION, NEGATIVE, POSITIVE
from jobctl.documents.enrich.phrases import best, phrases
from jobctl.documents.enrich.prose import summary

_WORD = re.compile(r"[^\W\d_][^\W_]*(?:[-'’][^\W_]+)*")


class CountingEnricher:
    """The enricher that needs no model: it counts words."""

    def over(self, texts: Sequence[str]) -> Enricher:
        """All passages of a document, which are judged by each other."""
        return Enricher(texts)


class Enricher:
    """Knows all chunks of a document; the same input has the same result, in any order of calls."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = list(texts)
        self._phrases = [phrases(text) for text in texts]
        self._passages_with: Counter[str] = Counter(phrase for counted in self._phrases for phrase in counted.times)
        self._terms: Counter[str] = Counter(term for text in texts for term in set(terms(text)))

    def enrich(self, index: int) -> Enrichment:
        """The enrichment of one chunk."""
        text = self._texts[index]
        themes = list(best(self._phrases[index], self._passages_with, len(self._texts)))
        return Enrichment(themes, summary(text), self._importance(text), _polarity(text))

    def _importance(self, text: str) -> float:
        """Centrality: how much of the chunk's vocabulary the rest of the document shares."""
        own = set(terms(text)) - COMMON
        if not own or len(self._texts) < 2:
            return 0.0
        shared = sum((self._terms[term] - 1) / (len(self._texts) - 1) for term in own) / len(own)
        return round(min(1.0, math.sqrt(shared)), 4)


def _polarity(text: str) -> float:
    """Positive less negative words, inverted by a negation within three words before; -1 to 1."""
    words = [match.group().lower().replace("’", "'") for match in _WORD.finditer(text)]
    total = 0
    hits = 0
    for index, word in enumerate(words):
        value = (word in POSITIVE) - (word in NEGATIVE)
        if value:
            hits += 1
            total += -value if NEGATION.intersection(words[max(0, index - 3) : index]) else value
    return round(total / (hits + 2), 4) if hits else 0.0

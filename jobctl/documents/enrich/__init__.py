"""Enrichment of chunks without a model service: key phrases, a lead sentence, centrality, polarity."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from jobctl.core.document import Enrichment
from jobctl.core.terms import terms
from jobctl.documents.enrich.lexicon import COMMON, NEGATION, NEGATIVE, POSITIVE

THEMES = 6
SUMMARY_CAP = 240
_WORD = re.compile(r"[^\W\d_][^\W_]*(?:[-'’][^\W_]+)*")
_WIDE_RUN = re.compile(r"[\u30a0-\u30ff\u4e00-\u9fff]{2,12}")
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])|\n")
_MARKUP = re.compile(r"^#{1,6}\s+|^[-*+>]\s+|[*_`]|\]\([^()]*\)|\[", re.MULTILINE)


class CountingEnricher:
    """The enricher that needs no model: it counts words."""

    def over(self, texts: Sequence[str]) -> Enricher:
        """All passages of a document, which are judged by each other."""
        return Enricher(texts)


class Enricher:
    """Knows all chunks of a document; the same input has the same result, in any order of calls."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = [_MARKUP.sub("", text) for text in texts]
        self._phrases = [_phrases(text) for text in self._texts]
        self._chunks_with: Counter[str] = Counter(phrase for phrases in self._phrases for phrase in phrases)
        self._terms: Counter[str] = Counter(term for text in self._texts for term in set(terms(text)))

    def enrich(self, index: int) -> Enrichment:
        """The enrichment of one chunk."""
        text = self._texts[index]
        return Enrichment(self._themes(index), _summary(text), self._importance(text), _polarity(text))

    def _themes(self, index: int) -> list[str]:
        """Phrases that are frequent here and rare elsewhere; a longer one beats the words it is made of."""
        count = len(self._texts)
        scored = {
            phrase: (1 + math.log(n))
            * math.log((1 + count) / (0.5 + self._chunks_with[phrase]))
            * (1 + 0.6 * phrase.count(" "))
            for phrase, n in self._phrases[index].items()
            if n > 1 or self._chunks_with[phrase] > 1 or " " not in phrase
        }
        chosen: list[str] = []
        for phrase in sorted(scored, key=lambda p: (-scored[p], p)):
            if not any(phrase in other or other in phrase for other in chosen):
                chosen.append(phrase)
            if len(chosen) == THEMES:
                break
        return chosen

    def _importance(self, text: str) -> float:
        """Centrality: how much of the chunk's vocabulary the rest of the document shares."""
        own = set(terms(text)) - COMMON
        if not own or len(self._texts) < 2:
            return 0.0
        shared = sum((self._terms[term] - 1) / (len(self._texts) - 1) for term in own) / len(own)
        return round(min(1.0, math.sqrt(shared)), 4)


def _phrases(text: str) -> Counter[str]:
    """Words and runs of two or three words between common ones; ideographs and katakana by run."""
    found: Counter[str] = Counter(_WIDE_RUN.findall(text))
    run: list[str] = []
    for word in [*(match.group().lower() for match in _WORD.finditer(text)), ""]:
        if word and word not in COMMON and len(word) > 2 and not _WIDE_RUN.search(word):
            run.append(word)
            continue
        for size in (1, 2, 3):
            found.update(" ".join(run[i : i + size]) for i in range(len(run) - size + 1))
        run = []
    return found


def _summary(text: str) -> str:
    """The first sentence with content."""
    sentences = [" ".join(s.split()) for s in _SENTENCE.split(text) if s.strip()]
    lead = next((s for s in sentences if len(s) >= 40 or re.search(r"[.。!?]$", s)), sentences[0] if sentences else "")
    if len(lead) <= SUMMARY_CAP:
        return lead
    cut = lead[: SUMMARY_CAP - 1]
    return (cut[: cut.rfind(" ")] if " " in cut[SUMMARY_CAP // 2 :] else cut) + "…"


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

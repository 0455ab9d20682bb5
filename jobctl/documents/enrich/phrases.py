"""Key phrases of the passages of a document, counted: frequent in a passage, early in it, not everywhere else."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from jobctl.documents.enrich.lexicon import COMMON, FILLING

PHRASES = 6
_ADDRESS = re.compile(r"https?://\S++|\]\([^()\[\]]*+\)")
_MARK = re.compile(r"[*`\[]")
_WORD = re.compile(r"[^\W\d_]\w*+(?:[-'’]\w++)*+")
_WIDE = re.compile(r"[\u30a0-\u30ff\u4e00-\u9fff]{2,12}")
_STOP = re.compile(r"[.!?;:,()\"“”|](?=\s|$)|[。！？、]|\n(?=[ \t]*+[\n*+#>|-])")


@dataclass(slots=True)
class Counted:
    """Phrases of one passage: how often, and which came first."""

    times: Counter[str] = field(default_factory=Counter)
    place: dict[str, int] = field(default_factory=dict)

    def add(self, phrase: str) -> None:
        """Counts a phrase once more."""
        self.times[phrase] += 1
        self.place.setdefault(phrase, len(self.place))


def phrases(text: str) -> Counted:
    """Words and runs of two or three words between common ones; ideographs and katakana by run."""
    found = Counted()
    for part in _STOP.split(_MARK.sub("", _ADDRESS.sub(" ", text))):
        run: list[str] = []
        for word in [*(match.group().lower().rstrip("_") for match in _WORD.finditer(part)), ""]:
            if len(word) > 2 and word not in COMMON and word not in FILLING and not _WIDE.search(word):
                run.append(word)
                continue
            for wide in _WIDE.findall(word):
                found.add(wide)
            for size in (1, 2, 3):
                for start in range(len(run) - size + 1):
                    found.add(" ".join(run[start : start + size]))
            run = []
    return found


def best(mine: Counted, passages_with: Counter[str], passages: int) -> Sequence[str]:
    """The best phrases of a passage, at most ``PHRASES``; no two have a word in common.

    ``passages_with``: how many of the document's ``passages`` have each phrase.
    """
    scored = {
        phrase: (1 + math.log(times))
        * math.sqrt(math.log((1 + passages) / (0.5 + passages_with[phrase])))
        * (1 + 0.6 * phrase.count(" "))
        * (1 + 10 / (10 + mine.place[phrase]))
        for phrase, times in mine.times.items()
        if times > 1 or passages_with[phrase] > 1 or " " not in phrase
    }
    chosen: list[str] = []
    used: set[str] = set()
    for phrase in sorted(scored, key=lambda p: (-scored[p], p)):
        if used.isdisjoint(phrase.split()) and len(chosen) < PHRASES:
            chosen.append(phrase)
            used.update(phrase.split())
    return chosen

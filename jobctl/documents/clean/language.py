"""The language of a text by its script, then by its common words."""

from __future__ import annotations

import re
from collections import Counter

SAMPLE = 50_000
"""Characters that are read."""
_STOPWORDS = {
    "en": "the of and to in is that for it with as was on are be this by",
    "de": "der die und das ist nicht von zu den mit auf ein eine im dem sich",
    "fr": "le la les des et est une que dans pour pas qui sur du au ne",
    "es": "el los las que una por con para del se es no como su al lo",
    "it": "il che di una per non sono con del della gli è anche più si nel",
    "pt": "o os as que uma por com para não do da em um se é mais",
    "nl": "het een van en dat niet zijn op te voor met aan er ook",
}
_SCRIPTS = {
    "ja": re.compile("[\u3040-\u30ff]"), "ko": re.compile("[\uac00-\ud7af]"), "zh": re.compile("[\u4e00-\u9fff]"),
    "ru": re.compile("[\u0400-\u04ff]"), "el": re.compile("[\u0370-\u03ff]"), "he": re.compile("[\u0590-\u05ff]"),
    "ar": re.compile("[\u0600-\u06ff]"),
}  # fmt: skip
_LETTERS = re.compile(r"[^\W\d_]+")


def language(text: str) -> str | None:
    """A two-letter code; None when nothing is clear."""
    sample = text[:SAMPLE]
    letters = sum(1 for c in sample if c.isalpha()) or 1
    for code, script in _SCRIPTS.items():
        if len(script.findall(sample)) > 0.1 * letters:
            return code
    words = Counter(_LETTERS.findall(sample.lower()))
    scores = {code: sum(words[w] for w in common.split()) for code, common in _STOPWORDS.items()}
    best = max(scores, key=lambda code: scores[code])
    return best if scores[best] > 0.05 * sum(words.values()) else None

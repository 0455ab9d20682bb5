"""WordPiece: the numbers of a text's tokens in the vocabulary of BERT (uncased).

The algorithm is that of BERT: clean, lower case, no accents, split at white space, punctuation and CJK characters; then of each
word the longest piece of the vocabulary, again and again (Devlin et al., 2019, and its published ``tokenization.py``). The
vocabulary stands in ``minilm/``, Copyright 2018 The Google AI Language Team Authors, Apache License 2.0.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path

LONGEST_WORD = 100
"""Characters; a longer word is one unknown token."""
KEPT_WORDS = 50_000
"""Words whose tokens are remembered: most words of a text are met again."""
_ASCII_PUNCTUATION = re.escape("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_CJK = "\u4e00-\u9fff\u3400-\u4dbf\U00020000-\U0002a6df\U0002a700-\U0002ceaf\uf900-\ufaff\U0002f800-\U0002fa1f"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]+")
_ALONE = re.compile(f"[{_CJK}{_ASCII_PUNCTUATION}]")


@cache
def vocabulary() -> dict[str, int]:
    """Token to number, in the order of the file."""
    lines = (Path(__file__).parent / "minilm" / "vocab.txt").read_text(encoding="utf-8").splitlines()
    return {token: number for number, token in enumerate(lines)}


def encode(text: str) -> list[int]:
    """The tokens of a text, without [CLS] and [SEP]; time grows with the length of the text."""
    return [number for word in _words(text) for number in _pieces(word)]


def _words(text: str) -> Iterator[str]:
    """Lower-case words, each sign of punctuation and each CJK character alone."""
    text = _CONTROL.sub("", text)
    if not text.isascii():
        text = "".join(char for char in text if char != "\ufffd" and unicodedata.category(char) not in {"Cf", "Co"})
    lowered = text.lower()
    if not lowered.isascii():
        lowered = "".join(_apart(c) for c in unicodedata.normalize("NFD", lowered) if unicodedata.category(c) != "Mn")
    return iter(_ALONE.sub(r" \g<0> ", lowered).split())


def _apart(char: str) -> str:
    return f" {char} " if unicodedata.category(char).startswith("P") else char


@lru_cache(KEPT_WORDS)
def _pieces(word: str) -> tuple[int, ...]:
    """Longest match first; [UNK] where a part of the word is in no piece."""
    numbers = vocabulary()
    unknown = (numbers["[UNK]"],)
    if len(word) > LONGEST_WORD:
        return unknown
    found, start = [], 0
    while start < len(word):
        prefix = "##" if start else ""
        for end in range(len(word), start, -1):
            number = numbers.get(prefix + word[start:end])
            if number is not None:
                break
        else:
            return unknown
        found.append(number)
        start = end
    return tuple(found)

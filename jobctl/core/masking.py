"""Texts and URLs without the secrets in them. Every pass is linear in the text."""

from __future__ import annotations

import re
from collections.abc import Sequence

MASK = "***"

_SECRET = re.compile(r"(?i)password|passwd|passfile|secret|token|api[_-]?key|scram_")
_ASSIGNMENT = re.compile(r"(?<![\w-])[\w-]++\s*+=\s*+")
_VALUE = re.compile(r"'(?:[^'\\]|\\.)*+'?|[^\s&]++")
_WORD = re.compile(r"\S++")
_QUERY = re.compile(r"(?<=[?&])([^=&?#\s]++)=[^&#\s]++")


def mask_url(url: str) -> str:
    """A URL without its userinfo and without the values of its query; other text is returned as it is."""
    if "://" not in url:
        return url
    head, fragment, _ = _QUERY.sub(rf"\1={MASK}", _mask_userinfo(url)).partition("#")
    return head + (f"#{MASK}" if fragment else "")


def mask_text(text: str) -> str:
    """A message without passwords, keys and the userinfo of URLs."""
    return _mask_userinfo(_mask_assignments(text))


def _mask_userinfo(text: str) -> str:
    return _WORD.sub(lambda word: _mask_word(word.group()), text)


def _mask_word(word: str) -> str:
    """Up to the last @: a password may contain a raw @ or /."""
    scheme, separator, rest = word.partition("://")
    _, at, host = rest.rpartition("@")
    return f"{scheme}{separator}{MASK}@{host}" if at else word


def _mask_assignments(text: str) -> str:
    masked: list[str] = []
    position = 0
    for name in _ASSIGNMENT.finditer(text):
        value = _VALUE.match(text, name.end()) if name.start() >= position and _SECRET.search(name.group()) else None
        if value:
            masked += [text[position : name.end()], MASK]
            position = value.end()
    return "".join(masked) + text[position:]


def secret_name(name: str) -> bool:
    """Whether a variable or an option of this name has a secret as its value."""
    return bool(_SECRET.search(name))


def mask_arguments(argv: Sequence[str]) -> list[str]:
    """Arguments of a program without secrets: ``--password x``, ``--token=x``, the userinfo of URLs."""
    masked: list[str] = []
    follows = False
    for word in argv:
        masked.append(MASK if follows and not word.startswith("-") else mask_text(mask_url(word)))
        follows = word.startswith("-") and "=" not in word and secret_name(word)
    return masked

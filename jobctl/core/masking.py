"""Texts and URLs without the secrets in them."""

from __future__ import annotations

import re

MASK = "***"

_KEYWORDS = r"\w*(?:password|passwd|passfile|secret|token|api_?key|scram_\w*key)\w*"
_ASSIGNMENT = re.compile(rf"(?i)\b({_KEYWORDS}\s*=\s*)('(?:[^'\\]|\\.)*'?|[^\s&]+)")
_USERINFO = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s]*@")  # greedy: a password may hold a raw @ or /
_QUERY = re.compile(r"(?i)(?<=[?&])([^=&#\s]+)=[^&#\s]+")


def mask_url(url: str) -> str:
    """A URL without its userinfo and without the values of its query; text that is no URL comes back as it is."""
    if "://" not in url:
        return url
    masked = _USERINFO.sub(rf"\1{MASK}@", url)
    head, fragment, _ = _QUERY.sub(rf"\1={MASK}", masked).partition("#")
    return head + (f"#{MASK}" if fragment else "")


def mask_text(text: str) -> str:
    """A message without passwords, keys and the userinfo of URLs."""
    return _USERINFO.sub(rf"\1{MASK}@", _ASSIGNMENT.sub(rf"\1{MASK}", text))

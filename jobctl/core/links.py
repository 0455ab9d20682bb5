"""Links of a stored text: only schemes that are known to be harmless stay links."""

from __future__ import annotations

import html
import re

from jobctl.core.markdown import prose

SAFE_SCHEMES = frozenset({"http", "https", "mailto", "ftp", "ftps", "doi", "tel", "news", "irc"})
_SCHEME = re.compile(r"[a-z][a-z0-9+.\-]*:", re.IGNORECASE)
_BLANK = re.compile(r"[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028\u2029\ufeff]+")
_FORMS = (
    (re.compile(r"\](?=\(\s{0,9}<?([^()<>]{1,400}))"), "\\"),  # [text](target)
    (re.compile(r"(?=<([a-z][a-z0-9+.\-]{0,40}:[^\s<>]{0,400}))", re.IGNORECASE), "\\"),  # <target>
    (re.compile(r"^[ ]{0,3}(?=\[[^\[\]\n]{1,200}\]:[ \t]*<?(\S{1,400}))", re.MULTILINE), "\\"),  # [name]: target
    (
        re.compile(
            r"\b(?=(?:href|src|action|formaction|data|poster)\s{0,9}=\s{0,9}(?:[\"']\s{0,9})?([^\"'<>]{1,400}))",
            re.IGNORECASE,
        ),
        "data-",
    ),  # href="target"
)
"""How a link is written, up to where the text that makes it inert goes; group 1 is the target."""
_MADE_INERT = re.compile(r"\]\\\(\s{0,9}$")  # before <target> of a link that is text by now


def unsafe(target: str) -> bool:
    """Whether a target has a scheme that is not known to be harmless, however it is written."""
    plain = _BLANK.sub("", html.unescape(target).replace("\\", ""))
    scheme = _SCHEME.match(plain)
    return scheme is not None and scheme.group()[:-1].lower() not in SAFE_SCHEMES


def neutralised(text: str) -> tuple[str, int]:
    """Markdown whose links to ``file:``, ``javascript:``, ``data:`` … are plain text, and how many there were.

    Nothing is removed: a backslash, or ``data-`` before an attribute of raw HTML, makes text of a link.
    """
    if ":" not in text and "&" not in text:
        return text, 0
    found = 0
    for pattern, inert in _FORMS:

        def replaced(match: re.Match[str], inert: str = inert) -> str:
            nonlocal found
            if not unsafe(match.group(1)):
                return match.group()
            found += not _MADE_INERT.search(match.string, max(0, match.start() - 12), match.start())
            return match.group() + inert

        text = pattern.sub(replaced, text)
    return text, found


def neutralised_prose(markdown: str) -> tuple[str, int]:
    """``neutralised`` for a whole text: fenced code stays as it is."""
    pieces: list[str] = []
    found = start = end = 0
    for offset, line in [*prose(markdown), (len(markdown), "")]:
        if offset != end or offset == len(markdown):  # a run of prose is over
            text, count = neutralised(markdown[start : min(end, len(markdown))])
            pieces += [text, markdown[min(end, len(markdown)) : offset]]
            found += count
            start = offset
        end = offset + len(line) + 1
    return "".join(pieces), found

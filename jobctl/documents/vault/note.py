"""A note: properties, a managed block between two comments, and whatever else a person wrote around it.

``body_of(render(note)) == note.body`` for every body, so that an unedited note is unchanged.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent

from jobctl.core.errors import Invalid

BEGIN, LINKS, END = "%% jobctl:begin %%", "%% jobctl:links %%", "%% jobctl:end %%"
MAX_PROPERTIES = 1 << 18
MAX_DEPTH, MAX_ALIASES = 50, 100
_BRACKET = re.compile(r"[\[\]{}]")
_HEAD = re.compile(r"\A---\r?\n(.*?)^---[ \t]*\r?$\n?", re.DOTALL | re.MULTILINE)
_MARK = re.compile(r"(?:\n\n| )\^jobctl-[0-9a-z-]+$", re.MULTILINE)
_OWN = re.compile(r"^jobctl-[a-z]+:")


@dataclass(frozen=True, slots=True)
class Mark:
    """A block id at the end of the line that holds an offset of the body."""

    id: str  # letters, digits, dashes
    offset: int


@dataclass(frozen=True, slots=True)
class Link:
    """A connection to a block of another note."""

    mark: str
    note: str
    target: str
    strength: float
    type: str
    words: str


@dataclass(frozen=True, slots=True)
class Quote:
    """A highlight, with a person's remark."""

    mark: str | None
    text: str
    note: str | None


@dataclass(frozen=True, slots=True)
class Note:
    """What a document becomes."""

    uid: str
    title: str
    author: str | None
    body: str
    marks: list[Mark] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    quotes: list[Quote] = field(default_factory=list)


def render(note: Note) -> str:
    """The whole note, new."""
    title = [f"title: {_quoted(note.title)}"] + ([f"author: {_quoted(note.author)}"] if note.author else [])
    head = "\n".join(["---", *title, *_own(note), "---"])
    return f"{head}\n{block(note)}\n"


def update(existing: str, note: Note) -> str:
    """An existing note with its own properties and the managed block renewed, and nothing else touched.

    Raises ``Invalid`` for properties that are not YAML: such a note is never rewritten.
    """
    end = "\r\n" if "\r\n" in existing else "\n"
    fresh = block(note).replace("\n", end)
    head, rest = _split(existing)
    start, stop = rest.find(BEGIN), rest.find(END)
    if start >= 0 and stop > start:
        rest = rest[:start] + fresh + rest[stop + len(END) :]
    else:
        rest = rest + ("" if not rest or rest.endswith("\n") else end) + fresh + end
    return _renewed(head, note, end) + rest


def body_of(text: str) -> str | None:
    """The library's Markdown in a note; None for a note without a managed block."""
    plain = text.replace("\r\n", "\n")
    start, links = plain.find(BEGIN), plain.find(LINKS)
    if start < 0 or links < start:
        return None
    body = plain[start + len(BEGIN) + 1 : links - 1]
    return _MARK.sub("", body)


def uid_of(text: str) -> str | None:
    """The document that a note belongs to."""
    head, _ = _split(text)
    found = re.search(r"^jobctl-id:[ \t]*([0-9a-f-]{36})[ \t]*\r?$", head, re.MULTILINE)
    return found.group(1) if found else None


def check(text: str) -> None:
    """Raises ``Invalid`` for properties that are not YAML."""
    head, _ = _split(text)
    inner = _HEAD.match(head)
    if inner is None:
        return
    if len(inner.group(1)) > MAX_PROPERTIES:
        raise Invalid(f"its properties are longer than {MAX_PROPERTIES >> 10} kB")
    try:
        _bounded(inner.group(1))
        YAML(typ="safe", pure=True).compose(inner.group(1))  # nodes only: nothing is expanded
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 2 if error.problem_mark else 1
        raise Invalid(f"its properties are not YAML: line {line}: {error.problem}") from None


def _bounded(properties: str) -> None:
    """Raises ``Invalid`` for properties that are nested or have too many references."""
    depth = deepest = 0
    for bracket in _BRACKET.findall(properties):  # the scanner itself is slow where brackets are nested
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    if deepest > MAX_DEPTH:
        raise Invalid(f"its properties are nested more than {MAX_DEPTH} deep")
    depth = aliases = 0
    for event in YAML(typ="safe", pure=True).parse(properties):
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        aliases += isinstance(event, AliasEvent)
        if depth > MAX_DEPTH:
            raise Invalid(f"its properties are nested more than {MAX_DEPTH} deep")
        if aliases > MAX_ALIASES:
            raise Invalid(f"its properties have more than {MAX_ALIASES} aliases")


def digest(body: str) -> str:
    """What is compared between the sides."""
    return hashlib.sha256(body.encode()).hexdigest()


def block(note: Note) -> str:
    """The managed block."""
    links = _links(note) + _quotes(note)
    return "\n".join([BEGIN, _marked(note.body, note.marks), LINKS, *links, END])


def index_note(existing: str | None, names: Sequence[tuple[str, str]]) -> str:
    """The list of all notes: (name, title), in a managed block of its own."""
    lines = [f"- [[{name}]]" if name == title else f"- [[{name}|{_inline(title)}]]" for name, title in names]
    fresh = "\n".join([BEGIN, *lines, END])
    if existing is None:
        return f"# Library\n\n{fresh}\n"
    start, stop = existing.find(BEGIN), existing.find(END)
    if start < 0 or stop < start:
        return f"{existing.rstrip()}\n\n{fresh}\n"
    return existing[:start] + fresh + existing[stop + len(END) :]


def _own(note: Note) -> list[str]:
    return [f"jobctl-id: {note.uid}", f"jobctl-hash: {digest(note.body)}"]


def _split(text: str) -> tuple[str, str]:
    """Properties with their fences, and the rest."""
    found = _HEAD.match(text)
    return (text[: found.end()], text[found.end() :]) if found else ("", text)


def _renewed(head: str, note: Note, end: str) -> str:
    own = [line + end for line in _own(note)]
    if not head:
        return "".join([f"---{end}", *own, f"---{end}"])
    check(head)
    lines = head.splitlines(keepends=True)
    kept = [line for line in lines[1:-1] if not _OWN.match(line)]
    return "".join([lines[0], *kept, *own, lines[-1]])


def _marked(body: str, marks: Sequence[Mark]) -> str:
    """The body with block ids at the ends of lines: one a line, none where it would change what is read back."""
    if _MARK.search(body):  # the text itself contains our marks
        return body
    places: dict[int, str] = {}
    for mark in sorted(marks, key=lambda m: (m.offset, m.id)):
        end = body.find("\n", mark.offset)
        places.setdefault(len(body) if end < 0 else end, mark.id)
    fenced = _fences(body)
    pieces: list[str] = []
    last = fence = 0
    for end, name in sorted(places.items()):
        while fence < len(fenced) and fenced[fence][1] < end:
            fence += 1
        in_code = fence < len(fenced) and fenced[fence][0] <= end
        line = body[body.rfind("\n", 0, end) + 1 : end]
        if in_code or not line.strip() or line.endswith(" "):
            continue
        apart = line.lstrip().startswith(("|", ">"))
        pieces += [body[last:end], ("\n\n" if apart else " ") + f"^jobctl-{name}"]
        last = end
    return "".join([*pieces, body[last:]])


def _fences(body: str) -> list[tuple[int, int]]:
    """Ranges of fenced code."""
    edges = [m.start() for m in re.finditer(r"^(?:```|~~~)", body, re.MULTILINE)]
    return [(edges[i], (edges[i + 1] if i + 1 < len(edges) else len(body)) + 3) for i in range(0, len(edges), 2)]


def _links(note: Note) -> list[str]:
    rows = [
        f"- [[#^jobctl-{link.mark}|here]] → [[{link.note}#^jobctl-{link.target}]] {link.type} {link.strength:.2f}: {_inline(link.words)}"
        for link in note.links
    ]
    return ["", "## Connections", "", *rows] if rows else []


def _quotes(note: Note) -> list[str]:
    lines: list[str] = []
    for quote in note.quotes:
        where = f" [[#^jobctl-{quote.mark}|here]]" if quote.mark else ""
        lines += ["", f"> [!quote]{where}", *(f"> {line}" for line in quote.text.splitlines())]
        if quote.note:
            lines += [">", "> > [!note]", *(f"> > {line}" for line in quote.note.splitlines())]
    return ["", "## Highlights", *lines] if lines else []


def _inline(text: str) -> str:
    """Text in a line of links: nothing in it may open a link or a comment."""
    return re.sub(r"%%|[\[\]|^#]", " ", " ".join(text.split()))[:160].strip()


def _quoted(text: str) -> str:
    return '"' + " ".join(text.split()).replace("\\", "\\\\").replace('"', '\\"') + '"'

"""A note: properties, a managed block between two comments, and whatever else a person wrote around it.

``body_of(render(note)) == note.body`` for every body, so that an unedited note is unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent

from jobctl.core.errors import Invalid
from jobctl.documents.vault.blocks import Blocks
from jobctl.documents.vault.parts import (
    BEGIN,
    END,
    LINKS,
    Damaged,
    Parts,
    around,
    digest,
    parts,
    property_of,
    split,
    taken,
)

MAX_PROPERTIES = 1 << 18
MAX_DEPTH, MAX_ALIASES = 50, 100
_BRACKET = re.compile(r"[\[\]{}]")
_OWN = re.compile(r"^jobctl-(?:id|hash|links):")
_LISTED = re.compile(r"- (?:\[\[[^\[\]]*\]\]|[^\[\]]*)")
_DERIVED = re.compile(r"|## Connections|## Highlights|- \[\[#\^jobctl-.*|>.*")


@dataclass(frozen=True, slots=True)
class Mark:
    """Something of the body that links may lead to: the block that holds an offset."""

    id: str  # letters, digits, dashes
    offset: int


@dataclass(frozen=True, slots=True)
class Link:
    """A connection to a block of another note; without ``mark`` or ``target`` no block of that side can have an id."""

    mark: str | None
    note: str
    target: str | None
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


def places(body: str, marks: Sequence[Mark]) -> dict[str, str]:
    """The block id that each mark gets: marks of one block share one; a mark without a place is left out."""
    if not marks:
        return {}
    return {mark: names[0] for names in _by_block(Blocks(body), marks).values() for mark in names}


def render(note: Note) -> str:
    """The whole note, new. Raises ``Invalid`` for a text that has marks of ours in it."""
    title = [f"title: {_quoted(note.title)}"] + ([f"author: {_quoted(note.author)}"] if note.author else [])
    managed = _managed(note)
    head = "\n".join(["---", *title, *_own(note, managed), "---"])
    return f"{head}\n{managed.block}\n"


def update(existing: str, note: Note) -> str:
    """An existing note with its own properties and the managed block renewed, and nothing else touched.

    Raises ``Damaged`` where that would remove what a person wrote, ``Invalid`` for properties that are not YAML.
    """
    held = require_sound(existing)
    return _renewed(existing, held.head, held.before, note, held.after)


def require_sound(text: str) -> Parts:
    """The parts of a note whose block can be renewed without removing what a person wrote. Raises ``Damaged``."""
    held = parts(text)
    if _edited(held):
        raise Damaged("somebody wrote among its links and highlights, which are renewed")
    return held


def repair(existing: str, note: Note) -> str:
    """A damaged note with a new block. Of the rest it keeps what certainly lies outside of the block: keep a copy."""
    head, before, after = around(existing)
    return _renewed(existing, head, before, note, after)


def disowned(text: str) -> str:
    """A note's text for a copy of it: no longer the note of a document."""
    head, rest = split(text)
    return re.sub(r"^jobctl-id:", "jobctl-copy-of:", head, flags=re.MULTILINE) + rest


def ids(text: str) -> set[str]:
    """The block ids of ours in a note."""
    return set(re.findall(r"(?:^| )\^jobctl-([0-9a-z-]+)[ \t]*\r?$", text, re.MULTILINE))


def _edited(held: Parts) -> bool:
    """Whether a person changed what is derived from the library."""
    written = property_of(held.head, "jobctl-links")
    if written is None:  # older versions kept no digest of it
        return not all(_DERIVED.fullmatch(line) for line in held.links.split("\n"))
    return digest(held.links) != written


def _renewed(existing: str, head: str, before: str, note: Note, after: str) -> str:
    end = "\r\n" if "\r\n" in existing else "\n"
    managed = _managed(note)
    own = [line + end for line in _own(note, managed)]
    text = _with_own(head, own, end) + before + managed.block.replace("\n", end) + (after or end)
    if text != existing:
        check(head)
    return text


def check(text: str) -> None:
    """Raises ``Invalid`` for properties that are not YAML."""
    inner = "".join(split(text)[0].splitlines(keepends=True)[1:-1])
    if len(inner) > MAX_PROPERTIES:
        raise Invalid(f"its properties are longer than {MAX_PROPERTIES >> 10} kB")
    try:
        _bounded(inner)
        YAML(typ="safe", pure=True).compose(inner)  # nodes only: nothing is expanded
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


@dataclass(frozen=True, slots=True)
class _Managed:
    """The managed block, and what of it is derived from the library: links and highlights."""

    block: str
    derived: str


def _managed(note: Note) -> _Managed:
    if taken(note.body):
        raise Invalid("the document's text has marks of a managed block in it, so that no note can hold it")
    blocks = Blocks(note.body) if note.marks or "```" in note.body or "~~~" in note.body else None
    at = _by_block(blocks, note.marks) if blocks else {}
    names = {mark: held[0] for held in at.values() for mark in held}
    fence = blocks.open_fence if blocks else ""
    derived = "\n".join([*(["", fence] if fence else []), *_links(note, names), *_quotes(note, names)])
    body = _marked(note.body, at, blocks) if blocks else note.body
    return _Managed("\n".join([BEGIN, body, LINKS, *([derived] if derived else []), END]), derived)


def index_note(existing: str | None, names: Sequence[tuple[str | None, str]], *, anew: bool = False) -> str:
    """The list of all notes, (name for links, title), in a managed block of its own.

    Raises ``Damaged`` where that would remove what a person wrote, unless it is written ``anew``.
    """
    lines = [_listed(name, title) for name, title in names]
    listed = "\n".join(lines)
    fresh = "\n".join([BEGIN, *lines, END])
    own = f"jobctl-hash: {digest(listed)}\n"
    if existing is None:
        return f"---\n{own}---\n# Library\n\n{fresh}\n"
    if anew:
        head, before, after = around(existing)
    else:
        held = parts(existing, (BEGIN, END))
        head, before, after = held.head, held.before, held.after
        written = property_of(head, "jobctl-hash")
        kept = all(_LISTED.fullmatch(line) for line in held.body.split("\n") if line)
        if not kept if written is None else digest(held.body) != written:
            raise Damaged("somebody wrote in the list of notes, which is renewed")
    return _with_own(head, [own], "\n") + before + fresh + (after or "\n")


def _listed(name: str | None, title: str) -> str:
    if name is None:
        return f"- {_inline(title)}"
    return f"- [[{name}]]" if name == title else f"- [[{name}|{_inline(title)}]]"


def _own(note: Note, managed: _Managed) -> list[str]:
    return [
        f"jobctl-id: {note.uid}", f"jobctl-hash: {digest(note.body)}", f"jobctl-links: {digest(managed.derived)}",
    ]  # fmt: skip


def _with_own(head: str, own: Sequence[str], end: str) -> str:
    """Properties with ours renewed."""
    if not head:
        return "".join([f"---{end}", *own, f"---{end}"])
    lines = head.splitlines(keepends=True)
    kept = [line for line in lines[1:-1] if not _OWN.match(line)]
    return "".join([lines[0], *kept, *own, lines[-1]])


def _by_block(blocks: Blocks, marks: Sequence[Mark]) -> dict[int, list[str]]:
    """The names of the marks of each block, by its end, the one that becomes its id first."""
    found: dict[int, list[str]] = {}
    for mark in sorted(marks, key=lambda m: m.id):
        held = blocks.at(mark.offset)
        if held is not None:
            found.setdefault(held.end, []).append(mark.id)
    return found


def _marked(body: str, at: Mapping[int, Sequence[str]], blocks: Blocks) -> str:
    """The body with a block id for each block that has a mark."""
    pieces: list[str] = []
    last = 0
    for end, names in sorted(at.items()):
        held = blocks.at(end - 1)
        pieces += [body[last:end], f"{held.separator if held else ''}^jobctl-{names[0]}"]
        last = end
    return "".join([*pieces, body[last:]])


def _links(note: Note, at: Mapping[str, str]) -> list[str]:
    rows = []
    for link in note.links:
        here = f"[[#^jobctl-{at[link.mark]}|here]] " if link.mark and link.mark in at else ""
        target = f"#^jobctl-{link.target}" if link.target else ""
        rows.append(f"- {here}→ [[{link.note}{target}]] {link.type} {link.strength:.2f}: {_inline(link.words)}")
    return ["", "## Connections", "", *rows] if rows else []


def _quotes(note: Note, at: Mapping[str, str]) -> list[str]:
    lines: list[str] = []
    for quote in note.quotes:
        where = f" [[#^jobctl-{at[quote.mark]}|here]]" if quote.mark and quote.mark in at else ""
        lines += ["", f"> [!quote]{where}", *(f"> {_plain(line)}" for line in quote.text.splitlines())]
        if quote.note:
            lines += [">", "> > [!note]", *(f"> > {_plain(line)}" for line in quote.note.splitlines())]
    return ["", "## Highlights", *lines] if lines else []


def _plain(text: str) -> str:
    """Text of a highlight: no comment may begin or end in it."""
    return text.replace("%%", "% %")


def _inline(text: str) -> str:
    """Text in a line of links: nothing in it may open a link or a comment."""
    return " ".join(re.sub(r"%%|[\[\]|^#]", " ", text).split())[:160].strip()


def _quoted(text: str) -> str:
    return '"' + " ".join(text.split()).replace("\\", "\\\\").replace('"', '\\"') + '"'

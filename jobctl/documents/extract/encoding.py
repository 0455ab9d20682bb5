"""Bytes as text: what the file says of itself, UTF-8, or the likeliest of the old encodings, judged for sense."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import chardet

from jobctl.core.errors import Invalid

BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
CANDIDATES = (
    "windows-1252", "iso-8859-1", "iso-8859-15", "mac-roman", "cp437", "cp850", "windows-1250", "iso-8859-2", "cp852", "mac-latin2",
    "windows-1251", "koi8-r", "koi8-u", "iso-8859-5", "cp866", "mac-cyrillic", "windows-1253", "iso-8859-7", "windows-1254",
    "iso-8859-9", "windows-1255", "iso-8859-8", "windows-1256", "windows-1257", "iso-8859-13", "cp932", "shift_jis", "euc-jp",
    "iso-2022-jp", "gb18030", "big5", "cp949", "euc-kr",
)  # fmt: skip
"""Encodings that a guess may be."""
WIDER = {
    "iso-8859-1": "cp1252",
    "us-ascii": "cp1252",
    "shift_jis": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc-kr": "cp949",
}
"""Encodings whose name stands for a larger one."""
RARE = {"maccyrillic": 0.85}
"""Weights of encodings that are seldom met, and share most letters with one that is common."""
LEAST_APART = 0.52
"""Share of the likelihood of the two best readings under which the better one is refused."""
UNLIKELY = 0.02
"""Likelihood by which a text is in no known language as probably as it is in the guessed encoding."""
MOST_DAMAGE = 0.02
"""Share of the characters beyond ASCII that may be damaged in a text that is UTF-8 otherwise."""
MOST_ODD = 0.02
"""Share of the characters beyond ASCII that may stand where no language has them."""
SAMPLE = 200_000
"""Bytes by which the encoding is judged."""
_BEYOND = re.compile(r"[^\x00-\x7f]")
_DECLARED = re.compile(
    rb"<(?:meta|\?xml)[^<>]{0,200}?(?:charset|encoding)\s{0,9}=\s{0,9}[\"']?([a-z0-9_:.\-]{2,30})", re.IGNORECASE
)
_SPACELESS = frozenset("CJK HIRAGANA KATAKANA HANGUL FULLWIDTH HALFWIDTH BOPOMOFO IDEOGRAPHIC LATIN".split())
_ANYWHERE = frozenset("MICRO FEMININE MASCULINE MODIFIER".split())
_JOINERS = frozenset("’'‘ʼ-‐‑·ʹ\u00ad\u200c\u200d・")


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text, and the guess where its encoding had to be guessed."""

    text: str
    encoding: str | None = None
    certainty: float | None = None  # 0 to 1; of another reading, of a text in no language, of too little text
    damaged: int = 0  # bytes that are not UTF-8 in a text that is UTF-8 otherwise


def decoded(data: bytes, name: str, *, markup: bool = False) -> Decoded:
    """Bytes as text. ``markup``: what an HTML page declares is honoured. Raises ``Invalid`` naming the guess."""
    for mark, encoding in BOMS:
        if data.startswith(mark):
            return Decoded(data.decode(encoding, "replace"))
    if (wide := without_mark(data)) is not None:
        return Decoded(data.decode(wide, "replace"), wide, 0.9)
    if b"\x1b" not in data:
        try:
            return Decoded(data.decode("utf-8"))
        except UnicodeDecodeError:
            pass
        if (text := _nearly_utf8(data)) is not None:
            return text
    if markup and (text := _declared(data)) is not None:
        return text
    return _guessed(data, name)


def without_mark(data: bytes) -> str | None:
    """UTF-16 without a mark: every other byte of most text is zero."""
    head = data[:4096]
    if head.count(0) < max(1, len(head) / 5):
        return None
    even, odd = head[::2].count(0), head[1::2].count(0)
    if min(even, odd) * 20 > max(even, odd):
        return None
    encoding = "utf-16-be" if even > odd else "utf-16-le"
    try:
        data[: len(data) // 2 * 2].decode(encoding)
    except UnicodeDecodeError:
        return None
    return encoding


def _nearly_utf8(data: bytes) -> Decoded | None:
    """UTF-8 in which a few bytes are damaged: better with a mark there than as another encoding everywhere."""
    text = data.decode("utf-8", "replace")
    damaged = text.count("\ufffd")
    valid = len(_BEYOND.findall(text)) - damaged
    return Decoded(text, damaged=damaged) if valid >= 3 and damaged <= max(1, MOST_DAMAGE * valid) else None


def _declared(data: bytes) -> Decoded | None:
    found = _DECLARED.search(data[:4096])
    if found is None:
        return None
    name = found.group(1).decode("ascii").lower()
    try:
        return Decoded(data.decode(WIDER.get(name, name)))
    except (UnicodeDecodeError, LookupError):
        return None


def _guessed(data: bytes, name: str) -> Decoded:
    """The likeliest encoding whose text makes sense, against the likeliest one that reads differently."""
    found = chardet.detect_all(data[:SAMPLE], ignore_threshold=True, include_encodings=CANDIDATES)
    guesses = _ranked(
        (str(guess["encoding"]).lower(), float(guess["confidence"])) for guess in found if guess["encoding"]
    )
    sensible = list(islice(_sensible(data, guesses), 2))
    if not sensible:
        likely = f": perhaps {guesses[0][1]}" if guesses else ""
        raise Invalid(f"{name} is not UTF-8, and its encoding is unknown{likely}", hint="Save it as UTF-8.")
    best, encoding, text = sensible[0]
    second, other, _ = sensible[1] if len(sensible) > 1 else (0.0, "", "")
    apart = best / (best + second) if best else 0.0
    if apart < LEAST_APART:
        between = f"{encoding} or {other}" if other else f"perhaps {encoding}"
        raise Invalid(f"{name} is not UTF-8, and its encoding is not certain: {between}", hint="Save it as UTF-8.")
    return Decoded(text, encoding, round(min(apart, best / (best + UNLIKELY), _evidence(text)), 2))


def _ranked(found: Iterable[tuple[str, float]]) -> list[tuple[float, str]]:
    """(likelihood, encoding), the likeliest first."""
    return sorted(((confidence * RARE.get(name, 1.0), name) for name, confidence in found), key=lambda g: -g[0])


def _evidence(text: str) -> float:
    """The certainty that so many characters beyond ASCII allow: one half for a single one, near 1 for a page."""
    count = sum(1 for _ in islice(_BEYOND.finditer(text), 100))
    return count / (count + 1)


def _sensible(data: bytes, guesses: Iterable[tuple[float, str]]) -> Iterator[tuple[float, str, str]]:
    """(confidence, encoding, text) of guesses that make sense and read differently from each other."""
    known: list[str] = []
    for confidence, encoding in guesses:
        try:
            text = data.decode(WIDER.get(encoding, encoding))
        except (UnicodeDecodeError, LookupError):
            continue
        if text not in known and _odd(text[:SAMPLE]) <= MOST_ODD:
            known.append(text)
            yield confidence, encoding, text


def _odd(text: str) -> float:
    """Share of the characters beyond ASCII that stand where no language has them."""
    odd = count = 0
    for match in _BEYOND.finditer(text):
        count += 1
        before = text[match.start() - 1] if match.start() else " "
        after = text[match.end()] if match.end() < len(text) else " "
        odd += _is_odd(before, match.group(), after)
    return odd / count if count else 0.0


def _is_odd(before: str, character: str, after: str) -> bool:
    """A control character, a symbol inside a word, a capital inside a word, two scripts in one word."""
    kind = unicodedata.category(character)
    if kind in ("Cc", "Cn", "Co", "Cs"):
        return True
    if kind[0] == "L":
        beside = [c for c in (before, after) if c.isalpha()]
        return (kind == "Lu" and before.islower()) or any(not _together(_script(c), _script(character)) for c in beside)
    if "\u2500" <= character <= "\u259f":  # lines of a frame
        return before.isalpha() or after.isalpha()
    inside = before.isalpha() and after.isalpha() and character not in _JOINERS
    return inside and (kind[0] not in "MP" or (kind != "Pd" and _script(before) == "LATIN"))


def _script(character: str) -> str:
    if character.isascii():
        return "LATIN"
    return unicodedata.name(character, "?").split(" ")[0].split("-")[0]


def _together(one: str, other: str) -> bool:
    """Whether two scripts stand in one word: only those without spaces, and Latin beside them."""
    return one == other or {one, other} <= _SPACELESS or not _ANYWHERE.isdisjoint((one, other))

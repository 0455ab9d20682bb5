"""Text for a terminal: nothing in it can drive the terminal, widths are display widths, times are short."""

from __future__ import annotations

import os
import re
import sys
from datetime import UTC, datetime, timedelta

from jobctl.core.names import span

_HOSTILE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff]")
_NARROW = re.compile("[\x20-\x7e\u00a0-\u00ac\u00ae-\u02ff‐-–…●○‖✓✗▰▱→⏎·]*")  # one cell each
_DURATION = re.compile(
    r"(?:(\d+(?:\.\d+)?)w)?(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?"
)
_COLOURS = {"red": 31, "green": 32, "yellow": 33, "blue": 34, "dim": 2, "bold": 1}


def visible(text: str) -> str:
    """Control characters, escapes and bidi overrides as visible text; a line break as ⏎."""
    return _HOSTILE.sub(lambda m: _shown(m.group()), text)


def _shown(character: str) -> str:
    if character == "\n":
        return "⏎"
    if character in "\t\r":
        return " "
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def width(text: str) -> int:
    """Cells on a terminal."""
    if _NARROW.fullmatch(text):
        return len(text)
    from wcwidth import wcswidth  # the tables of Unicode, for text that needs them

    measured = wcswidth(text)
    return measured if measured >= 0 else len(text)


def cut(text: str, cells: int) -> str:
    """At most so many cells, with … where something is missing."""
    if width(text) <= cells:
        return text
    if _NARROW.fullmatch(text):
        return text[: cells - 1] + _more() if cells > 0 else ""
    from wcwidth import wcwidth

    kept, used = "", 0
    for character in text:
        size = max(0, wcwidth(character))
        if used + size > cells - 1:
            break
        kept += character
        used += size
    return kept + _more() if cells > 0 else ""


def _more() -> str:
    return "…" if unicode_output() else "~"


def terminal_width() -> int | None:
    """Columns of stdout; None when it is no terminal: then nothing is cut."""
    if os.environ.get("COLUMNS", "").isdigit():
        return int(os.environ["COLUMNS"])
    if not sys.stdout.isatty():
        return None
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or 80
    except OSError:
        return 80


def unicode_output() -> bool:
    """Whether stdout can show our marks; ``--ascii`` and JOBCTL_ASCII say no."""
    if os.environ.get("JOBCTL_ASCII", "0") not in ("", "0"):
        return False
    return "utf" in (getattr(sys.stdout, "encoding", None) or "").lower()


def colours(choice: str | None) -> bool:
    """Whether to colour stdout: the flag, then NO_COLOR, then CLICOLOR_FORCE and FORCE_COLOR, then TERM=dumb and
    CLICOLOR=0, then whether it is a terminal.
    """
    if choice in ("always", "never"):
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if any(os.environ.get(name, "0") not in ("0", "") for name in ("CLICOLOR_FORCE", "FORCE_COLOR")):
        return True
    if os.environ.get("TERM") == "dumb" or os.environ.get("CLICOLOR") == "0":
        return False
    return sys.stdout.isatty()


def paint(text: str, colour: str | None, *, on: bool) -> str:
    """Colour, where that is wanted."""
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if on and colour else text


def seconds(text: str) -> float | None:
    """A duration as people type it, in seconds; None when it is none."""
    match = _DURATION.fullmatch(text.strip())
    if not match or not any(match.groups()):
        return None
    weeks, days, hours, minutes, rest = (float(part or 0) for part in match.groups())
    return (((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60 + rest


def moment(when: datetime | None, now: datetime, mode: str) -> str:
    """An instant: relative, local or UTC with its offset."""
    if when is None:
        return "–"
    if mode == "utc":
        return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if mode == "local":
        return when.astimezone().isoformat(sep=" ", timespec="seconds")
    ahead = (when - now).total_seconds()
    return f"in {span(ahead)}" if ahead > 0 else f"{span(-ahead)} ago"


def parse_when(text: str, *, ahead: bool = False) -> datetime | None:
    """``2h`` (ago; with ``ahead`` from now), ``-2h``, ``+15m``, ``now``, ``today``, ``22:30``, a date, an instant with or
    without offset; None when it is none of them. What has no offset is local time.
    """
    now = datetime.now(UTC)
    words, sign = (
        text.strip(),
        -1 if text.strip().startswith("-") else 1 if ahead or text.strip().startswith("+") else -1,
    )
    length = seconds(words.lstrip("+-"))
    if length is not None:
        return now + sign * timedelta(seconds=length)
    if words == "now":
        return now
    midnight = now.astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    if words == "today":
        return midnight
    try:
        if re.fullmatch(r"\d\d:\d\d", words):
            found = midnight.replace(hour=int(words[:2]), minute=int(words[3:]))
            return found + timedelta(days=1) if ahead and found < now else found
        found = datetime.fromisoformat(words)
    except ValueError:
        return None
    return found if found.tzinfo else found.astimezone()

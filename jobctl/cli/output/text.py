"""Text for a terminal: nothing in it can drive the terminal, widths are display widths, times are short."""

from __future__ import annotations

import json
import math
import os
import re
import sys
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day

import click

from jobctl.core.errors import UsageError
from jobctl.core.names import span
from jobctl.system import clock
from jobctl.system.environment import variables

_HOSTILE = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # control characters
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"  # writing direction
    "\xad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u3164\ufeff\uffa0\ufff0-\ufffb"  # no width
    "\u2028\u2029\ud800-\udfff"  # line ends of other sorts, half characters
    "\ufe00-\ufe0d\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"  # tags and selectors
    "|(?<![\xa9\xae\u203c\u2049\u2122\u2139\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff])[\ufe0e\ufe0f]"
)
"""Characters that drive a terminal, reorder a line or can't be seen. How an emoji looks (U+FE0E, U+FE0F behind it) may be said."""
_OWN_COLOUR = re.compile("(\x1b\\[(?:0|1|2|31|32|33|34)m)")
_NARROW = re.compile("[\x20-\x7e\u00a0-\u00ac\u00ae-\u02ff‐-–…●○‖✓✗▰▱→⏎·]*")  # one cell each
_DURATION = re.compile(
    r"(?:(\d+(?:\.\d+)?)w)?(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?"
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_CLOCK = re.compile(r"\d\d:\d\d")
EXAMPLE_TIMES = "2h, today, 22:30, 2026-11-24 or 2026-11-24T10:00:00Z"
LONGEST = 100 * 365.25 * 86_400
"""Seconds that a duration may have: a hundred years."""
_COLOURS = {"red": 31, "green": 32, "yellow": 33, "blue": 34, "dim": 2, "bold": 1}


def visible(text: str) -> str:
    """The one sanitiser: control, bidi, zero-width and tag characters as visible text; a line break as ⏎."""
    return _HOSTILE.sub(lambda m: _shown(m.group()), text)


def is_text(text: str) -> bool:
    """Whether it can be encoded: no half of a character, which stands for a byte that is not UTF-8."""
    return text.isprintable() or not any("\ud800" <= character <= "\udfff" for character in text)


def escaped(text: str) -> str:
    """JSON text with the same characters as JSON escapes: lossless."""
    return _HOSTILE.sub(lambda m: json.dumps(m.group())[1:-1], text)


def echo(text: str = "", *, err: bool = False, coloured: bool = False) -> None:
    """Prints lines. What ``visible`` was forgotten on is shown as text here; our own colours are kept.

    ``coloured``: into a file or pipe too, where a person asked for it.
    """
    lines = ("".join(_printable(part) for part in _OWN_COLOUR.split(line)) for line in text.split("\n"))
    click.echo("\n".join(lines), err=err, color=coloured or None)


def _printable(part: str) -> str:
    return part if _OWN_COLOUR.fullmatch(part) else visible(part)


def _shown(character: str) -> str:
    if character == "\n":
        return "⏎"
    if character in "\t\r":
        return " "
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


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
    """Columns of stdout; None when it is not a terminal: then nothing is cut."""
    if variables.get("COLUMNS", "").isdigit():
        return int(variables["COLUMNS"])
    if not sys.stdout.isatty():
        return None
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or 80
    except OSError:
        return 80


def unicode_output() -> bool:
    """Whether stdout can show our marks; ``--ascii`` and JOBCTL_ASCII say no."""
    if variables.get("JOBCTL_ASCII", "0") not in ("", "0"):
        return False
    return "utf" in (getattr(sys.stdout, "encoding", None) or "").lower()


def colours(choice: str | None) -> bool:
    """Whether to colour stdout: the flag, then NO_COLOR, then CLICOLOR_FORCE and FORCE_COLOR, then TERM=dumb and
    CLICOLOR=0, then whether it is a terminal.
    """
    if choice in ("always", "never"):
        return choice == "always"
    if variables.get("NO_COLOR"):
        return False
    if any(variables.get(name, "0") not in ("0", "") for name in ("CLICOLOR_FORCE", "FORCE_COLOR")):
        return True
    if variables.get("TERM") == "dumb" or variables.get("CLICOLOR") == "0":
        return False
    return sys.stdout.isatty()


def paint(text: str, colour: str | None, *, on: bool) -> str:
    """Colour, where that is wanted."""
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if on and colour else text


def seconds(text: str) -> float | None:
    """A duration as people type it, in seconds; infinite beyond ``LONGEST``; None when it is none."""
    match = _DURATION.fullmatch(text.strip())
    if not match or not any(match.groups()):
        return None
    weeks, days, hours, minutes, rest = (float(part or 0) for part in match.groups())
    length = (((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60 + rest
    return length if length <= LONGEST else math.inf


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


def parse_when(text: str, *, option: str, ahead: bool = False) -> datetime:
    """``2h`` (ago; with ``ahead`` from now), ``-2h``, ``+15m``, ``now``, ``today``, ``22:30``, a date, an instant with or
    without offset. What has no offset is local time; a local time that does not exist, or exists twice, is refused.

    Raises ``UsageError`` with the reason; ``option`` is what the text was typed for.
    """
    words = text.strip()
    now = clock.now()
    try:
        if (length := seconds(words.lstrip("+-"))) is not None:
            sign = -1 if words.startswith("-") or not (ahead or words.startswith("+")) else 1
            return now + sign * timedelta(seconds=length)
        if words == "now":
            return now
        if words == "today":
            return datetime.combine(clock.local_now().date(), time_of_day.min).astimezone()
        found = _at_clock(words, now, ahead=ahead) if _CLOCK.fullmatch(words) else datetime.fromisoformat(words)
        return (found if found.tzinfo else _local(found, option, text)).astimezone(UTC)
    except OverflowError as error:
        raise UsageError(f"{option} {cut(text, 60)!r} is out of range", hint=EXAMPLE_TIMES) from error
    except ValueError as error:
        reason = "" if "isoformat" in str(error) else f": {error}"
        raise UsageError(f"{option} {cut(text, 60)!r} is not a time{reason}", hint=EXAMPLE_TIMES) from error


def _at_clock(words: str, now: datetime, *, ahead: bool) -> datetime:
    """``22:30`` of today; of tomorrow where that is over and ``ahead`` is wanted."""
    here = now.astimezone().replace(tzinfo=None)
    found = datetime.combine(here.date(), time_of_day.fromisoformat(words))
    return found + timedelta(days=1) if ahead and found < here else found


def _local(found: datetime, option: str, text: str) -> datetime:
    """A local time as an instant. A date alone begins with its first moment; any other time must be exactly one."""
    first, second = (found.replace(fold=fold).astimezone(UTC).astimezone() for fold in (0, 1))
    if first == second:
        return first
    if _DATE.fullmatch(text.strip()):
        return max(first, second) if first.replace(tzinfo=None) != found else min(first, second)
    reason = "occurs twice" if first.replace(tzinfo=None) == found else "does not exist"
    raise UsageError(
        f"{option} {text!r}: this local time {reason}, because the clocks change",
        hint=f"With an offset: {min(first, second).isoformat()} or {max(first, second).isoformat()}",
    )

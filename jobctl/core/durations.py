"""Lengths of time as people write them: ``90s``, ``10m``, ``1h30m``."""

from __future__ import annotations

import math
import re

_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION = re.compile(r"".join(rf"(?:(?P<{unit}>\d+(?:\.\d+)?){unit})?" for unit in _UNITS))


def parse_duration(text: str | float) -> float:
    """Seconds of ``1h30m``, of ``0.5s``, or of a plain number of seconds. Raises ``ValueError``."""
    if isinstance(text, str):
        match = _DURATION.fullmatch(text.strip())
        if match is None or not any(match.groups()):
            raise ValueError(f"{text!r} is not a duration such as 90s, 10m or 1h30m")
        return sum(float(match[unit] or 0) * seconds for unit, seconds in _UNITS.items())
    if isinstance(text, bool) or not math.isfinite(text) or text < 0:
        raise ValueError(f"{text!r} is not a number of seconds from 0")
    return float(text)


def format_duration(seconds: float) -> str:
    """``0.5s``, ``41s``, ``10m``, ``1h30m``: the whole length, in the largest units."""
    if seconds < 60:
        return f"{seconds:g}s"
    parts, rest = [], round(seconds)
    for unit in ("d", "h", "m", "s"):
        count, rest = divmod(rest, _UNITS[unit])
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts)

"""Text for people: display names, stage names, counts, durations."""

from __future__ import annotations


def words(name: str) -> str:
    """``count_words`` → ``Count words``."""
    return name.replace("_", " ").replace("-", " ").strip().capitalize()


def display_name(label: str, title: str, mode: str | None = None) -> str:
    """``Connections: My Document (Smart Mode)``."""
    name = f"{label}: {title}" if title else label
    return f"{name} ({mode})" if mode else name


def counted(stage: str, noun: str, current: int, total: int) -> str:
    """``Embedding chunk 234 of 500``, thousands with a comma."""
    return f"{words(stage)} {noun} {current:,} of {total:,}"


def plural(count: int, noun: str) -> str:
    """``1 page``, ``1,200 pages``, ``2 entries``, ``3 scripts or styles``."""
    return f"{count:,} {noun if count == 1 else ' or '.join(map(_many, noun.split(' or ')))}"


def _many(noun: str) -> str:
    return noun[:-1] + "ies" if noun.endswith("y") and noun[-2:-1] not in "aeiou" else noun + "s"


def span(length: float) -> str:
    """``41s``, ``4m``, ``1h12m``, ``3d``."""
    whole = int(max(0.0, length))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m"
    if whole < 86_400:
        hours, minutes = whole // 3600, whole % 3600 // 60
        return f"{hours}h{minutes:02d}m" if minutes else f"{hours}h"
    return f"{whole // 86_400}d"

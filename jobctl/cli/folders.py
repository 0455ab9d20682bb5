"""The documents that are named on the command line, or lie in a named folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jobctl.cli.output.text import cut, is_text
from jobctl.core.errors import UsageError
from jobctl.core.formats import COLLECTED


@dataclass(frozen=True, slots=True)
class Skipped:
    """Files of a folder that are not submitted."""

    unnamed: list[str] = field(default_factory=list)
    """Documents whose names can't be recorded."""
    others: list[str] = field(default_factory=list)
    """Files of other formats."""


def exists(word: str) -> bool:
    """Whether a word names a file or a folder."""
    try:
        return Path(word).exists()
    except (OSError, ValueError):  # a name that no file can have
        return False


def documents(words: Sequence[str]) -> tuple[list[Path], Skipped]:
    """The files that are named or lie in a named folder, and those of a folder that are left out. Raises ``UsageError``."""
    found: list[Path] = []
    skipped = Skipped()
    for word in words:
        path = Path(word)
        if not exists(word):
            raise UsageError(f"no such file: {cut(word, 200)}", hint="Give an existing file or folder.")
        if path.is_dir():
            found += _inside(path, skipped)
        elif is_text(str(path)):
            found.append(path)
        else:
            raise UsageError(f"the name of this file is not valid UTF-8: {word}", hint="Rename it.")
    try:
        return [path.absolute() for path in found], skipped
    except FileNotFoundError as error:
        raise UsageError("the current folder was deleted", hint="cd to another one, or give absolute paths.") from error


def _inside(folder: Path, skipped: Skipped) -> list[Path]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    inside = [path for path in files if path.suffix.lower() in COLLECTED]
    if not inside:
        raise UsageError(f"no documents in {folder}", hint=f"Looked for {', '.join(COLLECTED)}")
    visible = (path for path in files if not any(part.startswith(".") for part in path.relative_to(folder).parts))
    skipped.others.extend(str(path) for path in visible if path.suffix.lower() not in COLLECTED)
    skipped.unnamed.extend(str(path) for path in inside if not is_text(str(path)))
    return [path for path in inside if is_text(str(path))]

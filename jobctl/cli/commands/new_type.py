"""types new: the package of a new job type."""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from string import Template

from jobctl import __version__
from jobctl.core.errors import UsageError

TEMPLATES = Path(__file__).parents[1] / "templates"
FILES = {
    "pyproject.toml": "pyproject.toml.txt",
    "README.md": "readme.md.txt",
    "$name.py": "pipeline.py.txt",
    "tests/test_$name.py": "test.py.txt",
}
"""Path in the package → its template."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


def write_package(name: str, folder: Path) -> Path:
    """Writes the package into a new folder with its name; returns that. Raises ``UsageError``."""
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise UsageError(
            f"{name!r} can't be the name of a job type", hint="Lower-case letters, digits and _: count_words"
        )
    package = folder / name
    values = {"name": name, "title": name.replace("_", " ").capitalize(), "version": __version__}
    try:
        package.mkdir(parents=True)
        (package / "tests").mkdir()
        for path, template in FILES.items():
            text = Template((TEMPLATES / template).read_text(encoding="utf-8")).substitute(values)
            (package / Template(path).substitute(values)).write_text(text, encoding="utf-8")
    except FileExistsError:
        raise UsageError(f"{package} exists already", hint="Choose another name, or --into another folder.") from None
    except OSError as error:
        raise UsageError(f"cannot write {package}: {error.strerror}") from error
    return package

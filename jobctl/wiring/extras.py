"""Optional parts of a package: what an entry point needs is in the extra that it names.

``name = "module:object [documents]"`` needs the requirements of the extra ``documents`` of its package.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import Distribution, EntryPoint, PackageNotFoundError, distribution

from jobctl.core.errors import MissingExtra

_NAME = re.compile(r"[\w.-]+")
_EXTRA = re.compile(r"""extra\s*==\s*['"]([^'"]+)['"]""")


def require_extras(entry: EntryPoint) -> None:
    """Raises ``MissingExtra`` when a requirement of an extra that the entry point names is not installed."""
    if entry.dist is not None:
        for extra in entry.extras:
            if any(not _installed(name) for name in _requirements(entry.dist, extra)):
                raise MissingExtra(entry.name, f"{entry.dist.name}[{extra}]")


@contextmanager
def needs_documents(what: str) -> Iterator[None]:
    """Turns a missing module of the extra ``documents`` into ``MissingExtra``, for what is not an entry point."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.partition(".")[0] == "jobctl":
            raise
        raise MissingExtra(what, "jobctl[documents]") from error


def _requirements(package: Distribution, extra: str) -> Iterator[str]:
    for requirement in package.requires or ():
        wanted, _, marker = requirement.partition(";")
        name, named = _NAME.match(wanted), _EXTRA.search(marker)
        if name is not None and named is not None and named.group(1) == extra:
            yield name.group()


def _installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True

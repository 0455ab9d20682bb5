"""The migrations that are still to run, and what each locks."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from jobctl.core.migration import Lock, Migration

_NEW = re.compile(r"^CREATE TABLE jobctl\.(\w+)", re.MULTILINE)
_LOCKS = {
    "reads and writes wait, for a moment": re.compile(
        r"^(?:ALTER TABLE|DROP TABLE|DROP TRIGGER \w+ ON) jobctl\.(\w+)", re.MULTILINE
    ),
    "writes wait while it is read once": re.compile(
        r"^CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY)\w+ ON jobctl\.(\w+)", re.MULTILINE
    ),
    "writes wait, for a moment": re.compile(r"^CREATE TRIGGER \w+ [A-Z ,a-z_]{0,200} ON jobctl\.(\w+)", re.MULTILINE),
    "its rows are written anew": re.compile(r"^UPDATE jobctl\.(\w+)", re.MULTILINE),
}
"""What others notice → the statements that cause it."""


def migrations(config: Config, here: str | None, revision: str, sizes: Mapping[str, int]) -> list[Migration]:
    """Those from ``here`` (None: nothing) to ``revision``, in their order. ``sizes``: estimated rows by table.

    Raises Alembic's ``CommandError`` for no such revision.
    """
    directory = ScriptDirectory.from_config(config)
    target = directory.get_revision(revision)
    if target is None or (here is not None and target.revision <= here):
        directory.get_revision(here or "base")  # one that this program does not know is an error
        return []
    found = []
    for script in reversed(list(directory.iterate_revisions(target.revision, here or "base"))):
        module, before = script.module, script.down_revision
        found.append(
            Migration(
                revision=script.revision,
                title=str(script.doc),
                serves=getattr(module, "serves", None),
                concurrently=getattr(module, "concurrently", False),
                locks=_locks(_sql(config, str(before) if before else "base", script.revision), sizes),
            )
        )
    return found


def _sql(config: Config, begin: str, end: str) -> str:
    out = io.StringIO()
    offline = Config(output_buffer=out)
    for name in ("script_location", "path_separator"):
        offline.set_main_option(name, (config.get_main_option(name) or "").replace("%", "%%"))
    command.upgrade(offline, f"{begin}:{end}", sql=True)
    return out.getvalue()


def _locks(sql: str, sizes: Mapping[str, int]) -> tuple[Lock, ...]:
    new = {*_NEW.findall(sql), "alembic_version"}
    found = dict.fromkeys(
        (table, effect) for effect, statement in _LOCKS.items() for table in statement.findall(sql) if table not in new
    )
    return tuple(Lock(table, max(0, sizes.get(table, 0)), effect) for table, effect in found)

"""Changes of jobs that wait, in the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg.types.json import Jsonb

from jobctl.core.edit import Edited
from jobctl.core.rows import ControlRow
from jobctl.postgres.rows import control_row
from jobctl.postgres.session import Session


@dataclass(frozen=True, slots=True)
class EditAnswer:
    """What became of an edit. ``begun``: the job has a checkpoint."""

    row: ControlRow
    begun: bool


class EditVerb(Session):
    """The verb ``edit``."""

    def edit(self, job_id: int, values: Edited, *, actor: str) -> EditAnswer | None:
        """Changes a pending or paused job; None: it does not exist. Jobs that wait for its key are left to ``wake_keys``."""
        rows = self._run(
            "edit", id=job_id, actor=actor, changed=list(values.changed), priority=values.priority, queue=values.queue,
            title=values.title, max_retries=values.max_retries, run_after=values.run_after, key=values.key,
            input=_json(values.input), seen=_json(values.seen), metadata=_json(values.metadata),
        )  # fmt: skip
        return EditAnswer(control_row(rows[0]), rows[0]["begun"]) if rows else None


def _json(value: Mapping[str, object] | None) -> Jsonb | None:
    return None if value is None else Jsonb(dict(value))

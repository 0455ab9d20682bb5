"""Reads results, and compares stored bytes with what was recorded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from jobctl.client.inspection import Inspection
from jobctl.core import result
from jobctl.core.attempt import StoredResult
from jobctl.core.checkpoint import digest
from jobctl.core.errors import CheckpointCorrupt, CheckpointMissing, IllegalTransition
from jobctl.core.filters import Filters
from jobctl.core.job import Job


@dataclass(frozen=True, slots=True)
class Verified:
    """The bytes of one checkpoint, or of the result, against what was recorded."""

    job_id: int
    seq: int | None  # None: the result
    stage: str
    path: str
    verdict: str  # ok missing corrupt


class Results(Inspection):
    """Reads results."""

    def result(self, job_id: int) -> object:
        """What the last stage of a completed job returned, bytes as bytes.

        Raises ``JobNotFound``, ``IllegalTransition`` while it is not completed, ``CheckpointMissing`` where the bytes are
        gone and ``CheckpointCorrupt`` where they are not those that were written.
        """
        return result.decode(self.result_json(job_id))

    def result_json(self, job_id: int) -> bytes:
        """The result as JSON in UTF-8. Raises what ``result`` raises."""
        return self.result_json_of(self.get(job_id))

    def result_json_of(self, job: Job) -> bytes:
        """The result of a job that was read in full."""
        match job.result_location:
            case None:
                raise IllegalTransition(f"job {job.id} has no result: it is {job.status}", hint=f"jobctl wait {job.id}")
            case "pruned":
                raise CheckpointMissing(
                    f"the result of job {job.id} was removed by prune ({job.result_size:,} bytes)",
                    hint=f"jobctl restart {job.id}",
                )
            case "row":
                return json.dumps(job.output_data, ensure_ascii=False, separators=(",", ":")).encode()
        try:
            return result.load(_stored(job), self._storage())
        except (CheckpointMissing, CheckpointCorrupt) as error:
            raise type(error)(f"job {job.id}: {error}", hint=f"jobctl restart {job.id}") from error

    def verify(self, ids: Sequence[int]) -> list[Verified]:
        """Reads recorded checkpoints and stored results, and compares hashes before anyone needs them."""
        checked = [
            Verified(
                row.job_id, row.seq, row.stage, row.path, self._verdict(StoredResult(row.path, row.sha256, row.size))
            )
            for row in self.queue.checkpoints(ids)
        ]
        checked += [
            Verified(job.id, None, "result", job.result_path, self._verdict(_stored(job)))
            for job in (self.queue.find(Filters(ids=tuple(ids))) if ids else ())
            if job.result_path
        ]
        return sorted(checked, key=lambda found: (found.job_id, found.seq is None, found.seq))

    def _verdict(self, stored: StoredResult) -> str:
        try:
            good = digest(self._storage().get(stored.path, max_bytes=stored.size)) == stored.sha256
        except (CheckpointMissing, ValueError):  # a path that no storage can have was not written by a worker
            return "missing"
        except CheckpointCorrupt:
            return "corrupt"
        return "ok" if good else "corrupt"


def _stored(job: Job) -> StoredResult:
    """Where the result of a job is, and what its bytes must be."""
    return StoredResult(job.result_path or "", job.result_sha256 or "", job.result_size or 0)

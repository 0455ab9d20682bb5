"""Results of the jobs that a job waited for, as ``ctx.results()`` returns them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from jobctl.client import Client
from jobctl.core.errors import CheckpointError, IllegalTransition, Invalid, JobNotFound, Transient
from jobctl.core.pipeline import Pipeline
from jobctl.core.ports import Storage

if TYPE_CHECKING:  # a command that prints its help must not load the driver
    from jobctl.postgres.queue import Queue


def results_of_dependencies(
    queue: Queue, storage: Callable[[], Storage], load: Callable[[str], Pipeline]
) -> Callable[[int], dict[int, object]]:
    """The function of a child process: the id of a job → the results of those that it waited for, by their ids.

    It raises ``Invalid`` for a result that is gone, and ``Transient`` for one that a restart makes anew.
    """
    client = cache(lambda: Client(queue, storage=storage, load=load))

    def results(job_id: int) -> dict[int, object]:
        return {dependency.id: _result(client(), dependency.id) for dependency in queue.dependencies(job_id)}

    return results


def _result(client: Client, job_id: int) -> object:
    try:
        return client.result(job_id)
    except IllegalTransition as error:
        raise Transient(f"a job that this one depends on runs again: {error}") from error
    except (JobNotFound, CheckpointError) as error:
        raise Invalid(f"a job that this one depends on has no result any more: {error}") from error

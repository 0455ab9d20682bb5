"""A child process of a worker: what it is given, and what its handlers may use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobctl.client import Options, new_job
from jobctl.core.job import NewJob
from jobctl.core.pipeline import Pipeline
from jobctl.core.trace_context import traced
from jobctl.system.environment import variables
from jobctl.wiring.configuration import Settings
from jobctl.wiring.databases import Database
from jobctl.wiring.dependencies import results_of_dependencies
from jobctl.wiring.identity import proven_storage
from jobctl.wiring.plugins import pipeline, plugin
from jobctl.wiring.tracing import tracer
from jobctl.wiring.types_of_worker import known_type

if TYPE_CHECKING:
    from jobctl.worker.channel import Channel, FromChild, ToChild


def run_child(channel: int, setup: int, guardian: int) -> None:
    """The whole of a child process. The numbers are of inherited descriptors, and of its parent."""
    from jobctl.worker.sandbox import Confinement, channel_from, confine, receive_setup

    received = receive_setup(setup)
    confinement = Confinement.from_json(received["confinement"])
    confine(confinement, guardian=guardian)
    variables.update(received["set_by_child"])
    if confinement.account is not None:
        variables["HOME"] = variables["TMPDIR"]  # the worker's own is not this account's
    _run_child(channel_from(channel), received)


def _run_child(channel: Channel[ToChild, FromChild], received: Mapping[str, Any]) -> None:
    import tempfile

    from jobctl.postgres.leases import Leases
    from jobctl.postgres.library import Libraries
    from jobctl.wiring.confinement import TypeEnvironment
    from jobctl.worker.child import Child
    from jobctl.worker.context import Services
    from jobctl.worker.secrets import Secrets

    settings = Settings(received["values"], {}, Path(received["home"]), received["plugins"])
    database = Database(settings, lambda _: None, starts=False, newer=True)
    queue = Leases(partial(database.connect, "jobctl worker child"), ttl=settings.values["lease_ttl"])
    libraries = Libraries()
    types = TypeEnvironment(received["by_type"])
    loaded = cache(partial(known_type, received["declared"]))
    traces = tracer(received["tracing"])

    def load(job_type: str) -> Pipeline:
        types.enter(job_type)
        return loaded(job_type)

    with (
        tempfile.TemporaryDirectory() as workspace
    ):  # in the folder that the supervisor made for this child, and removes
        proven = proven_storage(settings, lambda: queue)
        services = Services(
            storage=proven, prove=proven.prove, library=libraries, reader=lambda: libraries(queue.connection), load=load,
            request=partial(request, settings, load=loaded, trace=traces.context), tracer=traces, workspace=Path(workspace),
            input_roots=tuple(Path(root) for root in received["roots"]),
            settings=settings.values, plugin=partial(plugin, settings, {}), auto_retry=settings.values["auto_retry"],
            secrets=Secrets(received["secrets"]),
            results=results_of_dependencies(queue, lambda: proven, loaded),
        )  # fmt: skip
        Child(channel, services, queue).run()


def request(
    settings: Settings, job_type: str, args: Mapping[str, Any], *, created_by: str,
    load: Callable[[str], Pipeline] = pipeline, trace: Callable[[], Mapping[str, str]] = dict, **options: Any,
) -> NewJob:  # fmt: skip
    """A validated follow-up job."""
    new = new_job(
        load(job_type), args, Options(**options), created_by=created_by, retries=settings.values["max_retries"]
    )
    return traced(new, trace())

"""The staircase: settings, and each concrete class named once. The only module that knows two rooms.

Imports stand inside the functions on purpose: a command that lists jobs must not pay for SQLAlchemy, pydantic or the
handlers, and which of them is needed is what this module decides.
"""

from __future__ import annotations

import getpass
import json
import os
import re
import socket
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any, BinaryIO

from jobctl import __version__
from jobctl.client import Client, Options, new_job
from jobctl.core.errors import ConfigError, StoreUnavailable, UnknownJobType
from jobctl.core.job import NewJob
from jobctl.core.pipeline import Pipeline

START_PATIENCE = 10.0
"""Seconds that a worker waits for its database when it starts."""
SHORTEST_LEASE = 0.5
"""Seconds: six beats a lease must find the time to be sent and answered."""
WORKER_PATIENCE = 1.0
"""Seconds that a worker waits for another process that brings the embedded server up: it has leases to look after."""
DEFAULTS: dict[str, Any] = {
    "db": None,
    "storage": None,
    "input_roots": [],
    "embedding": "static",
    "enrichment": "counting",
    "judge": "none",
    "model_url": None,
    "embedding_model": "text-embedding-3-small",
    "embedding_dim": 1536,
    "chat_model": "gpt-4o-mini",
    "readwise_url": "https://readwise.io/api/v2",
    "auto_retry": True,
    "pausing": True,
    "paywall_holds": False,
    "max_retries": {},
    "keep_checkpoints_days": 7.0,
    "concurrency": 2,
    "poll": 1.0,
    "grace": 30.0,
    "cancel_grace": 10.0,
    "silent_limit": 900.0,
    "child_memory_mb": 4096,
    "child_file_size_mb": 4096,
    "lease_ttl": 30.0,
    "test_fast": False,
}
"""Every setting with its default; the type of the default is the type of the setting."""
CHOSEN_BY = {"embedder": "embedding", "enricher": "enrichment", "judge": "judge"}
"""Kind of plug-in → the setting that names the one to use."""


@dataclass(frozen=True)
class Settings:
    """Values, and where each came from: flag, environment, a file, default."""

    values: dict[str, Any]
    sources: dict[str, str] = field(default_factory=dict)
    home: Path = Path()
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


# -- settings --------------------------------------------------------------------------------------------------------


def home(environment: Mapping[str, str]) -> Path:
    """Where everything lives that jobctl keeps."""
    if given := environment.get("JOBCTL_HOME"):
        return Path(given).absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/jobctl")
    if sys.platform == "darwin":
        return _user_home(environment) / "Library" / "Application Support" / "jobctl"
    return Path(environment.get("XDG_DATA_HOME") or _user_home(environment) / ".local" / "share") / "jobctl"


def _user_home(environment: Mapping[str, str]) -> Path:
    if environment.get("HOME"):
        return Path(environment["HOME"])
    try:
        import pwd

        return Path(pwd.getpwuid(os.geteuid()).pw_dir)
    except KeyError:
        import tempfile

        return Path(tempfile.gettempdir()) / f"jobctl-{os.geteuid()}"


def settings(flags: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """Flag > environment (JOBCTL_…) > ./.jobctl.toml > the user's file > default. Raises ``ConfigError``."""
    environment = os.environ if environment is None else environment
    flags = {key: value for key, value in (flags or {}).items() if value is not None}
    values = dict(DEFAULTS)
    sources = dict.fromkeys(DEFAULTS, "default")
    for path in _files(flags, environment):
        for name, value in _read(path).items():
            values[name], sources[name] = value, str(path)
    for name in DEFAULTS:
        variable = f"JOBCTL_{name.upper()}"
        if name != "db" and variable in environment:
            values[name], sources[name] = _from_text(name, environment[variable], variable), variable
    for name in ("JOBCTL_DATABASE_URL", "DATABASE_URL"):
        if environment.get(name) and sources["db"] in ("default",):
            values["db"], sources["db"] = environment[name], name
    for name, value in flags.items():
        if name in DEFAULTS:
            values[name], sources[name] = value, "flag"
    return Settings(values, sources, home(environment), environment)


def _files(flags: Mapping[str, Any], environment: Mapping[str, str]) -> list[Path]:
    """Weakest first."""
    if given := flags.get("config"):
        if not Path(given).is_file():
            raise ConfigError(f"no such configuration file: {given}")
        return [Path(given)]
    base = environment.get("XDG_CONFIG_HOME")
    user = Path(base) if base else _user_home(environment) / ".config"
    candidates = [user / "jobctl" / "config.toml", Path(".jobctl.toml")]
    return [path for path in candidates if _is_file(path)]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        found = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}", hint="Settings are written as: name = value") from error
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error.strerror}") from error
    for name, value in found.items():
        where = f"{path}:{_line_of(text, name)}"
        if name not in DEFAULTS:
            hint = f"{_nearest(name, DEFAULTS)}jobctl config show lists them"
            raise ConfigError(f"{where}: there is no setting {name!r}", hint=hint)
        wanted = type(DEFAULTS[name]) if DEFAULTS[name] is not None else str
        if not isinstance(value, (int, float) if wanted is float else wanted):
            raise ConfigError(f"{where}: {name} should be {wanted.__name__}, not {value!r}")
        if isinstance(value, dict) and not all(isinstance(number, int) and number >= 0 for number in value.values()):
            raise ConfigError(f"{where}: {name} should give a whole number for each job type, not {value!r}")
    return found


def _nearest(name: str, known: Iterable[str]) -> str:
    import difflib

    near = difflib.get_close_matches(name, known, 1)
    return f"Did you mean {near[0]}? " if near else ""


def _line_of(text: str, name: str) -> int:
    """The line on which a setting stands, from 1."""
    lines = text.splitlines()
    pattern = re.compile(rf"""\s*\[?["']?{re.escape(name)}["']?\s*[=.\]]""")
    return next((number for number, line in enumerate(lines, 1) if pattern.match(line)), 1)


def _from_text(name: str, text: str, variable: str) -> Any:
    default = DEFAULTS[name]
    try:
        if isinstance(default, bool):
            return {
                "1": True,
                "true": True,
                "yes": True,
                "on": True,
                "0": False,
                "false": False,
                "no": False,
                "off": False,
            }[text.lower()]
        if isinstance(default, (int, float)):
            return type(default)(text)
        if isinstance(default, dict):
            return {key: int(number) for key, number in (part.split("=") for part in text.split(",") if part)}
    except (KeyError, ValueError):
        raise ConfigError(f"{variable}={text!r} is not a {type(default).__name__}") from None
    return text.split(os.pathsep) if isinstance(default, list) else text


# -- the database ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Database:
    """Where jobs are, and what can be done with the place itself."""

    settings: Settings
    say: Callable[[str], None]
    patience: float = 60.0

    @property
    def url(self) -> str | None:
        """The server that was named; None: the embedded one."""
        from jobctl.postgres.connect import conninfo, resolve_url

        named = self.settings["db"]
        return conninfo(named) if named else resolve_url(None, self.settings.environment)

    @property
    def server(self) -> Any:
        """The embedded server."""
        from jobctl.postgres.embedded import Server

        held = self.settings
        return Server(
            held.home, say=self.say, environment=held.environment, durable=not held["test_fast"], patience=self.patience
        )

    def info(self) -> str:
        """How to connect; starts the embedded server and brings its schema up."""
        if (url := self.url) is not None:
            return url
        self.connect().close()
        return str(self.server.conninfo())

    def connect(self, application_name: str = "jobctl") -> Any:
        """A connection to a schema that fits this program; the embedded server is started and brought up to it."""
        from jobctl.postgres.connect import connect
        from jobctl.postgres.revision import current, head, require_head

        if (url := self.url) is not None:
            connection = connect(url, application_name=application_name)
        else:
            try:
                connection = connect(self.server.conninfo(), application_name=application_name)
            except StoreUnavailable:
                connection = connect(self.server.ensure(), application_name=application_name)
            if (current(connection) or "") < head():
                self.upgrade()
        require_head(connection)
        return connection

    def upgrade(self, revision: str = "head") -> None:
        """Brings the schema up."""
        from jobctl.postgres import migrate

        migrate.upgrade(self._server_info(), revision)

    def downgrade(self, revision: str) -> None:
        """Takes the schema back."""
        from jobctl.postgres import migrate

        migrate.downgrade(self._server_info(), revision)

    def check(self) -> list[str]:
        """Differences between the database and what the program expects."""
        from jobctl.postgres import migrate

        return migrate.check(self._server_info())

    def sql(self) -> str:
        """The SQL of the schema."""
        from jobctl.postgres import migrate

        return migrate.sql()

    def dump(self, sink: BinaryIO) -> dict[str, int]:
        """Writes all rows of the schema; gives how many of each table."""
        from jobctl.postgres import dump

        with self.connect("jobctl db dump") as connection:
            return dump.dump(connection, sink)

    def load(self, source: BinaryIO) -> dict[str, int]:
        """Fills the empty schema from a dump; gives how many rows of each table."""
        from jobctl.postgres import dump
        from jobctl.postgres.queue import Queue

        queue = Queue(partial(self.connect, "jobctl db load"), actor=f"load:{user(self.settings.environment)}")
        try:
            return dump.load(queue, source)
        finally:
            queue.close()

    def _server_info(self) -> str:
        url = self.url
        return url if url is not None else str(self.server.ensure())

    def status(self) -> dict[str, Any]:
        """What ``db status`` shows; starts nothing."""
        from jobctl.postgres.connect import connect, mask
        from jobctl.postgres.revision import current, head

        embedded = self.url is None
        server = self.server.status() if embedded else None
        facts: dict[str, Any] = {
            "url": mask(self.server.conninfo() if embedded else self.url or ""),
            "embedded": embedded,
            "running": server.running if server else True,
            "server_version": None,
            "pgvector": None,
            "schema": None,
            "head": head(),
            "data_dir": server.data_dir if server else None,
        }
        if facts["running"]:
            with connect(self.server.conninfo() if embedded else self.url or "") as connection:
                version = connection.info.server_version
                row = connection.execute("SELECT extversion FROM pg_extension WHERE extname = 'vector'").fetchone()
                facts |= {
                    "server_version": f"{version // 10_000}.{version % 10_000}",
                    "pgvector": row[0] if row else None,
                    "schema": current(connection),
                }
        return facts


def roles(prefix: str) -> str:
    """The SQL of the least-privilege roles."""
    from jobctl.postgres.roles import statements

    return statements(prefix)


def database(held: Settings, say: Callable[[str], None]) -> Database:
    """The database family's object."""
    return Database(held, say)


# -- plug-ins --------------------------------------------------------------------------------------------------------


def _entries(group: str) -> dict[str, Any]:
    from importlib.metadata import entry_points

    return {entry.name: entry for entry in entry_points(group=f"jobctl.{group}")}


def pipeline(name: str) -> Pipeline:
    """The pipeline of a job type. Raises ``UnknownJobType`` with the nearest name."""
    entries = _entries("pipelines")
    if name not in entries:
        raise UnknownJobType(f"unknown job type: {name}", hint=f"{_nearest(name, entries)}jobctl types lists them")
    try:
        loaded = entries[name].load()
    except Exception as error:
        where = f"{type(error).__name__}: {error}"
        raise ConfigError(
            f"the job type {name} can't be loaded: {where}", hint="Mend or remove its package."
        ) from error
    if not isinstance(loaded, Pipeline):
        raise ConfigError(f"the entry point {name} does not give a Pipeline")
    return loaded


def job_types() -> list[str]:
    """The names of the installed job types; none is loaded."""
    return sorted(_entries("pipelines"))


def pipelines() -> dict[str, Pipeline]:
    """All installed pipelines by name."""
    return {name: pipeline(name) for name in job_types()}


def plugin(held: Settings, cache: dict[tuple[str, str], Any], kind: str, name: str | None) -> Any:
    """A plug-in of a kind, made once: ``embedder``, ``enricher`` and ``judge`` as configured, the others by name.

    A class that needs settings has ``configured(settings, environment)``; the others are called without arguments.
    """
    chosen = name or str(held[CHOSEN_BY[kind]])
    if chosen == "none":
        return None
    if (kind, chosen) not in cache:
        make = _loaded(kind, f"{kind}s", chosen)
        made = make.configured(held.values, held.environment) if hasattr(make, "configured") else make()
        cache[kind, chosen] = made
    return cache[kind, chosen]


def _loaded(kind: str, group: str, name: str) -> Any:
    """What an entry point names. An optional one's extra is called as it is: ``pip install 'jobctl[s3]'``."""
    entries = _entries(group)
    if name not in entries:
        raise ConfigError(f"there is no {kind} named {name!r}", hint=f"one of: {', '.join(sorted(entries))}")
    try:
        return entries[name].load()
    except ImportError as error:
        package = entries[name].dist.name
        raise ConfigError(
            f"the {kind} {name} can't be loaded: {error}", hint=f"pip install '{package}[{name}]'"
        ) from error


def where_bytes_are(held: Settings) -> str:
    """The storage by its name: a folder, or ``SCHEME://…``."""
    return str(held["storage"] or held.home / "storage")


def storage(held: Settings) -> Any:
    """Where bytes are kept: a folder, or ``SCHEME://…`` of a storage that was plugged in."""
    where = where_bytes_are(held)
    scheme, named, _ = where.partition("://")
    return _loaded("storage", "storage", scheme if named else "local")(where)


# -- what the command line asks for ----------------------------------------------------------------------------------


def user(environment: Mapping[str, str]) -> str:
    """Who submits, for the history."""
    try:
        return environment.get("JOBCTL_USER") or getpass.getuser()
    except (KeyError, OSError):
        return f"uid:{os.geteuid()}"


def connect(
    held: Settings, *, say: Callable[[str], None] = lambda _: None, load: Callable[[str], Pipeline] | None = None
) -> Client:
    """A client of the configured database; starts the embedded server if there is need.

    ``load`` stands in for the installed job types.
    """
    from jobctl.postgres.queue import Queue

    queue = Queue(partial(Database(held, say).connect, "jobctl"))
    return Client(
        queue,
        storage=partial(storage, held),
        load=load or cache(pipeline),
        user=user(os.environ),
        pausing=held["pausing"],
        retries=held["max_retries"],
    )


def hints_arrive(held: Settings, say: Callable[[str], None], seconds: float = 2.0) -> bool:
    """Whether a NOTIFY of one connection reaches the LISTEN of another within so many seconds."""
    import select

    from jobctl.postgres.queue import Listener, Queue

    connect_ = partial(Database(held, say).connect, "jobctl doctor")
    listener, sender = Listener(connect_), Queue(connect_)
    try:
        sender.run("hint")
        select.select([listener.fileno()], [], [], seconds)
        return bool(listener.hints())
    finally:
        listener.close()
        sender.close()


def search(
    held: Settings, client: Client, text: str, *, k: int = 10, document: int | None = None
) -> list[dict[str, Any]]:
    """The passages nearest to a text, by the joined score, with their document and headings."""
    from jobctl.documents.relate import JoinedIndex, corpus
    from jobctl.postgres.library import Libraries

    embedder = plugin(held, {}, "embedder", None)
    queue: Any = client.queue
    library = Libraries()(queue.connection)
    question = embedder.embed([text])[0]
    cosines = library.cosines(embedder.id, question)
    rows = library.passages(embedder.id, document, vectors=cosines is None)
    titles = {row["id"]: row["title"] for row in library.documents()}
    vectors = [bytes(row["vector"]) for row in rows] if cosines is None else [b""] * len(rows)
    index = JoinedIndex(
        corpus([r["id"] for r in rows], [r["document_id"] for r in rows], [r["text"] for r in rows], vectors)
    )
    hits = index.search(
        text, question, k, cosines=None if cosines is None else [cosines.get(row["id"], 0.0) for row in rows]
    )
    return [
        {
            "document_id": rows[hit.position]["document_id"], "title": titles[rows[hit.position]["document_id"]],
            "chunk": rows[hit.position]["index"], "heading_path": rows[hit.position]["heading_path"],
            "page": rows[hit.position]["page_start"], "score": round(hit.score, 4), "lexical": round(hit.lexical, 4),
            "vector": round(hit.vector, 4), "start": rows[hit.position]["start_offset"],
            "end": rows[hit.position]["end_offset"], "text": rows[hit.position]["text"],
        }
        for hit in hits
    ]  # fmt: skip


# -- workers ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class WorkerOptions:
    """How ``worker run`` was asked to work; None: as configured."""

    concurrency: int | None = None
    queues: tuple[str, ...] | None = None
    types: tuple[str, ...] | None = None
    drain: bool = False
    once: bool = False
    max_jobs: int | None = None
    poll: float | None = None
    listen: bool = True
    grace: float | None = None
    name: str | None = None
    input_roots: tuple[str, ...] = ()
    only: tuple[int, ...] = ()
    ahead: float = 0.0
    metrics: tuple[str, int] | None = None
    """Host and port on which to show what was done."""


def run_worker(held: Settings, options: WorkerOptions, *, say: Callable[[str], None] = lambda _: None) -> int:
    """Runs a supervisor in this process until it ends; gives the number of jobs settled."""
    from jobctl.postgres.patience import patiently
    from jobctl.postgres.queue import Lane, Listener, Queue
    from jobctl.worker.crew import Crew
    from jobctl.worker.metrics import Metrics
    from jobctl.worker.supervisor import Plan, Supervisor
    from jobctl.worker.sweeper import Sweeper

    if float(held["lease_ttl"]) < SHORTEST_LEASE:
        raise ConfigError(
            f"lease_ttl is {held['lease_ttl']:g} s; no beat would come in time",
            hint=f"at least {SHORTEST_LEASE:g}; 30 is usual",
        )
    place = Database(held, say, patience=WORKER_PATIENCE)
    queue = Queue(partial(place.connect, "jobctl worker"), ttl=float(held["lease_ttl"]))
    types = options.types or _usable(say)
    for name in types:
        pipeline(name)
    host = socket.gethostname()
    plan = Plan(
        name=options.name or f"{host}-{os.getpid()}", host=host, pid=os.getpid(), version=__version__, types=types,
        queues=options.queues, concurrency=options.concurrency or int(held["concurrency"]),
        poll=options.poll or float(held["poll"]), grace=options.grace if options.grace is not None else float(held["grace"]),
        cancel_grace=float(held["cancel_grace"]), silent_limit=float(held["silent_limit"]), drain=options.drain, once=options.once, max_jobs=options.max_jobs,
        auto_retry=bool(held["auto_retry"]), paywall_holds=bool(held["paywall_holds"]), only=frozenset(options.only) if options.only else None,
        ahead=options.ahead,
    )  # fmt: skip
    roots = [str(Path(root).resolve()) for root in [*held["input_roots"], *options.input_roots]]
    # a child is told where the embedded server is: it may be frozen at any moment, and must never be the one that brings
    # the server up, with the lock on that in its hands
    values = held.values if place.url is not None else {**held.values, "db": place.server.conninfo()}
    child_settings = {"values": values, "home": str(held.home), "roots": roots, "parent": os.getpid()}
    os.environ["JOBCTL_CHILD"] = json.dumps(child_settings)
    crew = Crew(
        lambda descriptor: [sys.executable, "-c", f"from jobctl.wiring import run_child; run_child({descriptor})"]
    )
    listen = partial(Listener, partial(place.connect, "jobctl worker")) if options.listen else None
    metrics = Metrics()
    if options.metrics is not None:
        port = metrics.serve(*options.metrics, version=__version__, worker=plan.name)
        say(f"metrics: http://{options.metrics[0]}:{port}/metrics")
    supervisor = Supervisor(
        plan, queue, Sweeper(queue, auto_retry=plan.auto_retry), crew, lane=Lane, listen=listen, metrics=metrics
    )  # fmt: skip
    patiently(supervisor.register, seconds=START_PATIENCE)
    return supervisor.run()


def _usable(say: Callable[[str], None]) -> tuple[str, ...]:
    """The installed job types, without those whose package is broken: they stop nobody else's work."""
    found = []
    for name in job_types():
        try:
            pipeline(name)
            found.append(name)
        except ConfigError as error:
            say(f"{error}; its jobs wait")
    return tuple(found)


def run_child(descriptor: int) -> None:
    """The whole of a child process."""
    import tempfile

    from jobctl.worker.child import Child, channel_from, confine

    given = json.loads(os.environ["JOBCTL_CHILD"])
    held = Settings(given["values"], {}, Path(given["home"]))
    confine(
        parent=given["parent"],
        memory=int(held["child_memory_mb"]) << 20 or None,
        file_size=int(held["child_file_size_mb"]) << 20 or None,
    )
    from jobctl.postgres.library import Libraries
    from jobctl.postgres.queue import Queue
    from jobctl.worker.context import Tools

    queue = Queue(partial(Database(held, lambda _: None).connect, "jobctl worker child"), ttl=float(held["lease_ttl"]))
    libraries = Libraries()
    with tempfile.TemporaryDirectory() as workspace:  # in the folder that our supervisor gave us, and removes
        tools = Tools(
            storage=storage(held), library=libraries, reader=lambda: libraries(queue.connection), load=cache(pipeline),
            request=partial(request, held), workspace=Path(workspace), input_roots=tuple(Path(root) for root in given["roots"]),
            settings=held.values, plugin=partial(plugin, held, {}), auto_retry=bool(held["auto_retry"]),
        )  # fmt: skip
        Child(channel_from(descriptor), tools, queue).run()


def request(held: Settings, job_type: str, args: Mapping[str, Any], *, created_by: str, **options: Any) -> NewJob:
    """A validated follow-up job."""
    return new_job(pipeline(job_type), args, Options(**options), created_by=created_by, retries=held["max_retries"])


def run_here(
    held: Settings, ids: Sequence[int], *, ahead: float = 0.0, say: Callable[[str], None] = lambda _: None
) -> Any:
    """Starts a worker for the given jobs and what they submit, as a child process; gives the process.

    ``ahead``: the seconds for which they were put off, so that no other worker takes them.
    """
    import subprocess

    place = Database(held, say)
    place.info()
    given = {
        "values": held.values,
        "home": str(held.home),
        "ids": list(ids),
        "ahead": ahead,
        "roots": [str(Path.cwd())],
    }
    return subprocess.Popen(
        [sys.executable, "-c", "from jobctl.wiring import work_here; work_here()"],
        env={**os.environ, "JOBCTL_HERE": json.dumps(given)}, stdin=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def work_here() -> None:
    """The process behind ``submit --run``."""
    given = json.loads(os.environ["JOBCTL_HERE"])
    held = Settings(given["values"], {}, Path(given["home"]))
    run_worker(held, WorkerOptions(only=tuple(given["ids"]), ahead=given["ahead"], input_roots=tuple(given["roots"])))


def library(client: Client) -> Any:
    """The document library on the client's connection."""
    from jobctl.postgres.library import Libraries

    queue: Any = client.queue
    return Libraries()(queue.connection)


def decide(client: Client, review_id: int, *, accept: bool) -> bool:
    """Records what a person decided of a line of the review, and does it; False when there is no such line."""
    from jobctl.documents import match

    with client.queue.transaction():
        held = library(client)
        if accept and all(row["id"] != review_id for row in held.reviews()):  # what waits has no place to accept yet
            return False
        row = held.decide(review_id, "accepted" if accept else "rejected")
        if row is not None and accept:
            match.accept(held, row)
    return row is not None


def restore_connections(held: Settings, client: Client, key: str) -> tuple[int, int]:
    """Merges a backup of connections; gives how many were there, and how many had lost a passage."""
    import gzip

    from jobctl.core.errors import CheckpointMissing, UsageError

    try:
        data = storage(held).get(key, max_bytes=1 << 30)
    except (ValueError, CheckpointMissing):
        raise UsageError(
            f"there is no backup {key}", hint="The result of the job names it: jobctl show ID --result"
        ) from None
    rows = [json.loads(line) for line in gzip.decompress(data).splitlines()]
    with client.queue.transaction():
        place = library(client)
        there = {row["id"] for row in place.chunks(columns=["id"])}
        good = [row for row in rows if {row["source_chunk"], row["target_chunk"]} <= there]
        place.merge_connections(good)
    return len(good), len(rows) - len(good)


def shown(name: str, value: Any) -> Any:
    """A setting's value as it may be printed."""
    if name != "db" or not value:
        return value
    from jobctl.postgres.connect import mask

    return mask(value)

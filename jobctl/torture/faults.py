"""The faults: each takes the target of the run and returns whether it found something to act on."""

from __future__ import annotations

import random
import resource
import secrets
import signal
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg.sql import SQL, Literal

from jobctl.core.lifecycle import Status
from jobctl.system import clock
from jobctl.torture.fleet import Fleet, send_signal
from jobctl.torture.partition import Proxy

COMMIT_TRIES, COMMIT_PROBE = 40, 0.01
"""How often a child is frozen and checked, and seconds between, to catch one inside a commit."""
STEPS = (0.5, 1.5, 5.0, 1000.0)
"""How far the database's clock is set from the true time, in leases: within one, past one, past the two that are the
furthest a lease may lie ahead, and most of an hour."""
CAP_DAC_OVERRIDE = 1 << 1
_PAUSED_NEWEST = "SELECT last_checkpoint_path FROM jobctl.jobs WHERE status = %s AND last_checkpoint_path <> ''"
_MIDDLE_BATCH = """
    SELECT c.path FROM jobctl.checkpoints c JOIN jobctl.jobs j ON j.id = c.job_id
    WHERE j.status = %s AND EXISTS (
        SELECT FROM jobctl.checkpoints n WHERE n.job_id = c.job_id AND n.seq > c.seq AND n.stage = c.stage)
"""
_RUNNING = """
    SELECT c.path FROM jobctl.checkpoints c JOIN jobctl.jobs j ON j.id = c.job_id WHERE j.status = %s
"""
_CLOCK = SQL(
    "CREATE OR REPLACE FUNCTION jobctl.clock() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE "
    "RETURN clock_timestamp() + make_interval(secs => {})"
)
_IN_TRANSACTION = """
    SELECT count(*) FROM pg_stat_activity
    WHERE application_name = 'jobctl worker child' AND state = 'idle in transaction'
"""


@dataclass(frozen=True)
class Target:
    """What the faults act on. ``lease`` in seconds; ``postmaster``: None when the server must not be crashed."""

    fleet: Fleet
    rng: random.Random
    url: str
    storage: Path
    lease: float
    postmaster: Callable[[], int | None]
    proxy: Proxy
    """The way of one worker to the database."""


def kill_worker(target: Target) -> bool:
    """SIGKILL of a supervisor; its children die with it."""
    return _signal_one(target, _supervisors(target), signal.SIGKILL)


def kill_child(target: Target) -> bool:
    """SIGKILL of a process that runs a handler."""
    return _signal_one(target, target.fleet.children(), signal.SIGKILL)


def stop_worker(target: Target) -> bool:
    """SIGSTOP of a supervisor until its leases have run out, then SIGCONT."""
    return _freeze(target, _supervisors(target))


def stop_child(target: Target) -> bool:
    """SIGSTOP of a process that runs a handler, while its supervisor keeps its lease."""
    return _freeze(target, target.fleet.children())


def deploy(target: Target) -> bool:
    """SIGTERM of a supervisor: its jobs are released, nothing is charged."""
    return _signal_one(target, _supervisors(target), signal.SIGTERM)


def cut_backend(target: Target) -> bool:
    """``pg_terminate_backend`` of a connection of a worker or a child."""
    query = (
        "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity "
        "WHERE application_name LIKE 'jobctl worker%' ORDER BY random() LIMIT 1"
    )
    return bool(_column(target, query))


def crash_server(target: Target) -> bool:
    """Immediate shutdown of the whole server, without a checkpoint. The next command starts it again."""
    pid = target.postmaster()
    return pid is not None and send_signal(pid, signal.SIGQUIT)


def step_clock(target: Target) -> bool:
    """The database's clock jumps, forwards or back, in the middle of whatever runs, and continues from there.

    Forwards every lease may have ended: what runs is rescued and charged with a crash, because nothing distinguishes such a
    lease from that of a dead worker. Backwards a lease that lies too far ahead is void, and nothing is charged.
    """
    leases = target.rng.choice(STEPS) * target.rng.choice((-1, 1))
    with suppress(psycopg.Error), psycopg.connect(target.url, autocommit=True) as connection:
        connection.execute(_CLOCK.format(Literal(leases * target.lease)))
        return True
    return False


def flip_byte(target: Target) -> bool:
    """One bit of a paused job's newest checkpoint."""
    return _damage(target, _PAUSED_NEWEST, Status.PAUSED)


def damage_middle_batch(target: Target) -> bool:
    """One bit of a batch of a paused job that later batches of the same stage follow."""
    return _damage(target, _MIDDLE_BATCH, Status.PAUSED)


def damage_running(target: Target) -> bool:
    """One bit of any checkpoint of a job that runs at the moment."""
    return _damage(target, _RUNNING, Status.PROCESSING)


def storage_full(target: Target) -> bool:
    """No child of any worker can write a byte to a file for about a second."""
    limited = [pid for pid in target.fleet.children() if _limit_files(pid, 0)]
    if not limited:  # none there, or this process may not limit those of another account
        return False

    def undo() -> None:
        for pid in limited:
            _limit_files(pid, None)

    target.fleet.later(target.rng.uniform(0.5, 1.5), undo)
    return True


def storage_read_only(target: Target) -> bool:
    """The folders of the storage can't be written for about a second. Not for processes that modes do not bind."""
    children = target.fleet.children()
    folders = [folder for folder in (target.storage, *target.storage.rglob("*")) if folder.is_dir()]
    if not folders or _kept(target).exists() or not any(map(_bound_by_modes, children)):
        return False
    _change_modes(folders, 0o500)
    target.fleet.later(target.rng.uniform(0.5, 1.5), lambda: _change_modes(folders, 0o700))
    return True


def storage_gone(target: Target) -> bool:
    """An empty folder is in the place of the storage for a while, as when a mount is lost."""
    kept = _kept(target)
    if kept.exists() or not target.storage.is_dir() or not target.storage.stat().st_mode & stat.S_IWUSR:
        return False
    target.storage.rename(kept)
    target.storage.mkdir(mode=0o700)

    def undo() -> None:
        target.storage.rename(target.storage.with_name(f"storage.left-{secrets.token_hex(4)}"))
        kept.rename(target.storage)

    target.fleet.later(target.rng.uniform(0.5, 3.0), undo)
    return True


def partition(target: Target) -> bool:
    """One worker and its children can't reach the database, past their leases, and nothing refuses them."""
    if not target.fleet.workers or not target.proxy.cut():
        return False
    reset = target.rng.random() < 0.5
    target.fleet.later(target.lease * target.rng.uniform(0.3, 3.0), lambda: target.proxy.heal(reset=reset))
    return True


def freeze_in_commit(target: Target) -> bool:
    """SIGSTOP of a child that is inside the transaction of a commit, past its lease."""
    for _ in range(COMMIT_TRIES):
        running = [pid for pid in target.fleet.children() if pid not in target.fleet.frozen]
        if not running or len(target.fleet.frozen) >= target.fleet.size - 1:
            return False
        if _in_transaction(target):
            pid = target.rng.choice(running)
            send_signal(pid, signal.SIGSTOP)
            if _in_transaction(target) and _in_transaction(target):  # the others have ended theirs in between
                return target.fleet.freeze(pid, target.lease * target.rng.uniform(1.2, 3.0))
            send_signal(pid, signal.SIGCONT)
        clock.sleep(COMMIT_PROBE)
    return False


FAULTS: dict[str, tuple[Callable[[Target], bool], int]] = {
    "kill worker": (kill_worker, 3),
    "kill child": (kill_child, 5),
    "stop worker": (stop_worker, 7),
    "stop child": (stop_child, 2),
    "deploy": (deploy, 2),
    "cut backend": (cut_backend, 8),
    "crash server": (crash_server, 1),
    "step clock": (step_clock, 2),
    "flip byte": (flip_byte, 2),
    "damage middle batch": (damage_middle_batch, 2),
    "damage running": (damage_running, 2),
    "storage full": (storage_full, 1),
    "storage read-only": (storage_read_only, 1),
    "storage gone": (storage_gone, 1),
    "partition": (partition, 2),
    "freeze in commit": (freeze_in_commit, 2),
}
"""Name → the fault, and its weight next to the others."""


def _kept(target: Target) -> Path:
    """Where the storage is while another folder is in its place."""
    return target.storage.with_name("storage.kept")


def _supervisors(target: Target) -> list[int]:
    return [worker.pid for worker in target.fleet.workers]


def _signal_one(target: Target, pids: Sequence[int], number: int) -> bool:
    return bool(pids) and send_signal(target.rng.choice(pids), number)


def _freeze(target: Target, pids: Sequence[int]) -> bool:
    running = [pid for pid in pids if pid not in target.fleet.frozen]
    if len(target.fleet.frozen) >= target.fleet.size - 1 or not running:  # one worker must be able to go on
        return False
    return target.fleet.freeze(target.rng.choice(running), target.lease * target.rng.uniform(1.2, 3.0))


def _in_transaction(target: Target) -> bool:
    """Whether a child waits inside a transaction."""
    return _column(target, _IN_TRANSACTION) not in ([], ["0"])


def _column(target: Target, query: LiteralString, *values: str) -> list[str]:
    """The first column as text; empty while the server is away."""
    with suppress(psycopg.Error), psycopg.connect(target.url, autocommit=True) as connection:
        return [str(row[0]) for row in connection.execute(query, values or None)]
    return []


def _damage(target: Target, query: LiteralString, status: Status) -> bool:
    paths = _column(target, query, status)
    if not paths:
        return False
    file = target.storage / target.rng.choice(paths)
    with suppress(OSError, ValueError):  # removed meanwhile, or empty
        data = bytearray(file.read_bytes())
        data[target.rng.randrange(len(data))] ^= 1 << target.rng.randrange(8)
        file.write_bytes(bytes(data))
        return True
    return False


def _limit_files(pid: int, size: int | None) -> bool:
    """Sets the soft limit of the file size of a process, in bytes (None: its hard limit); returns whether it holds."""
    try:
        hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard if size is None else size, hard))
    except (OSError, ValueError):
        return False
    return True


def _change_modes(folders: Sequence[Path], mode: int) -> None:
    for folder in folders:
        with suppress(OSError):  # gone with its job
            folder.chmod(mode)


def _bound_by_modes(pid: int) -> bool:
    """Whether the kernel checks file modes for a process: not for one with CAP_DAC_OVERRIDE."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("CapEff:"):
                return not int(line.split()[1], 16) & CAP_DAC_OVERRIDE
    return False

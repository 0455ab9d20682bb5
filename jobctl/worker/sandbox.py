"""What a child may do: the rights it drops before it loads a handler, and what it does when an attempt ends.

Linux takes the rights away; elsewhere the limits of memory and file size are all there is.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from jobctl.system.environment import variables
from jobctl.worker import kernel, view
from jobctl.worker.channel import Channel, FromChild, ToChild, child_end
from jobctl.worker.view import Account, Grant

COLLECT_AT = (100_000, 20, 20)
"""When the cycle collector runs: documents are millions of small objects without a cycle; the default of 700 costs 7 %."""
SCORE, MOST_SCORE = 200, 1000
"""Added to a child's ``oom_score_adj``, as if it used a fifth of all memory more than it does; the most that this can be."""


@dataclass(frozen=True, slots=True)
class Confinement:
    """The rights of a child. ``memory`` and ``file_size`` are bytes; None: no limit.

    ``account`` is None where the child keeps the account of its worker. A child that stays root keeps the right to use the
    files of others, and no other.
    """

    memory: int | None = None
    file_size: int | None = None
    account: Account | None = None
    grants: tuple[Grant, ...] = ()

    def to_json(self) -> dict[str, object]:
        """As plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Confinement:
        """Back from plain data."""
        account = Account(**data["account"]) if data["account"] else None
        return cls(data["memory"], data["file_size"], account, tuple(Grant(**grant) for grant in data["grants"]))


def confine(confinement: Confinement, *, guardian: int) -> None:
    """First lines of a child: it drops its rights, ends with its guardian, leaves signals of the terminal to the worker.

    Raises ``OSError`` where the kernel refuses.
    """
    _signals()
    gc.set_threshold(*COLLECT_AT)
    if kernel.LINUX:
        _be_ended_first()
        _give_up_rights(confinement)
        kernel.become_subreaper()
        kernel.set_death_signal(signal.SIGKILL)  # after the change of account, which clears it
    if os.getppid() != guardian:
        os._exit(0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for kind, limit in ((resource.RLIMIT_AS, confinement.memory), (resource.RLIMIT_FSIZE, confinement.file_size)):
        if limit is not None:
            resource.setrlimit(kind, _lowered(kind, limit))


def receive_setup(descriptor: int) -> Any:
    """What the supervisor has left in an inherited file: settings are in neither the arguments nor the environment."""
    with os.fdopen(descriptor, "rb") as stream:
        return json.load(stream)


def send_setup(setup: Mapping[str, object]) -> int:
    """The descriptor of a file without a name, to be inherited by the one process that reads it."""
    descriptor = os.memfd_create("jobctl") if kernel.LINUX else _unlinked_file()
    os.write(descriptor, json.dumps(setup).encode())
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def channel_from(descriptor: int) -> Channel[ToChild, FromChild]:
    """The child's end of the socket pair, inherited by number. Programs that a handler starts do not inherit it."""
    os.set_inheritable(descriptor, False)
    return child_end(socket.socket(fileno=descriptor))


def _be_ended_first() -> None:
    """Where memory runs out, the kernel rather ends a child than its worker, or the server beside it."""
    with suppress(OSError, ValueError):
        score = Path("/proc/self/oom_score_adj")
        score.write_text(str(min(int(score.read_text()) + SCORE, MOST_SCORE)))


def _give_up_rights(confinement: Confinement) -> None:
    account = confinement.account
    if account is not None:
        view.enter(account, confinement.grants)
        os.setgroups([])
        kernel.limit_capabilities(*kernel.IDENTITY)
        os.setresgid(account.gid, account.gid, account.gid)
        os.setresuid(account.uid, account.uid, account.uid)
    kernel.limit_capabilities(*([kernel.CAP_DAC_OVERRIDE] if os.geteuid() == 0 else []))
    kernel.forbid_new_privileges()
    with suppress(OSError):
        os.chdir(os.getcwd())  # noqa: PTH109 - by its path, in the mounts of this process
        return
    os.chdir(variables.get("TMPDIR", "/"))


def _signals() -> None:
    """SIGTERM and SIGINT of a terminal or a service manager are the worker's business.

    A function that does nothing, where SIG_IGN would be inherited by every program that a handler starts: exec sets a
    function back to the default. A fork does not, so its signals are set back here. They are blocked meanwhile: what a
    fork is sent before it has got that far would be lost (``Pool.terminate`` waits for ever then).
    """
    for number in _LEFT_TO_WORKER:
        signal.signal(number, _do_nothing)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    forking = threading.local()

    def before() -> None:
        forking.mask = signal.pthread_sigmask(signal.SIG_BLOCK, _LEFT_TO_WORKER)

    def in_parent() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, forking.mask)

    def in_child() -> None:
        for number, default in _LEFT_TO_WORKER.items():
            if signal.getsignal(number) is _do_nothing:
                signal.signal(number, default)
        in_parent()

    os.register_at_fork(before=before, after_in_parent=in_parent, after_in_child=in_child)


def _do_nothing(_number: int, _frame: object) -> None:
    """Handles a signal by going on."""


_LEFT_TO_WORKER: dict[int, Callable[[int, FrameType | None], Any] | signal.Handlers] = {
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGINT: signal.default_int_handler,
}
"""Signals, with what a fork of a child does at them."""


def _lowered(kind: int, limit: int) -> tuple[int, int]:
    """The limit, or the one that already holds where that is lower (``ulimit``)."""
    _, hard = resource.getrlimit(kind)
    effective = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    return effective, effective


def _unlinked_file() -> int:
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def refusal(confinement: Confinement, check: Callable[[], None]) -> str | None:
    """Why a child can't work under these rights: what is raised by taking them, or then by ``check``. None: it can."""
    reader, writer = os.pipe()
    trial = os.fork()
    if trial == 0:
        try:
            os.close(reader)
            _give_up_rights(confinement)
            check()
        except BaseException as error:
            os.write(writer, (str(error) or type(error).__name__).encode()[:1000])
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        reason = stream.read().decode("utf-8", "replace")
    os.waitpid(trial, 0)
    return reason or None

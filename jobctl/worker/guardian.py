"""The parent of a child: it runs no handler, and ends all that the child's jobs have started.

The supervisor starts one process for each child. It forks before anything is imported: the fork becomes the child, the
parent stays as its guardian. A subreaper, it adopts every descendant whose parent ended, also one in a session of its own.
It ends when the child ends, in the way in which the child ended, or at ``END``, which the supervisor sends, or the kernel
when the supervisor is gone. Signals that a service manager sends to the whole group do not reach it.
"""

from __future__ import annotations

import os
import resource
import signal
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from jobctl.worker import kernel
from jobctl.worker.processes import end_children, reap

AVAILABLE = kernel.LINUX
"""Elsewhere there is no subreaper: a worker ends the process group of a child, and nothing that has left it."""
END = signal.SIGUSR1
_CRASHES = (signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGTRAP)
FULL = 1 / 2
"""Share of its limit that a process has in use when it fails for memory, at least: 0.7 to 0.9 were measured. What it asked
for in vain is not counted, nor what was reserved and never used."""
_HANDLED = (signal.SIGCHLD, END)
_IGNORED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR2)


def start(supervisor: int) -> int:
    """Forks. Returns the guardian's pid in the child; the guardian, this process, stays here until the end of both.

    ``supervisor``: the pid of the process that started this one. Elsewhere than on Linux that is the guardian.
    """
    if not AVAILABLE:
        return supervisor
    signal.pthread_sigmask(signal.SIG_BLOCK, (*_HANDLED, *_IGNORED))
    kernel.become_subreaper()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    guardian = os.getpid()
    child = os.fork()
    if child:
        _guard(child, supervisor)
    return guardian


def _guard(child: int, supervisor: int) -> NoReturn:
    status = _wait(child, supervisor)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:  # the way in which the child ended is read from this process
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [-code])
        os.kill(os.getpid(), -code)
    os._exit(code)


def _wait(child: int, supervisor: int) -> int:
    """The wait status of the child, once it and everything below it have ended."""
    statuses: dict[int, int] = {}

    def ended(pid: int, status: int, peak: int) -> None:
        if pid == child:
            statuses[pid] = status
            _report(status, peak, limit)

    os.closerange(3, 1 << 16)  # the channel among them: its other end must see the child close it
    if os.geteuid() == 0:
        kernel.limit_capabilities(kernel.CAP_KILL)
    kernel.set_death_signal(END)
    limit = None
    if os.getppid() == supervisor:
        while child not in statuses:
            number = signal.sigwait(_HANDLED)
            limit = _memory_limit(child)  # readable until it is waited for
            if number == END:
                break
            reap(ended)
    end_children(ended)
    return statuses.get(child, signal.SIGKILL)


def _memory_limit(pid: int) -> int | None:
    """Bytes of memory that a process may use just now; also of one that has ended and was not waited for."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/limits").read_text().splitlines():
            if line.startswith("Max address space"):
                soft = line.split()[3]
                return None if soft == "unlimited" else int(soft)
    return None


def _report(status: int, peak: int, limit: int | None) -> None:
    """Libraries abort where no memory is left, without a message: only the memory in use distinguishes such an end from others."""
    code = os.waitstatus_to_exitcode(status)
    if limit is not None and -code in _CRASHES and peak >= limit * FULL:
        name = signal.Signals(-code).name
        text = f"out of memory: {name} after {peak >> 20} MB were in use, of {limit >> 20} MB of address space\n"
        with suppress(OSError):  # the reader may be gone
            os.write(2, text.encode())

"""What the end of a program means for its job: by exit code, sysexits.h first."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

from jobctl.core.errors import Invalid, JobFailure, Paywall, Permanent, Transient
from jobctl.core.exit_class import ExitClass
from jobctl.core.retry import names_memory

SAVED = 75
"""EX_TEMPFAIL: the program saved what it needs and can go on later."""
CLASSES: Mapping[int, ExitClass] = {
    0: ExitClass.COMPLETED,
    64: ExitClass.INVALID,
    65: ExitClass.INVALID,
    66: ExitClass.INVALID,
    SAVED: ExitClass.TRANSIENT,
}
"""Codes with a meaning of their own; all others are permanent failures."""
SHELL_SIGNAL = 128
"""A shell reports the death of its program by a signal as this much more than the signal's number."""

_KILLED = (-signal.SIGKILL, SHELL_SIGNAL + signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class Exit:
    """How a program ended: ``code`` is its exit code, negative for a signal.

    ``kernel``: the kernel has ended a process for lack of memory while it ran.
    """

    code: int
    kernel: bool = False

    def kind(self, mapping: Mapping[int, ExitClass]) -> ExitClass:
        """The class of this end; ``mapping`` goes before the usual meaning."""
        return mapping.get(self.code) or CLASSES.get(self.code, ExitClass.PERMANENT)

    def __str__(self) -> str:
        """``ended with exit code 3``, ``was killed by SIGSEGV``."""
        if self.kernel and self.code in _KILLED:
            return "was killed for lack of memory (SIGKILL)"
        if self.code < 0:
            name = signal_name(-self.code)
            return f"was killed by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
        inner = self.code - SHELL_SIGNAL
        known = f" (killed by {signal_name(inner)})" if inner in signal.valid_signals() else ""
        return f"ended with exit code {self.code}{known}"


def signal_name(number: int) -> str:
    """``SIGTERM``; ``signal 40`` for one without a name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def failure(program: str, end: Exit, kind: ExitClass, last_words: str) -> JobFailure:
    """The error of a job whose program failed. ``last_words``: the end of what it wrote to stderr."""
    if names_memory(last_words):
        kind = ExitClass.INVALID
    last = last_words.strip().rpartition("\n")[2].strip()
    message = f"{program} {end}" + (f": {last}" if last else "")
    match kind:
        case ExitClass.TRANSIENT:
            return Transient(message)
        case ExitClass.PAYWALL:
            return Paywall(message)
        case ExitClass.INVALID:
            return Invalid(message)
        case ExitClass.PERMANENT | ExitClass.COMPLETED:
            return Permanent(message)
        case _:
            assert_never(kind)

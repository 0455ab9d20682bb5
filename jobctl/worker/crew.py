"""The supervisor's view of its children: started, fed, frozen, killed, recycled."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from jobctl.core.attempt import Claimed
from jobctl.worker.channel import Channel, FromChild, Run, ToChild, supervisor_end
from jobctl.worker.workspace import Workspaces

LAST_WORDS = 4_096


@dataclass
class Member:
    """One child process. ``jobs`` are those it was given and has not ended, in the order it runs them."""

    process: subprocess.Popen[bytes]
    channel: Channel[FromChild, ToChild]
    workspace: Path
    jobs: dict[int, Claimed] = field(default_factory=dict)
    assigned: set[int] = field(default_factory=set)
    """Every job that it was ever sent: it may still report on one that was taken away meanwhile."""
    done: int = 0
    since: float = 0.0  # when the running job got its turn, monotonic
    heard: float = 0.0  # when the child spoke last, monotonic
    up: bool = False  # it has said that its imports are done
    frozen: bool = False
    leaving: bool = False
    asked_back: bool = False
    words: deque[bytes] = field(default_factory=lambda: deque(maxlen=64))
    put_down: str = ""  # why we killed it ourselves

    @property
    def running(self) -> Claimed | None:
        """The job it works on: the first of those it has."""
        return next(iter(self.jobs.values()), None)

    def give(self, jobs: Sequence[Claimed]) -> None:
        """Hands jobs over; they run in this order."""
        now = time.monotonic()
        if not self.jobs:
            self.since = self.heard = now
        self.jobs |= {job.token.job_id: job for job in jobs}
        self.assigned.update(job.token.job_id for job in jobs)
        self.tell(*map(Run, jobs))

    def tell(self, *messages: ToChild) -> None:
        """Sends messages, what the child does not take now with the next call; one that is gone is noticed by its end of file."""
        with suppress(OSError):
            self.channel.post(messages)

    def unsent(self) -> bool:
        """Tries again to send what the child did not take; returns whether there is still some of it."""
        with suppress(OSError):
            return not self.channel.post(())
        return False

    def freeze(self) -> None:
        """Stops the whole process group where it stands."""
        self._signal(signal.SIGSTOP)
        self.frozen = True

    def thaw(self) -> None:
        """Lets it go on."""
        self._signal(signal.SIGCONT)
        self.frozen = False

    def kill(self) -> None:
        """Ends the whole process group."""
        self._signal(signal.SIGKILL)

    def put_to_rest(self, why: str) -> None:
        """Ends it for a reason of ours, which is then told in the place of the signal."""
        self.put_down = why
        self.kill()

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)

    def last_words(self) -> str:
        """The end of what the process wrote to its stderr outside any job's own streams."""
        return b"".join(self.words)[-LAST_WORDS:].decode("utf-8", "replace").strip()

    def reap(self) -> str:
        """Waits for the dead process; says how it ended, for people."""
        self.kill()
        code = self.process.wait()
        self.channel.close()
        if self.process.stderr:
            with suppress(OSError, ValueError):
                os.set_blocking(self.process.stderr.fileno(), False)
                self.words.append(self.process.stderr.read() or b"")
            self.process.stderr.close()
        if self.put_down:
            return self.put_down
        if code < 0:
            name = signal.Signals(-code).name
            return f"killed by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
        return f"ended with code {code}"


class Crew:
    """Starts children by a command that gets the number of its end of the socket pair; their temporary files go with them."""

    def __init__(self, command: Callable[[int], Sequence[str]]) -> None:
        self._command = command
        self._workspaces = Workspaces()
        self.members: list[Member] = []

    def hire(self) -> Member:
        """Starts one more child, in a process group of its own."""
        ours, theirs = socket.socketpair()
        workspace = self._workspaces.make()
        with theirs:
            process = subprocess.Popen(
                self._command(theirs.fileno()),
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                process_group=0,
                env={**os.environ, "TMPDIR": str(workspace)},
            )
        member = Member(process, supervisor_end(ours), workspace)
        if process.stderr:
            os.set_blocking(process.stderr.fileno(), False)
        self.members.append(member)
        return member

    def dismiss(self, member: Member) -> str:
        """Takes a child off the list; says how it ended."""
        self.members.remove(member)
        how = member.reap()
        self._workspaces.remove(member.workspace)
        return how

    def close(self) -> None:
        """Ends all, leaves nothing."""
        for member in list(self.members):
            self.dismiss(member)
        self._workspaces.close()

    def holder(self, job_id: int) -> Member | None:
        """The child that has a job."""
        return next((member for member in self.members if job_id in member.jobs), None)

    def flush(self) -> bool:
        """Sends what children did not take before; returns whether there is still some of it."""
        return sum(member.unsent() for member in self.members) > 0

    def load(self) -> int:
        """Jobs in the hands of children."""
        return sum(len(member.jobs) for member in self.members)

"""Messages between a supervisor and its child: typed, length-prefixed, capped, over a socket pair.

A frame is four bytes of length, big-endian, and so many bytes of MessagePack. The supervisor trusts nothing that a child
sends: a handler runs in that process and can write to the socket itself.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

import msgspec

from jobctl.core.attempt import Claimed, Outcome
from jobctl.core.job import PROGRESS_CAP, Progress
from jobctl.core.lifecycle import Ending

READ_SIZE = 1 << 20
CHILD_CAP = 1 << 20
"""Bytes of a message from a child: an outcome with a result of 64 KiB, or a batch of log lines."""
SUPERVISOR_CAP = 256 << 20
"""Bytes of a message to a child: a job with its checkpoint records."""
LINE_CAP, LEVEL_CAP, STAGE_CAP = 4_000, 40, 200
"""Bytes of a line of a log, of its level and its stage; longer ones are cut."""
LENGTH = struct.Struct(">I")


class ProtocolError(Exception):
    """The other end sent something that is not a message."""


class Run(msgspec.Struct, frozen=True, array_like=True, tag="run"):
    """A claimed job, to be run after those sent before it."""

    job: Claimed


class Stop(msgspec.Struct, frozen=True, array_like=True, tag="stop"):
    """The pending requests on the running job."""

    job: int
    pause: bool
    cancel: bool
    release: bool


class ReturnWaiting(msgspec.Struct, frozen=True, array_like=True, tag="return_waiting"):
    """The child returns the jobs that it has not begun."""


class Quit(msgspec.Struct, frozen=True, array_like=True, tag="quit"):
    """The child ends after the jobs that it has."""


class Up(msgspec.Struct, frozen=True, array_like=True, tag="up"):
    """The child has done its imports."""


class Reported(msgspec.Struct, frozen=True, array_like=True, tag="progress"):
    """The newest progress of a job."""

    job: int
    progress: Progress


class Line(msgspec.Struct, frozen=True, array_like=True):
    """One line of a job's log."""

    level: str
    stage: str | None
    text: str


class Logged(msgspec.Struct, frozen=True, array_like=True, tag="log"):
    """Lines of a job's log, oldest first."""

    job: int
    lines: list[Line]


class Ended(msgspec.Struct, frozen=True, array_like=True, tag="ended"):
    """How an attempt ended; without an outcome its last commit has settled it, or the lease is lost."""

    job: int
    outcome: Outcome | None


class Returned(msgspec.Struct, frozen=True, array_like=True, tag="returned"):
    """Jobs that were not begun."""

    jobs: list[int]


ToChild = Run | Stop | ReturnWaiting | Quit
FromChild = Up | Reported | Logged | Ended | Returned
Received = TypeVar("Received")
Sent = TypeVar("Sent", bound=msgspec.Struct)


class Channel(Generic[Received, Sent]):
    """One end. ``cap`` is the number of bytes of the largest message that is accepted; memory is bounded by it."""

    def __init__(self, end: socket.socket, decoder: msgspec.msgpack.Decoder[Received], *, cap: int) -> None:
        self.socket = end
        self._decoder = decoder
        self._cap = cap
        self._encoder = msgspec.msgpack.Encoder()
        self._arrived = bytearray()
        self._unsent = bytearray()

    def fileno(self) -> int:
        """For ``select``."""
        return self.socket.fileno()

    def send(self, messages: Iterable[Sent]) -> None:
        """Sends messages as one write, and waits until they are written. Raises ``OSError`` when the other end is gone."""
        self.socket.sendall(b"".join(map(self._frame, messages)))

    def post(self, messages: Iterable[Sent]) -> bool:
        """Sends as much as the other end takes now and keeps the rest for the next call; returns whether all is sent.

        Raises ``OSError`` when the other end is gone.
        """
        for message in messages:
            self._unsent += self._frame(message)
        while self._unsent:
            try:
                sent = self.socket.send(self._unsent, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return False
            del self._unsent[:sent]
        return True

    def _frame(self, message: Sent) -> bytes:
        body = self._encoder.encode(message)
        return LENGTH.pack(len(body)) + body

    def receive(self) -> Iterator[Received] | None:
        """The whole messages that arrived, None when the other end closed. Reads once: blocks only while nothing is there.

        The iterator must be used up before the next call. It raises ``ProtocolError`` after the messages that came before
        what is none; nothing more can be received then.
        """
        try:
            data = self.socket.recv(READ_SIZE)
        except OSError:
            return None
        if not data:
            return None
        self._arrived += data
        return self._messages()

    def _messages(self) -> Iterator[Received]:
        """Decodes what is complete; each byte is copied a fixed number of times, however small the pieces are."""
        start, arrived = 0, len(self._arrived)
        with memoryview(self._arrived) as view:
            while arrived - start >= LENGTH.size:
                (size,) = LENGTH.unpack_from(view, start)
                if size > self._cap:
                    raise ProtocolError(f"a message of {size} bytes; {self._cap} are allowed")
                if arrived - start - LENGTH.size < size:
                    break
                start += LENGTH.size + size
                yield self._decode(view[start - size : start])
        del self._arrived[:start]

    def _decode(self, body: memoryview) -> Received:
        with body:
            try:
                return self._decoder.decode(body)
            except RecursionError as error:
                raise ProtocolError("a message that is nested too deep") from error
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                raise ProtocolError(f"a message that is not valid: {error}") from error

    def close(self) -> None:
        """Closes this end."""
        self.socket.close()


_FROM_CHILD: msgspec.msgpack.Decoder[FromChild] = msgspec.msgpack.Decoder(FromChild)
_TO_CHILD: msgspec.msgpack.Decoder[ToChild] = msgspec.msgpack.Decoder(ToChild)


def supervisor_end(end: socket.socket) -> Channel[FromChild, ToChild]:
    """The end of the supervisor."""
    return Channel(end, _FROM_CHILD, cap=CHILD_CAP)


def child_end(end: socket.socket) -> Channel[ToChild, FromChild]:
    """The end of the child."""
    return Channel(end, _TO_CHILD, cap=SUPERVISOR_CAP)


def check_outcome(outcome: Outcome, job: Claimed) -> None:
    """Raises ``ProtocolError`` for an outcome that the types allow and that no attempt at this job can have."""
    if outcome.token != job.token:
        raise ProtocolError("the outcome of an attempt that is not its own")
    if outcome.kind is Ending.FAILED and outcome.failure is None:
        raise ProtocolError("an outcome that failed without a reason")
    stored = outcome.stored
    if stored is not None and not stored.path.startswith(f"jobs/{job.token.job_id}/{job.token.lease_seq}-"):
        raise ProtocolError("a result that is not stored under its own job")


def check_progress(progress: Progress) -> None:
    """Raises ``ProtocolError`` for a progress that the job's row could not have."""
    texts = [value for value in progress.column().values() if isinstance(value, str)]
    if sum(map(len, texts)) > PROGRESS_CAP or any("\x00" in text for text in texts):
        raise ProtocolError("a progress that cannot be stored")


def check_lines(lines: Iterable[Line]) -> None:
    """Raises ``ProtocolError`` for lines that the log could not have."""
    for line in lines:
        parts = ((line.text, LINE_CAP), (line.level, LEVEL_CAP), (line.stage or "", STAGE_CAP))
        if any(len(text) > cap or "\x00" in text for text, cap in parts):
            raise ProtocolError("a line that cannot be stored")

"""The channel between a supervisor and a child: what goes in comes out, and nothing else gets through."""

import socket
import struct
import time
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobctl.core.attempt import Claimed, Failure, Outcome, Record, StoredResult, Token
from jobctl.core.job import Progress
from jobctl.core.lifecycle import Ending
from jobctl.worker.channel import (
    CHILD_CAP,
    READ_SIZE,
    Channel,
    Ended,
    Line,
    Logged,
    ProtocolError,
    Quit,
    Reported,
    Returned,
    ReturnWaiting,
    Run,
    Stop,
    Up,
    check_lines,
    check_outcome,
    check_progress,
    child_end,
    supervisor_end,
)

TOKEN = Token(7, 2, "0123-abcd")
RECORD = Record(1, "one", 3, True, "jobs/7/1-x/1-one-0", "0" * 64, 5, False)
JOB = Claimed(
    TOKEN, "steps", "ä title", "default", 2, datetime(2026, 11, 25, 12, tzinfo=UTC), '{"deep": []}', "{}", 1, 3, "{}", (RECORD,)
)  # fmt: skip
FAILURE = Failure("transient", "slow", "TimeoutError: slow", "trace", 2.5)
TO_CHILD = [Run(JOB), Stop(7, True, False, True), ReturnWaiting(), Quit()]
FROM_CHILD = [
    Up(),
    Reported(7, Progress(12.5, "one", details="half", current=1, total=2, unit="page", rate_per_s=1.5)),
    Logged(7, [Line("info", None, "text"), Line("error", "one", "ä")]),
    Ended(7, None),
    Ended(7, Outcome(TOKEN, Ending.COMPLETED, '{"n": 1}', Progress(100.0))),
    Ended(7, Outcome(TOKEN, Ending.COMPLETED, stored=StoredResult("jobs/7/2-0123/result-0", "0" * 64, 9))),
    Ended(7, Outcome(TOKEN, Ending.FAILED, failure=FAILURE, retry_after=60.0)),
    Returned([1, 2]),
]


class Wire:
    """A socket that hands over bytes in the pieces of the test."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)

    def recv(self, size: int) -> bytes:
        if not self.pieces:
            return b""
        piece = self.pieces.pop(0)
        assert len(piece) <= size
        return piece


def received(channel: Channel) -> list:
    """Everything until the other end closes."""
    found = []
    while (messages := channel.receive()) is not None:
        found += messages
    return found


def frame(body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + body


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield supervisor_end(ours), child_end(theirs)


def test_every_message_arrives_as_it_was_sent(ends):
    supervisor, child = ends
    supervisor.send(TO_CHILD)
    supervisor.close()
    assert received(child) == TO_CHILD
    assert child.receive() is None


def test_every_message_of_a_child_arrives_as_it_was_sent(ends):
    supervisor, child = ends
    assert child.post(FROM_CHILD)
    child.close()
    assert received(supervisor) == FROM_CHILD


@given(st.lists(st.integers(0, 900), max_size=20))
def test_messages_arrive_whole_in_whatever_pieces(cuts):
    data = b"".join(frame(msgspec.msgpack.encode(message)) for message in FROM_CHILD)
    places = sorted({0, len(data), *(cut % len(data) for cut in cuts)})
    pieces = [data[a:b] for a, b in pairwise(places)]
    assert received(supervisor_end(Wire(*pieces))) == FROM_CHILD


DEEP = b"\x91" * 100_000 + b"\xc0"
BAD = {
    "text": b"this is no json\n",
    "too long": struct.pack(">I", CHILD_CAP + 1),
    "empty": frame(b""),
    "not an array": frame(b"\x01"),
    "unknown": frame(msgspec.msgpack.encode(["say", 1])),
    "of the other side": frame(msgspec.msgpack.encode(Quit())),
    "fields missing": frame(msgspec.msgpack.encode(["ended", 1])),
    "outcome without fields": frame(msgspec.msgpack.encode(["ended", 1, {}])),
    "no such ending": frame(msgspec.msgpack.encode(["ended", 7, {"token": TOKEN, "kind": "won"}])),
    "no such class": frame(msgspec.msgpack.encode(Ended(7, None)).replace(b"\xc0", msgspec.msgpack.encode(
        {"token": TOKEN, "kind": "failed", "failure": {"kind": "odd", "message": "", "raw": ""}}))),
    "wrong type": frame(msgspec.msgpack.encode(["ended", "7", None])),
    "deep": frame(DEEP),
    "deep inside": frame(b"\x93\xa5ended\x07\x81\xa1x" + DEEP),
    "cut off": frame(msgspec.msgpack.encode(FROM_CHILD[1])[:-3]),
    "something behind": frame(msgspec.msgpack.encode(Up()) + b"\xc0"),
    "no utf-8": frame(b"\x93\xa3log\x01\x91\x93\xa1\xff\xc0\xa1x"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_message_is_refused_after_those_before_it(name):
    channel = supervisor_end(Wire(frame(msgspec.msgpack.encode(Up())) + BAD[name]))
    messages = channel.receive()
    assert messages is not None
    assert next(messages) == Up()
    with pytest.raises(ProtocolError):
        next(messages)


def test_a_length_over_the_cap_is_refused_before_its_bytes_are_read():
    channel = supervisor_end(Wire(struct.pack(">I", 400 << 20)))
    with pytest.raises(ProtocolError, match="419430400 bytes"):
        list(channel.receive() or ())


def test_what_is_kept_of_a_message_that_never_ends_is_bounded_by_the_cap():
    pieces = [struct.pack(">I", CHILD_CAP) + b"\xff" * 1000, *[b"\xff" * READ_SIZE] * 5]
    channel = supervisor_end(Wire(*pieces))
    with pytest.raises(ProtocolError):
        received(channel)
    assert len(channel._arrived) <= CHILD_CAP + READ_SIZE


def spent(pieces: list[bytes], expected: int) -> float:
    """Processor seconds to receive these pieces, the best of three."""
    times = []
    for _ in range(3):
        channel = supervisor_end(Wire(*pieces))
        started = time.process_time()
        assert len(received(channel)) == expected
        times.append(time.process_time() - started)
    return min(times)


@pytest.mark.parametrize("shape", ["one message in small pieces", "many messages in one piece"])
def test_receiving_is_linear_in_what_arrives(shape):
    """Sixteen times the bytes cost about sixteen times as much; with a buffer that is copied for each piece: 256 times."""
    for _ in range(5):  # a busy machine adds to either: one quiet moment shows what the code itself costs
        small, large = (cost_of(shape, size) for size in (60_000, 960_000))
        if large < 64 * small:
            return
    pytest.fail(f"{small} s, then {large} s")


def cost_of(shape: str, size: int) -> float:
    """Processor seconds to receive so many bytes."""
    if shape == "one message in small pieces":
        data = frame(msgspec.msgpack.encode(Logged(1, [Line("info", None, "x" * (size - 100))])))
        pieces, expected = [data[i : i + 16] for i in range(0, len(data), 16)], 1
    else:
        one = frame(msgspec.msgpack.encode(Ended(1, None)))
        pieces, expected = [one * (size // len(one))], size // len(one)
    return spent(pieces, expected)


def test_a_child_that_does_not_read_holds_up_nobody(ends):
    supervisor, child = ends
    jobs = [Run(replace(JOB, title="x" * 60_000, token=Token(n, 1, "a"))) for n in range(100)]
    assert not supervisor.post(jobs)
    assert not supervisor.post([Quit()])
    found: list = []
    while not supervisor.post(()):
        found += child.receive() or ()
    supervisor.close()
    assert found + received(child) == [*jobs, Quit()]


def test_an_end_that_is_gone_is_noticed(ends):
    supervisor, child = ends
    child.close()
    with pytest.raises(OSError):
        supervisor.post([Quit()])
    assert supervisor.receive() is None


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(Token(7, 3, "0123-abcd"), Ending.COMPLETED),
        Outcome(Token(8, 2, "0123-abcd"), Ending.COMPLETED),
        Outcome(TOKEN, Ending.FAILED),
        Outcome(TOKEN, Ending.COMPLETED, stored=StoredResult("jobs/8/2-0123/result-0", "0" * 64, 9)),
        Outcome(TOKEN, Ending.COMPLETED, stored=StoredResult("../7", "0" * 64, 9)),
    ],
)
def test_an_outcome_that_no_attempt_at_the_job_has_is_refused(outcome):
    with pytest.raises(ProtocolError):
        check_outcome(outcome, JOB)


def test_what_attempts_report_is_accepted():
    for message in FROM_CHILD:
        if isinstance(message, Ended) and message.outcome:
            check_outcome(message.outcome, JOB)
        if isinstance(message, Reported):
            check_progress(message.progress)
        if isinstance(message, Logged):
            check_lines(message.lines)


@pytest.mark.parametrize("progress", [Progress(details="x" * 3_000), Progress(stage="a\x00"), Progress(unit="\x00")])
def test_progress_that_the_row_could_not_have_is_refused(progress):
    with pytest.raises(ProtocolError):
        check_progress(progress)


@pytest.mark.parametrize("line", [Line("info", None, "x" * 4_001), Line("i" * 41, None, ""), Line("info", "s" * 201, ""),
                                  Line("info", None, "\x00"), Line("\x00", None, ""), Line("info", "\x00", "")])  # fmt: skip
def test_lines_that_the_log_could_not_have_are_refused(line):
    with pytest.raises(ProtocolError):
        check_lines([Line("info", None, "fine"), line])

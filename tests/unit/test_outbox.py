"""Lines on their way from a handler to the database: in order, in batches, bounded."""

import logging
import os
import sys

import msgspec
import pytest

from jobctl.core.job import Progress
from jobctl.worker.capture import Capture, LineStream
from jobctl.worker.channel import CHILD_CAP, LINE_CAP, Line, Logged, Reported, Up, check_lines
from jobctl.worker.logs import LogBuffer
from jobctl.worker.outbox import Outbox


class Wire:
    """Takes what is sent."""

    def __init__(self) -> None:
        self.writes: list[list] = []

    def __call__(self, messages) -> None:
        self.writes.append(list(messages))

    @property
    def messages(self) -> list:
        return [message for write in self.writes for message in write]

    @property
    def texts(self) -> list[str]:
        return [line.text for message in self.messages if isinstance(message, Logged) for line in message.lines]


@pytest.fixture
def wire() -> Wire:
    return Wire()


def test_messages_and_lines_keep_their_order(wire):
    outbox = Outbox(wire)
    outbox.put(Up(), now=True)
    outbox.log(1, "info", "one", "a")
    outbox.log(1, "info", "one", "b")
    outbox.put(Reported(1, Progress()))
    outbox.log(2, "info", None, "c")
    outbox.flush()
    assert wire.messages == [
        Up(), Logged(1, [Line("info", "one", "a"), Line("info", "one", "b")]), Reported(1, Progress()),
        Logged(2, [Line("info", None, "c")]),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "short", "x" * 4000, "é" * 4000, "\x00" * 4000, "\ud800" * 4000, "🙂" * 1000])
def test_whatever_the_lines_are_each_message_is_one_that_the_supervisor_accepts(wire, text):
    outbox = Outbox(wire)
    for _ in range(3_000):
        outbox.log(1, "warning" * 20, "stage" * 100, text)
    outbox.flush()
    assert len(wire.texts) == 3_000
    for message in wire.messages:
        check_lines(message.lines)
        assert len(msgspec.msgpack.encode(message)) <= CHILD_CAP


def test_writes_grow_with_the_bytes_and_not_with_the_lines(wire):
    writes = {}
    for count in (10_000, 40_000):
        outbox, before = Outbox(wire), len(wire.writes)
        for number in range(count):
            outbox.log(1, "info", "stage", f"line {number}")
        outbox.flush()
        writes[count] = len(wire.writes) - before
    assert writes[40_000] <= 4 * writes[10_000] + 1
    assert writes[40_000] <= 40_000 / 1_000


def test_a_text_of_many_lines_is_cut_into_lines_and_its_newest_are_kept(wire):
    outbox = Outbox(wire)
    outbox.log(1, "info", None, "\n".join(map(str, range(6_000))))
    outbox.log(1, "info", None, "a" * 10_000 + "\r\nb\n")
    outbox.flush()
    assert wire.texts == [*map(str, range(1_000, 6_000)), "a" * LINE_CAP, "b"]


def test_a_forked_process_sends_its_own_lines_and_nothing_of_its_parent(tmp_path):
    sent = tmp_path / "sent"

    def send(messages) -> None:
        with sent.open("ab") as sink:
            sink.write(b"".join(msgspec.json.encode(message) + b"\n" for message in messages))

    outbox = Outbox(send)
    outbox.log(1, "info", None, "from the parent")
    child = os.fork()
    if not child:
        outbox.log(1, "info", None, "from the child")
        outbox.put(Up(), now=True)
        os._exit(0)
    os.waitpid(child, 0)
    outbox.flush()
    assert [msgspec.json.decode(line)[2][0][2] for line in sent.read_bytes().splitlines()] == [
        "from the child", "from the parent",
    ]  # fmt: skip


def test_a_buffer_keeps_the_newest_lines_of_each_attempt_and_hands_out_one_statement_at_a_time():
    buffer = LogBuffer(bound=100)
    assert not buffer
    buffer.add(1, 1, [])
    assert not buffer
    buffer.add(1, 1, [Line("info", None, str(n)) for n in range(1_000)])
    buffer.add(2, 1, [Line("info", "s", "x")] * 60)
    first = buffer.take()
    assert [row[4] for row in first] == [str(n) for n in range(900, 1_000)]
    buffer.add(1, 1, [Line("info", None, "later")])
    buffer.put_back(first)
    taken = buffer.take()
    assert [row[4] for row in taken] == [*(str(n) for n in range(901, 1_000)), "later"]
    assert len(buffer.take()) == 60
    assert not buffer


def test_a_stream_passes_on_lines_however_they_are_written():
    lines: list[str] = []
    stream = LineStream(lines.append)
    for text in ("a", "b\n", "", "c\nd\n\ne", "f\n", "g" * (LINE_CAP + 1), "h"):
        assert stream.write(text) == len(text)
    stream.end_line()
    stream.end_line()
    assert lines == ["ab", "c", "d", "", "ef", "g" * (LINE_CAP + 1), "h"]
    assert stream.writable()


def test_what_comes_between_jobs_goes_to_no_job(capsys, monkeypatch):
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    taken: list[tuple[str, str]] = []
    capture = Capture()
    with capture:
        print("nobody's")
        print("an error of the process", file=sys.stderr)
        capture.begin(lambda level, text: taken.append((level, text)))
        print("mine")
        logging.getLogger("x").error("%s", "logged")
        logging.getLogger("x").error("%d", "no number")
        sys.stderr.write("unfinished")
        capture.end()
        print("nobody's again")
    assert taken[:2] == [("info", "mine"), ("error", "logged")]
    assert ("warning", "unfinished") in taken
    assert any("--- Logging error ---" in text for _, text in taken)
    assert not any("nobody" in text for _, text in taken)
    assert capsys.readouterr() == ("", "an error of the process\n")

"""A child process ends with its worker: by the end of its channel, and by the kernel. Each alone, without the other."""

import os
import select
import socket
from collections.abc import Callable

import pytest

from jobctl.worker.channel import Stop, child_end
from jobctl.worker.child import Child
from jobctl.worker.sandbox import Confinement, confine
from tests.fakes.queue import claimed

OUTLIVES = 5.0
"""Seconds after which a child that was not ended has outlived its parent; the kernel ends it with its parent."""
OUTLIVED = 7


def forked(act: Callable[[], None]) -> int:
    """A process that does something and then ends with ``OUTLIVED``."""
    pid = os.fork()
    if pid:
        return pid
    try:
        act()
    finally:
        os._exit(OUTLIVED)


def test_a_child_ends_when_its_channel_ends():
    """The parent lives on, so that no signal of the kernel can be what ends it."""
    ours, theirs = socket.socketpair()

    def listen() -> None:
        ours.close()
        Child(child_end(theirs), None, None)._listen()

    with ours, theirs:
        pid = forked(listen)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def parent_of_a_confined_child(read: int, write: int) -> None:
    """Starts a child that has no channel, and ends when the child has confined itself."""
    own = os.getpid()
    ready, confined = os.pipe()

    def wait() -> None:
        os.close(ready)
        confine(Confinement(), guardian=own)
        os.write(confined, b"x")
        os.close(confined)
        select.select([], [], [], OUTLIVES)
        os.write(write, b"outlived")

    forked(wait)
    os.read(ready, 1)


@pytest.mark.skipif(not os.path.exists("/proc/self"), reason="only Linux tells a process of its parent's end")  # noqa: PTH110
def test_the_kernel_ends_a_child_whose_parent_is_gone():
    read, write = os.pipe()
    parent = forked(lambda: parent_of_a_confined_child(read, write))
    os.close(write)
    os.waitpid(parent, 0)
    with os.fdopen(read, "rb") as ends:  # closed by the last process that has the other end
        assert ends.read() == b""


def test_a_child_whose_parent_was_gone_before_it_asked_ends():
    pid = forked(lambda: confine(Confinement(), guardian=1 << 30))
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_a_request_for_another_job_does_not_reach_the_running_one():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        child = Child(child_end(theirs), None, None)
        child._waiting.append(claimed(2))
        child._next()
        stops = child._stops
        child._handle(Stop(1, True, True, True))
        assert (stops.pause, stops.cancel, stops.release) == (False, False, False)
        child._handle(Stop(2, True, False, True))
        assert (stops.pause, stops.cancel, stops.release) == (True, False, True)

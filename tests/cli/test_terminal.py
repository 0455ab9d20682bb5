"""watch on a real pseudo-terminal: what it paints, what its keys do, and that the terminal is given back however it ends."""

import fcntl
import os
import pty
import select
import shlex
import signal
import struct
import subprocess
import sys
import termios
import time

import pytest

ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"


class Terminal:
    """A pseudo-terminal with jobctl on it."""

    def __init__(
        self,
        shell,
        *words: str,
        program: tuple[str, ...] = (sys.executable, "-m", "jobctl"),
        columns: int = 100,
        rows: int = 20,
    ) -> None:
        self.leader, self.follower = pty.openpty()
        self.resize(columns, rows)
        self.before = termios.tcgetattr(self.follower)
        self.seen = ""
        self.process = subprocess.Popen(
            [*program, *words], stdin=self.follower, stdout=self.follower, stderr=self.follower,
            env={**shell.env, "TERM": "xterm"}, start_new_session=True,
            preexec_fn=self._control,  # noqa: PLW1509 - no threads here
        )  # fmt: skip

    def _control(self) -> None:
        fcntl.ioctl(self.follower, termios.TIOCSCTTY, 0)

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.follower, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def until(self, words: str, seconds: float = 20.0) -> None:
        """Reads until the words come; what came before them is done with."""
        deadline = time.monotonic() + seconds
        while words not in self.seen:
            assert time.monotonic() < deadline, self.seen
            if select.select([self.leader], [], [], 0.2)[0]:
                self.seen += os.read(self.leader, 65536).decode("utf-8", "replace")
        self.seen = self.seen.partition(words)[2]

    def type(self, keys: str) -> None:
        os.write(self.leader, keys.encode())

    def ended(self) -> int:
        code = self.process.wait(timeout=20)
        assert termios.tcgetattr(self.follower) == self.before, "the terminal is as it was"
        return code

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.leader)
        os.close(self.follower)


@pytest.fixture
def terminal(shell):
    """Opens terminals, closes them."""
    opened = []

    def open_(*words: str, **size: int) -> Terminal:
        opened.append(Terminal(shell, *words, **size))
        return opened[-1]

    yield open_
    for one in opened:
        one.close()


def test_watch_paints_obeys_keys_and_gives_the_screen_back(cli, terminal):
    cli("submit", "steps", "--title", "日本語 Dune")
    held = terminal("watch")
    held.until(ENTER)
    held.until("Steps: 日本語 Dune")
    held.until("q quit  j/k select  p pause  c cancel  Enter detail")
    held.type("p")
    held.until("job 1: paused")
    held.type("\r")
    held.until("jobctl resume 1")
    held.type("\rr")
    held.until("job 1: resumed")
    held.type("c")
    held.until("cancel job 1 (Steps: 日本語 Dune)? y/n")
    held.type("y")
    held.until("job 1: cancelled")
    held.type("q")
    held.until(LEAVE)
    held.until("– cancelled")
    held.until("Steps: 日本語 Dune")
    assert held.ended() == 0


def test_ctrl_c_leaves_the_jobs_alone_and_says_so(cli, terminal):
    cli("submit", "steps")
    held = terminal("watch", "1")
    held.until("Steps: 20 items")
    held.type("\x03")
    held.until(LEAVE)
    held.until("· pending")
    held.until("Stopped watching; 1 job still active")
    assert held.ended() == 130
    assert '"pending"' in cli("show", 1, "--json").out


def test_watch_with_ids_ends_with_them_and_gives_their_outcome(cli, terminal):
    cli("submit", "noop")
    held = terminal("watch", "1")
    held.until("Noop")
    cli("cancel", 1)
    held.until(LEAVE)
    assert held.ended() == 11


def test_watch_fits_again_after_a_resize(cli, terminal):
    cli("submit", "steps", "--title", "A title that is a good deal longer than forty columns are")
    held = terminal("watch")
    held.until("forty columns are")
    held.resize(40, 10)
    held.until("\x1b[2J")
    held.until("Steps: A ti")
    held.until("\x1b[10;1H")
    held.type("q")
    held.until(LEAVE)
    assert held.ended() == 0


def test_ctrl_z_gives_the_terminal_back_and_fg_takes_it_again(cli, terminal):
    """Under a shell with job control: nobody else can stop a job."""
    cli("submit", "steps")
    held = terminal("--norc", "--noediting", "-i", program=("bash",))
    held.type(f"PS1=; {shlex.quote(sys.executable)} -m jobctl watch\n")
    held.until(ENTER)
    held.until("Steps")
    held.type("\x1a")
    held.until(LEAVE)
    held.until("Stopped")
    held.type("echo is $((40 + 2))\n")
    held.until("is 42")
    held.type("fg\n")
    held.until(ENTER)
    held.until("Steps")
    held.type("q")
    held.until(LEAVE)
    held.type("exit\n")
    assert held.ended() == 0


def test_a_terminated_watch_gives_the_terminal_back(cli, terminal):
    cli("submit", "steps")
    held = terminal("watch")
    held.until("Steps")
    held.process.send_signal(signal.SIGTERM)
    held.until(LEAVE)
    assert held.ended() == 143


def test_submit_run_rewrites_one_line_and_ends_with_what_was_made(terminal):
    held = terminal("submit", "steps", "--set", "items=8", "--run")
    held.until("1\r\n")
    held.until("\x1b[K")
    held.until("job 1 completed")
    assert held.ended() == 0

"""What a page shows, done as a reader would: files are written, consoles are typed, output is compared."""

import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

Run = subprocess.CompletedProcess[str]

VOLATILE = (
    (r"(job \d+): (pausing: .*|paused)$", r"\1: pause"),  # where it stands when the request comes
    (r"(status +‖ paused).*", r"\1"),
    (r"^(progress|stages|checkpoint|started|attempts) .*", ""),
    (r"by \w+", "by somebody"),
    (r"\b\d+(\.\d+)?[smh]\b( ago)?", "some time ago"),
    (r"^\d\.\d\d ", "score "),
    (r"(who founded|Introduction --).*", r"\1"),
    (r" +", " "),
)
"""What depends on the moment and the machine, and what is compared in its place."""


@dataclass(frozen=True)
class File:
    """A file that the page shows under its name."""

    name: str
    text: str


@dataclass(frozen=True)
class Command:
    """A line behind a ``$``, and what the page shows below it."""

    line: str
    output: str

    @property
    def in_background(self) -> bool:
        return self.line.endswith("&")


_STEP = re.compile(
    r"`(?P<name>[\w/]+\.\w+)`[^`]*:\n\n```\w+\n(?P<text>.*?)^```|^```console\n(?P<console>.*?)^```",
    re.DOTALL | re.MULTILINE,
)


def steps(text: str) -> Iterator[File | Command]:
    """Everything that a reader of the page does, in order."""
    for found in _STEP.finditer(text):
        if found["console"] is None:
            yield File(found["name"], found["text"])
            continue
        for part in re.split(r"^\$ ", found["console"], flags=re.MULTILINE)[1:]:
            line, _, output = part.partition("\n")
            yield Command(line, output)


def comparable(output: str) -> list[str]:
    """The lines that every run prints; the same line twice counts once."""
    lines = output.splitlines()
    for pattern, instead in VOLATILE:
        lines = [re.sub(pattern, instead, line.rstrip()) for line in lines]
    return list(dict.fromkeys(line for line in lines if line.strip()))


@dataclass
class Desk:
    """A folder, an environment, and the programs that a session leaves in the background."""

    folder: Path
    env: Mapping[str, str]
    running: list[subprocess.Popen] = field(default_factory=list)

    def run(self, script: str) -> Run:
        """A line of a shell; its stdout and stderr as a reader sees them."""
        return subprocess.run(
            ["bash", "-c", script], cwd=self.folder, env=self.env, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=200, check=False,
        )  # fmt: skip

    def start(self, line: str) -> None:
        """A line that ends in ``&``."""
        program = f"exec {line.removesuffix('&')}"
        self.running.append(
            subprocess.Popen(
                ["bash", "-c", program],
                cwd=self.folder,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )

    def close(self) -> None:
        for process in self.running:
            process.kill()
            process.wait()

    def follow(self, text: str, *, before: Callable[[str], None] = lambda _line: None) -> int:
        """Does every step of a page and compares; returns the number of commands. ``before``: called with each line."""
        commands = 0
        for step in steps(text):
            if isinstance(step, File):
                (self.folder / step.name).write_text(step.text)
                continue
            commands += 1
            before(step.line)
            if step.in_background:
                self.start(step.line)
                continue
            done = self.run(step.line)
            assert comparable(done.stdout) == comparable(step.output), (step.line, done.stdout)
        return commands


@contextmanager
def environment(folder: Path, env: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """A virtual environment of its own in ``folder`` that has everything that this one has, jobctl included.

    Packages install into it without an index: what they and their builds need is there.
    """
    place = folder / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    (libraries,) = place.glob("lib/python3*/site-packages")
    parents = [path for path in sys.path if path.endswith("site-packages")]
    (libraries / "parent.pth").write_text("".join(f"import site; site.addsitedir({path!r})\n" for path in parents))
    for name in ("pip", "jobctl", "pytest"):
        script = place / "bin" / name
        script.write_text(f'#!/bin/sh\nexec {shlex.quote(str(place / "bin" / "python"))} -m {name} "$@"\n')
        script.chmod(0o755)
    path = f"{place / 'bin'}:{env['PATH']}"
    yield {
        **env,
        "PATH": path,
        "PIP_NO_BUILD_ISOLATION": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
    }

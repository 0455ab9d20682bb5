"""The control group of this process: how much memory it may use, and how often the kernel ended a process for lack of it.

Linux, version 2 or 1; elsewhere nothing is known. https://docs.kernel.org/admin-guide/cgroup-v2.html#memory
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

UNLIMITED = 1 << 60
"""Bytes from which version 1 means that there is no limit."""


@dataclass(frozen=True, slots=True)
class _Version:
    """Where a version keeps its files: the folder below the root, the limit, the counts of events."""

    folder: str
    limit: str
    events: str


_VERSIONS = {"": _Version("", "memory.max", "memory.events"), "memory": _Version("memory", "memory.limit_in_bytes", "memory.oom_control")}  # fmt: skip
"""By the controller that a line of ``/proc/self/cgroup`` names."""


@dataclass(frozen=True, slots=True)
class MemoryGroup:
    """The group as far as its memory matters. ``root``: where the groups are mounted; ``own``: the file that names ours."""

    root: Path = Path("/sys/fs/cgroup")
    own: Path = Path("/proc/self/cgroup")

    def limit(self) -> int | None:
        """Bytes that all processes of the group may use together, by the strictest group around it; None: no limit."""
        version, folders = self._folders()
        limits = [int(text) for folder in folders if (text := _read(folder / version.limit).strip()).isdecimal()]
        return min((limit for limit in limits if limit < UNLIMITED), default=None)

    def kills(self) -> int | None:
        """How many processes of the group the kernel has ended because there was no memory left; None: not known."""
        version, folders = self._folders()
        for folder in folders:
            for line in _read(folder / version.events).splitlines():
                name, _, count = line.partition(" ")
                if name == "oom_kill" and count.isdecimal():
                    return int(count)
        return None

    def _folders(self) -> tuple[_Version, list[Path]]:
        """The group's folder and those around it, the innermost first. In a container only the last may be visible."""
        paths: dict[str, str] = {}
        for line in _read(self.own).splitlines():
            _, controllers, path = line.split(":", 2)
            paths |= dict.fromkeys(controllers.split(","), path)
        name = "memory" if "memory" in paths else ""
        version = _VERSIONS[name]
        mount = self.root / version.folder
        inner = [part for part in paths.get(name, "").split("/") if part]
        if ".." in inner:  # it lies outside of what this namespace shows
            inner = []
        return version, [mount.joinpath(*inner[:depth]) for depth in range(len(inner), -1, -1)]


def _read(file: Path) -> str:
    with suppress(OSError, UnicodeDecodeError):
        return file.read_text(encoding="utf-8")
    return ""

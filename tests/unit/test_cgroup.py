"""Control groups of both versions: the limit of memory, and what the kernel has ended for lack of it."""

import logging
import os
import signal

import pytest

from jobctl.programs.exits import Exit
from jobctl.system.cgroup import MemoryGroup
from jobctl.wiring.confinement import LEAST_OF_GROUP, _memory
from jobctl.worker.children import ChildPool
from jobctl.worker.kernel_kills import LOOK_EVERY, REASON, KernelKills

MB = 1 << 20
V1 = "9:name=systemd:/\n4:cpuacct,memory:{}\n0::/\n"
V2 = "0::{}\n"
NONE_1 = str((1 << 63) - 4096)


@pytest.fixture
def group(tmp_path):
    """Makes a group from the text of /proc/self/cgroup and files below the root."""

    def make(own: str, files: dict[str, str]) -> MemoryGroup:
        (tmp_path / "own").write_text(own)
        for name, text in files.items():
            file = tmp_path / "cgroup" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text + "\n")
        return MemoryGroup(tmp_path / "cgroup", tmp_path / "own")

    return make


@pytest.mark.parametrize(
    ("own", "files", "limit"),
    [
        (V2.format("/a/b"), {"a/b/memory.max": "100", "a/memory.max": "max"}, 100),
        (V2.format("/a/b"), {"a/b/memory.max": "100", "a/memory.max": "70"}, 70),
        (V2.format("/a"), {"a/memory.max": "max"}, None),
        (V2.format("/"), {"memory.max": "100"}, 100),
        (V2.format("/../other"), {"memory.max": "100", "other/memory.max": "1"}, 100),
        (V2.format("/docker/of/the/host"), {"memory.max": "100"}, 100),
        (V1.format("/a"), {"memory/a/memory.limit_in_bytes": "100", "memory/memory.limit_in_bytes": NONE_1}, 100),
        (V1.format("/docker/x"), {"memory/memory.limit_in_bytes": "100"}, 100),
        (V1.format("/a"), {"memory/a/memory.limit_in_bytes": NONE_1, "memory.max": "5"}, None),
        ("", {}, None),
        (V2.format("/a"), {"a/memory.max": "?"}, None),
    ],
)
def test_the_strictest_limit_around_the_group_is_its_limit(group, own, files, limit):
    assert group(own, files).limit() == limit


@pytest.mark.parametrize(
    ("own", "files", "kills"),
    [
        (V2.format("/a"), {"a/memory.events": "low 0\noom 3\noom_kill 2\noom_group_kill 9", "memory.events": "oom_kill 8"}, 2),
        (V1.format("/a"), {"memory/a/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 4"}, 4),
        (V1.format("/x"), {"memory/memory.oom_control": "oom_kill 1"}, 1),
        (V1.format("/a"), {"memory/a/memory.oom_control": "oom_kill_disable 0\nunder_oom 0"}, None),
        ("", {}, None),
    ],
)  # fmt: skip
def test_the_kernel_counts_what_it_ends(group, own, files, kills):
    assert group(own, files).kills() == kills


def test_a_child_may_use_what_its_group_may_and_never_more_than_the_setting(caplog):
    caplog.set_level(logging.INFO, "jobctl.worker")
    assert _memory(4096 * MB, None) == _memory(4096 * MB, 8192 * MB) == 4096 * MB
    assert _memory(0, 1024 * MB) == 0
    assert caplog.text == ""
    assert _memory(4096 * MB, 1024 * MB) == 1024 * MB
    assert "may use 1024 MB of memory: that is the limit of this worker's control group" in caplog.text
    assert _memory(4096 * MB, 64 * MB) == LEAST_OF_GROUP
    assert _memory(300 * MB, 64 * MB) == 300 * MB


def counted(group, kills: int) -> MemoryGroup:
    return group(V2.format("/"), {"memory.events": f"oom_kill {kills}"})


def test_each_end_that_was_counted_explains_one_child(group):
    kills = KernelKills(counted(group, 3))
    assert not kills.explains(-signal.SIGKILL)
    counted(group, 5)
    assert not kills.explains(-signal.SIGSEGV)
    assert [kills.explains(-signal.SIGKILL) for _ in range(3)] == [True, True, False]


def test_what_was_counted_long_ago_explains_nothing(group):
    kills = KernelKills(counted(group, 0))
    counted(group, 1)
    kills.look(0.0)
    kills.look(LOOK_EVERY / 2)
    assert kills.explains(-signal.SIGKILL)
    counted(group, 2)
    kills.look(LOOK_EVERY)
    kills.look(LOOK_EVERY * 2)
    assert not kills.explains(-signal.SIGKILL)


@pytest.mark.parametrize(
    ("count", "reason"), [(1, REASON), (0, "killed by SIGKILL (out of memory?)")], ids=["the kernel", "somebody"]
)
def test_a_child_that_the_kernel_has_killed_for_memory_says_so(group, tmp_path, count, reason):
    events = tmp_path / "cgroup" / "memory.events"
    pool = ChildPool(
        lambda _channel, _setup: ["sh", "-c", f"echo oom_kill {count} > '{events}'; kill -9 $$"],
        setup=lambda _: {}, environment={"PATH": os.environ["PATH"]}, memory=counted(group, 0),
    )  # fmt: skip
    child = pool.spawn()
    child.process.wait()
    assert pool.remove(child, exiting=True).reason == reason
    pool.close()


def test_a_program_that_the_kernel_has_killed_for_memory_says_so():
    assert str(Exit(-9, kernel=True)) == str(Exit(137, kernel=True)) == "was killed for lack of memory (SIGKILL)"
    assert str(Exit(-11, kernel=True)) == "was killed by SIGSEGV"
    assert str(Exit(-9)) == "was killed by SIGKILL (out of memory?)"

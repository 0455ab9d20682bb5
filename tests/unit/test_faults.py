"""What each fault of a torture acts on: no process, no server."""

import random
import resource
import signal
from types import SimpleNamespace

import pytest

from jobctl.torture import faults
from jobctl.torture.faults import FAULTS, Target

WORKERS, CHILDREN = [11, 12, 13], [21, 22, 23, 24]


class FakeFleet:
    """Three workers; what is done to them is noted, and undone when the test says so."""

    def __init__(self) -> None:
        self.workers = [SimpleNamespace(pid=pid) for pid in WORKERS]
        self.size = len(WORKERS)
        self.frozen: list[int] = []
        self.undo: list = []
        self.running = list(CHILDREN)

    def children(self) -> list[int]:
        return self.running

    def freeze(self, pid: int, seconds: float) -> bool:
        self.frozen.append(pid)
        return True

    def later(self, _seconds: float, undo) -> None:
        self.undo.append(undo)


class FakeProxy:
    def __init__(self) -> None:
        self.is_cut = False

    def cut(self) -> bool:
        was_cut, self.is_cut = self.is_cut, True
        return not was_cut

    def heal(self, *, reset: bool) -> None:
        self.is_cut = False


@pytest.fixture
def fleet():
    return FakeFleet()


@pytest.fixture
def target(fleet, tmp_path):
    storage = tmp_path / "storage"
    storage.mkdir(mode=0o700)
    return Target(fleet, random.Random(1), "host=/nowhere dbname=none", storage, 3.0, lambda: 31, FakeProxy())


@pytest.fixture
def sent(monkeypatch) -> list[tuple[int, int]]:
    """Signals, by pid."""
    signals: list[tuple[int, int]] = []
    monkeypatch.setattr(faults, "send_signal", lambda pid, number: signals.append((pid, number)) or True)
    return signals


@pytest.fixture
def rows(monkeypatch) -> list[str]:
    """What every query returns."""
    found: list[str] = []
    monkeypatch.setattr(faults, "_column", lambda *_: found)
    return found


@pytest.mark.parametrize(
    ("name", "pids", "number"),
    [
        ("kill worker", WORKERS, signal.SIGKILL),
        ("kill child", CHILDREN, signal.SIGKILL),
        ("deploy", WORKERS, signal.SIGTERM),
        ("crash server", [31], signal.SIGQUIT),
    ],
)
def test_a_signal_goes_to_any_process_of_its_kind_and_to_no_other(target, sent, name, pids, number):
    for _ in range(100):
        assert FAULTS[name][0](target)
    assert {pid for pid, _ in sent} == set(pids)
    assert {number for _, number in sent} == {number}


@pytest.mark.parametrize(("name", "pids"), [("stop worker", WORKERS), ("stop child", CHILDREN)])
def test_no_process_is_frozen_twice_and_one_worker_can_always_go_on(target, fleet, name, pids):
    assert [FAULTS[name][0](target) for _ in range(4)] == [True, True, False, False]
    assert len(set(fleet.frozen)) == 2
    assert set(fleet.frozen) < set(pids)


def test_where_nothing_is_there_nothing_is_done(fleet, target, sent, rows, tmp_path):
    fleet.workers, fleet.running = [], []
    away = Target(fleet, target.rng, target.url, tmp_path / "none", 3.0, lambda: None, target.proxy)
    assert {name: act(away) for name, (act, _) in FAULTS.items()} == dict.fromkeys(FAULTS, False)
    assert (sent, fleet.frozen, fleet.undo) == ([], [], [])


@pytest.mark.parametrize("name", ["flip byte", "damage middle batch", "damage running"])
def test_damage_is_one_bit_of_one_file(target, rows, name):
    before = {f"key-{n}": bytes(range(64)) for n in range(3)}
    for key, data in before.items():
        (target.storage / key).write_bytes(data)
    rows += before
    assert FAULTS[name][0](target)
    after = {key: (target.storage / key).read_bytes() for key in before}
    changed = [int.from_bytes(after[key], "big") ^ int.from_bytes(before[key], "big") for key in before]
    assert sorted(difference.bit_count() for difference in changed) == [0, 0, 1]
    assert {len(data) for data in after.values()} == {64}


def test_a_file_that_is_gone_or_empty_is_not_damaged(target, rows):
    (target.storage / "empty").touch()
    for key in ("empty", "gone"):
        rows[:] = [key]
        assert not faults.flip_byte(target)
    assert [path.name for path in target.storage.iterdir()] == ["empty"]


def modes(folder) -> set[int]:
    return {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_dir()}


def test_a_storage_that_is_read_only_is_so_to_its_last_folder_until_it_is_undone(target, fleet, monkeypatch):
    tmp_path = target.storage
    (tmp_path / "jobs" / "1" / "1-x").mkdir(parents=True)
    for folder in (tmp_path / "jobs", *(tmp_path / "jobs").rglob("*")):
        folder.chmod(0o700)
    monkeypatch.setattr(faults, "_bound_by_modes", lambda pid: pid == CHILDREN[0])
    assert faults.storage_read_only(target)
    assert modes(tmp_path) == {0o500}
    fleet.undo.pop()()
    assert modes(tmp_path) == {0o700}
    monkeypatch.setattr(faults, "_bound_by_modes", lambda _: False)
    assert not faults.storage_read_only(target)
    assert modes(tmp_path) == {0o700}


def test_a_storage_that_is_gone_leaves_an_empty_folder_and_comes_back_as_it_was(target, fleet, monkeypatch):
    monkeypatch.setattr(faults, "_bound_by_modes", lambda _: True)
    (target.storage / "file").touch()
    assert FAULTS["storage gone"][0](target)
    assert list(target.storage.iterdir()) == []
    assert not FAULTS["storage gone"][0](target), "one at a time"
    assert not FAULTS["storage read-only"][0](target), "its end would change the modes of another folder"
    (target.storage / "left").touch()
    fleet.undo.pop()()
    assert [path.name for path in target.storage.iterdir()] == ["file"]
    assert FAULTS["storage read-only"][0](target)
    assert not FAULTS["storage gone"][0](target)
    fleet.undo.pop()()


def test_a_worker_is_cut_from_the_database_once_at_a_time(target, fleet):
    assert FAULTS["partition"][0](target)
    assert not FAULTS["partition"][0](target)
    fleet.undo.pop()()
    assert FAULTS["partition"][0](target)


def test_modes_bind_a_process_without_the_capability_to_override_them(monkeypatch, tmp_path):
    status = tmp_path / "status"
    monkeypatch.setattr(faults, "Path", lambda _: status)
    for effective, bound in (("0000000000000000", True), ("0000000000000002", False), ("000001ffffffffff", False)):
        status.write_text(f"Name:\tpython\nCapEff:\t{effective}\n")
        assert faults._bound_by_modes(21) == bound
    status.unlink()
    assert not faults._bound_by_modes(21)


def test_a_full_storage_limits_all_children_and_ends(target, fleet, monkeypatch):
    limits = dict.fromkeys(CHILDREN, (500, 1000))

    def prlimit(pid: int, kind: int, new: tuple[int, int] | None = None) -> tuple[int, int]:
        assert kind == resource.RLIMIT_FSIZE
        limits[pid] = new or limits[pid]
        return limits[pid]

    monkeypatch.setattr(faults.resource, "prlimit", prlimit)
    assert faults.storage_full(target)
    assert set(limits.values()) == {(0, 1000)}
    fleet.undo.pop()()
    assert set(limits.values()) == {(1000, 1000)}


def test_only_a_child_that_is_still_in_its_transaction_when_it_is_stopped_stays_frozen(
    target, fleet, sent, monkeypatch
):
    monkeypatch.setattr(faults, "COMMIT_PROBE", 0.0)
    looks = iter(
        [False, True, False, True, True, True]
    )  # none; one that ends when the other is stopped; one that stays
    monkeypatch.setattr(faults, "_in_transaction", lambda _: next(looks))
    assert faults.freeze_in_commit(target)
    (first, stop), (again, resume), (frozen, last) = sent
    assert (first, stop, resume, last) == (again, signal.SIGSTOP, signal.SIGCONT, signal.SIGSTOP)
    assert fleet.frozen == [frozen]


def test_no_child_is_stopped_where_none_commits(target, fleet, sent, monkeypatch):
    monkeypatch.setattr(faults, "COMMIT_PROBE", 0.0)
    monkeypatch.setattr(faults, "_in_transaction", lambda _: False)
    assert not faults.freeze_in_commit(target)
    assert (sent, fleet.frozen) == ([], [])

"""The threads that send notifications: a slow endpoint, a command or an outage holds up nothing else."""

import threading
from collections import deque

import pytest

from jobctl.core.errors import StoreUnavailable
from jobctl.core.notifications import Delivered, Delivery, Notification
from jobctl.worker import notifier as module
from jobctl.worker.notifier import Notifier

GOOD = Delivered(Delivery.DELIVERED)


class Table:
    """As the table in the database: one thread at a time uses it."""

    def __init__(self, *hosts):
        self.waiting = deque(Notification(n, n, f"http://{host}/", host, {}, 1) for n, host in enumerate(hosts))
        self.settled = []
        self.events = {}
        self.threads = set()
        self.failures = 0
        self.closed = threading.Event()

    def claim(self, busy, limit):
        self.threads.add(threading.current_thread())
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable("away")
        for notification in list(self.waiting):
            if notification.host not in busy:
                self.waiting.remove(notification)
                return [notification]
        return []

    def settle(self, notification, delivered):
        self.threads.add(threading.current_thread())
        self.settled.append((notification.id, delivered.outcome))

    def next_due(self, busy):
        return None

    def end_event(self, job_id):
        return self.events.get(job_id)

    def close(self):
        self.closed.set()


def test_a_slow_endpoint_delays_no_other_and_not_the_caller(eventually):
    table, go = Table("slow", "slow", "quick", "other"), threading.Event()

    def deliver(notification):
        if notification.host == "slow":
            go.wait(20)
        return GOOD

    notifier = Notifier(table, deliver)
    notifier.due()
    eventually(lambda: {n for n, _ in table.settled} == {2, 3})
    assert len(table.waiting) == 1
    go.set()
    eventually(lambda: len(table.settled) == 4)
    notifier.close(5)
    assert table.closed.is_set()
    assert len(table.threads) == 1


def test_a_worker_that_never_notifies_starts_no_thread():
    before = threading.active_count()
    notifier = Notifier(Table(), lambda _: GOOD)
    notifier.ended(5, notify=False)
    notifier.close(5)
    assert threading.active_count() == before


def test_closing_sends_what_is_due_and_waits_for_it():
    table = Table("a", "a", "b")
    notifier = Notifier(table, lambda _: GOOD)
    notifier.ended(1, notify=True)
    notifier.close(20)
    assert len(table.settled) == 3


def test_closing_does_not_wait_longer_than_it_may():
    table, go = Table("a"), threading.Event()
    notifier = Notifier(table, lambda _: go.wait(30) and GOOD)
    notifier.due()
    notifier.close(0.05)
    assert table.settled == []
    go.set()


def test_an_outage_is_waited_for(eventually, monkeypatch):
    monkeypatch.setattr(module, "AGAIN", 0.01)
    table = Table("a")
    table.failures = 3
    notifier = Notifier(table, lambda _: GOOD)
    notifier.due()
    eventually(lambda: table.settled == [(0, Delivery.DELIVERED)])
    notifier.close(5)


def test_the_command_runs_for_each_job_that_has_ended_and_for_no_other():
    table, ran = Table(), []
    table.events = {1: {"n": 1}, 3: {"n": 3}}
    notifier = Notifier(table, lambda _: GOOD, ran.append)
    for job_id in (1, 2, 3):
        notifier.ended(job_id, notify=False)
    notifier.close(20)
    assert sorted(event["n"] for event in ran) == [1, 3]


@pytest.mark.parametrize("most", [0, 2])
def test_commands_that_fall_behind_are_bounded(monkeypatch, most, caplog):
    monkeypatch.setattr(module, "MOST_COMMANDS", most)
    table = Table()
    table.failures = 10**6
    notifier = Notifier(table, lambda _: GOOD, lambda _: None)
    for job_id in range(5):
        notifier._queue_command(job_id)
    assert len(notifier._commands) == most
    assert caplog.text.count("left out") == 5 - most

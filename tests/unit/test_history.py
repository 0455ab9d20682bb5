"""The history checker of `jobctl torture` finds violations written by hand."""

from datetime import UTC, datetime

import pytest

from jobctl.core.lifecycle import Status
from jobctl.core.rows import Event
from jobctl.torture.history import History, check

AT = datetime(2026, 11, 25, tzinfo=UTC)
EFFECTS = [(1, 1, "one")]


def event(kind: str, lease: int | None = None, source: str | None = None, target: str | None = None, **detail) -> Event:
    return Event(0, 1, AT, kind, source, target, "", lease, detail)


def good() -> list[Event]:
    return [
        event("submit", target="pending"),
        event("claim", 1, "pending", "processing"),
        event("checkpoint", 1, stage="one", done=0),
        event("rescue", 1, "processing", "pending"),
        event("claim", 2, "pending", "processing"),
        event("checkpoint", 2, stage="two", done=4),
        event("checkpoint", 2, stage="two", done=8),
        event("fail", 2, "processing", "failed"),
        event("requeue", None, "failed", "pending"),
        event("claim", 3, "pending", "processing"),
        event("complete", 3, "processing", "completed"),
    ]


def kinds(
    events: list[Event], *, status: str = "completed", output: object = 1, retries: int = 1, effects=EFFECTS, **more
) -> set[str]:
    job = {"status": Status(status), "output": output, "expected": 1, "retry_count": retries}
    seen = History(
        more.get("acknowledged", frozenset({1})), more.get("jobs", {1: job}), events, effects, frozenset({"one"})
    )
    return set(check(seen).counts)


def test_a_failure_that_was_not_planned_is_a_charge():
    events = [
        event("submit", target="pending"), event("claim", 1, "pending", "processing"),
        event("fail", 1, "processing", "failed", message="planned failure"), event("requeue", None, "failed", "pending"),
        event("claim", 2, "pending", "processing"),
        event("fail", 2, "processing", "failed", message="the storage is full"),
    ]  # fmt: skip
    jobs = {1: {"status": Status.FAILED, "output": None, "expected": 1, "retry_count": 1}}
    for planned, found in (("planned failure", {"charged"}), ("", set())):
        verdict = check(History(frozenset({1}), jobs, events, [], frozenset(), planned=planned))
        assert verdict.counts.keys() == found


def test_a_crash_that_was_taken_back_is_counted_no_more():
    def history(*between: Event) -> list[Event]:
        return [
            event("submit", target="pending"), event("claim", 1, "pending", "processing"),
            event("rescue", 1, "processing", "pending", crash_count=1), *between,
            event("claim", 2, "pending", "processing"), event("rescue", 2, "processing", "pending", crash_count=1),
        ]  # fmt: skip

    assert "charged" in kinds(history(), retries=0)
    assert "charged" not in kinds(history(event("uncharge", 1)), retries=0)


def test_a_good_history_is_clean():
    assert kinds(good()) == set()


@pytest.mark.parametrize(
    ("found", "more"),
    [
        ({"lost"}, {"acknowledged": frozenset({1, 2})}),
        ({"bad"}, {"output": 2}),
        ({"charged"}, {"retries": 2}),
        ({"lost"}, {"effects": []}),
        ({"duplicated"}, {"effects": [(1, 1, "one"), (1, 1, "one")]}),
        ({"duplicated"}, {"effects": [(1, 1, "one"), (1, 2, "one")]}),
        ({"illegal"}, {"status": "cancelled"}),
    ],
)
def test_what_stands_is_held_against_the_history(found, more):
    assert kinds(good(), **more) == found


def test_a_job_that_never_came_to_rest_is_lost():
    assert kinds(good()[:-1], status="processing") == {"lost"}


@pytest.mark.parametrize(
    ("place", "inserted", "found"),
    [
        (5, event("checkpoint", 1, stage="x", done=0), "stale"),
        (4, event("checkpoint", 1, stage="x", done=0), "stale"),
        (5, event("checkpoint", 2, stage="one", done=0), "duplicated"),
        (7, event("checkpoint", 2, stage="two", done=8), "duplicated"),
        (8, event("restart", None, "pending", "completed"), "illegal"),
        (11, event("complete", 3, "processing", "completed"), "illegal"),
        (11, event("checkpoint", 3, stage="three", done=0), "stale"),
    ],
)
def test_a_line_too_much_is_found(place, inserted, found):
    events = good()
    events.insert(place, inserted)
    assert found in kinds(events)


def test_a_missing_move_is_found():
    events = good()
    del events[3]
    assert "illegal" in kinds(events)


def test_a_stage_may_run_again_after_a_restart_or_a_damaged_checkpoint():
    events = good()
    events[5:5] = [event("checkpoint_unusable", 2), event("checkpoint", 2, stage="one", done=0)]
    assert kinds(events, effects=[*EFFECTS, (1, 2, "one")]) == set()


def test_a_crash_is_charged_once_and_a_clock_that_was_set_back_is_nobodys():
    def rescues(*charged: tuple[int, str]) -> set[str]:
        events = [event("submit", target="pending")]
        for lease, (crashes, reason) in enumerate(charged, 1):
            events += [
                event("claim", lease, "pending", "processing"),
                event("rescue", lease, "processing", "pending", crash_count=crashes, reason=reason),
            ]
        last = len(charged) + 1
        events += [
            event("claim", last, "pending", "processing"),
            event("checkpoint", last, stage="one", done=0),
            event("complete", last, "processing", "completed"),
        ]
        return kinds(events, retries=0, effects=[(1, last, "one")])

    lost, back = "lease expired", "the clock was set back"
    assert rescues((1, lost), (1, back), (2, lost)) == set()
    assert rescues((1, back)) == {"charged"}
    assert rescues((1, lost), (1, lost)) == {"charged"}
    assert rescues((2, lost)) == {"charged"}

"""Limits: rates in words, how many jobs may start, whose turn it is."""

import pytest

from jobctl.core.limits import MOST, Room, parse_rate, rate_text
from jobctl.core.pipeline import Pipeline
from jobctl.worker.turns import Turns
from tests.unit.test_pipeline import Args


@pytest.mark.parametrize("text", ["1/s", "60/m", "7/m", "1000/h", "10/d", "1000000/s", "1/d"])
def test_a_rate_is_shown_as_it_was_given_or_in_a_shorter_period(text):
    assert parse_rate(rate_text(parse_rate(text))) == pytest.approx(parse_rate(text))


@pytest.mark.parametrize(("text", "shown"), [("60/m", "1/s"), ("30/m", "30/m"), (" 5 / s ", "5/s"), ("48/d", "2/h")])
def test_a_rate_is_shown_in_the_shortest_period_in_which_it_is_whole(text, shown):
    assert rate_text(parse_rate(text)) == shown


def test_a_rate_that_is_whole_in_no_period_is_shown_in_seconds():
    assert rate_text(1e-7) == "1e-07/s"


@pytest.mark.parametrize("text", ["", "5", "5/w", "0/s", "-1/s", "1.5/s", "9999999/s", "5/s/s", "x" * 500, "٣/s"])
def test_what_is_no_rate_is_refused(text):
    with pytest.raises(ValueError, match="not a rate"):
        parse_rate(text)


@pytest.mark.parametrize(
    ("running", "most", "rate", "tokens", "free", "next_in"),
    [
        (3, 4, None, None, 1, 0.0),
        (5, 4, None, None, 0, 0.0),
        (0, None, 2.0, 0.5, 0, 0.25),
        (0, None, 2.0, 3.9, 3, 0.0),
        (0, 9, 2.0, -1.0, 0, 1.0),
        (8, 9, 2.0, 3.0, 1, 0.0),
        (0, None, None, None, MOST, 0.0),
    ],
)
def test_both_parts_of_a_limit_hold(running, most, rate, tokens, free, next_in):
    room = Room("queue", "q", running, most, rate, tokens)
    assert (room.free, room.next_in) == (free, pytest.approx(next_in))


def test_a_job_type_declares_its_limits():
    made = Pipeline("a", args=Args, max_running=3, rate="60/m")
    assert (made.max_running, made.rate) == (3, 1.0)
    with pytest.raises(ValueError, match="max_running is 0"):
        Pipeline("a", args=Args, max_running=0)
    with pytest.raises(ValueError, match="not a rate"):
        Pipeline("a", args=Args, rate="often")


def served_in_order(turns: Turns, queues: list[str], starts: int) -> list[str]:
    order = []
    for _ in range(starts):
        chosen = min(queues, key=lambda queue: (turns.served(queue) + 1 / turns.weight(queue), queue))
        turns.started(chosen)
        order.append(chosen)
    return order


def test_queues_take_turns_by_their_weights():
    turns = Turns()
    turns.set(["a", "b"], {"b": 3})
    order = served_in_order(turns, ["a", "b"], 40)
    assert (order.count("a"), order.count("b")) == (10, 30)


def test_a_queue_that_had_no_work_does_not_catch_up():
    turns = Turns()
    turns.set(["a"], {})
    served_in_order(turns, ["a"], 100)
    turns.set(["a", "b"], {})
    assert served_in_order(turns, ["a", "b"], 4) == ["a", "b", "a", "b"]
    turns.set([], {})
    assert turns.served("a") == 0.0

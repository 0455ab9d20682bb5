"""The trace context of a submitter: well-formed, bounded, or left out."""

import pytest

from jobctl.core.job import NewJob
from jobctl.core.trace_context import STATE_CAP, trace_context, traced

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_both_fields_are_kept_and_nothing_else():
    assert trace_context({"traceparent": PARENT, "tracestate": "a=1", "x": "y"}) == {
        "traceparent": PARENT,
        "tracestate": "a=1",
    }
    assert trace_context({"traceparent": PARENT}) == {"traceparent": PARENT}


@pytest.mark.parametrize(
    "parent",
    [None, 7, "", "00-abc", PARENT.upper(), PARENT + "\n", PARENT + "-1", "ff" + PARENT[2:],
     "00-" + "0" * 32 + "-b7ad6b7169203331-01", PARENT[:36] + "0" * 16 + "-01"],
)  # fmt: skip
def test_what_is_no_trace_context_is_left_out(parent):
    assert trace_context({"traceparent": parent, "tracestate": "a=1"}) == {}


@pytest.mark.parametrize("state", ["", 7, "é=1", "a=1\n", "a" * (STATE_CAP + 1)])
def test_a_bad_state_is_left_out_and_the_parent_kept(state):
    assert trace_context({"traceparent": PARENT, "tracestate": state}) == {"traceparent": PARENT}


def test_a_job_keeps_its_other_metadata():
    job = NewJob("noop", {}, metadata={"label": "Noop"})
    assert traced(job, {}) is job
    assert traced(job, {"traceparent": PARENT}).metadata == {"label": "Noop", "trace": {"traceparent": PARENT}}

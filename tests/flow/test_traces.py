"""A worker sends the spans of its jobs to a collector, in the trace of who submitted them."""

import pytest

from tests.receiver import receiving

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

pytest.importorskip("opentelemetry.exporter.otlp.proto.http")


def spans(received):
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    found = []
    for _, body in received:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            assert {"service.name": "jobctl"}.items() <= {a.key: a.value.string_value for a in resource.resource.attributes}.items()  # fmt: skip
            found += [span for scope in resource.scope_spans for span in scope.spans]
    return found


def test_every_stage_of_a_job_is_a_span_below_the_submit(shell):
    with receiving(*[200] * 9) as collector:
        assert shell("submit", "steps", "--set", "items=3", env={"TRACEPARENT": PARENT}).code == 0
        done = shell("worker", "run", "--drain", "-c", 1, env={"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url})
        assert done.code == 0, done.err
    found = spans(collector.received)
    attempt = next(span for span in found if span.name == "process steps")
    assert attempt.trace_id.hex() in PARENT
    assert attempt.parent_span_id.hex() in PARENT
    stages = [span for span in found if span is not attempt]
    assert {span.parent_span_id for span in stages} == {attempt.span_id}
    assert [span.name for span in stages] == ["stage first", "stage squares", "stage total", "stage last"]


def test_a_program_goes_on_with_the_trace(shell):
    shell("submit", "--", "sh", "-c", "echo trace $TRACEPARENT", env={"TRACEPARENT": PARENT})
    with receiving(*[200] * 9) as collector:
        environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
        assert shell("worker", "run", "--drain", "--allow-commands", env=environment).code == 0
    assert f"trace 00-{PARENT.split('-')[1]}-" in shell("logs", 1).out


def test_a_collector_that_is_away_fails_and_delays_no_job(shell, conn):
    shell("submit", "noop")
    done = shell("worker", "run", "--drain", "-c", 1, env={"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"})
    assert done.code == 0, done.err
    assert conn.execute("SELECT status FROM jobs").fetchone() == ("completed",)
    assert shell("logs", 1).out == ""


def test_a_schedule_does_not_keep_the_trace_of_who_added_it(shell, conn):
    added = shell("schedule", "add", "often", "noop", "--every", "1h", env={"TRACEPARENT": PARENT})
    assert added.code == 0, added.err
    assert PARENT not in str(conn.execute("SELECT job FROM schedules").fetchone())

"""Traces: whether they are wanted, what a span holds, and what is imported for them."""

import os
import subprocess
import sys
from dataclasses import replace
from functools import partial

import pytest

from jobctl import wiring
from jobctl.core.attempt import Claimed, Failure, Outcome, Token
from jobctl.core.errors import PauseNow
from jobctl.core.lifecycle import Ending
from jobctl.core.pipeline import Pipeline
from jobctl.programs.environment import program_environment
from jobctl.system import clock
from jobctl.wiring import tracing
from jobctl.worker.tracing import NoTracer, submitted_in

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
JOB = Claimed(Token(7, 2, "x"), "count", "", "mail", 2, clock.now(), "{}", f'{{"trace": {{"traceparent": "{PARENT}"}}}}', 0, 3, "{}")  # fmt: skip


def test_nothing_of_it_is_imported_where_no_variable_asks_for_traces():
    program = """
import sys
from jobctl.wiring import tracing
from jobctl.worker.tracing import NoTracer
assert tracing.variables_of({"PATH": "/bin", "OTEL_SERVICE_NAME": "x"}, print) == {}
assert isinstance(tracing.tracer({}), NoTracer)
assert tracing.submitter({})() == {}
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.parametrize(
    ("variables", "exporters"),
    [
        ({}, []),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://here"}, ["otlp_proto_http"]),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://here"}, ["otlp_proto_http"]),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://here", "OTEL_SDK_DISABLED": "True"}, []),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://here", "OTEL_TRACES_EXPORTER": "none"}, []),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, []),
        ({"OTEL_TRACES_EXPORTER": "console, otlp"}, ["console", "otlp_proto_http"]),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, ["otlp_proto_grpc"]),
    ],
)
def test_the_usual_variables_choose_the_exporters(variables, exporters):
    assert tracing._exporters(variables) == exporters


def test_a_worker_without_the_extra_says_so_and_works(monkeypatch):
    monkeypatch.setattr(tracing, "find_spec", lambda _: None)
    said = []
    assert tracing.variables_of({"OTEL_TRACES_EXPORTER": "otlp"}, said.append) == {}
    assert said == ["no traces: they need jobctl[otel], which is not installed"]


def test_an_unknown_exporter_is_named_and_prevents_no_work(monkeypatch):
    pytest.importorskip("opentelemetry.sdk")
    said = []
    assert tracing.variables_of({"OTEL_TRACES_EXPORTER": "zipkin"}, said.append) == {}
    assert said == [
        "no traces: OTEL_TRACES_EXPORTER: no exporter named 'zipkin'; one of: " + ", ".join(tracing._installed())
    ]


@pytest.mark.parametrize(
    "metadata", ["{}", '{"trace": 1}', '{"trace": {"traceparent": "x"}}', '["trace"]', '"trace"', '"trace"{', "[" * 99_999 + '"trace"']
)  # fmt: skip
def test_metadata_that_holds_no_context_gives_none(metadata):
    assert submitted_in(replace(JOB, metadata=metadata)) == {}


def test_the_submitter_is_in_the_trace_of_its_environment():
    assert tracing.submitter({"TRACEPARENT": PARENT, "TRACESTATE": "a=1"})() == {
        "traceparent": PARENT,
        "tracestate": "a=1",
    }


def test_without_a_tracer_nothing_happens():
    none = NoTracer()
    with none.attempt(JOB) as ended, none.stage("one"):
        ended(None)
    assert none.context() == {}
    none.close()


# -- with the SDK ------------------------------------------------------------------------------------------------------


@pytest.fixture
def recorded():
    """A tracer, and the spans that it has ended."""
    pytest.importorskip("opentelemetry.sdk")
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from jobctl.worker.spans import SpanTracer

    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return SpanTracer(provider, "1"), exporter.get_finished_spans


def test_an_attempt_and_its_stages_are_spans_in_the_trace_of_the_submitter(recorded):
    tracer, ended = recorded
    with tracer.attempt(JOB) as end:
        with tracer.stage("one"):
            pass
        with tracer.stage("two"):
            pass
        end(Outcome(JOB.token, Ending.COMPLETED))
    one, two, attempt = ended()
    assert [span.name for span in (attempt, one, two)] == ["process count", "stage one", "stage two"]
    assert f"{attempt.context.trace_id:x}" in PARENT
    assert f"{attempt.parent.span_id:x}" in PARENT
    assert one.parent.span_id == two.parent.span_id == attempt.context.span_id
    assert dict(attempt.attributes) == {
        "jobctl.job.id": 7, "jobctl.job.type": "count", "jobctl.job.queue": "mail", "jobctl.job.attempt": 2,
        "jobctl.outcome": "completed",
    }  # fmt: skip
    assert one.attributes["jobctl.stage"] == "one"
    assert {span.status.status_code.name for span in (one, two, attempt)} == {"UNSET"}


def test_an_error_is_shown_by_its_class_with_the_redacted_message(recorded):
    tracer, ended = recorded
    with tracer.attempt(JOB) as end:
        with pytest.raises(ValueError, match="hunter2"), tracer.stage("one"):
            raise ValueError("hunter2")
        end(Outcome(JOB.token, Ending.FAILED, failure=Failure("permanent", "***", "***")))
    stage, attempt = ended()
    assert (stage.status.status_code.name, stage.attributes["error.type"]) == ("ERROR", "ValueError")
    assert (attempt.status.description, attempt.attributes["error.type"]) == ("***", "permanent")
    assert "hunter2" not in stage.to_json() + attempt.to_json()


def test_a_pause_is_no_error(recorded):
    tracer, ended = recorded
    with tracer.attempt(JOB) as end:
        with pytest.raises(PauseNow), tracer.stage("one"):
            raise PauseNow
        end(None)
    stage, attempt = ended()
    assert stage.status.status_code.name == "UNSET"
    assert attempt.attributes["jobctl.outcome"] == "settled"


def test_a_job_that_a_stage_submits_is_in_its_trace(recorded):
    tracer, ended = recorded
    from pydantic import BaseModel

    submit = partial(
        wiring.request, wiring.settings({}, {"HOME": "/x"}), trace=tracer.context,
        load=lambda _: Pipeline("next", args=type("Empty", (BaseModel,), {})),
    )  # fmt: skip
    with tracer.attempt(JOB), tracer.stage("one"):
        new = submit("next", {}, created_by="job:7")
    assert f"{ended()[0].context.span_id:016x}" in new.metadata["trace"]["traceparent"]


def test_programs_of_a_stage_find_its_span_in_their_environment(recorded):
    tracer, ended = recorded
    with tracer.attempt(JOB):
        with tracer.stage("one"):
            shown = os.environ["TRACEPARENT"]
            assert program_environment(os.environ)["TRACEPARENT"] == shown
        assert "TRACEPARENT" not in os.environ
    assert f"{ended()[0].context.span_id:016x}" in shown


def test_an_application_submits_within_its_present_span(recorded):
    from opentelemetry import trace

    trace_of = tracing.submitter({"TRACEPARENT": PARENT})
    with recorded[0].attempt(replace(JOB, metadata="{}")):
        own = f"{trace.get_current_span().get_span_context().span_id:016x}"
        assert own in trace_of()["traceparent"]
    assert trace_of()["traceparent"] == PARENT


def test_the_variables_of_the_exporter_are_not_left_to_handlers():
    pytest.importorskip("opentelemetry.sdk")
    program = """
import os
from jobctl.wiring import tracing
found = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_HEADERS": "token=1"}
made = tracing.tracer(found)
print(type(made).__name__, [name for name in os.environ if name.startswith("OTEL_")])
os._exit(0)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False,
        env={name: value for name, value in os.environ.items() if not name.startswith("OTEL_")},
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("SpanTracer []\n", "")


def test_last_spans_that_cannot_be_sent_are_dropped(recorded, monkeypatch):
    from threading import Event

    from jobctl.worker import spans

    tracer, _ = recorded
    never = Event()
    monkeypatch.setattr(spans, "CLOSES_WITHIN", 0.01)
    monkeypatch.setattr(tracer._provider, "shutdown", never.wait)
    tracer.close()
    never.set()

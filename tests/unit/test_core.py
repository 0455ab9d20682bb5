import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from jobctl import Pipeline
from jobctl.core import checkpoint, errors, lifecycle, names, plain, retry
from jobctl.core.lifecycle import JobFlags, Status
from jobctl.core.terms import terms

ROOT = Path(__file__).parents[2]
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text() | st.binary(max_size=50),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text().filter(lambda k: k != "$bytes"), inner, max_size=4),
    max_leaves=10,
)


@given(JSONS)
def test_a_checkpoint_gives_back_what_went_in_and_the_same_bytes_each_time(value):
    segment = checkpoint.Segment("stage", value, 3, complete=True)
    try:
        data = checkpoint.encode(segment)
    except UnicodeEncodeError:  # lone surrogates are no text
        return
    assert checkpoint.decode(data) == segment
    assert checkpoint.encode(segment) == data


def test_any_flipped_byte_changes_the_hash_and_never_decodes_to_another_value():
    segment = checkpoint.Segment("stage", {"numbers": list(range(50)), "raw": b"\x00\x01"}, 0, complete=True)
    data = checkpoint.encode(segment)
    for place in range(len(data)):
        flipped = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        assert checkpoint.digest(flipped) != checkpoint.digest(data)


def test_a_truncated_or_oversized_checkpoint_is_corrupt():
    data = checkpoint.encode(checkpoint.Segment("stage", "x" * 10_000, 0, complete=True))
    for bad in (data[:-1], data + b"x", b"", b"JCP1", b"nonsense"):
        with pytest.raises(errors.CheckpointCorrupt):
            checkpoint.decode(bad)
    with pytest.raises(errors.CheckpointCorrupt):
        checkpoint.decode(data, max_bytes=1_000)


def test_what_cannot_be_a_checkpoint_is_named_with_its_place():
    with pytest.raises(errors.Permanent, match=r"counting\.things\[1\]: a value of type set cannot be kept"):
        plain.plain({"things": [1, {2}]}, "counting")


def test_checkpoint_keys_are_free_of_user_text():
    key = checkpoint.key(7, 2, "abcdef01-2345", 3, "Über/../weird", "f" * 64)
    assert re.fullmatch(r"jobs/7/2-abcdef01/3-[a-z0-9_]+-f{16}", key)
    assert checkpoint.lease_seq_of(key) == 2


def test_backoff_is_one_two_four_eight_sixteen_thirty_thirty_minutes():
    assert [retry.backoff(n) / 60 for n in range(8)] == [1, 2, 4, 8, 16, 30, 30, 30]
    assert retry.backoff(2, 0.999) <= 4 * 60 * 1.1


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TimeoutError("x"), "transient"),
        (ConnectionResetError(), "transient"),
        (errors.Paywall("x"), "paywall"),
        (FileNotFoundError("x"), "invalid"),
        (ValueError("chunk 1503 is invalid"), "invalid"),
        (RuntimeError("429 quota exceeded"), "paywall"),
        (RuntimeError("HTTP 503 from upstream"), "transient"),
        (RuntimeError("page 503 has no margin"), "permanent"),
        (RuntimeError("429 Too Many Requests"), "transient"),
        (RuntimeError("402 Payment Required"), "paywall"),
        (ZeroDivisionError("division by zero"), "permanent"),
    ],
)
def test_errors_are_classified_by_type_and_code_before_words(error, kind):
    assert retry.classify(error) == kind


def test_a_recorded_error_has_no_nul_no_lone_surrogate_and_a_bounded_size():
    failure = retry.failure(RuntimeError("a\x00b\ud800" + "x" * 100_000))
    for text in (failure.message, failure.raw, failure.trace):
        assert "\x00" not in text
        text.encode()
    assert len(failure.raw.encode()) <= retry.RAW_CAP
    assert len(failure.trace.encode()) <= retry.TRACE_CAP


@pytest.mark.parametrize(
    ("label", "title", "mode", "shown"),
    [
        ("Processing", "The Man Who Sold the World.pdf", None, "Processing: The Man Who Sold the World.pdf"),
        ("Import", "Oppose Book Worship", "with embeddings", "Import: Oppose Book Worship (with embeddings)"),
        ("Connections", "My Document", "Smart Mode", "Connections: My Document (Smart Mode)"),
        ("Export", "5 documents", "with connections", "Export: 5 documents (with connections)"),
    ],
)
def test_display_names_are_exactly_those_of_the_manual(label, title, mode, shown):
    assert names.display_name(label, title, mode) == shown


def test_actions_follow_from_the_table_of_moves():
    shown = {status: lifecycle.actions(JobFlags(status)) for status in Status}
    assert shown[Status.PENDING] == ("pause", "cancel")
    assert shown[Status.PROCESSING] == ("pause", "cancel")
    assert shown[Status.PAUSED] == ("resume", "cancel")
    assert shown[Status.FAILED] == ("retry", "restart", "cancel", "delete")
    assert shown[Status.CANCELLED] == ("retry", "restart", "delete")
    assert shown[Status.COMPLETED] == ("restart", "delete")
    assert lifecycle.actions(JobFlags(Status.PROCESSING, pause_requested=True)) == ("resume", "cancel")
    assert lifecycle.actions(JobFlags(Status.PROCESSING, cancel_requested=True)) == ()
    assert "retry" not in lifecycle.actions(JobFlags(Status.FAILED, retry_count=3))


def test_no_status_word_stands_in_the_code_outside_the_table():
    words = "|".join(Status)
    literal = re.compile(rf"""(?<![\w.-])["']({words})["'](?!\w)""")
    code = [
        path for path in (ROOT / "jobctl").rglob("*.py") if not {"documents", "handlers"} & set(path.parts)
    ]  # no jobs there
    places = {str(path.relative_to(ROOT / "jobctl")) for path in code if literal.search(path.read_text())}
    assert places == {"core/lifecycle.py", "postgres/tables/jobs.py"}  # the latter describes SQL


def test_all_problems_of_an_input_are_named_at_once():
    class Args(BaseModel):
        model_config = ConfigDict(extra="forbid")
        path: str
        size: int = 1

    with pytest.raises(errors.InvalidArguments) as caught:
        Pipeline("x", args=Args).validate({"size": "big", "colour": 1})
    assert [p.split(":")[0] for p in caught.value.problems] == ["path", "size", "colour"]


def test_shares_give_the_percent():
    class Args(BaseModel):
        pass

    pipeline = Pipeline("x", args=Args)
    pipeline.stage(share=30, name="a")(lambda ctx, args: 1)
    pipeline.stage(share=10, name="b")(lambda ctx, args: 1)
    assert [pipeline.span(i) for i in (0, 1)] == [(0.0, 75.0), (75.0, 100.0)]
    with pytest.raises(ValueError, match="two stages named a"):
        pipeline.stage(share=1, name="a")(lambda ctx, args: 1)


def test_terms_cover_scripts_without_spaces():
    assert terms("Debian の創設者") == ["debian", "の創", "創設", "設者"]
    assert terms("Non-Maintainer Uploads, 3rd") == ["non", "maintainer", "uploads", "3rd"]


def test_the_diagram_shows_every_move():
    diagram = lifecycle.diagram()
    for move in lifecycle.MOVES:
        assert f": {move.name}\n" in diagram
    assert json.dumps(diagram)


def test_no_decision_is_taken_by_a_machines_own_clock():
    """A worker whose clock is a day off does nothing wrong: every instant that counts is the database's."""
    wall = re.compile(r"\bclock\.(?:local_)?now\(|\btime\.time\(|\bdatetime\.(?:now|utcnow|today)\(|\bdate\.today\(")
    modules = [
        path
        for package in ("core", "postgres", "worker", "storage", "client")
        for path in (ROOT / "jobctl" / package).rglob("*.py")
    ]
    reading = {path.name for path in modules if wall.search(path.read_text())}
    assert reading == {"progress.py"}  # "updated_at" of the progress that is shown

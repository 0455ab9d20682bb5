"""What the database accepts in a row, whoever writes it: size, depth and numbers that every reader can decode."""

import json

import psycopg
import pytest

from jobctl.core.attempt import Outcome
from jobctl.core.bounds import MAX_INPUT, MAX_LEVELS, too_deep
from jobctl.core.errors import UsageError
from jobctl.core.filters import Filters
from jobctl.core.job import NewJob
from jobctl.core.lifecycle import Ending, Status


def nested(levels: int) -> str:
    """An object with so many levels below it."""
    return '{"a": ' + "[" * (levels - 1) + "1" + "]" * (levels - 1) + "}"


REFUSED = {
    "5,000 levels": nested(5000),
    "a level too many": nested(MAX_LEVELS),
    "objects too deep": '{"a":' * MAX_LEVELS + "1" + "}" * MAX_LEVELS,
    "deep beside shallow": '{"z": 1, "a": [1, {"b": ' + nested(MAX_LEVELS) + "}]}",
    "too large": json.dumps({"a": "x" * MAX_INPUT}),
    "a number of 5,000 digits": '{"a": [{"b": 1e5000}]}',
    "a negative number of 5,000 digits": '{"a": -1e5000}',
    "no object": "[]",
    "text": '"x"',
}
ACCEPTED = {
    "as deep as it may be": nested(MAX_LEVELS - 1),
    "as large as it may be": json.dumps({"a": "x" * (MAX_INPUT - len('{"a": ""}'))}),
    "brackets in a text": json.dumps({"a": "[" * 5000}),
    "digits in a text": json.dumps({"a": "9" * 5000}),
    "a long fraction": '{"a": 0.' + "1" * 5000 + "}",
    "a number of 300 digits": '{"a": 1e300}',
    "empty": "{}",
}
COLUMNS = ("input_data", "metadata", "labels")


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("value", REFUSED.values(), ids=REFUSED)
def test_a_value_that_a_reader_cannot_decode_is_refused_on_insert_and_update(conn, column, value):
    with pytest.raises(psycopg.errors.CheckViolation, match=f"{column} is not accepted"):
        conn.execute(f"INSERT INTO jobs (job_type, {column}) VALUES ('a', %s)", [value])
    conn.execute("INSERT INTO jobs (job_type) VALUES ('a')")
    with pytest.raises(psycopg.errors.CheckViolation, match=f"{column} is not accepted"):
        conn.execute(f"UPDATE jobs SET {column} = %s", [value])


@pytest.mark.parametrize("column", ["input_data", "metadata"])
@pytest.mark.parametrize("value", ACCEPTED.values(), ids=ACCEPTED)
def test_a_value_within_the_limits_is_accepted(conn, queue, column, value):
    conn.execute(f"INSERT INTO jobs (job_type, {column}) VALUES ('a', %s)", [value])
    assert len(queue.find(Filters(), full=True)) == 1


@pytest.mark.parametrize("value", [nested(MAX_LEVELS), json.dumps({"a": "x" * 3000}), "[]"])
def test_progress_is_small_and_shallow(conn, value):
    conn.execute("INSERT INTO jobs (job_type) VALUES ('a')")
    with pytest.raises(psycopg.errors.CheckViolation):
        conn.execute("UPDATE jobs SET progress = %s", [value])


def test_a_result_that_is_too_deep_fails_its_job_and_no_other(queue, claim):
    queue.submit([NewJob("a", {}), NewJob("a", {})])
    first, second = claim()
    deep = nested(500)
    queue.settle([Outcome(first.token, Ending.COMPLETED, output=deep), Outcome(second.token, Ending.COMPLETED)])
    jobs = {job.id: job for job in queue.find(Filters(), full=True)}
    assert (jobs[1].status, jobs[2].status) == (Status.FAILED, Status.COMPLETED)
    assert "output_data is not accepted" in jobs[1].error_message


@pytest.mark.parametrize("value", ['"soon"', "[5]", "-1", "1e300", "null", "{}"])
def test_a_reservation_that_no_claim_could_read_is_refused(conn, value):
    """A claim calculates with it: one such row would stop every worker."""
    with pytest.raises(psycopg.errors.CheckViolation, match="metadata"):
        conn.execute("INSERT INTO jobs (job_type, metadata) VALUES ('a', %s)", [f'{{"reserved_s": {value}}}'])


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("metadata", '{"label": {"a": 1}}'), ("metadata", '{"mode": ["x"]}'), ("metadata", '{"stages": "one"}'),
        ("metadata", '{"stages": null}'), ("metadata", '{"inputs": ["a"]}'), ("labels", '{"a": 1}'), ("labels", '{"a": {"b": "c"}}'),
        ("labels", '{"a": null}'), ("labels", '{"a": ["b"]}'),
    ],
)  # fmt: skip
def test_what_a_list_reads_has_its_type(conn, column, value):
    with pytest.raises(psycopg.errors.CheckViolation, match=f"{column} is not accepted"):
        conn.execute(f"INSERT INTO jobs (job_type, {column}) VALUES ('a', %s)", [value])


@pytest.mark.parametrize("moment", ["infinity", "-infinity", "4000-01-01 BC", "0001-01-01", "200000-01-01"])
def test_an_instant_that_python_does_not_have_is_refused(conn, moment):
    """A claim reads it: one such row would end every worker that takes the job."""
    with pytest.raises(psycopg.errors.CheckViolation, match="run_after is not accepted"):
        conn.execute("INSERT INTO jobs (job_type, run_after) VALUES ('a', %s)", [moment])
    conn.execute("INSERT INTO jobs (job_type) VALUES ('a')")
    with pytest.raises(psycopg.errors.CheckViolation, match="run_after is not accepted"):
        conn.execute("UPDATE jobs SET run_after = %s", [moment])


DECODED = {
    "events": "INSERT INTO events (job_id, kind, detail) VALUES (1, 'x', %s)",
    "workers": "INSERT INTO workers (name, host, pid, version, job_types) VALUES ('w', 'h', 1, '0', %s)",
    "import_review": "INSERT INTO import_review (source, source_id, payload) VALUES ('s', '1', %s)",
    "documents": "INSERT INTO documents (uid, title, source_type, markdown_key, markdown_sha256, engine, frontmatter) "
    "VALUES (gen_random_uuid(), 't', 'text', 'k', repeat('0', 64), 'e', %s)",
}


@pytest.mark.parametrize("table", DECODED)
def test_other_json_that_a_reader_decodes_is_bounded_too(conn, table):
    for value in (nested(5000), '{"a": 1e5000}'):
        with pytest.raises(psycopg.errors.CheckViolation):
            conn.execute(DECODED[table], [value])
    conn.execute(DECODED[table], [nested(50)])


def test_a_heartbeat_does_not_read_the_input(conn):
    """The limits are judged where their columns are written, and only there: a lease is extended without a look at them."""
    columns = conn.execute(
        "SELECT t.tgname, array_agg(a.attname::text ORDER BY a.attname) FROM pg_trigger t "
        "JOIN pg_attribute a ON a.attrelid = t.tgrelid AND a.attnum = ANY (t.tgattr) "
        "WHERE t.tgrelid = 'jobctl.jobs'::regclass AND t.tgname LIKE 'refuse_new%' GROUP BY 1"
    ).fetchall()
    assert dict(columns) == {
        "refuse_new_values": ["input_data", "labels", "metadata", "run_after"],
        "refuse_new_progress": ["progress"],
        "refuse_new_output": ["output_data"],
    }
    checks = conn.execute(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'jobctl.jobs'::regclass AND contype = 'c'"
    ).fetchall()
    assert not any(name in text for (text,) in checks for name in ("input_data", "output_data", "metadata"))


def test_the_depth_is_counted_as_the_database_counts_it(conn):
    for levels in (1, MAX_LEVELS - 1, MAX_LEVELS, MAX_LEVELS + 1):
        for value in (nested(levels), '{"a":' * levels + "1" + "}" * levels, '{"b": 1, "a": ' + nested(levels) + "}"):
            (fits,) = conn.execute("SELECT fits(%s::jsonb, 65536)", [value]).fetchone()
            assert too_deep(json.loads(value)) is not fits, (levels, value)


def test_what_the_database_refuses_is_a_usage_error_of_submit(queue):
    with pytest.raises(UsageError, match="input_data is not accepted"):
        queue.submit([NewJob("a", {"a": "x" * MAX_INPUT})])


DEEP = {"as far as Python reads": 500, "further": 200_000}


@pytest.mark.parametrize("levels", DEEP.values(), ids=DEEP)
def test_a_deep_payload_is_a_usage_error_with_a_reason(cli, tmp_path, levels):
    value = "[" * levels + "]" * levels
    (tmp_path / "deep.json").write_text(f'{{"path": {value}}}')
    (tmp_path / "deep.ndjson").write_text(f'{{"type": "noop", "input": {{"a": {value}}}}}\n')
    for words in (
        ("noop", "--payload", f"@{tmp_path / 'deep.json'}"), ("noop", "--set", f"a={value}"), ("-f", tmp_path / "deep.ndjson"),
    ):  # fmt: skip
        done = cli("submit", *words)
        assert (done.code, done.out) == (2, ""), words
        assert "nested" in done.err
        assert len(done.err) < 500

"""The roles of ``jobctl db roles``, tried as the logins that have them: what each can do, and everything that it cannot."""

import json
import re
from importlib.resources import files
from itertools import product

import msgspec
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from jobctl.core.attempt import Outcome, Record
from jobctl.core.errors import ConfigError, JobctlError, UsageError
from jobctl.core.filters import Filters
from jobctl.core.job import NewJob, Progress
from jobctl.core.lifecycle import Ending, Status
from jobctl.core.retry import failure
from jobctl.postgres import migrate
from jobctl.postgres.connect import connect
from jobctl.postgres.lease_rows import ClaimTarget
from jobctl.postgres.queue import Queue
from jobctl.postgres.retention import RetentionQueue
from jobctl.postgres.roles import FIXED, LIBRARY, statements
from jobctl.postgres.tables import metadata
from tests import servers
from tests.conftest import new_database
from tests.postgres.role_logins import MEMBERS, logins_of

LANES = [ClaimTarget("default", "a", 2), ClaimTarget("default", "b", 2)]
RECORD = Record(1, "s", 1, True, "jobs/x", "0" * 64, 5, True)
REFUSED = psycopg.errors.InsufficientPrivilege
CONTROLS = ("pause", "resume", "cancel", "retry", "restart", "delete")


@pytest.fixture
def logins(conn, database_url):
    with logins_of(conn, database_url) as logins:
        yield logins


@pytest.fixture
def anns(logins, queue, claim):
    """A job of ann's with a secret in each place that could show it; ``queue`` is the owner's."""
    ann = logins.queue("ann")
    job = ann.submit([NewJob("a", {"secret": "s3cret"}, title="s3cret", key="s3cret", labels={"s3cret": "1"})])[0].id
    (mine,) = claim()
    queue.log([(job, 1, "info", None, "s3cret")])
    queue.commit_stage(mine.token, Record(1, "s", 1, True, "jobs/s3cret", "0" * 64, 5, True))
    queue.settle([Outcome(mine.token, Ending.FAILED, failure=failure(ValueError("s3cret")))])
    ann.submit([NewJob("a", {"secret": "s3cret"}, after=(job,))])
    queue.submit([NewJob("a", {"secret": "s3cret"}, created_by="an operator")])
    return job


def refuses(connection: psycopg.Connection, *statements_: str) -> None:
    """Each statement, in a transaction of its own, ends with a lack of privilege and nothing else."""
    for statement in statements_:
        try:
            with connection.transaction(force_rollback=True):
                connection.execute(statement)
        except REFUSED:
            continue
        pytest.fail(f"not refused: {statement}")


# -- submitter -------------------------------------------------------------------------------------------------------


def test_a_submitter_controls_its_own_jobs(logins):
    ann = logins.queue("ann")
    assert [s.id for s in ann.submit([NewJob("a", {"n": 1}), NewJob("a", {}, concurrency_key="k"), NewJob("a", {})])]
    for verb in ("pause", "resume", "pause", "cancel", "retry", "cancel", "restart", "cancel", "delete"):
        assert getattr(ann, verb)([2])[0].outcome == "done", verb
    (job,) = ann.find(Filters(ids=(1,)), full=True)
    assert (job.input_data, job.created_by) == ({"n": 1}, logins.name("ann"))


def test_whatever_name_is_given_the_job_and_its_history_have_that_of_the_login(logins, conn):
    ann = logins.queue("ann", actor="root")
    ann.submit(
        [NewJob("a", {}, created_by="root"), NewJob("a", {}, created_by="job:1"), NewJob("a", {}, created_by="")]
    )
    for verb in ("pause", "resume", "cancel", "restart"):
        getattr(ann, verb)([1, 2, 3])
    assert conn.execute("SELECT DISTINCT created_by FROM jobs").fetchall() == [(logins.name("ann"),)]
    assert conn.execute("SELECT DISTINCT actor FROM events").fetchall() == [(logins.name("ann"),)]
    assert conn.execute("SELECT count(*) FROM events").fetchone() == (15,)


def test_several_verbs_in_one_transaction_and_a_dry_run_work_for_a_submitter(logins, conn):
    ann = logins.queue("ann")
    with ann.transaction(dry_run=True):
        assert ann.submit([NewJob("a", {})])[0].created
    assert conn.execute("SELECT count(*) FROM jobs").fetchone() == (0,)
    with ann.transaction():
        first = ann.submit([NewJob("a", {})])[0].id
        ann.submit([NewJob("a", {}, after=(first,))])
    assert len(ann.find(Filters())) == 2


def test_a_job_in_the_form_of_a_finished_one_is_a_new_job(logins, conn):
    row = {
        "n": 0, "job_type": "a", "title": "", "queue": "default", "priority": 2, "labels": {}, "input_data": {}, "metadata": {},
        "max_retries": 3, "status": "completed", "output_data": {"forged": 1}, "id": 77, "lease_seq": 5, "created_by": "root",
        "waiting_on": "key", "started_at": "2020-01-01", "entity_id": "1",
    }  # fmt: skip
    logins.connection("bob").execute("SELECT jobctl.checked_submit(%s)", [json.dumps({"rows": [row]})])
    made = conn.execute("SELECT id, status, output_data, lease_seq, created_by, waiting_on, started_at FROM jobs")
    assert made.fetchall() == [(1, "pending", None, 0, logins.name("bob"), None, None)]


@pytest.mark.parametrize(
    "metadata_",
    [
        {"inputs": {"/a": {"key": "jobs/1/1-x/1-s-0", "sha256": "0" * 64}}},
        {"inputs": {"/a": {"key": f"markdown/00/{'0' * 64}.md", "sha256": "0" * 64}}},
        {"inputs": {"/a": {"key": "inputs/00/"}}},
        {"inputs": {"/a": {"sha256": "0" * 64}}},
        {"inputs": {"/a": "jobs/1"}},
        {"inputs": ["jobs/1"]},
        {"reserved_s": "soon"},
        [],
    ],
    ids=json.dumps,
)
def test_a_job_cannot_name_bytes_of_others_or_stop_the_claims(logins, metadata_):
    with pytest.raises(UsageError):
        logins.queue("bob").submit([NewJob("a", {}, metadata=metadata_)])


def test_an_input_file_under_its_hash_is_accepted(logins):
    sha256 = "ab" * 32
    inputs = {"/a": {"key": f"inputs/ab/{sha256}", "sha256": sha256, "size": 1, "name": "a"}}
    assert logins.queue("bob").submit([NewJob("a", {}, metadata={"inputs": inputs})])[0].created


def test_of_the_jobs_of_others_a_submitter_sees_nothing(logins, anns):
    bob = logins.connection("bob")
    for table in ("jobs", "events", "job_logs", "checkpoints", "job_dependencies"):
        assert bob.execute(f"SELECT count(*) FROM jobctl.{table}").fetchone() == (0,), table
        with bob.cursor().copy(f"COPY jobctl.{table} TO STDOUT") as copy:
            assert b"".join(copy) == b""
    queue = logins.queue("bob")
    assert queue.find(Filters(), full=True) == []
    assert queue.count(Filters()) == 0
    assert queue.statuses([anns]) == {}
    assert queue.events([anns]) == queue.events(None) == queue.logs(anns) == queue.checkpoints([anns]) == []
    for verb, values in (
        ("stats", {"since": None, "types": None, "queue": None, "within": 9}), ("errors", {"since": None, "types": None, "queue": None, "failures": 9}),
        ("descendants", {"ids": [anns]}), ("dependencies", {"id": anns + 1}), ("attempts", {"ids": [anns]}), ("ready_queues", {}),
    ):  # fmt: skip
        assert "s3cret" not in str(queue._run(verb, **values))
        assert queue._run(verb, **values) == []


def test_a_function_of_the_caller_sees_no_row_of_others(logins, anns):
    """Row-level security runs before a condition that could carry a value out."""
    bob = logins.connection("bob")
    leaked = []
    bob.add_notice_handler(lambda notice: leaked.append(notice.message_primary))
    bob.execute(
        "CREATE FUNCTION pg_temp.leak(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS "
        "$$ BEGIN RAISE WARNING '%', $1; RETURN true; END $$"
    )
    bob.execute("SELECT * FROM jobctl.jobs WHERE pg_temp.leak(title) OR pg_temp.leak(input_data::text)")
    bob.execute("SELECT * FROM jobctl.events WHERE pg_temp.leak(detail::text)")
    assert leaked == []


def test_statistics_of_the_planner_show_nothing_of_others(logins, anns, conn):
    conn.execute("ANALYZE jobs")
    bob = logins.connection("bob")
    assert bob.execute(
        "SELECT count(*) FROM pg_stats WHERE schemaname = 'jobctl' AND tablename = 'jobs'"
    ).fetchone() == (0,)


@pytest.mark.parametrize("status", ["pending", "failed", "paused", "cancelled", "processing"])
def test_a_verb_on_a_job_of_another_finds_no_job_and_changes_nothing(logins, conn, queue, claim, status):
    ann = logins.queue("ann")
    ann.submit([NewJob("a", {})])
    if status in ("failed", "processing"):
        token = claim()[0].token
        if status == "failed":
            queue.settle([Outcome(token, Ending.FAILED, failure=failure(ValueError("x")))])
    elif status in ("paused", "cancelled"):
        getattr(ann, {"paused": "pause", "cancelled": "cancel"}[status])([1])
    look = "SELECT jobs::text, (SELECT count(*) FROM events), (SELECT count(*) FROM checkpoints) FROM jobs"
    before = conn.execute(look).fetchall()
    bob = logins.queue("bob")
    for verb in CONTROLS:
        assert getattr(bob, verb)([1]) == [], verb
    assert conn.execute(look).fetchall() == before


def test_a_job_cannot_wait_for_a_job_of_another(logins, anns):
    bob = logins.queue("bob")
    for job in (anns, 10**9):
        with pytest.raises(UsageError, match="no such job"):
            bob.submit([NewJob("a", {}, after=(job,))])


def test_follow_up_work_belongs_to_the_submitter_of_the_first_job(logins, queue, claim):
    ann, bob = logins.queue("ann"), logins.queue("bob")
    ann.submit([NewJob("a", {})])
    queue.submit(
        [NewJob("b", {}, created_by="job:1"), NewJob("b", {}, created_by="job:2"), NewJob("b", {}, created_by="job:x")]
    )
    assert sorted(job.id for job in ann.find(Filters())) == [1, 2, 3]
    assert [row.outcome for row in ann.cancel([1, 2, 3])] == ["done"] * 3
    assert bob.find(Filters()) == bob.cancel([1, 2, 3]) == []


def test_a_circle_of_follow_up_work_belongs_to_nobody(logins, queue):
    queue.submit([NewJob("b", {}, created_by="job:2"), NewJob("b", {}, created_by="job:1")])
    assert logins.queue("bob").find(Filters()) == []


HOSTILE = ("null", "[]", "{}", '"x"', '{"ids": null}', '{"ids": "1"}', '{"ids": [null]}', '{"ids": [[1]]}', '{"ids": [1e300]}',
           '{"rows": null}', '{"rows": {}}', '{"rows": [null]}', '{"rows": [[]]}', '{"rows": [{}]}', '{"keys": null}',
           '{"keys": [null]}', '{"rows": [{"after": {}}]}', '{"rows": [{"after": ["x"]}]}',
           '{"ids": [1], "actor": "root", "p_actor": "root", "max_crashes": 0}')  # fmt: skip


def test_a_checked_function_with_hostile_arguments_changes_nothing_of_others(logins, anns, conn):
    look = "SELECT jobs::text FROM jobs WHERE id <= 3 ORDER BY id"
    before = conn.execute(look).fetchall()
    bob = logins.connection("bob")
    for verb, args in product(Queue.CHECKED, HOSTILE):
        try:
            shown = bob.execute(f"SELECT jobctl.checked_{verb}(%s)", [args]).fetchall()
        except (psycopg.DataError, psycopg.IntegrityError):
            continue
        assert "s3cret" not in str(shown)
        assert verb != "submit" or shown == []
    assert conn.execute(look).fetchall() == before


FORBIDDEN_TO_SUBMIT = (
    "INSERT INTO jobctl.jobs (job_type) VALUES ('a')",
    "INSERT INTO jobctl.jobs (job_type, status, output_data) VALUES ('a', 'completed', '{}')",
    "SELECT id FROM jobctl.jobs FOR UPDATE",
    "LOCK TABLE jobctl.jobs IN ACCESS EXCLUSIVE MODE",
    "SELECT nextval('jobctl.jobs_id_seq')",
    "SELECT setval('jobctl.jobs_id_seq', 1)",
    "UPDATE jobctl.workers SET draining_at = now()",
    "INSERT INTO jobctl.events (job_id, kind, actor) VALUES (1, 'complete', 'worker:1')",
    "INSERT INTO jobctl.holds (kind, name) VALUES ('queue', 'default')",
    "INSERT INTO jobctl.limits (kind, name, max_running) VALUES ('queue', 'default', 1)",
    "UPDATE jobctl.limits SET tokens = 9",
    "DELETE FROM jobctl.limits",
    "SELECT * FROM jobctl.documents",
)


@pytest.mark.parametrize("who", ["ann", "bob"])
def test_a_submitter_has_no_way_past_the_functions(logins, anns, who):
    refuses(logins.connection(who), *FORBIDDEN_TO_SUBMIT)


@pytest.mark.parametrize("who", ["ann", "rea"])
def test_a_submitter_or_a_reader_changes_no_table_and_no_column(logins, anns, who):
    for table in metadata.sorted_tables:
        refuses(
            logins.connection(who),
            f"INSERT INTO {table.fullname} DEFAULT VALUES",
            f"DELETE FROM {table.fullname}",
            f"TRUNCATE {table.fullname} CASCADE",
            *(f"UPDATE {table.fullname} SET {column.name} = DEFAULT" for column in table.columns),
        )


@pytest.mark.parametrize(("who", "may"), [("ann", False), ("rea", True), ("lib", True)])
def test_the_library_is_for_the_reader_and_the_librarian(logins, who, may):
    for table in LIBRARY:
        privilege = logins.connection(who).execute("SELECT has_table_privilege(%s, 'SELECT')", [f"jobctl.{table}"])
        assert privilege.fetchone() == (may,), table


@pytest.mark.parametrize(("who", "title"), [("ann", "document 1"), ("rea", "The Keeper")])
def test_a_title_of_the_library_is_for_those_who_may_read_it(logins, conn, who, title):
    conn.execute(
        "INSERT INTO documents (uid, title, source_type, markdown_key, markdown_sha256, engine) "
        "VALUES (gen_random_uuid(), 'The Keeper', 'text', 'k', 's', 'e')"
    )
    queue = logins.queue(who)
    with queue.transaction(dry_run=True):
        found = queue.document_title(1) or "document 1"
        assert (found, queue.document_count()) == (title, None if who == "ann" else 1)
        assert queue.statuses([1]) == {}  # the transaction goes on


def test_verbs_for_the_whole_queue_are_for_its_owner(logins):
    for who in ("ann", "rea"):
        queue = logins.queue(who)
        for act in (
            lambda q: q.pause_queue("queue", "default"), lambda q: q.resume_queue("queue", "default"), lambda q: q.drain_workers(["w"]),
            lambda q: q.rescue(), lambda q: q.requeue(),
        ):  # fmt: skip
            with pytest.raises(ConfigError, match="refuses"):
                act(queue)


# -- worker -------------------------------------------------------------------------------------------------------


def test_a_worker_does_a_whole_job(logins):
    logins.queue("ann").submit([NewJob("a", {}), NewJob("a", {}, concurrency_key="k")])
    mine = logins.worker()
    job, other = mine.claim(mine.worker, LANES, 2)
    mine.beat(mine.worker, {job.token.job_id: (job.token, Progress(5.0))})
    mine.log([(job.token.job_id, 1, "info", None, "line")])
    mine.warn(job.token, "checkpoint_unusable")
    mine.commit_stage(job.token, RECORD, follow_up=[NewJob("b", {}, created_by=f"job:{job.token.job_id}")])
    mine.commit_stage(job.token, Record(2, "s", 1, True, "jobs/y", "0" * 64, 5, True), forget=[1])
    settled = mine.settle([Outcome(job.token, Ending.COMPLETED), Outcome(other.token, Ending.RELEASED)])
    assert settled[job.token.job_id].status is Status.COMPLETED
    assert "b" in [claimed.job_type for claimed in mine.claim(mine.worker, LANES, 9)]
    mine.pause_queue("type", "a", reason="quota")  # what paywall_holds does
    mine.rescue()
    mine.requeue()
    mine.wake_dependents(None)
    mine.wake_keys(None)
    mine.unregister(mine.worker)


def test_a_worker_cannot_rewrite_what_a_job_is(logins, queue):
    queue.submit([NewJob("a", {})])
    refuses(logins.connection("wim"), *(f"UPDATE jobctl.jobs SET {column} = DEFAULT" for column in FIXED.split()))


WORKER_FORBIDDEN = (
    "INSERT INTO jobctl.jobs (job_type, created_by) VALUES ('a', 'ann')",
    "INSERT INTO jobctl.jobs (job_type) VALUES ('a')",
    "INSERT INTO jobctl.jobs (job_type, created_by) VALUES ('a', 'job:1 or ann')",
    "INSERT INTO jobctl.jobs (job_type, created_by, status) VALUES ('a', 'job:1', 'completed')",
    "INSERT INTO jobctl.jobs (job_type, created_by, output_data) VALUES ('a', 'job:1', '{}')",
    "INSERT INTO jobctl.jobs (job_type, created_by, created_at) VALUES ('a', 'job:1', '2020-01-01')",
    "INSERT INTO jobctl.events (job_id, kind, actor) VALUES (1, 'cancel', 'ann')",
    "INSERT INTO jobctl.events (job_id, kind, actor, at) VALUES (1, 'x', 'worker:1', '2020-01-01')",
    "INSERT INTO jobctl.holds (kind, name, actor) VALUES ('queue', 'q', 'ann')",
    "UPDATE jobctl.holds SET actor = 'ann'",
    "DELETE FROM jobctl.holds",
    "INSERT INTO jobctl.limits (kind, name, max_running) VALUES ('type', 'a', 1)",
    "INSERT INTO jobctl.limits (kind, name, max_running, declared) VALUES ('queue', 'q', 1, true)",
    "UPDATE jobctl.limits SET max_running = 9",
    "DELETE FROM jobctl.jobs",
    "DELETE FROM jobctl.job_dependencies",
    "SELECT jobctl.checked_cancel('{}')",
    "SELECT jobctl.cancel(1)",
)


def test_a_worker_cannot_speak_as_a_person(logins, queue):
    queue.submit([NewJob("a", {})])
    refuses(logins.connection("wim"), *WORKER_FORBIDDEN)


def test_a_worker_has_no_verbs_of_people(logins, queue):
    queue.submit([NewJob("a", {})])
    for name in ("worker:1", "ann"):
        mine = logins.queue("wim", actor=name)
        for verb in CONTROLS:
            with pytest.raises(ConfigError, match="refuses"):
                getattr(mine, verb)([1])


def test_a_worker_does_not_touch_what_has_ended_or_what_a_person_paused(logins, queue, claim, conn):
    queue.submit([NewJob("a", {}) for _ in range(3)])
    done, *_ = claim(1)
    queue.settle([Outcome(done.token, Ending.COMPLETED, output='{"n": 1}')])
    queue.pause([2])
    queue.cancel([3])
    before = conn.execute("SELECT jobs::text FROM jobs ORDER BY id").fetchall()
    wim = logins.connection("wim")
    for change in ("output_data = '{}'", "status = 'pending'", "error_message = 'x'", "started_at = NULL"):
        assert wim.execute(f"UPDATE jobctl.jobs SET {change}").rowcount == 0
    assert conn.execute("SELECT jobs::text FROM jobs ORDER BY id").fetchall() == before


def test_a_login_that_submits_and_works_has_both_and_is_named_where_it_submits(logins, conn):
    conn.execute(f"GRANT {logins.prefix}_worker TO {logins.name('ann')}")
    logins.queue("ann", actor="root").submit([NewJob("a", {}, created_by="root")])
    logins.queue("ann", actor="root").cancel([1])
    assert conn.execute("SELECT created_by FROM jobs").fetchall() == [(logins.name("ann"),)]
    assert conn.execute("SELECT DISTINCT actor FROM events").fetchall() == [(logins.name("ann"),)]


def plan(connection: psycopg.Connection, verb: str, **values: object) -> str:
    text = (files("jobctl.postgres") / "sql" / f"{verb}.sql").read_text()
    home = connection.execute("SELECT extnamespace::regnamespace::text FROM pg_extension WHERE extname = 'vector'")
    text = text.replace("{schema}", str(home.fetchone()[0])).replace("{dims}", "256")
    given = dict.fromkeys(re.findall(r"%\((\w+)\)s", text)) | values
    rows = psycopg.ClientCursor(connection).execute(f"EXPLAIN {text}", given).fetchall()
    return "\n".join(row[0] for row in rows)


def test_row_level_security_leaves_the_claim_of_a_worker_on_its_index(logins, queue, conn):
    queue.submit([NewJob("a", {}, created_by="x") for _ in range(2000)])
    conn.execute("ANALYZE jobs")
    targets = {
        "worker": 1, "actor": "worker:1", "ttl": 30, "slots": 1, "age": 3600, "counted": False,
        "targets": msgspec.json.encode([ClaimTarget("default", "a", 2)]).decode(),
    }  # fmt: skip
    wim, owner = plan(logins.connection("wim"), "claim", **targets), plan(conn, "claim", **targets)
    for shown in (wim, owner):
        assert "Index Scan using jobs_claim_idx" in shown
        assert (
            "Index Cond: ((queue = target.queue) AND (job_type = target.job_type) AND (priority = target.priority)"
            in shown
        )
        assert "Seq Scan on jobs" not in shown
    assert "session_user" not in owner.lower()


# -- everybody -------------------------------------------------------------------------------------------------------

SCHEMA = (
    "UPDATE jobctl.events SET actor = 'x'",
    "DELETE FROM jobctl.events",
    "TRUNCATE jobctl.events",
    "DROP TABLE jobctl.jobs",
    "CREATE TABLE jobctl.mine (id int)",
    "CREATE FUNCTION jobctl.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE OR REPLACE FUNCTION jobctl.clock() RETURNS timestamptz LANGUAGE sql AS 'SELECT now()'",
    "ALTER TABLE jobctl.jobs DISABLE TRIGGER ALL",
    "ALTER TABLE jobctl.jobs DISABLE ROW LEVEL SECURITY",
    "CREATE POLICY mine ON jobctl.jobs USING (true)",
    "SET session_replication_role = replica",
    "UPDATE jobctl.alembic_version SET version_num = ''",
    "COPY jobctl.jobs TO PROGRAM 'cat'",
)


@pytest.mark.parametrize("who", MEMBERS)
def test_no_role_rewrites_history_or_changes_the_schema(logins, who):
    refuses(logins.connection(who), *SCHEMA)


@pytest.mark.parametrize("who", MEMBERS)
def test_no_role_becomes_another(logins, who, conn):
    mine = logins.connection(who)
    others = [f"{logins.prefix}_{kind}" for kind in {*MEMBERS.values()} - {MEMBERS[who]}]
    for name in [conn.info.user, *others]:
        refuses(mine, f"SET ROLE {name}", f"SET SESSION AUTHORIZATION {name}")


@pytest.mark.parametrize("who", MEMBERS)
def test_the_clock_of_the_tests_is_the_owners_alone(logins, who, queue, conn):
    look = "SELECT abs(extract(epoch FROM jobctl.clock() - clock_timestamp())) < 60"
    mine = logins.connection(who)
    for moment in ("2099-01-01", "1999-01-01", "-infinity", "no time at all", ""):
        mine.execute("SELECT set_config('jobctl.clock', %s, false)", [moment])
        assert mine.execute(look).fetchone() == (True,)
    conn.execute("SET jobctl.clock = '2099-01-01'")
    assert conn.execute(look).fetchone() == (False,)
    conn.execute("RESET jobctl.clock")


def test_a_clock_set_ahead_makes_no_job_due_and_no_lease_expired(logins, queue, claim, conn):
    logins.queue("ann").submit([NewJob("a", {})])
    claim()
    ann, wim = logins.queue("ann"), logins.worker()
    for mine in (ann, wim):
        mine.connection.execute("SET jobctl.clock = '2099-01-01'")
    ann.submit([NewJob("a", {}, delay=3600)])
    assert wim.claim(wim.worker, LANES, 1) == []
    assert wim.rescue() == []
    assert conn.execute("SELECT max(run_after) < clock_timestamp() + interval '2 hours' FROM jobs").fetchone() == (
        True,
    )


def test_a_search_path_of_the_caller_changes_no_function(logins, anns):
    """Names are resolved where the function was made, not where it is called from."""
    bob = logins.connection("bob")
    bob.execute("CREATE TEMP TABLE jobs (id bigint, created_by text)")
    bob.execute("CREATE FUNCTION pg_temp.pg_has_role(name, oid, text) RETURNS boolean LANGUAGE sql AS 'SELECT true'")
    bob.execute("SET search_path = pg_temp, pg_catalog; SET jobctl.clock = '2099-01-01'")
    assert bob.execute("SELECT jobctl.clock() < clock_timestamp() + interval '1 minute'").fetchone() == (True,)
    assert bob.execute("SELECT jobctl.pause(%s)", [anns]).fetchone() == (None,)


def test_each_function_with_rights_of_its_own_is_closed_and_has_a_fixed_search_path(logins, conn):
    found = conn.execute(
        "SELECT proname, proconfig, has_function_privilege('public', p.oid, 'EXECUTE'), proowner = nspowner "
        "FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace WHERE nspname = 'jobctl' AND prosecdef"
    ).fetchall()
    assert {name for name, *_ in found} == {
        "belongs",
        "notify_of_end",
        *(f"checked_{verb}" for verb in (*Queue.CHECKED, *RetentionQueue.CHECKED)),
    }
    for name, settings, public, of_owner in found:
        assert settings == ["search_path=pg_catalog, pg_temp"], name
        assert of_owner, name
        assert public is (name == "belongs"), name


def test_a_reader_sees_everything_and_changes_nothing(logins, anns):
    queue = logins.queue("rea")
    assert len(queue.find(Filters(), full=True)) == 3
    assert queue.logs(anns)[0].text == "s3cret"
    for verb in CONTROLS:
        with pytest.raises(ConfigError, match="refuses"):
            getattr(queue, verb)([anns])
    with pytest.raises(ConfigError, match="refuses"):
        queue.submit([NewJob("a", {})])


def test_a_librarian_judges_the_library_and_sees_no_job(logins):
    lib = logins.connection("lib")
    lib.execute("UPDATE jobctl.connections SET user_validated = true, judged_at = jobctl.clock()")
    lib.execute("UPDATE jobctl.import_review SET status = 'accepted'")
    for forbidden in (
        "SELECT * FROM jobctl.jobs", "UPDATE jobctl.connections SET strength = 1", "DELETE FROM jobctl.documents",
        "UPDATE jobctl.documents SET title = ''", "SELECT jobctl.submit('a')",
    ):  # fmt: skip
        with pytest.raises(REFUSED):
            lib.execute(forbidden)


def test_the_roles_are_made_again_as_often_as_wanted(logins, conn):
    conn.execute(statements(logins.prefix))
    assert logins.queue("bob").submit([NewJob("a", {})])[0].created


@pytest.mark.parametrize("revision", ["0003", "base"])
def test_a_downgrade_removes_the_functions_of_the_roles_and_opens_nothing(server_url, revision):
    with new_database(server_url) as url, connect(servers.direct(url)) as owner, logins_of(owner, url) as logins:
        logins.queue("ann").submit([NewJob("a", {})])
        migrate.downgrade(url, revision)
        made = "SELECT count(*) FROM pg_proc WHERE pronamespace = 'jobctl'::regnamespace AND (prosecdef OR proname = 'submit')"
        assert owner.execute(made).fetchone() == (0,)
        if revision != "base":
            assert logins.connection("bob").execute("SELECT count(*) FROM jobctl.jobs").fetchone() == (0,)
        migrate.upgrade(url)
        owner.execute(statements(logins.prefix))
        assert logins.queue("bob").submit([NewJob("a", {})])[0].created


def test_grants_of_an_earlier_version_are_withdrawn(logins, conn):
    role = f"{logins.prefix}_submitter"
    conn.execute(
        f"GRANT SELECT ON ALL TABLES IN SCHEMA jobctl TO {role}; GRANT INSERT, UPDATE (status), DELETE ON jobs TO {role};"
        f"GRANT UPDATE (draining_at) ON workers TO {role}; GRANT USAGE ON SEQUENCE jobs_id_seq TO {role}"
    )
    conn.execute(statements(logins.prefix))
    bob = logins.connection("bob")
    for forbidden in (
        "INSERT INTO jobctl.jobs (job_type) VALUES ('a')", "UPDATE jobctl.jobs SET status = 'paused'", "DELETE FROM jobctl.jobs",
        "UPDATE jobctl.workers SET draining_at = now()", "SELECT nextval('jobctl.jobs_id_seq')", "SELECT * FROM jobctl.chunks",
    ):  # fmt: skip
        with pytest.raises(REFUSED):
            bob.execute(forbidden)


LOOKS = {
    "attempts", "blockers", "checkpoints", "committed", "count", "matching", "dependencies", "effective", "errors", "events", "events_since", "glances", "next_notification", "end_event", "descendants", "find", "health", "wake", "paused_queues",
    "ready_queues", "left_waiting", "logs", "reached_since", "requests", "duration_histogram", "stage_times", "stats", "stats_window", "statuses", "orphaned", "work_left", "workers",
    "limits", "limit_room", "queue_metrics", "reads_library", "storage_identity", "stored_keys",
}  # fmt: skip
TIMED = {"schedules", "sweep_timers"}
SEARCHES = {
    "document_count", "document_title", "search_comparable", "search_compared", "search_found", "search_frequencies", "search_missing", "search_nearest", "search_neighbours",
    "search_other_engines", "search_pgvector", "search_postings", "search_sample", "search_size", "search_source", "search_stems", "search_vectors",
}  # fmt: skip
INDEXES = {"search_add", "search_clear", "search_lock"}
MAY = {
    "ann": LOOKS | {"schedules", "search_pgvector", "search_stems"},  # and the verbs of people, through functions
    "rea": LOOKS | TIMED | SEARCHES,
    "lib": {"blockers", "effective", "reads_library", "wake"} | SEARCHES,
    "wim": LOOKS | TIMED | SEARCHES | INDEXES | {
        "advance_schedule", "due_schedule", "expire", "pause_schedule", "resume_schedule",
        "submit", "submit_plain", "pause_queue", "register", "unregister", "drain_worker", "claim", "beat", "commit_stage", "settle", "log",
        "make_due", "requeue", "rescue", "wake_dependents", "wake_keys", "note_event", "prune_results", "retention_begin", "retention_end",
        "claim_notifications", "settle_notification", "identify_storage", "worker_storage", "uncharge",
        "declare_limits", "forget_limits", "lock_limits", "remove_limit", "spend_tokens",
    },
}  # fmt: skip
"""Login → the statements that the grants let it run; row-level security decides about the rows."""


@pytest.mark.parametrize("who", MAY)
def test_each_statement_is_open_to_the_roles_that_need_it_and_to_no_other(logins, who):
    connection = logins.connection(who)  # explaining checks privileges and runs nothing
    found = set()
    for file in (files("jobctl.postgres") / "sql").iterdir():
        try:
            with connection.transaction(force_rollback=True):
                plan(connection, file.name.removesuffix(".sql"))
            found.add(file.name.removesuffix(".sql"))
        except REFUSED:
            continue
    assert found == MAY[who]


def test_the_roles_are_printed_and_a_bad_name_is_refused(cli):
    shown = cli("db", "roles", "--prefix", "papers").out
    for kind in ("submitter", "worker", "reader", "librarian"):
        assert f"CREATE ROLE papers_{kind} NOLOGIN" in shown
    for bad in ("x; DROP", "", "é", "1a", "a" * 60, 'a"b', "a'b"):
        assert cli("db", "roles", "--prefix", bad).code == 2, bad


# -- from any language -----------------------------------------------------------------------------------------------


def test_jobs_are_submitted_and_controlled_by_functions_of_sql(logins, conn, claim):
    ann, bob = logins.connection("ann"), logins.connection("bob")
    (job,) = ann.execute(
        """SELECT jobctl.submit('a', '{"path": "/x"}', '{"title": "T", "priority": "high", "key": "k", "labels": {"l": "1"}}')"""
    ).fetchone()
    assert ann.execute("SELECT jobctl.submit('a', '{}', '{\"key\": \"k\"}')").fetchone() == (job,)
    for statement, answer in (
        ("jobctl.pause(%s, 'later')", "done"), ("jobctl.pause(%s)", "unchanged"), ("jobctl.resume(%s)", "done"),
        ("jobctl.cancel(%s, reason => 'no')", "done"), ("jobctl.resume(%s)", "refused"),
    ):  # fmt: skip
        assert ann.execute(f"SELECT {statement}", [job]).fetchone() == (answer,), statement
        assert bob.execute(f"SELECT {statement}", [job]).fetchone() == (None,), statement
    row = conn.execute("SELECT job_type, input_data, title, priority, labels, created_by, status FROM jobs").fetchall()
    assert row == [("a", {"path": "/x"}, "T", 3, {"l": "1"}, logins.name("ann"), "cancelled")]


def test_a_submit_of_sql_is_part_of_the_callers_transaction(logins, claim):
    ann = logins.connection("ann")
    with ann.transaction(force_rollback=True):
        ann.execute("SELECT jobctl.submit('a')")
    assert claim() == []
    with ann.transaction():
        ann.execute("SELECT jobctl.submit('a', options => '{\"concurrency_key\": \"c\"}')")
    assert len(claim()) == 1


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ("'a', '{}', '{\"created_by\": \"root\"}'", "unknown option: created_by"),
        ("'a', '{}', '{\"prority\": 1, \"metadata\": {}}'", "unknown option: metadata, prority"),
        ("'a', '{}', '{\"priority\": \"soon\"}'", "soon"),
        ("'a', '[]'", "input_data is not accepted"),
        ("'a', '{}', '[]'", "object"),
        ("NULL", "job_type"),
    ],
)
def test_a_submit_of_sql_with_bad_arguments_names_them(logins, arguments, error):
    with pytest.raises(psycopg.Error, match=error):
        logins.connection("ann").execute(f"SELECT jobctl.submit({arguments})")


def test_a_login_with_the_name_of_a_part_of_jobctl_cannot_submit(logins, conn):
    name = "worker:7"
    conn.execute(f"CREATE ROLE \"{name}\" LOGIN PASSWORD 'x' IN ROLE {logins.prefix}_submitter")
    try:
        with connect(make_conninfo(logins.url("ann"), user=name)) as connection, pytest.raises(psycopg.DataError):
            connection.execute("SELECT jobctl.submit('a')")
    finally:
        conn.execute(f'DROP OWNED BY "{name}"; DROP ROLE "{name}"')


def test_the_owner_of_the_schema_is_limited_by_nothing(logins, queue, anns):
    assert len(queue.find(Filters())) == 3
    for verb in ("retry", "cancel", "delete"):
        try:
            assert getattr(queue, verb)([anns])[0].outcome in ("done", "refused")
        except JobctlError as error:
            pytest.fail(str(error))

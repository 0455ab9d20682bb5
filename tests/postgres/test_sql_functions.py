"""The functions for any language, on a database with and without the roles: ``jobctl.submit`` and its siblings."""

import pytest

from jobctl.core.job import NewJob
from jobctl.postgres import migrate
from jobctl.postgres.connect import connect
from tests import servers
from tests.conftest import new_database
from tests.postgres.role_logins import logins_of


@pytest.fixture(params=["without roles", "with roles"])
def owner(request, conn, database_url):
    """The owner of the schema."""
    if request.param == "without roles":
        yield conn
        return
    with logins_of(conn, database_url):
        yield conn


def call(connection, text, *values):
    return connection.execute(f"SELECT jobctl.{text}", values).fetchone()[0]


def test_the_owner_submits_and_controls(owner, claim):
    job = call(owner, "submit('a', '{\"n\": 1}', '{\"title\": \"T\"}')")
    answers = {verb: call(owner, f"{verb}({job})") for verb in ("pause", "resume", "cancel")}
    assert answers == dict.fromkeys(answers, "done")
    assert (call(owner, f"cancel({job})"), call(owner, f"pause({job})")) == ("unchanged", "refused")
    assert call(owner, "cancel(99)") is None
    assert owner.execute("SELECT title, input_data, created_by = session_user FROM jobs").fetchone() == (
        "T",
        {"n": 1},
        True,
    )


def test_the_owner_controls_jobs_that_others_submitted(owner, queue, claim):
    job = queue.submit([NewJob("a", {}, created_by="somebody")])[0].id
    assert call(owner, f"pause({job}, 'later')") == "done"
    assert call(owner, f"resume({job})") == "done"
    claim()
    assert call(owner, f"cancel({job})") == "requested"


def test_a_trigger_of_the_application_submits_with_its_row(owner, conn):
    with owner.transaction(force_rollback=True):
        owner.execute("""
            CREATE TABLE public.orders (id int, path text);
            CREATE FUNCTION public.queue_order() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                PERFORM jobctl.submit('a', jsonb_build_object('path', NEW.path), jsonb_build_object('key', 'order ' || NEW.id));
                RETURN NULL;
            END $$;
            CREATE TRIGGER queue_order AFTER INSERT ON public.orders FOR EACH ROW EXECUTE FUNCTION public.queue_order();
        """)
        owner.execute("INSERT INTO public.orders VALUES (1, '/a'), (2, '/b')")
        assert owner.execute("SELECT idempotency_key, input_data FROM jobs ORDER BY id").fetchall() == [
            ("order 1", {"path": "/a"}), ("order 2", {"path": "/b"})
        ]  # fmt: skip
    assert owner.execute("SELECT count(*) FROM jobs").fetchone() == (0,)


def test_an_upgrade_installs_the_functions_of_its_program_and_keeps_the_grants(server_url):
    with new_database(server_url) as url, connect(servers.direct(url)) as owner, logins_of(owner, url) as logins:
        owner.execute(
            "CREATE OR REPLACE FUNCTION jobctl.cancel(job bigint, reason text DEFAULT NULL) RETURNS text LANGUAGE sql RETURN 'old'"
        )
        migrate.upgrade(url)
        ann = logins.connection("ann")
        assert call(ann, f"cancel({call(ann, 'submit(%s)', 'a')})") == "done"
        with owner.transaction(force_rollback=True):
            owner.execute(f"SET LOCAL ROLE {logins.name('rea')}")
            with pytest.raises(Exception, match="permission denied"):
                call(owner, "checked_submit('{}')")

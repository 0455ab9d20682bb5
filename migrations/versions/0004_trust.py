"""What a row may hold, and whose clock counts: the database no longer relies on its callers.

Revision ID: 0004
Revises: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# The setting is for tests. A login that does not own the schema could otherwise make leases expire or jobs due.
# The body is resolved when it is created, so that no search_path of a caller changes what it means.
CLOCK = """
CREATE FUNCTION jobctl.may_set_clock() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
RETURN pg_has_role(session_user, (SELECT n.nspowner FROM pg_namespace n WHERE n.nspname = 'jobctl'), 'MEMBER');
COMMENT ON FUNCTION jobctl.may_set_clock() IS 'Whether this login is the owner of the schema, one of its members or a superuser';

CREATE OR REPLACE FUNCTION jobctl.clock() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE
    WHEN coalesce(current_setting('jobctl.clock', true), '') = '' THEN clock_timestamp()
    WHEN jobctl.may_set_clock() THEN current_setting('jobctl.clock')::timestamptz
    ELSE clock_timestamp()
END;
COMMENT ON FUNCTION jobctl.clock() IS 'The database''s clock; for the owner of the schema the setting jobctl.clock replaces it in tests';
"""

CLOCK_BEFORE = """
CREATE OR REPLACE FUNCTION jobctl.clock() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(nullif(current_setting('jobctl.clock', true), '')::timestamptz, clock_timestamp())
$$;
COMMENT ON FUNCTION jobctl.clock() IS 'The database''s clock; the setting jobctl.clock replaces it in tests';
"""

# Triggers with a WHEN on the columns of jobs, not CHECK constraints: a CHECK is evaluated on every heartbeat and reads
# an input out of the TOAST table each time. They judge what is written from now on; old rows stay as they are.
# 100 levels: a tenth of what a JSON decoder in Python can follow. 4,000 digits: it reads no integer of more than 4,300.
# A text of less than 200 bytes has neither, and most values are that short. What a claim or a list reads must also have its
# type, and an instant must be one that Python has: one row with another would end every worker that claims it.
LIMITS = """
CREATE FUNCTION jobctl.fits(value jsonb, bytes integer) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN octet_length(value::text) < 200 THEN true
    WHEN octet_length(value::text) > bytes THEN false
    ELSE NOT jsonb_path_exists(value, '$.**{100}')
        -- the pattern is quick and finds candidates; only the path knows a number from a text of digits
        AND (value::text !~ '[0-9]{255}' OR NOT jsonb_path_exists(value, '$.** ? (@ >= 1e4000 || @ <= -1e4000)'))
END;
COMMENT ON FUNCTION jobctl.fits(jsonb, integer)
    IS 'Whether a value has at most so many bytes as text, at most 100 levels and no integer of more than 4000 digits';

CREATE FUNCTION jobctl.settings_fit(metadata jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN jsonb_typeof(metadata) = 'object' AND jobctl.fits(metadata, 65536)
    AND coalesce(jsonb_typeof(metadata -> 'label'), 'string') = 'string'
    AND coalesce(jsonb_typeof(metadata -> 'mode'), 'string') = 'string'
    AND coalesce(jsonb_typeof(metadata -> 'stages'), 'array') = 'array'
    AND coalesce(jsonb_typeof(metadata -> 'inputs'), 'object') = 'object'
    AND (NOT metadata ? 'reserved_s' OR jsonb_path_exists(metadata, 'strict $.reserved_s ? (@ >= 0 && @ <= 86400)'));
COMMENT ON FUNCTION jobctl.settings_fit(jsonb)
    IS 'Whether metadata is an object that fits, what jobctl reads of it has its type, and its reservation is at most a day';

CREATE FUNCTION jobctl.labels_fit(labels jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN labels = '{}' OR (
    jsonb_typeof(labels) = 'object' AND jobctl.fits(labels, 65536)
    AND NOT jsonb_path_exists(labels, 'strict $.* ? (@.type() != "string")')
);
COMMENT ON FUNCTION jobctl.labels_fit(jsonb) IS 'Whether labels are an object of texts that fits';

CREATE FUNCTION jobctl.refuse_values() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is not accepted', CASE
        WHEN NOT (jsonb_typeof(NEW.input_data) = 'object' AND jobctl.fits(NEW.input_data, 65536)) THEN 'input_data'
        WHEN NOT jobctl.settings_fit(NEW.metadata) THEN 'metadata'
        WHEN NOT jobctl.labels_fit(NEW.labels) THEN 'labels'
        WHEN NOT (jsonb_typeof(NEW.progress) = 'object' AND jobctl.fits(NEW.progress, 2304)) THEN 'progress'
        WHEN NOT NEW.run_after BETWEEN '1900-01-01' AND '9000-01-01' THEN 'run_after'
        ELSE 'output_data' END
        USING ERRCODE = 'check_violation', DETAIL = 'An object of at most 64 KiB (progress: 2304 bytes; output_data: any '
            'value of at most 1 MiB), at most 100 levels, no integer of more than 4000 digits; labels are texts; run_after is '
            'between the years 1900 and 9000.';
END $$;

CREATE TRIGGER refuse_values BEFORE INSERT ON jobctl.jobs FOR EACH ROW WHEN (NOT (
    jsonb_typeof(NEW.input_data) = 'object' AND jobctl.fits(NEW.input_data, 65536)
    AND jobctl.settings_fit(NEW.metadata)
    AND jobctl.labels_fit(NEW.labels)
    AND jsonb_typeof(NEW.progress) = 'object' AND jobctl.fits(NEW.progress, 2304)
    AND (NEW.output_data IS NULL OR jobctl.fits(NEW.output_data, 1048576))
    AND NEW.run_after BETWEEN '1900-01-01' AND '9000-01-01'
)) EXECUTE FUNCTION jobctl.refuse_values();
CREATE TRIGGER refuse_new_values BEFORE UPDATE OF input_data, metadata, labels, run_after ON jobctl.jobs FOR EACH ROW WHEN (NOT (
    (NEW.input_data = OLD.input_data OR jsonb_typeof(NEW.input_data) = 'object' AND jobctl.fits(NEW.input_data, 65536))
    AND (NEW.metadata = OLD.metadata OR jobctl.settings_fit(NEW.metadata))
    AND (NEW.labels = OLD.labels OR jobctl.labels_fit(NEW.labels))
    AND (NEW.run_after = OLD.run_after OR NEW.run_after BETWEEN '1900-01-01' AND '9000-01-01')
)) EXECUTE FUNCTION jobctl.refuse_values();
-- an attempt that ends writes both back: what is there already is no reason to refuse it
CREATE TRIGGER refuse_new_progress BEFORE UPDATE OF progress ON jobctl.jobs FOR EACH ROW
    WHEN (NOT (jsonb_typeof(NEW.progress) = 'object' AND jobctl.fits(NEW.progress, 2304)) AND NEW.progress <> OLD.progress)
    EXECUTE FUNCTION jobctl.refuse_values();
CREATE TRIGGER refuse_new_output BEFORE UPDATE OF output_data ON jobctl.jobs FOR EACH ROW
    WHEN (NOT jobctl.fits(NEW.output_data, 1048576) AND NEW.output_data IS DISTINCT FROM OLD.output_data)
    EXECUTE FUNCTION jobctl.refuse_values();
"""

# Other columns that a reader decodes: the depth matters there, and no size that a whole library would reach.
DECODED = {
    "events": ["detail"],
    "workers": ["job_types", "queues"],
    "documents": ["outline", "frontmatter"],
    "chunks": ["heading_path", "themes"],
    "connections": ["evidence"],
    "annotations": ["tags"],
    "import_review": ["payload", "suggestion"],
}

REFUSE_DEPTH = """
CREATE FUNCTION jobctl.refuse_depth() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a row of % is not accepted', TG_TABLE_NAME
        USING ERRCODE = 'check_violation', DETAIL = 'JSON of at most 16 MiB, at most 100 levels, no integer of more than 4000 digits.';
END $$;
"""

DROPS = """
DO $$
DECLARE
    made regprocedure;
    policy record;
BEGIN
    -- what `jobctl db roles` printed. Row-level security stays on: without its policies a role sees nothing.
    FOR policy IN SELECT policyname, tablename FROM pg_policies WHERE schemaname = 'jobctl' LOOP
        EXECUTE format('DROP POLICY %I ON jobctl.%I', policy.policyname, policy.tablename);
    END LOOP;
    FOR made IN
        SELECT oid FROM pg_proc
        WHERE pronamespace = 'jobctl'::regnamespace
            AND (prosecdef OR proname IN ('submit', 'pause', 'resume', 'cancel'))
    LOOP
        EXECUTE format('DROP FUNCTION %s', made);
    END LOOP;
END $$;
DROP TRIGGER refuse_new_output ON jobctl.jobs;
DROP TRIGGER refuse_new_progress ON jobctl.jobs;
DROP TRIGGER refuse_new_values ON jobctl.jobs;
DROP TRIGGER refuse_values ON jobctl.jobs;
DROP FUNCTION jobctl.refuse_values();
DROP FUNCTION jobctl.labels_fit(jsonb);
DROP FUNCTION jobctl.settings_fit(jsonb);
DROP FUNCTION jobctl.fits(jsonb, integer);
"""


def upgrade() -> None:
    op.execute(CLOCK)
    op.execute(LIMITS)
    op.execute(REFUSE_DEPTH)
    for table, columns in DECODED.items():
        fits = " AND ".join(f"jobctl.fits(NEW.{column}, 16777216)" for column in columns)
        op.execute(
            f"CREATE TRIGGER refuse_depth BEFORE INSERT OR UPDATE OF {', '.join(columns)} ON jobctl.{table} "
            f"FOR EACH ROW WHEN (NOT ({fits})) EXECUTE FUNCTION jobctl.refuse_depth()"
        )


def downgrade() -> None:
    for table in DECODED:
        op.execute(f"DROP TRIGGER refuse_depth ON jobctl.{table}")
    op.execute("DROP FUNCTION jobctl.refuse_depth()")
    op.execute(DROPS)
    op.execute(CLOCK_BEFORE)
    op.execute("DROP FUNCTION jobctl.may_set_clock()")

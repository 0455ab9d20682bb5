"""What each statement costs: a clock that is inlined, a guard of the moves that calls nothing, checks that are planned once.

Revision ID: 0006
Revises: 0005
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# Only stable functions, so that a planner puts the body where the call is: a call costs more than what it does. The time
# of a statement is that of its arrival, so that all rows of one statement have the same time.
CLOCK = """
CREATE OR REPLACE FUNCTION jobctl.clock() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE
    WHEN coalesce(current_setting('jobctl.clock', true), '') = '' THEN statement_timestamp()
    WHEN jobctl.may_set_clock() THEN current_setting('jobctl.clock')::timestamptz
    ELSE statement_timestamp()
END;
"""

CLOCK_BEFORE = """
CREATE OR REPLACE FUNCTION jobctl.clock() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE
    WHEN coalesce(current_setting('jobctl.clock', true), '') = '' THEN clock_timestamp()
    WHEN jobctl.may_set_clock() THEN current_setting('jobctl.clock')::timestamptz
    ELSE clock_timestamp()
END;
"""

# The moves are compared in the condition of the trigger: its function runs for an illegal one only.
MOVES = """
DROP TRIGGER refuse_illegal_move ON jobctl.jobs;
CREATE OR REPLACE FUNCTION jobctl.refuse_illegal_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'job % cannot go from % to %', OLD.id, OLD.status, NEW.status
        USING ERRCODE = 'check_violation', HINT = 'The moves are listed in docs/JOB_SYSTEM.md.';
END $$;

CREATE TRIGGER refuse_illegal_move BEFORE UPDATE ON jobctl.jobs FOR EACH ROW
    WHEN (OLD.status <> NEW.status AND (OLD.status, NEW.status) NOT IN (
        ('pending', 'processing'),
        ('processing', 'completed'),
        ('processing', 'cancelled'),
        ('processing', 'failed'),
        ('processing', 'paused'),
        ('processing', 'pending'),
        ('pending', 'cancelled'),
        ('pending', 'paused'),
        ('paused', 'cancelled'),
        ('paused', 'pending'),
        ('failed', 'cancelled'),
        ('failed', 'pending'),
        ('completed', 'pending'),
        ('cancelled', 'pending')
    ))
    EXECUTE FUNCTION jobctl.refuse_illegal_move();
"""

MOVES_BEFORE = """
DROP TRIGGER refuse_illegal_move ON jobctl.jobs;
CREATE OR REPLACE FUNCTION jobctl.refuse_illegal_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.status, NEW.status) NOT IN (
        VALUES
            ('cancelled', 'pending'),
            ('completed', 'pending'),
            ('failed', 'cancelled'),
            ('failed', 'pending'),
            ('paused', 'cancelled'),
            ('paused', 'pending'),
            ('pending', 'cancelled'),
            ('pending', 'paused'),
            ('pending', 'processing'),
            ('processing', 'cancelled'),
            ('processing', 'completed'),
            ('processing', 'failed'),
            ('processing', 'paused'),
            ('processing', 'pending')
    ) THEN
        RAISE EXCEPTION 'job % cannot go from % to %', OLD.id, OLD.status, NEW.status
            USING ERRCODE = 'check_violation', HINT = 'The moves are listed in docs/JOB_SYSTEM.md.';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER refuse_illegal_move BEFORE UPDATE ON jobctl.jobs
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status)
    EXECUTE FUNCTION jobctl.refuse_illegal_move();
"""

# The condition of a trigger is planned anew by each statement, with all that is inlined into it: for an INSERT of one row
# that took longer than the rest. The function is planned once a session. Every name has its schema, because it is resolved
# under the caller's search_path.
VALUES = """
CREATE FUNCTION jobctl.values_fit(
    input_data jsonb, metadata jsonb, labels jsonb, progress jsonb, output_data jsonb, run_after timestamptz
) RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN pg_catalog.jsonb_typeof(input_data) OPERATOR(pg_catalog.=) 'object' AND jobctl.fits(input_data, 65536)
        AND jobctl.settings_fit(metadata)
        AND jobctl.labels_fit(labels)
        AND pg_catalog.jsonb_typeof(progress) OPERATOR(pg_catalog.=) 'object' AND jobctl.fits(progress, 2304)
        AND (output_data IS NULL OR jobctl.fits(output_data, 1048576))
        AND run_after OPERATOR(pg_catalog.>=) '1900-01-01' AND run_after OPERATOR(pg_catalog.<=) '9000-01-01';
END $$;
COMMENT ON FUNCTION jobctl.values_fit(jsonb, jsonb, jsonb, jsonb, jsonb, timestamptz) IS 'Whether a new job may have these values';

DROP TRIGGER refuse_values ON jobctl.jobs;
CREATE TRIGGER refuse_values BEFORE INSERT ON jobctl.jobs FOR EACH ROW WHEN (NOT jobctl.values_fit(
    NEW.input_data, NEW.metadata, NEW.labels, NEW.progress, NEW.output_data, NEW.run_after
)) EXECUTE FUNCTION jobctl.refuse_values();
"""

VALUES_BEFORE = """
DROP TRIGGER refuse_values ON jobctl.jobs;
CREATE TRIGGER refuse_values BEFORE INSERT ON jobctl.jobs FOR EACH ROW WHEN (NOT (
    jsonb_typeof(NEW.input_data) = 'object' AND jobctl.fits(NEW.input_data, 65536)
    AND jobctl.settings_fit(NEW.metadata)
    AND jobctl.labels_fit(NEW.labels)
    AND jsonb_typeof(NEW.progress) = 'object' AND jobctl.fits(NEW.progress, 2304)
    AND (NEW.output_data IS NULL OR jobctl.fits(NEW.output_data, 1048576))
    AND NEW.run_after BETWEEN '1900-01-01' AND '9000-01-01'
)) EXECUTE FUNCTION jobctl.refuse_values();
DROP FUNCTION jobctl.values_fit(jsonb, jsonb, jsonb, jsonb, jsonb, timestamptz);
"""


def upgrade() -> None:
    op.execute(CLOCK)
    op.execute(MOVES)
    op.execute(VALUES)


def downgrade() -> None:
    op.execute(VALUES_BEFORE)
    op.execute(MOVES_BEFORE)
    op.execute(CLOCK_BEFORE)

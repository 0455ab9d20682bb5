"""What each claim, heartbeat and outcome costs: a clock that is inlined, and a guard of the moves that calls nothing.

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


def upgrade() -> None:
    op.execute(CLOCK)
    op.execute(MOVES)


def downgrade() -> None:
    op.execute(MOVES_BEFORE)
    op.execute(CLOCK_BEFORE)

"""Which storage and which server belong to the jobs, and where exactly a worker runs.

Revision ID: 0013
Revises: 0012
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE jobctl.storage (
    single BOOLEAN PRIMARY KEY DEFAULT true,
    storage_id TEXT NOT NULL,
    location TEXT NOT NULL DEFAULT '',
    identified_at TIMESTAMPTZ NOT NULL DEFAULT jobctl.clock(),
    CONSTRAINT storage_single_check CHECK (single),
    CONSTRAINT storage_id_check CHECK (char_length(storage_id) BETWEEN 1 AND 100)
);
COMMENT ON TABLE jobctl.storage IS 'The storage that has the bytes of the jobs';
COMMENT ON COLUMN jobctl.storage.single IS 'Always true: there is one row at most';
COMMENT ON COLUMN jobctl.storage.storage_id IS 'What the marker in the storage says';
COMMENT ON COLUMN jobctl.storage.location IS 'Where it was when it was identified, for people';
COMMENT ON COLUMN jobctl.storage.identified_at IS 'When the marker was written or adopted';

CREATE TABLE jobctl.server (
    single BOOLEAN PRIMARY KEY DEFAULT true,
    system_id TEXT NOT NULL,
    timeline TEXT NOT NULL,
    since TIMESTAMPTZ NOT NULL,
    CONSTRAINT server_single_check CHECK (single)
);
COMMENT ON TABLE jobctl.server IS 'The server that the latest sweep found';
COMMENT ON COLUMN jobctl.server.single IS 'Always true: there is one row at most';
COMMENT ON COLUMN jobctl.server.system_id IS 'Its system identifier';
COMMENT ON COLUMN jobctl.server.timeline IS 'Its timeline: another after a promotion';
COMMENT ON COLUMN jobctl.server.since IS 'When a sweep first found it; -infinity: it was the first';

-- Where the server has no such functions, or does not let us call them, a promotion is not noticed.
CREATE FUNCTION jobctl.server_identity(OUT system_id text, OUT timeline text) LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SELECT c.system_identifier::text, left(pg_walfile_name(pg_current_wal_lsn()), 8) INTO system_id, timeline
    FROM pg_control_system() c;
EXCEPTION WHEN OTHERS THEN
    system_id := NULL;
END $$;
COMMENT ON FUNCTION jobctl.server_identity() IS 'Which server this is; null: it does not say';

ALTER TABLE jobctl.workers
    ADD COLUMN boot_id TEXT, ADD COLUMN pid_namespace TEXT, ADD COLUMN process_start TEXT,
    ADD COLUMN storage_away TEXT;
COMMENT ON COLUMN jobctl.workers.boot_id IS 'Boot of the machine it runs on; null: unknown';
COMMENT ON COLUMN jobctl.workers.pid_namespace IS 'Namespace in which its process id holds';
COMMENT ON COLUMN jobctl.workers.process_start IS 'Start of its process, in clock ticks since the boot';
COMMENT ON COLUMN jobctl.workers.storage_away IS 'Why it can not use the storage; null: it can';
"""

DOWN = """
ALTER TABLE jobctl.workers
    DROP COLUMN storage_away, DROP COLUMN process_start, DROP COLUMN pid_namespace, DROP COLUMN boot_id;
DROP FUNCTION jobctl.server_identity();
DROP TABLE jobctl.server;
DROP TABLE jobctl.storage;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)

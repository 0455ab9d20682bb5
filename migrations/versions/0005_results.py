"""Results that are too large for the job's row: where their bytes are.

Revision ID: 0005
Revises: 0004
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

UP = """
ALTER TABLE jobctl.jobs
    ADD COLUMN result_path TEXT,
    ADD COLUMN result_sha256 TEXT,
    ADD COLUMN result_size BIGINT,
    ADD CONSTRAINT jobs_result_sha256_check CHECK (result_sha256 ~ '^[0-9a-f]{64}$');
COMMENT ON COLUMN jobctl.jobs.output_data IS 'Result of the last stage, where it is small';
COMMENT ON COLUMN jobctl.jobs.result_path IS 'Storage key of the result, where it is large; null again when it was pruned';
COMMENT ON COLUMN jobctl.jobs.result_sha256 IS 'SHA-256 of the stored result''s bytes';
COMMENT ON COLUMN jobctl.jobs.result_size IS 'Number of bytes of the stored result';
CREATE INDEX jobs_result_idx ON jobctl.jobs (completed_at, id) WHERE result_path IS NOT NULL;
"""

DOWN = """
DROP INDEX jobctl.jobs_result_idx;
ALTER TABLE jobctl.jobs
    DROP CONSTRAINT jobs_result_sha256_check,
    DROP COLUMN result_path,
    DROP COLUMN result_sha256,
    DROP COLUMN result_size;
COMMENT ON COLUMN jobctl.jobs.output_data IS 'Result of the last stage';
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)

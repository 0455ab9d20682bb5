"""Vectors as pgvector has them, where the server has pgvector.

Without the extension the plain bytes are all there is, and nothing else differs.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

UP = """
DO $$
DECLARE
    home text;
BEGIN
    SELECT n.nspname INTO home
    FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'vector';
    IF home IS NOT NULL THEN
        EXECUTE format('ALTER TABLE jobctl.chunks ADD COLUMN embedding %I.vector', home);
        COMMENT ON COLUMN jobctl.chunks.embedding IS 'The vector again, for pgvector; only where the server has it';
    END IF;
END $$;
"""

DOWN = "ALTER TABLE jobctl.chunks DROP COLUMN IF EXISTS embedding;"


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)

"""Which programs a schema still serves, so that old and new ones can work at once.

A migration that an older program cannot work with sets ``serves`` here, and has the same as its own ``serves``.

Revision ID: 0010
Revises: 0009
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None
serves = "0010"

UP = """
CREATE TABLE jobctl.compatibility (
    only_row BOOLEAN PRIMARY KEY DEFAULT true,
    serves TEXT NOT NULL,
    CONSTRAINT compatibility_only_row_check CHECK (only_row)
);
COMMENT ON TABLE jobctl.compatibility IS 'The one row about the programs that can work with this schema';
COMMENT ON COLUMN jobctl.compatibility.only_row IS 'Always true: the table has one row';
COMMENT ON COLUMN jobctl.compatibility.serves IS 'Newest revision of the oldest program that can work with this schema';
INSERT INTO jobctl.compatibility (serves) VALUES ('0010');

ALTER TABLE jobctl.workers ADD COLUMN revision TEXT;
COMMENT ON COLUMN jobctl.workers.revision IS 'Newest revision of the schema that its program has; null: before 0010';
"""

DOWN = """
ALTER TABLE jobctl.workers DROP COLUMN revision;
DROP TABLE jobctl.compatibility;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)

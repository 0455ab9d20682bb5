"""The index that search and connections read: stemmed words with their passages, and vectors by pgvector's graph.

Documents that exist are put into it by the program after the upgrade, one by one: their words are cut as it cuts them.
What a program without the index saves later leaves it, and is put into it by the next one that has it.

Revision ID: 0012
Revises: 0011
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE jobctl.search_documents (
    document_id BIGINT PRIMARY KEY REFERENCES jobctl.documents (id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    dictionary TEXT NOT NULL,
    passages INTEGER NOT NULL,
    words BIGINT NOT NULL
);
COMMENT ON TABLE jobctl.search_documents IS 'Documents that are in the search index';
COMMENT ON COLUMN jobctl.search_documents.document_id IS 'Document';
COMMENT ON COLUMN jobctl.search_documents.version IS 'Version of the index that it is in';
COMMENT ON COLUMN jobctl.search_documents.dictionary IS 'Text search dictionary of its words';
COMMENT ON COLUMN jobctl.search_documents.passages IS 'Passages';
COMMENT ON COLUMN jobctl.search_documents.words IS 'Words of all passages, without stop words';

CREATE TABLE jobctl.search_passages (
    chunk_id BIGINT PRIMARY KEY REFERENCES jobctl.chunks (id) ON DELETE CASCADE,
    boilerplate BOOLEAN NOT NULL,
    sample INTEGER NOT NULL,
    terms BYTEA NOT NULL
);
CREATE INDEX search_passages_sample_idx ON jobctl.search_passages (sample, chunk_id) WHERE NOT boilerplate;
COMMENT ON TABLE jobctl.search_passages IS 'The words of each passage';
COMMENT ON COLUMN jobctl.search_passages.chunk_id IS 'Passage';
COMMENT ON COLUMN jobctl.search_passages.boilerplate IS 'Contents, licence or a mere list of links: not compared';
COMMENT ON COLUMN jobctl.search_passages.sample IS 'Hash of the text: an order for random samples';
COMMENT ON COLUMN jobctl.search_passages.terms IS 'Hashes of its stems, ascending (int4 each), then their counts (a byte each)';

CREATE TABLE jobctl.search_terms (
    term INTEGER NOT NULL,
    document_id BIGINT NOT NULL REFERENCES jobctl.documents (id) ON DELETE CASCADE,
    postings BYTEA NOT NULL,
    PRIMARY KEY (term, document_id)
);
CREATE INDEX search_terms_document_idx ON jobctl.search_terms (document_id);
COMMENT ON TABLE jobctl.search_terms IS 'Which passages of a document have a word';
COMMENT ON COLUMN jobctl.search_terms.term IS 'Hash of the stem';
COMMENT ON COLUMN jobctl.search_terms.document_id IS 'Document';
COMMENT ON COLUMN jobctl.search_terms.postings IS 'int8 each: passage << 24 | count << 16 | words of the passage';

CREATE FUNCTION jobctl.leave_search_index() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM jobctl.search_documents WHERE document_id = NEW.id;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION jobctl.leave_search_index() IS 'A changed document is not in the index until its words are written anew';
CREATE TRIGGER leave_search_index AFTER UPDATE ON jobctl.documents
    FOR EACH ROW WHEN (
        (OLD.title, OLD.language, OLD.updated_at, OLD.markdown_sha256)
        IS DISTINCT FROM (NEW.title, NEW.language, NEW.updated_at, NEW.markdown_sha256)
    )
    EXECUTE FUNCTION jobctl.leave_search_index();

DO $$
DECLARE
    home text;
    dims integer;
BEGIN
    SELECT n.nspname INTO home
    FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
    JOIN pg_am m ON m.amname = 'hnsw'
    JOIN pg_attribute a ON a.attrelid = 'jobctl.chunks'::regclass AND a.attname = 'embedding' AND NOT a.attisdropped
    WHERE e.extname = 'vector';
    IF home IS NOT NULL THEN
        PERFORM set_config('statement_timeout', '0', true), set_config('maintenance_work_mem', '256MB', true);
        FOREACH dims IN ARRAY ARRAY[256, 384, 512, 768, 1024, 1536] LOOP
            EXECUTE format(
                'CREATE INDEX chunks_nearest_%2$s_idx ON jobctl.chunks USING hnsw '
                '((embedding::%1$I.vector(%2$s)) %1$I.vector_cosine_ops) WHERE %1$I.vector_dims(embedding) = %2$s',
                home, dims
            );
        END LOOP;
    END IF;
END $$;
"""

DOWN = """
DROP INDEX IF EXISTS
    jobctl.chunks_nearest_256_idx, jobctl.chunks_nearest_384_idx, jobctl.chunks_nearest_512_idx,
    jobctl.chunks_nearest_768_idx, jobctl.chunks_nearest_1024_idx, jobctl.chunks_nearest_1536_idx;
DROP TRIGGER leave_search_index ON jobctl.documents;
DROP FUNCTION jobctl.leave_search_index();
DROP TABLE jobctl.search_terms;
DROP TABLE jobctl.search_passages;
DROP TABLE jobctl.search_documents;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)

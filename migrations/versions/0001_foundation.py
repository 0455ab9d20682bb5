"""Jobs, their history and the document library.

Revision ID: 0001
Revises:
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# One function tells the time, so that tests can move it for their own session.
FUNCTIONS = """
CREATE FUNCTION jobctl.clock() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(nullif(current_setting('jobctl.clock', true), '')::timestamptz, clock_timestamp())
$$;
COMMENT ON FUNCTION jobctl.clock() IS 'The database''s clock; the setting jobctl.clock replaces it in tests';
"""

# Why a job that becomes pending can't be claimed yet. A keyed job always waits first: wake_keys.sql lets one through.
REASONS = """
CREATE FUNCTION jobctl.waiting_reason(job_id bigint, queue text, job_type text, concurrency_key text)
RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN EXISTS (
            SELECT FROM jobctl.job_dependencies d LEFT JOIN jobctl.jobs j ON j.id = d.depends_on
            WHERE d.job_id = waiting_reason.job_id AND j.status IS DISTINCT FROM 'completed'
        ) THEN 'dependency'
        WHEN EXISTS (SELECT FROM jobctl.holds h WHERE h.kind = 'queue' AND h.name = waiting_reason.queue) THEN 'queue'
        WHEN EXISTS (SELECT FROM jobctl.holds h WHERE h.kind = 'type' AND h.name = waiting_reason.job_type) THEN 'type'
        WHEN waiting_reason.concurrency_key IS NOT NULL THEN 'key'
    END
$$;
COMMENT ON FUNCTION jobctl.waiting_reason(bigint, text, text, text) IS 'Why a job that becomes pending must wait';
"""

TABLES = """
CREATE TABLE jobctl.documents (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    uid UUID NOT NULL,
    title TEXT NOT NULL,
    author TEXT,
    source_type TEXT NOT NULL,
    source_name TEXT,
    source_url TEXT,
    source_sha256 TEXT,
    source_key TEXT,
    language TEXT,
    page_count INTEGER,
    word_count INTEGER DEFAULT 0 NOT NULL,
    outline JSONB DEFAULT '[]'::jsonb NOT NULL,
    frontmatter JSONB DEFAULT '{}'::jsonb NOT NULL,
    markdown_key TEXT NOT NULL,
    markdown_sha256 TEXT NOT NULL,
    engine TEXT NOT NULL,
    generation INTEGER DEFAULT 1 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT jobctl.clock() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT jobctl.clock() NOT NULL,
    connected_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT documents_pkey PRIMARY KEY (id),
    CONSTRAINT documents_uid_key UNIQUE (uid)
);

CREATE INDEX documents_sha256_idx ON jobctl.documents (source_sha256);
COMMENT ON TABLE jobctl.documents IS 'The library: one row a document';
COMMENT ON COLUMN jobctl.documents.id IS 'Number people type';
COMMENT ON COLUMN jobctl.documents.uid IS 'The same in every library and archive';
COMMENT ON COLUMN jobctl.documents.title IS 'Title';
COMMENT ON COLUMN jobctl.documents.author IS 'Author';
COMMENT ON COLUMN jobctl.documents.source_type IS 'pdf epub docx html markdown text';
COMMENT ON COLUMN jobctl.documents.source_name IS 'File name it was submitted under';
COMMENT ON COLUMN jobctl.documents.source_url IS 'Address it was fetched from';
COMMENT ON COLUMN jobctl.documents.source_sha256 IS 'SHA-256 of the source';
COMMENT ON COLUMN jobctl.documents.source_key IS 'Storage key of the source';
COMMENT ON COLUMN jobctl.documents.language IS 'Two-letter code';
COMMENT ON COLUMN jobctl.documents.page_count IS 'Pages, where the format has them';
COMMENT ON COLUMN jobctl.documents.word_count IS 'Words of the Markdown';
COMMENT ON COLUMN jobctl.documents.outline IS 'Headings: level, title, start';
COMMENT ON COLUMN jobctl.documents.frontmatter IS 'Properties of a note that are not ours';
COMMENT ON COLUMN jobctl.documents.markdown_key IS 'Storage key of the Markdown';
COMMENT ON COLUMN jobctl.documents.markdown_sha256 IS 'SHA-256 of the Markdown';
COMMENT ON COLUMN jobctl.documents.engine IS 'Embedding engine of the current chunks';
COMMENT ON COLUMN jobctl.documents.generation IS 'Generation of the current chunks';
COMMENT ON COLUMN jobctl.documents.created_at IS 'When it came into the library';
COMMENT ON COLUMN jobctl.documents.updated_at IS 'Latest change';
COMMENT ON COLUMN jobctl.documents.connected_at IS 'When its connections were detected last';

CREATE TABLE jobctl.events (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    job_id BIGINT NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT jobctl.clock() NOT NULL,
    kind TEXT NOT NULL,
    from_status TEXT,
    to_status TEXT,
    actor TEXT DEFAULT '' NOT NULL,
    lease_seq INTEGER,
    detail JSONB DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT events_pkey PRIMARY KEY (id)
);

CREATE INDEX events_job_idx ON jobctl.events (job_id, id);
COMMENT ON TABLE jobctl.events IS 'Append-only history: one row for every change of status';
COMMENT ON COLUMN jobctl.events.id IS 'Number people type';
COMMENT ON COLUMN jobctl.events.job_id IS 'Job; kept when the job is deleted';
COMMENT ON COLUMN jobctl.events.at IS 'When';
COMMENT ON COLUMN jobctl.events.kind IS 'Name of the move, or request, checkpoint, warning';
COMMENT ON COLUMN jobctl.events.from_status IS 'Status before, where the status changed';
COMMENT ON COLUMN jobctl.events.to_status IS 'Status after, where the status changed';
COMMENT ON COLUMN jobctl.events.actor IS 'User, worker:N or sweep';
COMMENT ON COLUMN jobctl.events.lease_seq IS 'Hand-out it belongs to';
COMMENT ON COLUMN jobctl.events.detail IS 'What else is worth knowing';

CREATE TABLE jobctl.holds (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    since TIMESTAMP WITH TIME ZONE DEFAULT jobctl.clock() NOT NULL,
    reason TEXT DEFAULT '' NOT NULL,
    actor TEXT DEFAULT '' NOT NULL,
    CONSTRAINT holds_pkey PRIMARY KEY (kind, name),
    CONSTRAINT holds_kind_check CHECK (kind IN ('queue', 'type'))
);
COMMENT ON TABLE jobctl.holds IS 'Queues and job types that are held as a whole';
COMMENT ON COLUMN jobctl.holds.kind IS 'queue or type';
COMMENT ON COLUMN jobctl.holds.name IS 'Which one';
COMMENT ON COLUMN jobctl.holds.since IS 'When it was held';
COMMENT ON COLUMN jobctl.holds.reason IS 'Why, in words';
COMMENT ON COLUMN jobctl.holds.actor IS 'Who';

CREATE TABLE jobctl.jobs (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    job_type TEXT NOT NULL,
    status TEXT DEFAULT 'pending' NOT NULL,
    title TEXT DEFAULT '' NOT NULL,
    queue TEXT DEFAULT 'default' NOT NULL,
    priority SMALLINT DEFAULT 2 NOT NULL,
    labels JSONB DEFAULT '{}'::jsonb NOT NULL,
    idempotency_key TEXT,
    concurrency_key TEXT,
    waiting_on TEXT,
    created_by TEXT DEFAULT '' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT jobctl.clock() NOT NULL,
    run_after TIMESTAMP WITH TIME ZONE DEFAULT jobctl.clock() NOT NULL,
    input_data JSONB DEFAULT '{}'::jsonb NOT NULL,
    output_data JSONB,
    metadata JSONB DEFAULT '{}'::jsonb NOT NULL,
    progress JSONB DEFAULT '{}'::jsonb NOT NULL,
    retry_count INTEGER DEFAULT 0 NOT NULL,
    max_retries INTEGER DEFAULT 3 NOT NULL,
    next_retry_at TIMESTAMP WITH TIME ZONE,
    error_type TEXT,
    error_message TEXT,
    last_error TEXT,
    error_trace TEXT,
    started_at TIMESTAMP WITH TIME ZONE,
    attempt_started_at TIMESTAMP WITH TIME ZONE,
    completed_at TIMESTAMP WITH TIME ZONE,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT jobctl.clock() NOT NULL,
    paused_at TIMESTAMP WITH TIME ZONE,
    resumed_at TIMESTAMP WITH TIME ZONE,
    pause_reason TEXT,
    resume_count INTEGER DEFAULT 0 NOT NULL,
    last_checkpoint_path TEXT,
    last_checkpoint_stage TEXT,
    checkpoint_hash TEXT,
    entity_type TEXT,
    entity_id TEXT,
    lease_seq INTEGER DEFAULT 0 NOT NULL,
    lease_id UUID,
    worker_id BIGINT,
    lease_expires_at TIMESTAMP WITH TIME ZONE,
    heartbeat_at TIMESTAMP WITH TIME ZONE,
    crash_count INTEGER DEFAULT 0 NOT NULL,
    pause_requested_at TIMESTAMP WITH TIME ZONE,
    cancel_requested_at TIMESTAMP WITH TIME ZONE,
    cancel_reason TEXT,
    CONSTRAINT jobs_pkey PRIMARY KEY (id),
    CONSTRAINT jobs_status_check CHECK (status IN ('pending', 'processing', 'paused', 'completed', 'failed', 'cancelled')),
    CONSTRAINT jobs_priority_check CHECK (priority BETWEEN 0 AND 4),
    CONSTRAINT jobs_waiting_on_check CHECK (waiting_on IN ('dependency', 'key', 'queue', 'type')),
    CONSTRAINT jobs_error_type_check CHECK (error_type IN ('transient', 'paywall', 'invalid', 'permanent')),
    CONSTRAINT jobs_lease_check CHECK ((status = 'processing') = (lease_id IS NOT NULL)),
    CONSTRAINT jobs_next_retry_check CHECK (next_retry_at IS NULL OR status = 'failed'),
    CONSTRAINT jobs_counters_check CHECK (retry_count >= 0 AND max_retries >= 0 AND crash_count >= 0 AND lease_seq >= 0),
    CONSTRAINT jobs_title_check CHECK (octet_length(title) <= 2048 AND char_length(title) <= 512),
    CONSTRAINT jobs_progress_check CHECK (octet_length(progress::text) <= 2304)
);

CREATE INDEX jobs_claim_idx ON jobctl.jobs (queue, job_type, priority DESC, run_after, id) WHERE status = 'pending' AND waiting_on IS NULL;

CREATE INDEX jobs_due_idx ON jobctl.jobs (next_retry_at, id) WHERE status = 'failed' AND next_retry_at IS NOT NULL;

CREATE INDEX jobs_failed_idx ON jobctl.jobs (id) WHERE status = 'failed';

CREATE UNIQUE INDEX jobs_idempotency_idx ON jobctl.jobs (idempotency_key) WHERE idempotency_key IS NOT NULL AND status IN ('pending', 'processing', 'paused');

CREATE UNIQUE INDEX jobs_key_holder_idx ON jobctl.jobs (concurrency_key) WHERE concurrency_key IS NOT NULL AND (status = 'processing' OR (status = 'pending' AND waiting_on IS NULL));

CREATE INDEX jobs_key_waiting_idx ON jobctl.jobs (concurrency_key, priority DESC, run_after, id) WHERE status = 'pending' AND waiting_on = 'key';

CREATE INDEX jobs_processing_idx ON jobctl.jobs (id) WHERE status = 'processing';

CREATE INDEX jobs_unfinished_idx ON jobctl.jobs (id) WHERE status IN ('pending', 'processing', 'paused');

CREATE INDEX jobs_waiting_idx ON jobctl.jobs (waiting_on, id) WHERE status = 'pending' AND waiting_on IN ('dependency', 'queue', 'type');
COMMENT ON TABLE jobctl.jobs IS 'One row a job';
COMMENT ON COLUMN jobctl.jobs.id IS 'Number people type';
COMMENT ON COLUMN jobctl.jobs.job_type IS 'Name of the pipeline';
COMMENT ON COLUMN jobctl.jobs.status IS 'Where the job is; moves only along the table in core/lifecycle.py';
COMMENT ON COLUMN jobctl.jobs.title IS 'What the job is about, as people know it';
COMMENT ON COLUMN jobctl.jobs.queue IS 'Queue the job waits in; a queue can be held as a whole';
COMMENT ON COLUMN jobctl.jobs.priority IS '0 lowest to 4 highest';
COMMENT ON COLUMN jobctl.jobs.labels IS 'Labels given at submit, text to text';
COMMENT ON COLUMN jobctl.jobs.idempotency_key IS 'Unique among jobs that are not finished';
COMMENT ON COLUMN jobctl.jobs.concurrency_key IS 'Jobs of one key never run at the same time';
COMMENT ON COLUMN jobctl.jobs.waiting_on IS 'Why a pending job can''t be claimed: dependency, key, queue, type; null: claimable';
COMMENT ON COLUMN jobctl.jobs.created_by IS 'User who submitted, or job:N for follow-up work';
COMMENT ON COLUMN jobctl.jobs.created_at IS 'When it was submitted';
COMMENT ON COLUMN jobctl.jobs.run_after IS 'Not before this instant';
COMMENT ON COLUMN jobctl.jobs.input_data IS 'Validated input';
COMMENT ON COLUMN jobctl.jobs.output_data IS 'Result of the last stage';
COMMENT ON COLUMN jobctl.jobs.metadata IS 'Label, mode, inputs taken into storage, expected stages';
COMMENT ON COLUMN jobctl.jobs.progress IS 'percent stage substage details current total unit updated_at; at most 2 KiB';
COMMENT ON COLUMN jobctl.jobs.retry_count IS 'Retries after errors, automatic and manual';
COMMENT ON COLUMN jobctl.jobs.max_retries IS 'How many of them are allowed';
COMMENT ON COLUMN jobctl.jobs.next_retry_at IS 'When the sweep retries; only in failed';
COMMENT ON COLUMN jobctl.jobs.error_type IS 'transient paywall invalid permanent';
COMMENT ON COLUMN jobctl.jobs.error_message IS 'What went wrong, for people';
COMMENT ON COLUMN jobctl.jobs.last_error IS 'Raw text of the last error';
COMMENT ON COLUMN jobctl.jobs.error_trace IS 'Traceback of the last error';
COMMENT ON COLUMN jobctl.jobs.started_at IS 'First claim';
COMMENT ON COLUMN jobctl.jobs.attempt_started_at IS 'Latest claim';
COMMENT ON COLUMN jobctl.jobs.completed_at IS 'When it reached completed, failed or cancelled';
COMMENT ON COLUMN jobctl.jobs.updated_at IS 'Latest change of the row';
COMMENT ON COLUMN jobctl.jobs.paused_at IS 'When it was paused last';
COMMENT ON COLUMN jobctl.jobs.resumed_at IS 'When it was resumed last';
COMMENT ON COLUMN jobctl.jobs.pause_reason IS 'Why it is paused, in words';
COMMENT ON COLUMN jobctl.jobs.resume_count IS 'How often it was resumed';
COMMENT ON COLUMN jobctl.jobs.last_checkpoint_path IS 'Storage key of the newest checkpoint';
COMMENT ON COLUMN jobctl.jobs.last_checkpoint_stage IS 'Stage of the newest checkpoint';
COMMENT ON COLUMN jobctl.jobs.checkpoint_hash IS 'SHA-256 of the newest checkpoint''s bytes';
COMMENT ON COLUMN jobctl.jobs.entity_type IS 'What the job is about: document';
COMMENT ON COLUMN jobctl.jobs.entity_id IS 'Its id';
COMMENT ON COLUMN jobctl.jobs.lease_seq IS 'Hand-outs; first half of the token';
COMMENT ON COLUMN jobctl.jobs.lease_id IS 'Second half of the token, new at each hand-out';
COMMENT ON COLUMN jobctl.jobs.worker_id IS 'Supervisor that holds the lease';
COMMENT ON COLUMN jobctl.jobs.lease_expires_at IS 'After this any worker may rescue the job';
COMMENT ON COLUMN jobctl.jobs.heartbeat_at IS 'Latest beat';
COMMENT ON COLUMN jobctl.jobs.crash_count IS 'Lost leases and dead children since the last success or retry';
COMMENT ON COLUMN jobctl.jobs.pause_requested_at IS 'A pause stands since';
COMMENT ON COLUMN jobctl.jobs.cancel_requested_at IS 'A cancel stands since';
COMMENT ON COLUMN jobctl.jobs.cancel_reason IS 'Why it is cancelled, in words';

CREATE TABLE jobctl.workers (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    name TEXT NOT NULL,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    version TEXT NOT NULL,
    capacity INTEGER DEFAULT 1 NOT NULL,
    job_types JSONB DEFAULT '[]'::jsonb NOT NULL,
    queues JSONB DEFAULT '[]'::jsonb NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE DEFAULT jobctl.clock() NOT NULL,
    heartbeat_at TIMESTAMP WITH TIME ZONE DEFAULT jobctl.clock() NOT NULL,
    draining_at TIMESTAMP WITH TIME ZONE,
    stopped_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT workers_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE jobctl.workers IS 'One row a supervisor process';
COMMENT ON COLUMN jobctl.workers.id IS 'Number people type';
COMMENT ON COLUMN jobctl.workers.name IS 'Name of the supervisor';
COMMENT ON COLUMN jobctl.workers.host IS 'Host it runs on';
COMMENT ON COLUMN jobctl.workers.pid IS 'Process id on that host';
COMMENT ON COLUMN jobctl.workers.version IS 'jobctl version';
COMMENT ON COLUMN jobctl.workers.capacity IS 'Jobs it runs at once';
COMMENT ON COLUMN jobctl.workers.job_types IS 'Job types it serves';
COMMENT ON COLUMN jobctl.workers.queues IS 'Queues it serves; empty: all';
COMMENT ON COLUMN jobctl.workers.started_at IS 'When it started';
COMMENT ON COLUMN jobctl.workers.heartbeat_at IS 'Latest beat';
COMMENT ON COLUMN jobctl.workers.draining_at IS 'Since when it takes no new jobs';
COMMENT ON COLUMN jobctl.workers.stopped_at IS 'When it said goodbye';

CREATE TABLE jobctl.annotations (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    uid UUID NOT NULL,
    document_id BIGINT NOT NULL,
    start_offset INTEGER,
    end_offset INTEGER,
    text TEXT NOT NULL,
    note TEXT,
    colour TEXT,
    tags JSONB DEFAULT '[]'::jsonb NOT NULL,
    origin TEXT DEFAULT 'user' NOT NULL,
    origin_id TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT jobctl.clock() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT jobctl.clock() NOT NULL,
    CONSTRAINT annotations_pkey PRIMARY KEY (id),
    CONSTRAINT annotations_origin_key UNIQUE (document_id, origin, origin_id),
    CONSTRAINT annotations_uid_key UNIQUE (uid),
    CONSTRAINT annotations_document_id_fkey FOREIGN KEY(document_id) REFERENCES jobctl.documents (id) ON DELETE CASCADE
);

CREATE INDEX annotations_document_idx ON jobctl.annotations (document_id, start_offset);
COMMENT ON TABLE jobctl.annotations IS 'Highlights and notes of a person';
COMMENT ON COLUMN jobctl.annotations.id IS 'Number people type';
COMMENT ON COLUMN jobctl.annotations.uid IS 'The same in every library and archive';
COMMENT ON COLUMN jobctl.annotations.document_id IS 'Document';
COMMENT ON COLUMN jobctl.annotations.start_offset IS 'First code point in the Markdown; null: place lost, see review';
COMMENT ON COLUMN jobctl.annotations.end_offset IS 'Code point after the last';
COMMENT ON COLUMN jobctl.annotations.text IS 'The passage';
COMMENT ON COLUMN jobctl.annotations.note IS 'A person''s remark';
COMMENT ON COLUMN jobctl.annotations.colour IS 'Colour';
COMMENT ON COLUMN jobctl.annotations.tags IS 'Tags';
COMMENT ON COLUMN jobctl.annotations.origin IS 'user readwise obsidian import';
COMMENT ON COLUMN jobctl.annotations.origin_id IS 'Id where it came from';
COMMENT ON COLUMN jobctl.annotations.created_at IS 'When it was made';
COMMENT ON COLUMN jobctl.annotations.updated_at IS 'Latest change';

CREATE TABLE jobctl.checkpoints (
    job_id BIGINT NOT NULL,
    seq INTEGER NOT NULL,
    lease_seq INTEGER NOT NULL,
    stage TEXT NOT NULL,
    done INTEGER DEFAULT 0 NOT NULL,
    complete BOOLEAN NOT NULL,
    path TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size BIGINT NOT NULL,
    pause_safe BOOLEAN NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT jobctl.clock() NOT NULL,
    CONSTRAINT checkpoints_pkey PRIMARY KEY (job_id, seq, lease_seq),
    CONSTRAINT checkpoints_sha256_check CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    CONSTRAINT checkpoints_job_id_fkey FOREIGN KEY(job_id) REFERENCES jobctl.jobs (id) ON DELETE CASCADE
);
COMMENT ON TABLE jobctl.checkpoints IS 'One row a durable stage result or part of one';
COMMENT ON COLUMN jobctl.checkpoints.job_id IS 'Job';
COMMENT ON COLUMN jobctl.checkpoints.seq IS 'Order within the job';
COMMENT ON COLUMN jobctl.checkpoints.lease_seq IS 'Hand-out that wrote it';
COMMENT ON COLUMN jobctl.checkpoints.stage IS 'Stage whose result, or part of it, this is';
COMMENT ON COLUMN jobctl.checkpoints.done IS 'Items of the stage done with this segment';
COMMENT ON COLUMN jobctl.checkpoints.complete IS 'Whether the stage ended with this segment';
COMMENT ON COLUMN jobctl.checkpoints.path IS 'Storage key of the bytes';
COMMENT ON COLUMN jobctl.checkpoints.sha256 IS 'SHA-256 of the exact bytes, 64 hex digits';
COMMENT ON COLUMN jobctl.checkpoints.size IS 'Number of bytes';
COMMENT ON COLUMN jobctl.checkpoints.pause_safe IS 'Whether the job may stop here';
COMMENT ON COLUMN jobctl.checkpoints.created_at IS 'When it was committed';

CREATE TABLE jobctl.chunks (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    document_id BIGINT NOT NULL,
    generation INTEGER NOT NULL,
    index INTEGER NOT NULL,
    text TEXT NOT NULL,
    start_offset INTEGER NOT NULL,
    end_offset INTEGER NOT NULL,
    heading_path JSONB DEFAULT '[]'::jsonb NOT NULL,
    page_start INTEGER,
    page_end INTEGER,
    token_count INTEGER DEFAULT 0 NOT NULL,
    themes JSONB DEFAULT '[]'::jsonb NOT NULL,
    summary TEXT DEFAULT '' NOT NULL,
    importance DOUBLE PRECISION DEFAULT 0 NOT NULL,
    polarity DOUBLE PRECISION DEFAULT 0 NOT NULL,
    engine TEXT NOT NULL,
    vector BYTEA NOT NULL,
    CONSTRAINT chunks_pkey PRIMARY KEY (id),
    CONSTRAINT chunks_document_index_key UNIQUE (document_id, index),
    CONSTRAINT chunks_offsets_check CHECK (start_offset >= 0 AND end_offset > start_offset),
    CONSTRAINT chunks_document_id_fkey FOREIGN KEY(document_id) REFERENCES jobctl.documents (id) ON DELETE CASCADE
);
COMMENT ON TABLE jobctl.chunks IS 'Passages of documents, the unit of search and connection';
COMMENT ON COLUMN jobctl.chunks.id IS 'Number people type';
COMMENT ON COLUMN jobctl.chunks.document_id IS 'Document';
COMMENT ON COLUMN jobctl.chunks.generation IS 'Generation it belongs to';
COMMENT ON COLUMN jobctl.chunks.index IS 'Order in the document, from 0';
COMMENT ON COLUMN jobctl.chunks.text IS 'markdown[start_offset:end_offset]';
COMMENT ON COLUMN jobctl.chunks.start_offset IS 'First code point';
COMMENT ON COLUMN jobctl.chunks.end_offset IS 'Code point after the last';
COMMENT ON COLUMN jobctl.chunks.heading_path IS 'Headings it stands under, outermost first';
COMMENT ON COLUMN jobctl.chunks.page_start IS 'First page, from 1';
COMMENT ON COLUMN jobctl.chunks.page_end IS 'Last page';
COMMENT ON COLUMN jobctl.chunks.token_count IS 'Tokens, estimated';
COMMENT ON COLUMN jobctl.chunks.themes IS 'Key phrases, best first';
COMMENT ON COLUMN jobctl.chunks.summary IS 'Lead sentence';
COMMENT ON COLUMN jobctl.chunks.importance IS 'Centrality, 0 to 1';
COMMENT ON COLUMN jobctl.chunks.polarity IS '-1 to 1';
COMMENT ON COLUMN jobctl.chunks.engine IS 'Embedding engine of the vector';
COMMENT ON COLUMN jobctl.chunks.vector IS 'Little-endian float32; empty: no vector';

CREATE TABLE jobctl.import_review (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    source TEXT NOT NULL,
    source_id TEXT NOT NULL,
    document_id BIGINT,
    payload JSONB DEFAULT '{}'::jsonb NOT NULL,
    suggestion JSONB DEFAULT '{}'::jsonb NOT NULL,
    reason TEXT DEFAULT '' NOT NULL,
    status TEXT DEFAULT 'open' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT jobctl.clock() NOT NULL,
    reviewed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT import_review_pkey PRIMARY KEY (id),
    CONSTRAINT import_review_source_key UNIQUE (source, source_id),
    CONSTRAINT import_review_status_check CHECK (status IN ('waiting', 'open', 'accepted', 'rejected')),
    CONSTRAINT import_review_document_id_fkey FOREIGN KEY(document_id) REFERENCES jobctl.documents (id) ON DELETE CASCADE
);

CREATE INDEX import_review_document_idx ON jobctl.import_review (document_id);
COMMENT ON TABLE jobctl.import_review IS 'Imports that a person has to judge, or that wait for their document';
COMMENT ON COLUMN jobctl.import_review.id IS 'Number people type';
COMMENT ON COLUMN jobctl.import_review.source IS 'readwise obsidian reanchor';
COMMENT ON COLUMN jobctl.import_review.source_id IS 'Id where it came from';
COMMENT ON COLUMN jobctl.import_review.document_id IS 'Document, where known';
COMMENT ON COLUMN jobctl.import_review.payload IS 'What is to be placed';
COMMENT ON COLUMN jobctl.import_review.suggestion IS 'Best place: start, end, score, runner-up';
COMMENT ON COLUMN jobctl.import_review.reason IS 'Why a person has to look';
COMMENT ON COLUMN jobctl.import_review.status IS 'waiting open accepted rejected';
COMMENT ON COLUMN jobctl.import_review.created_at IS 'When it came in';
COMMENT ON COLUMN jobctl.import_review.reviewed_at IS 'When a person decided';

CREATE TABLE jobctl.job_dependencies (
    job_id BIGINT NOT NULL,
    depends_on BIGINT NOT NULL,
    CONSTRAINT job_dependencies_pkey PRIMARY KEY (job_id, depends_on),
    CONSTRAINT job_dependencies_job_id_fkey FOREIGN KEY(job_id) REFERENCES jobctl.jobs (id) ON DELETE CASCADE
);

CREATE INDEX job_dependencies_on_idx ON jobctl.job_dependencies (depends_on);
COMMENT ON TABLE jobctl.job_dependencies IS 'Jobs that wait for other jobs';
COMMENT ON COLUMN jobctl.job_dependencies.job_id IS 'The one that waits';
COMMENT ON COLUMN jobctl.job_dependencies.depends_on IS 'Must be completed first';

CREATE TABLE jobctl.job_logs (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    job_id BIGINT NOT NULL,
    attempt INTEGER NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT jobctl.clock() NOT NULL,
    level TEXT DEFAULT 'info' NOT NULL,
    stage TEXT,
    text TEXT NOT NULL,
    CONSTRAINT job_logs_pkey PRIMARY KEY (id),
    CONSTRAINT job_logs_job_id_fkey FOREIGN KEY(job_id) REFERENCES jobctl.jobs (id) ON DELETE CASCADE
);

CREATE INDEX job_logs_job_idx ON jobctl.job_logs (job_id, id);
COMMENT ON TABLE jobctl.job_logs IS 'What handlers logged, printed or wrote to stderr; bounded per job';
COMMENT ON COLUMN jobctl.job_logs.id IS 'Number people type';
COMMENT ON COLUMN jobctl.job_logs.job_id IS 'Job';
COMMENT ON COLUMN jobctl.job_logs.attempt IS 'lease_seq of the attempt';
COMMENT ON COLUMN jobctl.job_logs.at IS 'When';
COMMENT ON COLUMN jobctl.job_logs.level IS 'debug info warning error';
COMMENT ON COLUMN jobctl.job_logs.stage IS 'Stage that was running';
COMMENT ON COLUMN jobctl.job_logs.text IS 'The line, sanitised';

CREATE TABLE jobctl.vault_sync (
    document_id BIGINT NOT NULL,
    vault TEXT NOT NULL,
    note_path TEXT NOT NULL,
    note_hash TEXT NOT NULL,
    library_hash TEXT NOT NULL,
    body TEXT DEFAULT '' NOT NULL,
    synced_at TIMESTAMP WITH TIME ZONE DEFAULT jobctl.clock() NOT NULL,
    missing_since TIMESTAMP WITH TIME ZONE,
    CONSTRAINT vault_sync_pkey PRIMARY KEY (document_id, vault),
    CONSTRAINT vault_sync_document_id_fkey FOREIGN KEY(document_id) REFERENCES jobctl.documents (id) ON DELETE CASCADE
);
COMMENT ON TABLE jobctl.vault_sync IS 'What a vault and the library agreed on last';
COMMENT ON COLUMN jobctl.vault_sync.document_id IS 'Document';
COMMENT ON COLUMN jobctl.vault_sync.vault IS 'Resolved path of the vault';
COMMENT ON COLUMN jobctl.vault_sync.note_path IS 'Path of the note in the vault';
COMMENT ON COLUMN jobctl.vault_sync.note_hash IS 'SHA-256 of the note as last written or read';
COMMENT ON COLUMN jobctl.vault_sync.library_hash IS 'SHA-256 of what the library had then';
COMMENT ON COLUMN jobctl.vault_sync.body IS 'The Markdown both sides agreed on';
COMMENT ON COLUMN jobctl.vault_sync.synced_at IS 'When';
COMMENT ON COLUMN jobctl.vault_sync.missing_since IS 'The note is gone: a tombstone to confirm';

CREATE TABLE jobctl.connections (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    source_chunk BIGINT NOT NULL,
    target_chunk BIGINT NOT NULL,
    type TEXT NOT NULL,
    strength DOUBLE PRECISION NOT NULL,
    evidence JSONB DEFAULT '{}'::jsonb NOT NULL,
    engine TEXT NOT NULL,
    user_validated BOOLEAN,
    starred BOOLEAN DEFAULT false NOT NULL,
    note TEXT,
    judged_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT jobctl.clock() NOT NULL,
    CONSTRAINT connections_pkey PRIMARY KEY (id),
    CONSTRAINT connections_pair_key UNIQUE (source_chunk, target_chunk, type),
    CONSTRAINT connections_self_check CHECK (source_chunk <> target_chunk),
    CONSTRAINT connections_strength_check CHECK (strength BETWEEN 0 AND 1),
    CONSTRAINT connections_source_chunk_fkey FOREIGN KEY(source_chunk) REFERENCES jobctl.chunks (id) ON DELETE CASCADE,
    CONSTRAINT connections_target_chunk_fkey FOREIGN KEY(target_chunk) REFERENCES jobctl.chunks (id) ON DELETE CASCADE
);

CREATE INDEX connections_target_idx ON jobctl.connections (target_chunk);
COMMENT ON TABLE jobctl.connections IS 'Relations between chunks of different documents';
COMMENT ON COLUMN jobctl.connections.id IS 'Number people type';
COMMENT ON COLUMN jobctl.connections.source_chunk IS 'From';
COMMENT ON COLUMN jobctl.connections.target_chunk IS 'To';
COMMENT ON COLUMN jobctl.connections.type IS 'Name of the engine that found it';
COMMENT ON COLUMN jobctl.connections.strength IS '0 to 1';
COMMENT ON COLUMN jobctl.connections.evidence IS 'Why: scores, sentences, shared phrases';
COMMENT ON COLUMN jobctl.connections.engine IS 'Engine and version, with its threshold';
COMMENT ON COLUMN jobctl.connections.user_validated IS 'true confirmed, false rejected, null not judged';
COMMENT ON COLUMN jobctl.connections.starred IS 'Marked by a person';
COMMENT ON COLUMN jobctl.connections.note IS 'A person''s remark';
COMMENT ON COLUMN jobctl.connections.judged_at IS 'When a person judged it';
COMMENT ON COLUMN jobctl.connections.created_at IS 'When it was found';
"""

# Beats rewrite job rows all the time: room in the page keeps those updates in place (HOT), and a small
# autovacuum threshold keeps the claim index free of dead entries.
STORAGE = """
ALTER TABLE jobctl.jobs SET (
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 500,
    autovacuum_vacuum_cost_delay = 0
);
ALTER TABLE jobctl.workers SET (fillfactor = 70);
"""

TRIGGERS = """
CREATE FUNCTION jobctl.refuse_illegal_move() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE FUNCTION jobctl.refuse_illegal_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'job % is % and cannot be deleted', OLD.id, OLD.status
        USING ERRCODE = 'check_violation', HINT = 'Cancel it first.';
END $$;

CREATE TRIGGER refuse_illegal_delete BEFORE DELETE ON jobctl.jobs
    FOR EACH ROW WHEN (OLD.status IN ('pending', 'processing', 'paused'))
    EXECUTE FUNCTION jobctl.refuse_illegal_delete();

CREATE FUNCTION jobctl.refuse_rewrite() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are append-only' USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER refuse_rewrite BEFORE UPDATE ON jobctl.events
    FOR EACH ROW EXECUTE FUNCTION jobctl.refuse_rewrite();
"""

DROPS = """
DROP FUNCTION jobctl.waiting_reason(bigint, text, text, text);
DROP TABLE jobctl.connections;
DROP TABLE jobctl.vault_sync;
DROP TABLE jobctl.job_logs;
DROP TABLE jobctl.job_dependencies;
DROP TABLE jobctl.import_review;
DROP TABLE jobctl.chunks;
DROP TABLE jobctl.checkpoints;
DROP TABLE jobctl.annotations;
DROP TABLE jobctl.workers;
DROP TABLE jobctl.jobs;
DROP TABLE jobctl.holds;
DROP TABLE jobctl.events;
DROP TABLE jobctl.documents;
DROP FUNCTION jobctl.refuse_rewrite();
DROP FUNCTION jobctl.refuse_illegal_delete();
DROP FUNCTION jobctl.refuse_illegal_move();
DROP FUNCTION jobctl.clock();
"""


def upgrade() -> None:
    op.execute(FUNCTIONS)
    op.execute(TABLES)
    op.execute(REASONS)
    op.execute(STORAGE)
    op.execute(TRIGGERS)


def downgrade() -> None:
    op.execute(DROPS)

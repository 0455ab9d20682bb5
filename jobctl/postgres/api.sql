-- Whether a job belongs to this login: it submitted the job, or the job that submitted it as follow-up
-- work, or the schedule that did. To the owner of
-- the schema, which alone may delete rows of jobs, every job belongs.
CREATE OR REPLACE FUNCTION jobctl.belongs(creator text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $jobctl$
    WITH RECURSIVE line (creator) AS (
        SELECT belongs.creator
        UNION
        SELECT j.created_by FROM line JOIN jobctl.jobs j ON j.id = substring(line.creator FROM '^job:([0-9]{1,18})$')::bigint
    )
    SELECT has_table_privilege(session_user, 'jobctl.jobs', 'DELETE')
        OR EXISTS (
            SELECT FROM line
            WHERE line.creator = session_user OR substring(line.creator FROM '^schedule:[^:]*:(.*)$') = session_user
        )
$jobctl$;

-- For any language: the same as `jobctl submit`, without validating the input. A worker validates it when the job starts.
CREATE OR REPLACE FUNCTION jobctl.submit(type text, input jsonb DEFAULT '{}', options jsonb DEFAULT '{}') RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $jobctl$
DECLARE
    unknown text := (
        SELECT string_agg(name, ', ' ORDER BY name) FROM jsonb_object_keys(options) AS name WHERE name <> ALL (ARRAY[
            'title', 'queue', 'priority', 'labels', 'key', 'concurrency_key', 'delay', 'run_after', 'max_retries', 'after',
            'notify_url'
        ])
    );
    level jsonb := '{"lowest": 0, "low": 1, "normal": 2, "high": 3, "highest": 4}'::jsonb -> (options ->> 'priority');
    made bigint;
BEGIN
    IF unknown IS NOT NULL THEN
        RAISE EXCEPTION 'unknown option: %', unknown USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF options ->> 'notify_url' !~ '^https?://[^/?#@]+([/?#]|$)' THEN
        RAISE EXCEPTION 'notify_url is not a URL of http or https without a password' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOR attempt IN 1..2 LOOP  -- the second pass sees the job of a transaction that took the key in the meantime
        SELECT (row_ ->> 'id')::bigint INTO made FROM jobctl.checked_submit(jsonb_build_object('rows', jsonb_build_array(
            '{"title": "", "queue": "default", "priority": 2, "labels": {}, "max_retries": 3, "metadata": {}, "after": []}'
            || jsonb_strip_nulls(options || jsonb_build_object('priority', coalesce(level, options -> 'priority')))
            || jsonb_build_object('n', 0, 'job_type', type, 'input_data', input)
            || jsonb_build_object('metadata', jsonb_strip_nulls(jsonb_build_object('notify_url', options ->> 'notify_url')))
        ))) AS row_;
        EXIT WHEN made IS NOT NULL;
    END LOOP;
    IF options ? 'concurrency_key' THEN
        PERFORM jobctl.checked_wake_keys(jsonb_build_object('keys', jsonb_build_array(options -> 'concurrency_key')));
    END IF;
    RETURN made;
END $jobctl$;

-- done, requested, unchanged, refused; null where there is no such job of the caller.
CREATE OR REPLACE FUNCTION jobctl.pause(job bigint, reason text DEFAULT NULL) RETURNS text
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $jobctl$
    SELECT row_ ->> 'answer' FROM jobctl.checked_pause(jsonb_build_object('ids', jsonb_build_array(job), 'reason', reason)) AS row_
$jobctl$;

CREATE OR REPLACE FUNCTION jobctl.resume(job bigint) RETURNS text
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $jobctl$
    SELECT row_ ->> 'answer'
    FROM jobctl.checked_resume(jsonb_build_object('ids', jsonb_build_array(job), 'from_start', false)) AS row_
$jobctl$;

CREATE OR REPLACE FUNCTION jobctl.cancel(job bigint, reason text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $jobctl$
DECLARE
    outcome jsonb := (
        SELECT row_ FROM jobctl.checked_cancel(jsonb_build_object('ids', jsonb_build_array(job), 'reason', reason)) AS row_
    );
BEGIN
    IF outcome ->> 'concurrency_key' IS NOT NULL THEN
        PERFORM jobctl.checked_wake_keys(jsonb_build_object('keys', jsonb_build_array(outcome -> 'concurrency_key')));
    END IF;
    RETURN outcome ->> 'answer';
END $jobctl$;

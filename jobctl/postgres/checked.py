"""Verbs for logins without rights on the tables, limited to their own jobs: functions built from ``sql/<verb>.sql``.

``jobctl db roles`` prints them (``definition``), a Queue calls them where the tables are closed to it (``CALL``). Each runs
the same statement as the owner does, with the rights of the owner, after these checks: the caller's name is that of the
login, ids of jobs of others are left out as if they did not exist, and a new job is pending, its own and reads no
bytes of others. A schedule of such a login is its own, and its jobs are ``schedule:<name>:<login>``.
"""

# ruff: noqa: S608 - no part of the SQL comes from outside
from __future__ import annotations

import re

CALL = "SELECT row_ FROM jobctl.checked_{verb}(%(values)s::jsonb) AS row_"
"""The only column of a row is the row that the statement returns, as JSON."""

OWN_IDS = """
    p_ids := ARRAY(SELECT j.id FROM jobctl.jobs j WHERE j.id = ANY (p_ids) AND jobctl.belongs(j.created_by));"""

PERSON = """
    IF p_actor ~ '^(job|worker|load|schedule):' OR p_actor = 'sweep' THEN
        RAISE EXCEPTION 'the login % has the name of a part of jobctl', p_actor USING ERRCODE = 'invalid_parameter_value';
    END IF;"""


def _input_files(rows: str) -> str:
    """The check that the jobs of an array read no other bytes than input files that are named by their hash."""
    return f"""
    IF EXISTS (
        SELECT FROM jsonb_array_elements({rows}) AS n (job)
        WHERE n.job #> '{{metadata,inputs}}' IS NOT NULL AND jsonb_typeof(n.job #> '{{metadata,inputs}}') <> 'object'
        UNION ALL
        SELECT FROM jsonb_array_elements({rows}) AS n (job)
        CROSS JOIN LATERAL jsonb_path_query(n.job, 'lax $.metadata.inputs.*') AS i (file)
        WHERE NOT coalesce(
            i.file ->> 'sha256' ~ '^[0-9a-f]{{64}}$'
            AND i.file ->> 'key' = format('inputs/%s/%s', left(i.file ->> 'sha256', 2), i.file ->> 'sha256'),
            false
        )
    ) THEN
        RAISE EXCEPTION 'metadata: an input file is named by its hash' USING ERRCODE = 'invalid_parameter_value';
    END IF;"""


NEW_JOBS = (
    PERSON
    + """
    IF EXISTS (
        SELECT FROM jsonb_array_elements(p_rows) AS n (job)
        CROSS JOIN LATERAL jsonb_array_elements_text(coalesce(nullif(n.job -> 'after', 'null'), '[]')) AS a (id)
        WHERE NOT EXISTS (
            SELECT FROM jobctl.jobs j WHERE j.id = a.id::bigint AND jobctl.belongs(j.created_by)
        )
    ) THEN
        RAISE EXCEPTION 'after: no such job' USING ERRCODE = 'invalid_parameter_value';
    END IF;
"""
    + _input_files("p_rows")
    + """
    p_rows := (
        SELECT coalesce(jsonb_agg(n.job || jsonb_build_object('created_by', p_actor) ORDER BY n.number), '[]')
        FROM jsonb_array_elements(p_rows) WITH ORDINALITY AS n (job, number)
    );"""
)

EDITED = """
    p_id := (SELECT j.id FROM jobctl.jobs j WHERE j.id = p_id AND jobctl.belongs(j.created_by));
    p_changed := coalesce(p_changed, '{}');
    p_metadata := jsonb_strip_nulls(jsonb_build_object('mode', p_metadata -> 'mode', 'inputs', p_metadata -> 'inputs'));""" + _input_files(
    "jsonb_build_array(jsonb_build_object('metadata', p_metadata))"
)

OWN_SCHEDULE = """
    p_name := (SELECT s.name FROM jobctl.schedules s WHERE s.name = p_name AND s.created_by = p_actor);"""

FROM_NOW = """
    p_next_at := greatest(p_next_at, jobctl.clock());"""

NEW_SCHEDULE = (
    PERSON
    + """
    IF p_name !~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$' OR NOT coalesce(p_every BETWEEN 1 AND 31622400, true)
        OR length(p_cron) > 200 OR length(p_tz) > 200 OR jsonb_typeof(p_job) IS DISTINCT FROM 'object'
    THEN
        RAISE EXCEPTION 'no job can be scheduled like this' USING ERRCODE = 'invalid_parameter_value';
    END IF;"""
    + _input_files("jsonb_build_array(p_job)")
    + """
    p_job := p_job - '{after,key,delay,run_after}'::text[]
        || jsonb_build_object('created_by', format('schedule:%s:%s', p_name, p_actor));
    p_created_at := jobctl.clock();"""
    + FROM_NOW
)

RAN_NOW = (
    OWN_SCHEDULE
    + """
    p_last_at := NULL;
    p_next_at := NULL;
    p_job_id := (SELECT j.id FROM jobctl.jobs j WHERE j.id = p_job_id AND jobctl.belongs(j.created_by));"""
)

NAMED_KEYS = """
    p_keys := coalesce(p_keys, '{}');"""

IDS = {"ids": "bigint[]"}
CHECKED: dict[str, tuple[dict[str, str], str]] = {
    "pause": (IDS | {"reason": "text", "freezes": "boolean"}, OWN_IDS),
    "cancel": (IDS | {"reason": "text"}, OWN_IDS),
    "resume": (IDS | {"from_start": "boolean"}, OWN_IDS),
    "retry": (IDS, OWN_IDS),
    "restart": (IDS, OWN_IDS),
    "delete": (IDS, OWN_IDS),
    "submit": ({"rows": "jsonb"}, NEW_JOBS),
    "wake_keys": ({"keys": "text[]"}, NAMED_KEYS),
    "edit": (
        {"id": "bigint", "changed": "text[]", "priority": "smallint", "queue": "text", "title": "text", "max_retries": "int",
         "run_after": "timestamptz", "key": "text", "input": "jsonb", "seen": "jsonb", "metadata": "jsonb"},
        EDITED,
    ),
    "add_schedule": (
        {"name": "text", "cron": "text", "every": "double precision", "tz": "text", "job": "jsonb", "catch_up": "text",
         "overlap": "text", "created_at": "timestamptz", "next_at": "timestamptz"},
        NEW_SCHEDULE,
    ),
    "pause_schedule": ({"name": "text", "reason": "text"}, OWN_SCHEDULE),
    "resume_schedule": ({"name": "text", "next_at": "timestamptz"}, OWN_SCHEDULE + FROM_NOW),
    "remove_schedule": ({"name": "text"}, OWN_SCHEDULE),
    "advance_schedule": (
        {"name": "text", "last_at": "timestamptz", "job_id": "bigint", "next_at": "timestamptz"}, RAN_NOW,
    ),
}  # fmt: skip
"""Verb of a submitter → the parameters that a caller chooses, with their types, and the checks before the statement runs."""

ONE_DAY = """
    p_age := greatest(p_age, 86400);"""
ONE_DAY_EACH = """
    p_checkpoints_s := greatest(p_checkpoints_s, 86400);
    p_keep := (
        SELECT coalesce(jsonb_object_agg(k.name, CASE WHEN k.age <> 'null' THEN to_jsonb(greatest(k.age::text::float8, 86400)) END), '{}')
        FROM jsonb_each(p_keep) AS k (name, age)
    );"""
AGED = {"age": "double precision", "batch": "integer"}
RETAINING: dict[str, tuple[dict[str, str], str]] = {
    "retain": (
        {"position": "bigint", "keep": "jsonb", "checkpoints_s": "double precision", "batch": "integer"},
        ONE_DAY_EACH,
    ),
    "prune_results": (AGED, ONE_DAY),
    "prune_history": (AGED, ONE_DAY),
}
"""The same for verbs of a worker, which removes nothing that is younger than a day."""


def definition(verb: str, statement: str) -> str:
    """The SQL that creates ``jobctl.checked_<verb>(jsonb)`` around the text of ``sql/<verb>.sql``."""
    parameters, check = (CHECKED | RETAINING)[verb]
    names = ", ".join(parameters)
    targets = ", ".join(f"p_{name}" for name in parameters)
    columns = ", ".join(f"{name} {kind}" for name, kind in parameters.items())
    declared = "".join(f"\n    p_{name} {kind};" for name, kind in parameters.items())
    body = re.sub(r"%\((\w+)\)s", r"p_\1", statement).replace("%%", "%").strip()
    return f"""\
CREATE OR REPLACE FUNCTION jobctl.checked_{verb}(args jsonb) RETURNS SETOF jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $jobctl$
DECLARE
    p_actor text := session_user;
    p_row record;{declared}
BEGIN
    SELECT {names} INTO {targets} FROM jsonb_to_record(args) AS a ({columns});{check}
    FOR p_row IN
{body}
    LOOP
        RETURN NEXT to_jsonb(p_row);
    END LOOP;
END $jobctl$;
"""

"""Verbs for logins without rights on the tables, limited to their own jobs: functions built from ``sql/<verb>.sql``.

``jobctl db roles`` prints them (``definition``), a Queue calls them where the tables are closed to it (``CALL``). Each runs
the same statement as the owner does, with the rights of the owner, after these checks: the caller's name is that of the
login, ids of jobs of others are left out as if they did not exist, and a new job is pending, its own and reads no
bytes of others.
"""

from __future__ import annotations

import re

CALL = "SELECT row_ FROM jobctl.checked_{verb}(%(values)s::jsonb) AS row_"
"""The only column of a row is the row that the statement returns, as JSON."""

OWN_IDS = """
    p_ids := ARRAY(SELECT j.id FROM jobctl.jobs j WHERE j.id = ANY (p_ids) AND jobctl.belongs(j.created_by));"""

NEW_JOBS = """
    IF p_actor ~ '^(job|worker|load|schedule):' OR p_actor = 'sweep' THEN
        RAISE EXCEPTION 'the login % has the name of a part of jobctl', p_actor USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF EXISTS (
        SELECT FROM jsonb_array_elements(p_rows) AS n (job)
        CROSS JOIN LATERAL jsonb_array_elements_text(coalesce(nullif(n.job -> 'after', 'null'), '[]')) AS a (id)
        WHERE NOT EXISTS (
            SELECT FROM jobctl.jobs j WHERE j.id = a.id::bigint AND jobctl.belongs(j.created_by)
        )
    ) THEN
        RAISE EXCEPTION 'after: no such job' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF EXISTS (
        SELECT FROM jsonb_array_elements(p_rows) AS n (job)
        WHERE n.job #> '{metadata,inputs}' IS NOT NULL AND jsonb_typeof(n.job #> '{metadata,inputs}') <> 'object'
        UNION ALL
        SELECT FROM jsonb_array_elements(p_rows) AS n (job)
        CROSS JOIN LATERAL jsonb_path_query(n.job, 'lax $.metadata.inputs.*') AS i (file)
        WHERE NOT coalesce(
            i.file ->> 'sha256' ~ '^[0-9a-f]{64}$'
            AND i.file ->> 'key' = format('inputs/%s/%s', left(i.file ->> 'sha256', 2), i.file ->> 'sha256'),
            false
        )
    ) THEN
        RAISE EXCEPTION 'metadata: an input file is named by its hash' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    p_rows := (
        SELECT coalesce(jsonb_agg(n.job || jsonb_build_object('created_by', p_actor) ORDER BY n.number), '[]')
        FROM jsonb_array_elements(p_rows) WITH ORDINALITY AS n (job, number)
    );"""

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
}
"""Verb → the parameters that a caller chooses, with their types, and the checks before the statement runs."""


def definition(verb: str, statement: str) -> str:
    """The SQL that creates ``jobctl.checked_<verb>(jsonb)`` around the text of ``sql/<verb>.sql``."""
    parameters, check = CHECKED[verb]
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
"""  # noqa: S608 - no part comes from outside

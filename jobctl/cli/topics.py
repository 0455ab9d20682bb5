"""What help explains besides the commands."""

from __future__ import annotations

from jobctl.cli.exits import MEANINGS
from jobctl.cli.output.fields import JOB_FIELDS

EXIT_CODES = f"""\
Exit codes, the same for every command:

{chr(10).join(f"{code:>5}  {words}" for code, words in MEANINGS)}

wait, watch ID, submit --wait and submit --run return the outcome of the jobs; of several jobs 10 comes before 20,
11 and 124. wait --map-exit 11=0,124=0 maps codes."""

JSON = f"""\
Lists: {{"v": 1, "kind": "job_list", "count": …, "total": …, "truncated": …, "jobs": […]}}; show of one job: the object.
-o ndjson: an object a line. Keys are always there, null where there is nothing; a new key does not change v.
Times are RFC 3339 in UTC, durations seconds. The schema is docs/schema/v1.json.
An error is one object on stderr; stdout is empty or whole.

Fields of a job, for --fields in every mode (show has input, output, trace, events besides):

{chr(10).join(f"  {name}" for name in JOB_FIELDS)}"""

SELECTORS = """\
Which jobs: ids, - (ids from stdin), @last (the newest job you submitted), or selectors:

  -s, --status S,…     pending processing paused completed failed cancelled; active; done
  -t, --type TYPE      may be repeated
  --title TEXT         the title contains it
  --label K[=V]        has this label
  --queue NAME
  --error-type transient|paywall|invalid|permanent
  --since, --until     2h, 3d, today, 22:30, 2026-11-24, an instant
  --stale              running without a heartbeat
  --due                its automatic retry is due

Selectors of different kinds must all hold. A verb that changes jobs asks before it acts on a selection, and needs -y
where there is no terminal; without ids and selectors it does nothing."""

SETTINGS = """\
A setting is taken from the first of these that has it:

  a flag              --db, --config, and the options of worker run
  the environment     JOBCTL_NAME in capitals; the database: JOBCTL_DATABASE_URL, then DATABASE_URL, then libpq's own
  ./.jobctl.toml      name = value; see below
  the user's file     $XDG_CONFIG_HOME/jobctl/config.toml, else ~/.config/jobctl/config.toml
  the default

./.jobctl.toml counts where it is a regular file that belongs to you or root, in a folder of yours or root's, and others can
write to neither. It never sets db, storage, input_roots, model_url, readwise_url, embedding, enrichment or judge.

jobctl config show prints each with its value and source, and what was ignored and why. JOBCTL_HOME moves everything that jobctl keeps.
NO_COLOR, CLICOLOR, CLICOLOR_FORCE, FORCE_COLOR, TERM=dumb, COLUMNS and JOBCTL_ASCII are honoured."""

TOPICS = {"exit-codes": EXIT_CODES, "json": JSON, "selectors": SELECTORS, "settings": SETTINGS}

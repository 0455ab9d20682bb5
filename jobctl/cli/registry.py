"""Which commands there are: by group, with the module of each and its line of help.

Nothing is imported for help: a command's module is loaded when the command is named.
"""

from __future__ import annotations

GROUPS: dict[str, dict[str, tuple[str, str]]] = {
    "Everyday": {
        "submit": ("submit:submit", "Create a job; a file name alone processes that document."),
        "list": ("inspect:list_", "Show jobs as a table."),
        "show": ("inspect:show", "Show a job in detail, with the actions possible now."),
        "why": ("inspect:why", "Explain a job's current status."),
        "watch": ("watch:watch", "Watch jobs live."),
        "wait": ("wait:wait", "Wait until jobs have ended; return their outcome."),
        "result": ("result:result", "Print what a completed job returned."),
        "logs": ("inspect:logs", "Show the log of a job."),
    },
    "Control": {
        "pause": ("control:pause", "Pause jobs at their next safe point."),
        "resume": ("control:resume", "Continue paused jobs from their checkpoint."),
        "retry": ("control:retry", "Retry failed or cancelled jobs; --due is the sweep for cron."),
        "restart": ("control:restart", "Run ended jobs again from the first stage."),
        "edit": ("edit:edit", "Change jobs that are pending or paused."),
        "cancel": ("control:cancel", "Cancel jobs."),
        "delete": ("control:delete", "Delete ended jobs; their results in the library stay."),
        "verify": ("inspect:verify", "Compare checkpoints with their hashes."),
    },
    "Workers": {
        "worker": ("worker:worker", "Run, list and drain workers."),
        "queue": ("queue:queue", "Pause, resume and limit whole queues."),
        "schedule": ("schedule:schedule", "Submit jobs at recurring times."),
        "types": ("about:types", "Show job types with their input and stages."),
        "stats": ("stats:stats", "Show counts, times and retries."),
        "metrics": ("metrics:metrics", "Print metrics of the queue for Prometheus, or serve them."),
    },
    "Documents": {
        "search": ("library:search", "Find passages in processed documents."),
        "connections": ("library:connections", "Show and rate connections between passages."),
        "review": ("library:review", "Resolve what an import could not: ambiguous or lost positions."),
    },
    "Administration": {
        "db": ("db:db", "Start, stop, upgrade and check the database."),
        "doctor": ("doctor:doctor", "Check settings, database, storage and workers."),
        "config": ("about:config", "Show settings and where each comes from."),
        "prune": ("prune:prune", "Remove old checkpoints, old results and unreferenced files."),
        "torture": ("torture:torture", "Inject faults at random and check that nothing is lost."),
        "completion": ("about:completion", "Print the completion script of a shell."),
        "help": ("help:help_", "Explain a command, or: exit-codes, json, selectors, settings."),
        "version": ("about:version", "Print the version."),
    },
}
COMMANDS = {name: facts for group in GROUPS.values() for name, facts in group.items()}
ALIASES = {"ls": "list", "rm": "delete"}

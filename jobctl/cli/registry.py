"""Which commands there are: by group, with the place of each and the sentence that help says of it.

Nothing is imported for help: a command's module is loaded when the command is named.
"""

from __future__ import annotations

GROUPS: dict[str, dict[str, tuple[str, str]]] = {
    "Everyday": {
        "submit": ("submit:submit", "Create a job; a file name alone processes that document."),
        "list": ("inspect:list_", "Show jobs as a table."),
        "show": ("inspect:show", "Show everything about a job, and what can be done with it."),
        "why": ("inspect:why", "Say why a job is where it is."),
        "watch": ("watch:watch", "Follow jobs live."),
        "wait": ("wait:wait", "Block until jobs have ended; return their outcome."),
        "result": ("result:result", "Print what a completed job returned."),
        "logs": ("inspect:logs", "Show what a job's handler logged."),
    },
    "Control": {
        "pause": ("control:pause", "Pause jobs at their next safe point."),
        "resume": ("control:resume", "Continue paused jobs from their checkpoint."),
        "retry": ("control:retry", "Try failed or cancelled jobs again; --due is the sweep for cron."),
        "restart": ("control:restart", "Run ended jobs again from the first stage."),
        "cancel": ("control:cancel", "End jobs."),
        "delete": ("control:delete", "Remove ended jobs; what they made stays."),
        "verify": ("inspect:verify", "Check the bytes of checkpoints."),
    },
    "Workers": {
        "worker": ("worker:worker", "Run and look after workers."),
        "queue": ("queue:queue", "Pause and resume whole queues."),
        "types": ("about:types", "Show job types with their input and stages."),
        "stats": ("stats:stats", "Show counts, times and retries."),
    },
    "Documents": {
        "search": ("library:search", "Find passages in processed documents."),
        "connections": ("library:connections", "Show and judge connections between passages."),
        "review": ("library:review", "Decide what an import could not: places, lost anchors."),
    },
    "Administration": {
        "db": ("db:db", "Start, stop, upgrade and check the database."),
        "doctor": ("doctor:doctor", "Check that everything is in order."),
        "config": ("about:config", "Show settings and where each comes from."),
        "prune": ("prune:prune", "Remove old checkpoints and results, and bytes that nothing refers to."),
        "torture": ("torture:torture", "Kill everything at random and check that nothing is lost."),
        "completion": ("about:completion", "Print the completion script of a shell."),
        "help": ("help:help_", "Explain a command, or: exit-codes, json, selectors, settings."),
        "version": ("about:version", "Print the version."),
    },
}
COMMANDS = {name: facts for group in GROUPS.values() for name, facts in group.items()}
ALIASES = {"ls": "list", "rm": "delete"}

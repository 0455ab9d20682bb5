"""Every setting: its default, whether a project file may set it, and how it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Show = Literal["plain", "url", "database"]
"""How a value is printed: as it is, as a URL without its userinfo, as a connection string without its secrets."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. The type of the default is the type of the setting; None: text.

    ``project``: whether ``./.jobctl.toml`` may set it. It may have come from anywhere with its folder, so it never sets
    where documents and keys go, which files may be read, or what code is chosen to run.
    """

    default: Any
    project: bool
    show: Show = "plain"


SETTINGS: dict[str, Setting] = {
    "db": Setting(None, project=False, show="database"),
    "storage": Setting(None, project=False, show="url"),
    "input_roots": Setting([], project=False),
    "embedding": Setting("static", project=False),
    "enrichment": Setting("counting", project=False),
    "judge": Setting("none", project=False),
    "model_url": Setting(None, project=False, show="url"),
    "embedding_model": Setting("text-embedding-3-small", project=True),
    "embedding_dim": Setting(1536, project=True),
    "chat_model": Setting("gpt-4o-mini", project=True),
    "readwise_url": Setting("https://readwise.io/api/v2", project=False, show="url"),
    "auto_retry": Setting(default=True, project=True),
    "pausing": Setting(default=True, project=True),
    "paywall_holds": Setting(default=False, project=True),
    "max_retries": Setting({}, project=True),
    "keep_checkpoints_days": Setting(7.0, project=True),
    "keep_results_days": Setting(90.0, project=True),
    "concurrency": Setting(2, project=True),
    "poll": Setting(1.0, project=True),
    "grace": Setting(30.0, project=True),
    "cancel_grace": Setting(10.0, project=True),
    "silent_limit": Setting(900.0, project=True),
    "stage_timeout": Setting(0.0, project=True),
    "stage_cpu": Setting(0.0, project=True),
    "child_memory_mb": Setting(4096, project=True),
    "child_file_size_mb": Setting(4096, project=True),
    "child_account": Setting(None, project=False),
    "child_environment": Setting([], project=False),
    "job_types": Setting(None, project=False),
    "allow_commands": Setting(default=False, project=False),
    "command_environment": Setting([], project=False),
    "lease_ttl": Setting(30.0, project=True),
    "test_fast": Setting(default=False, project=False),
}
DEFAULTS: dict[str, Any] = {name: setting.default for name, setting in SETTINGS.items()}

"""Every setting: its default, whether a project file may set it, and how it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypedDict

from jobctl.core.retention import KEEP

Show = Literal["plain", "url", "database", "secret"]
"""How a value is printed: as it is, as a URL without its userinfo, as a connection string without its secrets, not at all."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. The type of the default is the type of the setting; None: text.

    ``project``: whether ``./.jobctl.toml`` may set it. It may have come from anywhere with its folder, so it never sets
    where documents and keys go, which files may be read, or what code is chosen to run.
    """

    default: object
    project: bool
    show: Show = "plain"
    only_files: bool = False
    """Whether only a file of the user may set it, no variable: what it names is run."""


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
    "keep_jobs": Setting(dict(KEEP), project=True),
    "keep_history_days": Setting(30.0, project=True),
    "keep_checkpoints_days": Setting(7.0, project=True),
    "keep_results_days": Setting(90.0, project=True),
    "concurrency": Setting(2, project=True),
    "poll": Setting(1.0, project=True),
    "priority_age": Setting(3600.0, project=True),
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
    "notify_url": Setting(None, project=False, show="url"),
    "notify_secret": Setting(None, project=False, show="secret"),
    "notify_private": Setting(default=False, project=False),
    "notify_command": Setting([], project=False, only_files=True),
    "secrets_file": Setting(None, project=False),
    "lease_ttl": Setting(30.0, project=True),
    "test_fast": Setting(default=False, project=False),
}
DEFAULTS: dict[str, object] = {name: setting.default for name, setting in SETTINGS.items()}


class SettingValues(TypedDict):
    """The values of all settings by name, with their types."""

    db: str | None
    storage: str | None
    input_roots: list[str]
    embedding: str
    enrichment: str
    judge: str
    model_url: str | None
    embedding_model: str
    embedding_dim: int
    chat_model: str
    readwise_url: str
    auto_retry: bool
    pausing: bool
    paywall_holds: bool
    max_retries: dict[str, int]
    keep_jobs: dict[str, str]
    keep_history_days: float
    keep_checkpoints_days: float
    keep_results_days: float
    concurrency: int
    poll: float
    grace: float
    cancel_grace: float
    silent_limit: float
    priority_age: float
    stage_timeout: float
    stage_cpu: float
    child_memory_mb: int
    child_file_size_mb: int
    child_account: str | None
    child_environment: list[str]
    job_types: str | None
    allow_commands: bool
    command_environment: list[str]
    notify_url: str | None
    notify_secret: str | None
    notify_private: bool
    notify_command: list[str]
    secrets_file: str | None
    lease_ttl: float
    test_fast: bool

"""The command that adds a package to the environment of this program, which pip, pipx or uv made."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

NAME = "jobctl"


def install_command(*requirements: str) -> str:
    """Returns the shell command that installs requirements, such as ``jobctl[documents]``, where this program runs.

    The tools of pipx and uv leave a file in each environment that they make; such an environment has no pip of its own.
    """
    prefix = Path(sys.prefix)
    wanted = " ".join(f"'{requirement}'" for requirement in requirements)
    if (prefix / "pipx_metadata.json").is_file():
        return f"pipx runpip {shlex.quote(prefix.name)} install {wanted}"
    if not (prefix / "uv-receipt.toml").is_file():
        return f"pip install {wanted}"
    if len(requirements) == 1 and requirements[0].startswith(f"{NAME}["):
        return f"uv tool install {wanted}"  # an upgrade keeps it
    return f"uv pip install --python {shlex.quote(str(prefix))} {wanted}"

"""Keys and tokens from the environment, as they may go into a header of HTTP."""

from __future__ import annotations

from collections.abc import Mapping

from jobctl.core.errors import ConfigError


def credential(name: str, environment: Mapping[str, str]) -> str | None:
    """The key in an environment variable, None where there is none.

    Raises ``ConfigError`` that names the variable, and never shows the key, where a header can't carry it.
    """
    value = environment.get(name, "").strip()
    if not value:
        return None
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise ConfigError(
            f"{name} is not a usable key: it holds characters other than letters, digits and signs of ASCII",
            hint=f"Set {name} again; a pasted key often brings a quotation mark, a dash or a line end with it.",
        )
    return value

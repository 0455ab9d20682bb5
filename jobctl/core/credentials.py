"""Keys and tokens from the environment, checked for use in an HTTP header."""

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
            f"{name} is not a usable key: it contains characters other than ASCII letters, digits and punctuation",
            hint=f"Set {name} again; a pasted key often includes a quotation mark, a dash or a line break.",
        )
    return value

"""How a command's output is wanted: what the global options say of it."""

from __future__ import annotations

from jobctl.cli.output.text import echo


class Display:
    """The global options, typed; ``flags`` holds those that were set, by name."""

    def __init__(self) -> None:
        self.flags: dict[str, object] = {}

    def text(self, name: str) -> str | None:
        """The value of an option that takes a word."""
        value = self.flags.get(name)
        return value if isinstance(value, str) else None

    def has(self, name: str) -> bool:
        """Whether a flag was set."""
        return bool(self.flags.get(name))

    @property
    def output(self) -> str:
        """The output mode."""
        return self.text("output") or "table"

    @property
    def fields(self) -> list[str]:
        """The fields that ``--fields`` names; none: all."""
        return [name for part in (self.text("fields") or "").split(",") if (name := part.strip())]

    @property
    def for_people(self) -> bool:
        """Whether a table or a card is wanted, not fields."""
        return self.output in ("table", "wide") and not self.text("fields")

    @property
    def json(self) -> bool:
        """Whether the answer is JSON."""
        return self.output in ("json", "ndjson")

    @property
    def header(self) -> bool:
        """Whether tables have their first line."""
        return not self.has("no_header")

    @property
    def time_mode(self) -> str:
        """relative, local or utc."""
        return self.text("time_mode") or "relative"

    @property
    def color(self) -> str | None:
        """auto, always or never."""
        return self.text("color")

    @property
    def quiet(self) -> bool:
        """Whether only answers are wanted."""
        return self.has("quiet")

    def notice(self, line: str) -> None:
        """Prints a line beside the answer: to stderr, unless quiet."""
        if not self.quiet:
            echo(line, err=True)

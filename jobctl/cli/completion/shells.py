"""Completion scripts, filled in from the grammar. Static: a TAB starts no Python; ids come from a cache file."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import click

from jobctl.cli.app import global_options
from jobctl.cli.completion.grammar import FILES, IDS, names, tree, values
from jobctl.cli.registry import COMMANDS
from jobctl.core.lifecycle import Verb


def bash() -> str:
    """The script for bash."""
    words = "\n".join(
        f'        "{entry.path}") words="{" ".join([*entry.words, *names(entry.options)])}" ;;' for entry in tree()
    )
    return _filled("bash.in", VALUES=_value_cases('_jobctl_words "{}" "$cur"; return'), WORDS=words)


def zsh() -> str:
    """The script for zsh."""
    described = "\n".join(
        f"        '{name}:{sentence.replace(chr(39), '')}'" for name, (_, sentence) in COMMANDS.items()
    )
    words = "\n".join(
        f'        "{entry.path}") words_=({" ".join([*entry.words, *names(entry.options)])}) ;;'
        for entry in tree() if entry.path
    )  # fmt: skip
    return _filled(
        "zsh.in", VALUES=_value_cases("compadd -- {}; return"), WORDS=words, COMMANDS=described,
        GLOBALS=" ".join(names(tree()[0].options)),
    )  # fmt: skip


def fish() -> str:
    """The script for fish."""
    lines = [
        "# fish completion of jobctl; made by: jobctl completion fish",
        "function __jobctl_ids",
        "    set -l file $HOME/.cache/jobctl/ids",
        "    set -q XDG_CACHE_HOME; and set file $XDG_CACHE_HOME/jobctl/ids",
        "    set -q JOBCTL_HOME; and set file $JOBCTL_HOME/cache/ids",
        "    printf '@last\\tthe newest job you submitted\\n'",
        '    test -f "$file"; and test -r "$file"; or return',
        "    while read -d \\t id verbs title",
        "        string match -qr '^[0-9]+$' -- \"$id\"; or continue # the file is data, whoever wrote it",
        "        set title (string replace -ra '[^[:print:]]' '' -- \"$title\")",
        '        if test -z "$argv[1]"; or string match -q "*,$argv[1],*" ",$verbs,"',
        "            printf '%s\\t%s\\n' $id \"$title\"",
        "        end",
        '    end < "$file"',
        "end",
        "complete -c jobctl -f",
    ]  # fmt: skip
    for name, (_, sentence) in COMMANDS.items():
        text = sentence.replace("'", "")
        lines.append(f"complete -c jobctl -n __fish_use_subcommand -a {name} -d '{text}'")
    for name in IDS:
        wanted = name if name in list(Verb) else ""
        lines.append(f"complete -c jobctl -n '__fish_seen_subcommand_from {name}' -a '(__jobctl_ids {wanted})'")
    lines.append("complete -c jobctl -n '__fish_seen_subcommand_from submit' -F")
    everywhere = {option.name for option in global_options()}
    for entry in tree():
        condition = " -n '" + "; and ".join(f"__fish_seen_subcommand_from {part}" for part in entry.path.split()) + "'"
        lines += [f"complete -c jobctl{condition} -a {word}" for word in entry.words if entry.path]
        lines += [
            _fish_option(option, condition if entry.path else "")
            for option in entry.options
            if not entry.path or option.name not in everywhere
        ]
    return "\n".join(dict.fromkeys(lines)) + "\n"


def _fish_option(option: click.Option, condition: str) -> str:
    names = "".join(f" -l {name[2:]}" if name.startswith("--") else f" -s {name[1:]}" for name in sorted(option.opts))
    words = values().get(option.opts[0])
    if words is None:
        return f"complete -c jobctl{condition}{names}"
    listed = " -a '" + " ".join(words) + "'" if words else ""
    files = " -rF" if set(option.opts) & set(FILES) else " -x"
    return f"complete -c jobctl{condition}{names}{files}{listed}"


@cache
def _template(name: str) -> str:
    return (files("jobctl.cli.completion") / name).read_text(encoding="utf-8")


def _filled(name: str, **more: str) -> str:
    """A template with its ``@PLACEHOLDERS@`` filled in."""
    text = _template(name)
    common = {
        "FILES": "|".join(FILES), "TAKES_VALUE": " ".join(values()), "FAMILIES": _families().replace("|", "|*,"),
        "ACTIONS": "|".join(Verb), "ID_COMMANDS": " ".join(IDS),
    }  # fmt: skip
    for key, value in {**common, **more}.items():
        text = text.replace(f"@{key}@", value)
    return text


def _families() -> str:
    """Commands with sub-commands, as a pattern."""
    return "|".join(dict.fromkeys(entry.path.split()[0] for entry in tree() if " " in entry.path))


def _value_cases(found: str) -> str:
    """Lines of a ``case``: options that take the same words together."""
    turned: dict[tuple[str, ...], list[str]] = {}
    for option, words in values().items():
        if option not in FILES:
            turned.setdefault(words, []).append(option)
    return "\n".join(
        f"        {'|'.join(options)}) {found.format(' '.join(words)) if words else 'return'} ;;"
        for words, options in turned.items()
    )

"""Completion scripts, made from the command tree. Static: a TAB starts no Python; ids come from a cache file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import click

from jobctl import __version__, wiring
from jobctl.cli.app import Family, global_options, root, top
from jobctl.cli.exits import MEANINGS
from jobctl.cli.output.fields import JOB_FIELDS
from jobctl.cli.registry import COMMANDS
from jobctl.cli.selectors import NAMES
from jobctl.cli.topics import TOPICS
from jobctl.core.lifecycle import Status, Verb

IDS = ("show", "why", "watch", "wait", "logs", *Verb, "verify")
"""Commands whose arguments are job ids; the cache says which of ``Verb`` are possible on which job."""
FILES = ("--file", "-f", "--config", "--lock", "--input-root")
CHOSEN = "|".join(Verb)


def script(shell: str) -> str:
    """The script of a shell, or the man page."""
    return {"bash": _bash, "zsh": _zsh, "fish": _fish, "man": _man}[shell]()


@dataclass(frozen=True)
class Entry:
    """What may stand after a command: its sub-commands or none, and its options."""

    path: str
    words: tuple[str, ...]
    options: tuple[click.Option, ...]


@cache
def tree() -> list[Entry]:
    """The whole grammar, the top first."""
    context = top()
    entries = [Entry("", tuple(COMMANDS), _options(root, context))]
    for name in COMMANDS:
        command = root.get_command(context, name)
        if command is None:
            continue
        inner = click.Context(command, info_name=name, parent=context)
        subs = (
            {sub: command.get_command(inner, sub) for sub in command.list_commands(inner)}
            if isinstance(command, Family)
            else {}
        )
        entries.append(Entry(name, _arguments(name) or tuple(subs), () if subs else _options(command, inner)))
        entries += [Entry(f"{name} {sub}", (), _options(held, inner)) for sub, held in subs.items() if held is not None]
    return entries


def _options(command: click.Command, context: click.Context) -> tuple[click.Option, ...]:
    return tuple(param for param in command.get_params(context) if isinstance(param, click.Option))


def _arguments(name: str) -> tuple[str, ...]:
    """Words that a command takes where the grammar does not say them."""
    return {
        "submit": tuple(wiring.job_types()), "types": tuple(wiring.job_types()), "help": (*COMMANDS, *TOPICS),
        "completion": ("bash", "zsh", "fish", "man"),
    }.get(name, ())  # fmt: skip


@cache
def values() -> dict[str, tuple[str, ...]]:
    """Option → what may follow it; an empty tuple where that is anybody's guess."""
    found: dict[str, tuple[str, ...]] = {}
    for entry in tree():
        for option in entry.options:
            if not option.is_flag and not option.count:
                found |= dict.fromkeys(option.opts, _values(option))
    return found


def _values(option: click.Option) -> tuple[str, ...]:
    known = {
        "--status": (*Status, *NAMES), "--for": (*Status, "done"), "--type": tuple(wiring.job_types()), "--fields": JOB_FIELDS,
    }  # fmt: skip
    special = next((known[name] for name in option.opts if name in known), ())
    return tuple(str(word) for word in special or getattr(option.type, "choices", ()))


def _names(options: Sequence[click.Option]) -> list[str]:
    return sorted({name for option in options for name in option.opts if name.startswith("--")})


def _takes() -> str:
    """Options whose next word is their value."""
    return " ".join(values())


def _families() -> str:
    """Commands with sub-commands, as a pattern."""
    return "|".join(dict.fromkeys(entry.path.split()[0] for entry in tree() if " " in entry.path))


def _value_cases(found: str, none: str) -> str:
    """Lines of a ``case``: options that take the same words together."""
    turned: dict[tuple[str, ...], list[str]] = {}
    for option, words in values().items():
        if option not in FILES:
            turned.setdefault(words, []).append(option)
    return "\n".join(
        f"        {'|'.join(options)}) {found.format(' '.join(words)) if words else none} ;;"
        for words, options in turned.items()
    )


def _bash() -> str:
    cases = "\n".join(
        f'        "{entry.path}") words="{" ".join([*entry.words, *_names(entry.options)])}" ;;' for entry in tree()
    )
    return f"""# bash completion of jobctl; made by: jobctl completion bash
_jobctl_words() {{  # compgen -W expands its list: only words of this script and digits may be in it
    local word
    while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -W "$1" -- "$2")
}}
_jobctl_files() {{
    local word
    compopt -o filenames 2>/dev/null
    while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$1")
}}
_jobctl() {{
    local cur="${{COMP_WORDS[COMP_CWORD]}}" prev="${{COMP_WORDS[COMP_CWORD-1]}}" path="" last="" words="" ids="" word id verbs title file
    COMPREPLY=()
    case "$prev" in
        {"|".join(FILES)}) _jobctl_files "$cur"; return ;;
{_value_cases('_jobctl_words "{}" "$cur"; return', "return")}
    esac
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        if [[ " {_takes()} " == *" $last "* ]]; then last=""; continue; fi
        last="$word"
        case "$word,$path" in
            -*) ;;
            *,) path="$word" ;;
            *,{_families().replace("|", "|*,")}) path="$path $word" ;;
        esac
    done
    case "$path" in
{cases}
    esac
    if [[ "$cur" != -* && " {" ".join(IDS)} " == *" $path "* ]]; then
        file="${{JOBCTL_HOME:+$JOBCTL_HOME/cache/ids}}"
        file="${{file:-${{XDG_CACHE_HOME:-$HOME/.cache}}/jobctl/ids}}"
        if [[ -f "$file" && -r "$file" ]]; then
            while IFS=$'\\t' read -r id verbs title; do
                case "$id" in ""|*[!0-9]*) continue ;; esac  # the file is data, whoever wrote it
                case "$path" in
                    {CHOSEN}) [[ ",$verbs," == *",$path,"* ]] && ids+=" $id" ;;
                    *) ids+=" $id" ;;
                esac
            done < "$file"
        fi
        words="$ids @last"
    fi
    _jobctl_words "$words" "$cur"
    if [[ "$path" == submit && "$cur" != -* ]]; then _jobctl_files "$cur"; fi
    return 0
}}
complete -F _jobctl jobctl
"""


def _zsh() -> str:
    described = "\n".join(
        f"        '{name}:{sentence.replace(chr(39), '')}'" for name, (_, sentence) in COMMANDS.items()
    )
    cases = "\n".join(
        f'        "{entry.path}") words=({" ".join([*entry.words, *_names(entry.options)])}) ;;'
        for entry in tree() if entry.path
    )  # fmt: skip
    return f"""#compdef jobctl
# zsh completion of jobctl; made by: jobctl completion zsh
_jobctl() {{
    local -a commands words_ ids
    local file="${{JOBCTL_HOME:+$JOBCTL_HOME/cache/ids}}" path_="" last="" word id verbs title
    file="${{file:-${{XDG_CACHE_HOME:-$HOME/.cache}}/jobctl/ids}}"
    commands=(
{described}
    )
    case "${{words[CURRENT-1]}}" in
        {"|".join(FILES)}) _files; return ;;
{_value_cases("compadd -- {}; return", "return")}
    esac
    for word in "${{(@)words[2,CURRENT-1]}}"; do
        if [[ " {_takes()} " == *" $last "* ]]; then last=""; continue; fi
        last="$word"
        case "$word,$path_" in
            -*) ;;
            *,) path_="$word" ;;
            *,{_families().replace("|", "|*,")}) path_="$path_ $word" ;;
        esac
    done
    if [[ -z "$path_" ]]; then
        if [[ "$PREFIX" == -* ]]; then compadd -- {" ".join(_names(tree()[0].options))}; else _describe command commands; fi
        return
    fi
    case "$path_" in
{cases.replace("words=", "words_=")}
    esac
    if [[ "$PREFIX" != -* && " {" ".join(IDS)} " == *" $path_ "* ]]; then
        [[ -f "$file" && -r "$file" ]] && while IFS=$'\\t' read -r id verbs title; do
            case "$id" in ""|*[!0-9]*) continue ;; esac  # the file is data, whoever wrote it
            title="${{title//[^[:print:]]/}}"
            case "$path_" in
                {CHOSEN}) [[ ",$verbs," == *",$path_,"* ]] && ids+=("$id:$title") ;;
                *) ids+=("$id:$title") ;;
            esac
        done < "$file"
        ids+=("@last:the newest job you submitted")
        _describe job ids
        return
    fi
    compadd -- $words_
    [[ "$path_" == submit && "$PREFIX" != -* ]] && _files
}}
_jobctl "$@"
"""


def _fish() -> str:
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


# -- the man page ----------------------------------------------------------------------------------------------------


def _man() -> str:
    """The manual page, from the same tree."""
    context = top()
    lines = [
        f'.TH JOBCTL 1 "" "jobctl {__version__}" "User Commands"', ".SH NAME", "jobctl \\- long document jobs on Postgres",
        ".SH SYNOPSIS", ".B jobctl", "[GLOBALS] COMMAND [ARGS]", ".SH DESCRIPTION", *_paragraphs(root.help), ".SH COMMANDS",
    ]  # fmt: skip
    for name in COMMANDS:
        command = root.get_command(context, name)
        inner = click.Context(command, info_name=name, parent=context) if command else context
        if isinstance(command, Family):
            for sub in command.list_commands(inner):
                lines += _entry(f"{name} {sub}", command.get_command(inner, sub), inner)
        else:
            lines += _entry(name, command, context)
    lines += [".SH GLOBAL OPTIONS", *_described(global_options(), context), ".SH EXIT STATUS"]
    for code, words in MEANINGS:
        lines += [".TP", f".B {code}", _plain(words)]
    return "\n".join(lines) + "\n"


def _entry(path: str, command: click.Command | None, context: click.Context) -> list[str]:
    if command is None:
        return []
    shared = {option.name for option in global_options()}
    own = [param for param in command.get_params(context) if param.name not in {*shared, "help"}]
    words = " ".join(command.collect_usage_pieces(click.Context(command, info_name=path, parent=context)))
    return [f'.SS "{path} {_plain(words)}"', *_paragraphs(command.help), *_described(own, context)]


def _described(params: Sequence[click.Parameter], context: click.Context) -> list[str]:
    lines = []
    for param in (param for param in params if isinstance(param, click.Option)):
        record = param.get_help_record(context)
        if record:
            lines += [".TP", f".B {_plain(record[0])}", _plain(record[1])]
    return lines


def _paragraphs(text: str | None) -> list[str]:
    found = [" ".join(part.split()) for part in (text or "").replace("\b", "").split("\n\n")]
    return [line for part in found if part for line in (".PP", _plain(part))]


def _plain(text: str) -> str:
    """Text that troff takes as text."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("…", "...")
    return f"\\&{escaped}" if escaped[:1] in (".", "'") else escaped

"""Completion scripts, made from the command tree. Static: a TAB starts no Python; ids come from a cache file."""

from __future__ import annotations

from collections.abc import Sequence

import click

from jobctl import __version__
from jobctl.cli.frame import COMMANDS, Family, global_options, root

VERBS = ("show", "why", "watch", "wait", "logs", "pause", "resume", "retry", "restart", "cancel", "delete", "verify")
"""Commands whose arguments are job ids; the cache says which verbs are possible on which job."""


def script(shell: str) -> str:
    """The script of a shell, or the man page."""
    return {"bash": _bash, "zsh": _zsh, "fish": _fish, "man": _man}[shell]()


def tree() -> dict[str, list[str]]:
    """Words after each command: sub-commands and options."""
    context = click.Context(root, info_name="jobctl")
    words: dict[str, list[str]] = {"": [*COMMANDS, *_options(root, context)]}
    for name in COMMANDS:
        command = root.get_command(context, name)
        if isinstance(command, Family):
            inner = click.Context(command, info_name=name, parent=context)
            words[name] = command.list_commands(inner)
            for sub in words[name]:
                held = command.get_command(inner, sub)
                if held is not None:
                    words[f"{name} {sub}"] = _options(held, inner)
        elif command is not None:
            words[name] = _options(command, context)
    return words


def _options(command: click.Command, context: click.Context) -> list[str]:
    params = command.get_params(context)
    return sorted({o for p in params if isinstance(p, click.Option) for o in p.opts if o.startswith("--")})


def _cases(indent: str) -> str:
    lines = [f'{indent}"{path}") words="{" ".join(words)}" ;;' for path, words in tree().items()]
    return "\n".join(lines)


def _bash() -> str:
    return f"""# bash completion of jobctl; made by: jobctl completion bash
_jobctl() {{
    local cur="${{COMP_WORDS[COMP_CWORD]}}" path="" words="" ids="" word file line
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case "$word" in
            -*) ;;
            *) [[ "$path" == *" "* || " {" ".join(VERBS)} submit " == *" $path "* ]] || path="${{path:+$path }}$word" ;;
        esac
    done
    case "$path" in
{_cases("        ")}
    esac
    if [[ "$cur" != -* && " {" ".join(VERBS)} " == *" $path "* ]]; then
        file="${{JOBCTL_HOME:+$JOBCTL_HOME/cache/ids}}"
        file="${{file:-${{XDG_CACHE_HOME:-$HOME/.cache}}/jobctl/ids}}"
        if [[ -r "$file" ]]; then
            while IFS=$'\\t' read -r id verbs title; do
                case "$path" in
                    pause|resume|retry|restart|cancel|delete) [[ ",$verbs," == *",$path,"* ]] && ids+=" $id" ;;
                    *) ids+=" $id" ;;
                esac
            done < "$file"
        fi
        words="$ids @last"
    fi
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
    [[ "$path" == submit && "$cur" != -* ]] && COMPREPLY+=($(compgen -f -- "$cur"))
    return 0
}}
complete -o filenames -F _jobctl jobctl
"""


def _zsh() -> str:
    described = "\n".join(
        f"        '{name}:{sentence.replace(chr(39), '')}'" for name, (_, sentence) in COMMANDS.items()
    )
    cases = "\n".join(f'        "{path}") words=({" ".join(words)}) ;;' for path, words in tree().items() if path)
    return f"""#compdef jobctl
# zsh completion of jobctl; made by: jobctl completion zsh
_jobctl() {{
    local -a commands words ids
    local file="${{JOBCTL_HOME:+$JOBCTL_HOME/cache/ids}}" chosen="${{words[2]}}" id verbs title
    file="${{file:-${{XDG_CACHE_HOME:-$HOME/.cache}}/jobctl/ids}}"
    commands=(
{described}
    )
    if (( CURRENT == 2 )); then
        _describe command commands
        return
    fi
    chosen="${{(Q)${{(z)BUFFER}}[2]}}"
    case "$chosen" in
{cases}
    esac
    if [[ "$PREFIX" != -* && " {" ".join(VERBS)} " == *" $chosen "* ]]; then
        [[ -r "$file" ]] && while IFS=$'\\t' read -r id verbs title; do
            case "$chosen" in
                pause|resume|retry|restart|cancel|delete) [[ ",$verbs," == *",$chosen,"* ]] && ids+=("$id:$title") ;;
                *) ids+=("$id:$title") ;;
            esac
        done < "$file"
        _describe job ids
        return
    fi
    [[ "$chosen" == submit && "$PREFIX" != -* ]] && _files && return
    compadd -- $words
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
        "    test -r $file; or return",
        "    while read -d \\t id verbs title",
        '        if test -z "$argv[1]"; or string match -q "*,$argv[1],*" ",$verbs,"',
        "            printf '%s\\t%s\\n' $id $title",
        "        end",
        "    end < $file",
        "end",
        "complete -c jobctl -f",
    ]  # fmt: skip
    for name, (_, sentence) in COMMANDS.items():
        text = sentence.replace("'", "")
        lines.append(f"complete -c jobctl -n __fish_use_subcommand -a {name} -d '{text}'")
    for name in VERBS:
        wanted = name if name in ("pause", "resume", "retry", "restart", "cancel", "delete") else ""
        lines.append(f"complete -c jobctl -n '__fish_seen_subcommand_from {name}' -a '(__jobctl_ids {wanted})'")
    lines.append("complete -c jobctl -n '__fish_seen_subcommand_from submit' -F")
    for path, words in tree().items():
        for word in words if path else ():
            condition = f"__fish_seen_subcommand_from {path.split()[0]}"
            if word.startswith("--"):
                if " " not in path:
                    lines.append(f"complete -c jobctl -n '{condition}' -l {word[2:]}")
            else:
                lines.append(f"complete -c jobctl -n '{condition}' -a {word}")
    return "\n".join(lines) + "\n"


# -- the man page ----------------------------------------------------------------------------------------------------

EXITS = (
    (0, "done, or nothing to do"), (1, "a bug in jobctl"), (2, "usage, invalid input"), (3, "no such job"),
    (4, "not possible in the present status"), (5, "configuration, schema not at head"),
    (6, "database unreachable: trying again makes sense"), (10, "an awaited job failed"), (11, "an awaited job was cancelled"),
    (12, "a threshold was crossed"), (20, "the awaited status can't be reached any more"), (124, "--timeout ran out"),
    (130, "interrupted; 143 terminated; 141 the reader of stdout went away"),
)  # fmt: skip


def _man() -> str:
    """The manual page, from the same tree."""
    context = click.Context(root, info_name="jobctl")
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
    for code, words in EXITS:
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

# bash completion of jobctl; made by: jobctl completion bash
_jobctl() {
    local cur="${COMP_WORDS[COMP_CWORD]}" path="" words="" ids="" word file line
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case "$word" in
            -*) ;;
            *) [[ "$path" == *" "* || " show why watch wait logs pause resume retry restart cancel delete verify submit " == *" $path "* ]] || path="${path:+$path }$word" ;;
        esac
    done
    case "$path" in
        "") words="submit list show why watch wait logs pause resume retry restart cancel delete verify worker queue search connections review types stats db torture prune doctor config completion version --ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --version --yes" ;;
        "submit") words="--after --ascii --at --color --config --db --delay --dry-run --fields --file --help --json --key --label --max-retries --no-header --on-conflict --output --payload --priority --queue --quiet --run --set --time --timeout --title --verbose --wait --watch --yes" ;;
        "list") words="--ascii --color --config --db --due --error-type --fields --help --json --label --limit --no-header --output --queue --quiet --since --sort --stale --status --time --timeout --title --type --until --verbose --watch --yes" ;;
        "show") words="--ascii --color --config --db --events --fields --help --json --no-header --output --payload --quiet --result --time --timeout --trace --verbose --yes" ;;
        "why") words="--ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "watch") words="--ascii --color --config --db --due --error-type --fields --help --json --label --no-header --output --plain --queue --quiet --since --stale --status --time --timeout --title --type --until --verbose --yes" ;;
        "wait") words="--any --ascii --color --config --db --due --error-type --fields --for --help --json --label --map-exit --no-header --output --queue --quiet --since --stale --status --time --timeout --title --type --until --verbose --yes" ;;
        "logs") words="--ascii --attempt --color --config --db --fields --follow --help --json --no-header --output --quiet --raw --stage --tail --time --timeout --verbose --yes" ;;
        "pause") words="--ascii --color --config --db --dry-run --due --error-type --fields --help --json --label --no-header --output --queue --quiet --reason --since --stale --status --time --timeout --title --type --until --verbose --wait --yes" ;;
        "resume") words="--ascii --color --config --db --dry-run --due --error-type --fields --from-start --help --json --label --no-header --output --queue --quiet --since --stale --status --time --timeout --title --type --until --verbose --yes" ;;
        "retry") words="--ascii --color --config --db --dry-run --due --error-type --fields --help --json --label --limit --lock --no-header --output --queue --quiet --since --stale --status --time --timeout --title --type --until --verbose --yes" ;;
        "restart") words="--ascii --color --config --db --dry-run --due --error-type --fields --help --json --label --no-header --output --queue --quiet --since --stale --status --time --timeout --title --type --until --verbose --yes" ;;
        "cancel") words="--ascii --color --config --db --dry-run --due --error-type --fields --help --json --label --no-header --output --queue --quiet --reason --since --stale --status --time --timeout --title --type --until --verbose --wait --yes" ;;
        "delete") words="--ascii --color --config --db --dry-run --due --error-type --fields --help --json --label --no-header --output --queue --quiet --since --stale --status --time --timeout --title --type --until --verbose --yes" ;;
        "verify") words="--ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "worker") words="drain list run" ;;
        "worker drain") words="--ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "worker list") words="--all --ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "worker run") words="--ascii --color --concurrency --config --db --drain --fields --grace --help --input-root --json --log-format --max-jobs --name --no-header --no-listen --once --output --poll --queue --quiet --time --timeout --type --verbose --yes" ;;
        "queue") words="list pause resume" ;;
        "queue list") words="--ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "queue pause") words="--ascii --color --config --db --fields --help --json --no-header --output --quiet --reason --time --timeout --type --verbose --yes" ;;
        "queue resume") words="--ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --type --verbose --yes" ;;
        "search") words="--ascii --color --config --count --db --document --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "connections") words="--ascii --color --config --db --fields --help --id --json --limit --no-header --note --output --quiet --reject --restore --star --time --timeout --validate --verbose --yes" ;;
        "review") words="--accept --ascii --color --config --db --fields --help --json --no-header --output --quiet --reject --time --timeout --verbose --waiting --yes" ;;
        "types") words="--ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "stats") words="--ascii --color --config --db --fail-over --fields --help --json --no-header --output --quiet --since --time --timeout --verbose --yes" ;;
        "db") words="check current downgrade sql start status stop upgrade" ;;
        "db check") words="--ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "db current") words="--ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "db downgrade") words="--ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "db sql") words="--ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "db start") words="--ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "db status") words="--ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "db stop") words="--ascii --color --config --db --fields --force --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "db upgrade") words="--ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "torture") words="--ascii --color --config --db --fault --fields --help --json --no-header --output --quiet --rate --seconds --seed --time --timeout --verbose --workers --yes" ;;
        "prune") words="--ascii --color --config --db --dry-run --fields --help --json --no-header --older --output --quiet --time --timeout --verbose --yes" ;;
        "doctor") words="--ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "config") words="show" ;;
        "config show") words="--ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "completion") words="--ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "version") words="--ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
    esac
    if [[ "$cur" != -* && " show why watch wait logs pause resume retry restart cancel delete verify " == *" $path "* ]]; then
        file="${JOBCTL_HOME:+$JOBCTL_HOME/cache/ids}"
        file="${file:-${XDG_CACHE_HOME:-$HOME/.cache}/jobctl/ids}"
        if [[ -r "$file" ]]; then
            while IFS=$'\t' read -r id verbs title; do
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
}
complete -o filenames -F _jobctl jobctl

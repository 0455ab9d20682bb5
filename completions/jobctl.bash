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
        "") words="submit list show why watch wait logs pause resume retry restart cancel delete verify worker queue search connections review types stats db torture prune doctor config completion version --color --config --db --fields --help --json --output --quiet --time --verbose --version --yes" ;;
        "submit") words="--after --at --color --config --db --delay --dry-run --fields --file --help --json --key --label --max-retries --on-conflict --output --payload --priority --queue --quiet --run --set --time --timeout --title --verbose --wait --watch --yes" ;;
        "list") words="--color --config --db --due --error-type --fields --help --json --label --limit --output --queue --quiet --since --sort --stale --status --time --title --type --until --verbose --watch --yes" ;;
        "show") words="--color --config --db --events --fields --help --json --output --payload --quiet --result --time --trace --verbose --yes" ;;
        "why") words="--color --config --db --fields --help --json --output --quiet --time --verbose --yes" ;;
        "watch") words="--color --config --db --due --error-type --fields --help --json --label --output --plain --queue --quiet --since --stale --status --time --timeout --title --type --until --verbose --yes" ;;
        "wait") words="--any --color --config --db --due --error-type --fields --for --help --json --label --output --queue --quiet --since --stale --status --time --timeout --title --type --until --verbose --yes" ;;
        "logs") words="--attempt --color --config --db --fields --follow --help --json --output --quiet --raw --stage --tail --time --verbose --yes" ;;
        "pause") words="--color --config --db --dry-run --due --error-type --fields --help --json --label --output --queue --quiet --reason --since --stale --status --time --timeout --title --type --until --verbose --wait --yes" ;;
        "resume") words="--color --config --db --dry-run --due --error-type --fields --from-start --help --json --label --output --queue --quiet --since --stale --status --time --timeout --title --type --until --verbose --yes" ;;
        "retry") words="--color --config --db --dry-run --due --error-type --fields --help --json --label --limit --lock --output --queue --quiet --since --stale --status --time --timeout --title --type --until --verbose --yes" ;;
        "restart") words="--color --config --db --dry-run --due --error-type --fields --help --json --label --output --queue --quiet --since --stale --status --time --timeout --title --type --until --verbose --yes" ;;
        "cancel") words="--color --config --db --dry-run --due --error-type --fields --help --json --label --output --queue --quiet --reason --since --stale --status --time --timeout --title --type --until --verbose --wait --yes" ;;
        "delete") words="--color --config --db --dry-run --due --error-type --fields --help --json --label --output --queue --quiet --since --stale --status --time --timeout --title --type --until --verbose --yes" ;;
        "verify") words="--color --config --db --fields --help --json --output --quiet --time --verbose --yes" ;;
        "worker") words="drain list run" ;;
        "worker drain") words="--color --config --db --fields --help --json --output --quiet --time --verbose --yes" ;;
        "worker list") words="--all --color --config --db --fields --help --json --output --quiet --time --verbose --yes" ;;
        "worker run") words="--color --concurrency --config --db --drain --fields --grace --help --input-root --json --log-format --max-jobs --name --no-listen --once --output --poll --queue --quiet --time --type --verbose --yes" ;;
        "queue") words="list pause resume" ;;
        "queue list") words="--color --config --db --fields --help --json --output --quiet --time --verbose --yes" ;;
        "queue pause") words="--color --config --db --fields --help --json --output --quiet --reason --time --type --verbose --yes" ;;
        "queue resume") words="--color --config --db --fields --help --json --output --quiet --time --type --verbose --yes" ;;
        "search") words="--color --config --count --db --document --fields --help --json --output --quiet --time --verbose --yes" ;;
        "connections") words="--color --config --db --fields --help --id --json --limit --note --output --quiet --reject --restore --star --time --validate --verbose --yes" ;;
        "review") words="--accept --color --config --db --fields --help --json --output --quiet --reject --time --verbose --waiting --yes" ;;
        "types") words="--color --config --db --fields --help --json --output --quiet --time --verbose --yes" ;;
        "stats") words="--color --config --db --fail-over --fields --help --json --output --quiet --since --time --verbose --yes" ;;
        "db") words="check current downgrade sql start status stop upgrade" ;;
        "db check") words="--color --config --db --fields --help --json --output --quiet --time --verbose --yes" ;;
        "db current") words="--color --config --db --fields --help --json --output --quiet --time --verbose --yes" ;;
        "db downgrade") words="--color --config --db --fields --help --json --output --quiet --time --verbose --yes" ;;
        "db sql") words="--color --config --db --fields --help --json --output --quiet --time --verbose --yes" ;;
        "db start") words="--color --config --db --fields --help --json --output --quiet --time --verbose --yes" ;;
        "db status") words="--color --config --db --fields --help --json --output --quiet --time --verbose --yes" ;;
        "db stop") words="--color --config --db --fields --force --help --json --output --quiet --time --verbose --yes" ;;
        "db upgrade") words="--color --config --db --fields --help --json --output --quiet --time --verbose --yes" ;;
        "torture") words="--color --config --db --fault --fields --help --json --output --quiet --rate --seconds --seed --time --verbose --workers --yes" ;;
        "prune") words="--color --config --db --dry-run --fields --help --json --older --output --quiet --time --verbose --yes" ;;
        "doctor") words="--color --config --db --fields --help --json --output --quiet --time --verbose --yes" ;;
        "config") words="show" ;;
        "config show") words="--color --config --db --fields --help --json --output --quiet --time --verbose --yes" ;;
        "completion") words="--color --config --db --fields --help --json --output --quiet --time --verbose --yes" ;;
        "version") words="--color --config --db --fields --help --json --output --quiet --time --verbose --yes" ;;
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

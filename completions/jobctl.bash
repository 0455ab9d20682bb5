# bash completion of jobctl; made by: jobctl completion bash
_jobctl_words() {  # compgen -W expands its list: only words of this script and digits may be in it
    local word
    while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -W "$1" -- "$2")
}
_jobctl_files() {
    local word
    compopt -o filenames 2>/dev/null
    while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$1")
}
_jobctl() {
    local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}" path="" last="" words="" ids="" word id verbs title file
    COMPREPLY=()
    case "$prev" in
        --file|-f|--config|--lock|--input-root) _jobctl_files "$cur"; return ;;
        --db|--timeout|--payload|--set|--title|--queue|--max-retries|--delay|--at|--after|--label|--key|--notify|--input|--keep|--env|--chdir|--memory|--exit-code|--expires|--job-timeout|--since|--until|-n|--limit|--every|--map-exit|--tail|--stage|--attempt|--reason|-c|--concurrency|--max-jobs|--poll|--grace|--name|--metrics|--running|--rate|--weight|--cron|--tz|--into|--html|--fail-over|--serve|-k|--count|--document|--language|--id|--note|--restore|--accept|--reject|--prefix|--jobs-older|--older|--results-older|--seconds|--min-faults|--min-completed|--workers|--seed|--fault) return ;;
        -o|--output) _jobctl_words "table wide json ndjson csv tsv id" "$cur"; return ;;
        --fields) _jobctl_words "id type type_label title display_name queue priority labels key created_by status waiting_on actions pause_requested frozen pause_support cancel_requested alive heartbeat_age_s worker progress retry_count max_retries next_retry_at crash_count resume_count error checkpoint pause_reason cancel_reason paused_at resumed_at created_at run_after started_at completed_at updated_at wait_s run_s entity result worker.name worker.host worker.pid progress.percent progress.stage progress.substage progress.details progress.current progress.total progress.unit progress.rate_per_s progress.eta_s progress.updated_at progress.idle_s error.type error.message error.raw checkpoint.stage checkpoint.path checkpoint.sha256 checkpoint.created_at checkpoint.can_resume entity.type entity.id result.location result.path result.sha256 result.size" "$cur"; return ;;
        --color) _jobctl_words "auto always never" "$cur"; return ;;
        --time) _jobctl_words "relative local utc" "$cur"; return ;;
        --priority) _jobctl_words "lowest low normal high highest" "$cur"; return ;;
        --on-conflict) _jobctl_words "return skip error" "$cur"; return ;;
        -s|--status) _jobctl_words "pending processing paused completed failed cancelled active done" "$cur"; return ;;
        -t|--type) _jobctl_words "command detect_connections export_documents import_document obsidian_export obsidian_sync process_document readwise_import reprocess_connections" "$cur"; return ;;
        --error-type) _jobctl_words "transient paywall invalid permanent" "$cur"; return ;;
        --sort) _jobctl_words "id updated priority type status title" "$cur"; return ;;
        --for) _jobctl_words "pending processing paused completed failed cancelled done" "$cur"; return ;;
        --log-format) _jobctl_words "text json" "$cur"; return ;;
        --catch-up) _jobctl_words "skip latest all" "$cur"; return ;;
        --overlap) _jobctl_words "skip queue" "$cur"; return ;;
    esac
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        if [[ " --db --config -o --output --fields --color --time --timeout --payload --set --title --queue --priority --max-retries --delay --at --after --label --key --on-conflict --notify -f --file --input --keep --env --chdir --memory --exit-code --expires --job-timeout -s --status -t --type --error-type --since --until -n --limit --sort --every --for --map-exit --tail --stage --attempt --reason --lock -c --concurrency --max-jobs --poll --grace --name --input-root --metrics --log-format --running --rate --weight --cron --tz --catch-up --overlap --into --html --fail-over --serve -k --count --document --language --id --note --restore --accept --reject --prefix --jobs-older --older --results-older --seconds --min-faults --min-completed --workers --seed --fault " == *" $last "* ]]; then last=""; continue; fi
        last="$word"
        case "$word,$path" in
            -*) ;;
            *,) path="$word" ;;
            *,worker|*,queue|*,schedule|*,db|*,config) path="$path $word" ;;
        esac
    done
    case "$path" in
        "") words="submit list show why watch wait result logs pause resume retry restart edit cancel delete verify worker queue schedule types stats metrics search connections review db doctor config prune torture completion help version --ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --version --yes" ;;
        "submit") words="command detect_connections export_documents import_document obsidian_export obsidian_sync process_document readwise_import reprocess_connections --after --ascii --at --chdir --color --config --db --delay --dry-run --env --exit-code --expires --fields --file --help --input --job-timeout --json --keep --key --label --max-retries --memory --no-header --notify --on-conflict --output --payload --priority --queue --quiet --run --set --shell --time --timeout --title --verbose --wait --watch --yes" ;;
        "list") words="--ascii --color --config --db --due --error-type --fields --help --json --label --limit --no-header --output --queue --quiet --since --sort --stale --status --time --timeout --title --type --until --verbose --watch --yes" ;;
        "show") words="--ascii --color --config --db --due --error-type --events --fields --help --json --label --no-header --output --payload --queue --quiet --result --since --stale --status --time --timeout --title --trace --type --until --verbose --yes" ;;
        "why") words="--ascii --color --config --db --due --error-type --fields --help --json --label --no-header --output --queue --quiet --since --stale --status --time --timeout --title --type --until --verbose --yes" ;;
        "watch") words="--ascii --color --config --db --due --error-type --every --fields --help --json --label --no-header --output --plain --queue --quiet --since --stale --status --time --timeout --title --type --until --verbose --wait-for --yes" ;;
        "wait") words="--any --ascii --color --config --db --due --error-type --fail-fast --fields --for --help --json --label --map-exit --no-header --output --queue --quiet --since --stale --status --time --timeout --title --type --until --verbose --yes" ;;
        "result") words="--ascii --color --config --db --fields --file --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "logs") words="--ascii --attempt --color --config --db --fields --follow --help --json --no-header --output --quiet --raw --stage --tail --time --timeout --verbose --yes" ;;
        "pause") words="--ascii --color --config --db --dry-run --due --error-type --fields --freeze --help --json --label --no-header --output --queue --quiet --reason --since --stale --status --time --timeout --title --type --until --verbose --wait --yes" ;;
        "resume") words="--ascii --color --config --db --dry-run --due --error-type --fields --from-start --help --json --label --no-header --output --queue --quiet --since --stale --status --time --timeout --title --type --until --verbose --yes" ;;
        "retry") words="--ascii --color --config --db --dry-run --due --error-type --fields --help --json --label --limit --lock --no-header --output --queue --quiet --since --stale --status --time --timeout --title --type --until --verbose --yes" ;;
        "restart") words="--ascii --color --config --db --dry-run --due --error-type --fields --help --json --label --no-header --output --queue --quiet --since --stale --status --time --timeout --title --type --until --verbose --yes" ;;
        "edit") words="--ascii --at --color --config --db --dry-run --fields --help --json --max-retries --no-header --output --payload --priority --queue --quiet --set --time --timeout --title --verbose --yes" ;;
        "cancel") words="--ascii --color --config --db --dry-run --due --error-type --fields --help --json --label --no-header --output --queue --quiet --reason --since --stale --status --time --timeout --title --type --until --verbose --wait --yes" ;;
        "delete") words="--ascii --color --config --db --dry-run --due --error-type --fields --help --json --label --no-header --output --queue --quiet --since --stale --status --time --timeout --title --type --until --verbose --yes" ;;
        "verify") words="--ascii --color --config --db --due --error-type --fields --help --json --label --no-header --output --queue --quiet --since --stale --status --time --timeout --title --type --until --verbose --yes" ;;
        "worker") words="drain list run" ;;
        "worker drain") words="--ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "worker list") words="--all --ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "worker run") words="--allow-commands --ascii --color --concurrency --config --db --drain --fields --grace --help --input-root --json --log-format --max-jobs --metrics --name --no-header --no-listen --once --output --poll --queue --quiet --time --timeout --type --verbose --yes" ;;
        "queue") words="limit limits list pause resume" ;;
        "queue limit") words="--ascii --color --config --db --fields --help --json --no-header --none --output --quiet --rate --running --time --timeout --type --verbose --weight --yes" ;;
        "queue limits") words="--ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "queue list") words="--ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "queue pause") words="--ascii --color --config --db --fields --help --json --no-header --output --quiet --reason --time --timeout --type --verbose --yes" ;;
        "queue resume") words="--ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --type --verbose --yes" ;;
        "schedule") words="add list pause remove resume run-now show" ;;
        "schedule add") words="--ascii --catch-up --color --config --cron --db --every --expires --fields --help --job-timeout --json --label --max-retries --no-header --output --overlap --payload --priority --queue --quiet --set --time --timeout --title --tz --verbose --yes" ;;
        "schedule list") words="--ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "schedule pause") words="--ascii --color --config --db --fields --help --json --no-header --output --quiet --reason --time --timeout --verbose --yes" ;;
        "schedule remove") words="--ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "schedule resume") words="--ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "schedule run-now") words="--ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "schedule show") words="--ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "types") words="command detect_connections export_documents import_document obsidian_export obsidian_sync process_document readwise_import reprocess_connections --ascii --color --config --db --fields --help --into --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "stats") words="--ascii --color --config --db --fail-over --fields --help --html --json --no-header --output --queue --quiet --since --time --timeout --type --verbose --yes" ;;
        "metrics") words="--ascii --color --config --db --fields --help --json --no-header --output --quiet --serve --time --timeout --verbose --yes" ;;
        "search") words="--ascii --color --config --count --db --document --fields --help --json --language --no-header --output --quiet --since --time --timeout --type --verbose --yes" ;;
        "connections") words="--ascii --color --config --db --fields --help --id --json --limit --no-header --note --output --quiet --reject --restore --star --time --timeout --validate --verbose --yes" ;;
        "review") words="--accept --ascii --color --config --db --fields --help --json --no-header --output --quiet --reject --time --timeout --verbose --waiting --yes" ;;
        "db") words="check current downgrade dump load roles sql start status stop storage upgrade" ;;
        "db check") words="--ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "db current") words="--ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "db downgrade") words="--ascii --color --config --db --fields --force --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "db dump") words="--ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "db load") words="--ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "db roles") words="--ascii --color --config --db --fields --help --json --no-header --output --prefix --quiet --time --timeout --verbose --yes" ;;
        "db sql") words="--ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "db start") words="--ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "db status") words="--ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "db stop") words="--ascii --color --config --db --fields --force --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "db storage") words="--adopt --ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "db upgrade") words="--ascii --color --config --db --dry-run --fields --force --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "doctor") words="--ascii --color --config --db --document --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "config") words="show" ;;
        "config show") words="--ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "prune") words="--ascii --color --config --db --dry-run --fields --help --jobs-older --json --no-header --older --output --quiet --results-older --time --timeout --verbose --yes" ;;
        "torture") words="--ascii --color --config --db --fault --fields --help --json --min-completed --min-faults --no-header --output --quiet --rate --seconds --seed --time --timeout --verbose --workers --yes" ;;
        "completion") words="bash zsh fish man --ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "help") words="submit list show why watch wait result logs pause resume retry restart edit cancel delete verify worker queue schedule types stats metrics search connections review db doctor config prune torture completion help version exit-codes json selectors settings --ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
        "version") words="--ascii --color --config --db --fields --help --json --no-header --output --quiet --time --timeout --verbose --yes" ;;
    esac
    if [[ "$cur" != -* && " show why watch wait logs pause resume retry restart cancel delete verify " == *" $path "* ]]; then
        file="${JOBCTL_HOME:+$JOBCTL_HOME/cache/ids}"
        file="${file:-${XDG_CACHE_HOME:-$HOME/.cache}/jobctl/ids}"
        if [[ -f "$file" && -r "$file" ]]; then
            while IFS=$'\t' read -r id verbs title; do
                case "$id" in ""|*[!0-9]*) continue ;; esac  # the file is data, whoever wrote it
                case "$path" in
                    pause|resume|retry|restart|cancel|delete) [[ ",$verbs," == *",$path,"* ]] && ids+=" $id" ;;
                    *) ids+=" $id" ;;
                esac
            done < "$file"
        fi
        words="$ids @last"
    fi
    _jobctl_words "$words" "$cur"
    if [[ "$path" == submit && "$cur" != -* ]]; then _jobctl_files "$cur"; fi
    return 0
}
complete -F _jobctl jobctl

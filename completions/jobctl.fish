# fish completion of jobctl; made by: jobctl completion fish
function __jobctl_ids
    set -l file $HOME/.cache/jobctl/ids
    set -q XDG_CACHE_HOME; and set file $XDG_CACHE_HOME/jobctl/ids
    set -q JOBCTL_HOME; and set file $JOBCTL_HOME/cache/ids
    printf '@last\tthe newest job you submitted\n'
    test -f "$file"; and test -r "$file"; or return
    while read -d \t id verbs title
        string match -qr '^[0-9]+$' -- "$id"; or continue # the file is data, whoever wrote it
        set title (string replace -ra '[^[:print:]]' '' -- "$title")
        if test -z "$argv[1]"; or string match -q "*,$argv[1],*" ",$verbs,"
            printf '%s\t%s\n' $id "$title"
        end
    end < "$file"
end
complete -c jobctl -f
complete -c jobctl -n __fish_use_subcommand -a submit -d 'Create a job; a file name alone processes that document.'
complete -c jobctl -n __fish_use_subcommand -a list -d 'Show jobs as a table.'
complete -c jobctl -n __fish_use_subcommand -a show -d 'Show a job in detail, with the actions possible now.'
complete -c jobctl -n __fish_use_subcommand -a why -d 'Explain a jobs current status.'
complete -c jobctl -n __fish_use_subcommand -a watch -d 'Watch jobs live.'
complete -c jobctl -n __fish_use_subcommand -a wait -d 'Wait until jobs have ended; return their outcome.'
complete -c jobctl -n __fish_use_subcommand -a result -d 'Print what a completed job returned.'
complete -c jobctl -n __fish_use_subcommand -a logs -d 'Show the log of a job.'
complete -c jobctl -n __fish_use_subcommand -a pause -d 'Pause jobs at their next safe point.'
complete -c jobctl -n __fish_use_subcommand -a resume -d 'Continue paused jobs from their checkpoint.'
complete -c jobctl -n __fish_use_subcommand -a retry -d 'Retry failed or cancelled jobs; --due is the sweep for cron.'
complete -c jobctl -n __fish_use_subcommand -a restart -d 'Run ended jobs again from the first stage.'
complete -c jobctl -n __fish_use_subcommand -a edit -d 'Change jobs that are pending or paused.'
complete -c jobctl -n __fish_use_subcommand -a cancel -d 'Cancel jobs.'
complete -c jobctl -n __fish_use_subcommand -a delete -d 'Delete ended jobs; their results in the library stay.'
complete -c jobctl -n __fish_use_subcommand -a verify -d 'Compare checkpoints with their hashes.'
complete -c jobctl -n __fish_use_subcommand -a worker -d 'Run, list and drain workers.'
complete -c jobctl -n __fish_use_subcommand -a queue -d 'Pause, resume and limit whole queues.'
complete -c jobctl -n __fish_use_subcommand -a schedule -d 'Submit jobs at recurring times.'
complete -c jobctl -n __fish_use_subcommand -a types -d 'Show job types with their input and stages.'
complete -c jobctl -n __fish_use_subcommand -a stats -d 'Show counts, times and retries.'
complete -c jobctl -n __fish_use_subcommand -a metrics -d 'Print metrics of the queue for Prometheus, or serve them.'
complete -c jobctl -n __fish_use_subcommand -a search -d 'Find passages in processed documents.'
complete -c jobctl -n __fish_use_subcommand -a connections -d 'Show and rate connections between passages.'
complete -c jobctl -n __fish_use_subcommand -a review -d 'Resolve what an import could not: ambiguous or lost positions.'
complete -c jobctl -n __fish_use_subcommand -a db -d 'Start, stop, upgrade and check the database.'
complete -c jobctl -n __fish_use_subcommand -a doctor -d 'Check settings, database, storage and workers.'
complete -c jobctl -n __fish_use_subcommand -a config -d 'Show settings and where each comes from.'
complete -c jobctl -n __fish_use_subcommand -a prune -d 'Remove old checkpoints, old results and unreferenced files.'
complete -c jobctl -n __fish_use_subcommand -a torture -d 'Inject faults at random and check that nothing is lost.'
complete -c jobctl -n __fish_use_subcommand -a completion -d 'Print the completion script of a shell.'
complete -c jobctl -n __fish_use_subcommand -a help -d 'Explain a command, or: exit-codes, json, selectors, settings.'
complete -c jobctl -n __fish_use_subcommand -a version -d 'Print the version.'
complete -c jobctl -n '__fish_seen_subcommand_from show' -a '(__jobctl_ids )'
complete -c jobctl -n '__fish_seen_subcommand_from why' -a '(__jobctl_ids )'
complete -c jobctl -n '__fish_seen_subcommand_from watch' -a '(__jobctl_ids )'
complete -c jobctl -n '__fish_seen_subcommand_from wait' -a '(__jobctl_ids )'
complete -c jobctl -n '__fish_seen_subcommand_from logs' -a '(__jobctl_ids )'
complete -c jobctl -n '__fish_seen_subcommand_from pause' -a '(__jobctl_ids pause)'
complete -c jobctl -n '__fish_seen_subcommand_from resume' -a '(__jobctl_ids resume)'
complete -c jobctl -n '__fish_seen_subcommand_from retry' -a '(__jobctl_ids retry)'
complete -c jobctl -n '__fish_seen_subcommand_from restart' -a '(__jobctl_ids restart)'
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -a '(__jobctl_ids cancel)'
complete -c jobctl -n '__fish_seen_subcommand_from delete' -a '(__jobctl_ids delete)'
complete -c jobctl -n '__fish_seen_subcommand_from verify' -a '(__jobctl_ids )'
complete -c jobctl -n '__fish_seen_subcommand_from submit' -F
complete -c jobctl -l db -x
complete -c jobctl -l config -rF
complete -c jobctl -l output -s o -x -a 'table wide json ndjson csv tsv id'
complete -c jobctl -l json
complete -c jobctl -l fields -x -a 'id type type_label title display_name queue priority labels key created_by status waiting_on actions pause_requested frozen pause_support cancel_requested alive heartbeat_age_s worker progress retry_count max_retries next_retry_at crash_count resume_count error checkpoint pause_reason cancel_reason paused_at resumed_at created_at run_after started_at completed_at updated_at wait_s run_s entity result worker.name worker.host worker.pid progress.percent progress.stage progress.substage progress.details progress.current progress.total progress.unit progress.rate_per_s progress.eta_s progress.updated_at progress.idle_s error.type error.message error.raw checkpoint.stage checkpoint.path checkpoint.sha256 checkpoint.created_at checkpoint.can_resume entity.type entity.id result.location result.path result.sha256 result.size'
complete -c jobctl -l quiet -s q
complete -c jobctl -l verbose -s v
complete -c jobctl -l color -x -a 'auto always never'
complete -c jobctl -l time -x -a 'relative local utc'
complete -c jobctl -l no-header
complete -c jobctl -l ascii
complete -c jobctl -l timeout -x
complete -c jobctl -l yes -s y
complete -c jobctl -l version
complete -c jobctl -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from submit' -a command
complete -c jobctl -n '__fish_seen_subcommand_from submit' -a detect_connections
complete -c jobctl -n '__fish_seen_subcommand_from submit' -a export_documents
complete -c jobctl -n '__fish_seen_subcommand_from submit' -a import_document
complete -c jobctl -n '__fish_seen_subcommand_from submit' -a obsidian_export
complete -c jobctl -n '__fish_seen_subcommand_from submit' -a obsidian_sync
complete -c jobctl -n '__fish_seen_subcommand_from submit' -a process_document
complete -c jobctl -n '__fish_seen_subcommand_from submit' -a readwise_import
complete -c jobctl -n '__fish_seen_subcommand_from submit' -a reprocess_connections
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l payload -x
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l set -x
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l title -x
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l queue -x
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l priority -x -a 'lowest low normal high highest'
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l max-retries -x
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l delay -x
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l at -x
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l after -x
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l label -x
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l key -x
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l on-conflict -x -a 'return skip error'
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l notify -x
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l file -s f -rF
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l wait
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l watch
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l run
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l shell
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l input -x
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l keep -x
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l env -x
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l chdir -x
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l memory -x
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l exit-code -x
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l expires -x
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l job-timeout -x
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l dry-run
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from list' -l status -s s -x -a 'pending processing paused completed failed cancelled active done'
complete -c jobctl -n '__fish_seen_subcommand_from list' -l type -s t -x -a 'command detect_connections export_documents import_document obsidian_export obsidian_sync process_document readwise_import reprocess_connections'
complete -c jobctl -n '__fish_seen_subcommand_from list' -l title -x
complete -c jobctl -n '__fish_seen_subcommand_from list' -l label -x
complete -c jobctl -n '__fish_seen_subcommand_from list' -l queue -x
complete -c jobctl -n '__fish_seen_subcommand_from list' -l error-type -x -a 'transient paywall invalid permanent'
complete -c jobctl -n '__fish_seen_subcommand_from list' -l since -x
complete -c jobctl -n '__fish_seen_subcommand_from list' -l until -x
complete -c jobctl -n '__fish_seen_subcommand_from list' -l stale
complete -c jobctl -n '__fish_seen_subcommand_from list' -l due
complete -c jobctl -n '__fish_seen_subcommand_from list' -l limit -s n -x
complete -c jobctl -n '__fish_seen_subcommand_from list' -l sort -x -a 'id updated priority type status title'
complete -c jobctl -n '__fish_seen_subcommand_from list' -l watch
complete -c jobctl -n '__fish_seen_subcommand_from list' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from show' -l status -s s -x -a 'pending processing paused completed failed cancelled active done'
complete -c jobctl -n '__fish_seen_subcommand_from show' -l type -s t -x -a 'command detect_connections export_documents import_document obsidian_export obsidian_sync process_document readwise_import reprocess_connections'
complete -c jobctl -n '__fish_seen_subcommand_from show' -l title -x
complete -c jobctl -n '__fish_seen_subcommand_from show' -l label -x
complete -c jobctl -n '__fish_seen_subcommand_from show' -l queue -x
complete -c jobctl -n '__fish_seen_subcommand_from show' -l error-type -x -a 'transient paywall invalid permanent'
complete -c jobctl -n '__fish_seen_subcommand_from show' -l since -x
complete -c jobctl -n '__fish_seen_subcommand_from show' -l until -x
complete -c jobctl -n '__fish_seen_subcommand_from show' -l stale
complete -c jobctl -n '__fish_seen_subcommand_from show' -l due
complete -c jobctl -n '__fish_seen_subcommand_from show' -l payload -x
complete -c jobctl -n '__fish_seen_subcommand_from show' -l result
complete -c jobctl -n '__fish_seen_subcommand_from show' -l trace
complete -c jobctl -n '__fish_seen_subcommand_from show' -l events
complete -c jobctl -n '__fish_seen_subcommand_from show' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from why' -l status -s s -x -a 'pending processing paused completed failed cancelled active done'
complete -c jobctl -n '__fish_seen_subcommand_from why' -l type -s t -x -a 'command detect_connections export_documents import_document obsidian_export obsidian_sync process_document readwise_import reprocess_connections'
complete -c jobctl -n '__fish_seen_subcommand_from why' -l title -x
complete -c jobctl -n '__fish_seen_subcommand_from why' -l label -x
complete -c jobctl -n '__fish_seen_subcommand_from why' -l queue -x
complete -c jobctl -n '__fish_seen_subcommand_from why' -l error-type -x -a 'transient paywall invalid permanent'
complete -c jobctl -n '__fish_seen_subcommand_from why' -l since -x
complete -c jobctl -n '__fish_seen_subcommand_from why' -l until -x
complete -c jobctl -n '__fish_seen_subcommand_from why' -l stale
complete -c jobctl -n '__fish_seen_subcommand_from why' -l due
complete -c jobctl -n '__fish_seen_subcommand_from why' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from watch' -l status -s s -x -a 'pending processing paused completed failed cancelled active done'
complete -c jobctl -n '__fish_seen_subcommand_from watch' -l type -s t -x -a 'command detect_connections export_documents import_document obsidian_export obsidian_sync process_document readwise_import reprocess_connections'
complete -c jobctl -n '__fish_seen_subcommand_from watch' -l title -x
complete -c jobctl -n '__fish_seen_subcommand_from watch' -l label -x
complete -c jobctl -n '__fish_seen_subcommand_from watch' -l queue -x
complete -c jobctl -n '__fish_seen_subcommand_from watch' -l error-type -x -a 'transient paywall invalid permanent'
complete -c jobctl -n '__fish_seen_subcommand_from watch' -l since -x
complete -c jobctl -n '__fish_seen_subcommand_from watch' -l until -x
complete -c jobctl -n '__fish_seen_subcommand_from watch' -l stale
complete -c jobctl -n '__fish_seen_subcommand_from watch' -l due
complete -c jobctl -n '__fish_seen_subcommand_from watch' -l plain
complete -c jobctl -n '__fish_seen_subcommand_from watch' -l every -x
complete -c jobctl -n '__fish_seen_subcommand_from watch' -l wait-for
complete -c jobctl -n '__fish_seen_subcommand_from watch' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from wait' -l status -s s -x -a 'pending processing paused completed failed cancelled active done'
complete -c jobctl -n '__fish_seen_subcommand_from wait' -l type -s t -x -a 'command detect_connections export_documents import_document obsidian_export obsidian_sync process_document readwise_import reprocess_connections'
complete -c jobctl -n '__fish_seen_subcommand_from wait' -l title -x
complete -c jobctl -n '__fish_seen_subcommand_from wait' -l label -x
complete -c jobctl -n '__fish_seen_subcommand_from wait' -l queue -x
complete -c jobctl -n '__fish_seen_subcommand_from wait' -l error-type -x -a 'transient paywall invalid permanent'
complete -c jobctl -n '__fish_seen_subcommand_from wait' -l since -x
complete -c jobctl -n '__fish_seen_subcommand_from wait' -l until -x
complete -c jobctl -n '__fish_seen_subcommand_from wait' -l stale
complete -c jobctl -n '__fish_seen_subcommand_from wait' -l due
complete -c jobctl -n '__fish_seen_subcommand_from wait' -l for -x -a 'pending processing paused completed failed cancelled done'
complete -c jobctl -n '__fish_seen_subcommand_from wait' -l any
complete -c jobctl -n '__fish_seen_subcommand_from wait' -l fail-fast
complete -c jobctl -n '__fish_seen_subcommand_from wait' -l map-exit -x
complete -c jobctl -n '__fish_seen_subcommand_from wait' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from result' -l file -rF
complete -c jobctl -n '__fish_seen_subcommand_from result' -l output -s o -x -a 'table wide json ndjson csv tsv id'
complete -c jobctl -n '__fish_seen_subcommand_from result' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from logs' -l follow -s f -rF
complete -c jobctl -n '__fish_seen_subcommand_from logs' -l tail -s n -x
complete -c jobctl -n '__fish_seen_subcommand_from logs' -l stage -x
complete -c jobctl -n '__fish_seen_subcommand_from logs' -l attempt -x
complete -c jobctl -n '__fish_seen_subcommand_from logs' -l raw
complete -c jobctl -n '__fish_seen_subcommand_from logs' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l status -s s -x -a 'pending processing paused completed failed cancelled active done'
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l type -s t -x -a 'command detect_connections export_documents import_document obsidian_export obsidian_sync process_document readwise_import reprocess_connections'
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l title -x
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l label -x
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l queue -x
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l error-type -x -a 'transient paywall invalid permanent'
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l since -x
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l until -x
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l stale
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l due
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l dry-run
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l wait
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l reason -x
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l freeze
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from resume' -l status -s s -x -a 'pending processing paused completed failed cancelled active done'
complete -c jobctl -n '__fish_seen_subcommand_from resume' -l type -s t -x -a 'command detect_connections export_documents import_document obsidian_export obsidian_sync process_document readwise_import reprocess_connections'
complete -c jobctl -n '__fish_seen_subcommand_from resume' -l title -x
complete -c jobctl -n '__fish_seen_subcommand_from resume' -l label -x
complete -c jobctl -n '__fish_seen_subcommand_from resume' -l queue -x
complete -c jobctl -n '__fish_seen_subcommand_from resume' -l error-type -x -a 'transient paywall invalid permanent'
complete -c jobctl -n '__fish_seen_subcommand_from resume' -l since -x
complete -c jobctl -n '__fish_seen_subcommand_from resume' -l until -x
complete -c jobctl -n '__fish_seen_subcommand_from resume' -l stale
complete -c jobctl -n '__fish_seen_subcommand_from resume' -l due
complete -c jobctl -n '__fish_seen_subcommand_from resume' -l dry-run
complete -c jobctl -n '__fish_seen_subcommand_from resume' -l from-start
complete -c jobctl -n '__fish_seen_subcommand_from resume' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from retry' -l status -s s -x -a 'pending processing paused completed failed cancelled active done'
complete -c jobctl -n '__fish_seen_subcommand_from retry' -l type -s t -x -a 'command detect_connections export_documents import_document obsidian_export obsidian_sync process_document readwise_import reprocess_connections'
complete -c jobctl -n '__fish_seen_subcommand_from retry' -l title -x
complete -c jobctl -n '__fish_seen_subcommand_from retry' -l label -x
complete -c jobctl -n '__fish_seen_subcommand_from retry' -l queue -x
complete -c jobctl -n '__fish_seen_subcommand_from retry' -l error-type -x -a 'transient paywall invalid permanent'
complete -c jobctl -n '__fish_seen_subcommand_from retry' -l since -x
complete -c jobctl -n '__fish_seen_subcommand_from retry' -l until -x
complete -c jobctl -n '__fish_seen_subcommand_from retry' -l stale
complete -c jobctl -n '__fish_seen_subcommand_from retry' -l due
complete -c jobctl -n '__fish_seen_subcommand_from retry' -l dry-run
complete -c jobctl -n '__fish_seen_subcommand_from retry' -l limit -x
complete -c jobctl -n '__fish_seen_subcommand_from retry' -l lock -rF
complete -c jobctl -n '__fish_seen_subcommand_from retry' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from restart' -l status -s s -x -a 'pending processing paused completed failed cancelled active done'
complete -c jobctl -n '__fish_seen_subcommand_from restart' -l type -s t -x -a 'command detect_connections export_documents import_document obsidian_export obsidian_sync process_document readwise_import reprocess_connections'
complete -c jobctl -n '__fish_seen_subcommand_from restart' -l title -x
complete -c jobctl -n '__fish_seen_subcommand_from restart' -l label -x
complete -c jobctl -n '__fish_seen_subcommand_from restart' -l queue -x
complete -c jobctl -n '__fish_seen_subcommand_from restart' -l error-type -x -a 'transient paywall invalid permanent'
complete -c jobctl -n '__fish_seen_subcommand_from restart' -l since -x
complete -c jobctl -n '__fish_seen_subcommand_from restart' -l until -x
complete -c jobctl -n '__fish_seen_subcommand_from restart' -l stale
complete -c jobctl -n '__fish_seen_subcommand_from restart' -l due
complete -c jobctl -n '__fish_seen_subcommand_from restart' -l dry-run
complete -c jobctl -n '__fish_seen_subcommand_from restart' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from edit' -l priority -x -a 'lowest low normal high highest'
complete -c jobctl -n '__fish_seen_subcommand_from edit' -l queue -x
complete -c jobctl -n '__fish_seen_subcommand_from edit' -l title -x
complete -c jobctl -n '__fish_seen_subcommand_from edit' -l max-retries -x
complete -c jobctl -n '__fish_seen_subcommand_from edit' -l at -x
complete -c jobctl -n '__fish_seen_subcommand_from edit' -l payload -x
complete -c jobctl -n '__fish_seen_subcommand_from edit' -l set -x
complete -c jobctl -n '__fish_seen_subcommand_from edit' -l dry-run
complete -c jobctl -n '__fish_seen_subcommand_from edit' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -l status -s s -x -a 'pending processing paused completed failed cancelled active done'
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -l type -s t -x -a 'command detect_connections export_documents import_document obsidian_export obsidian_sync process_document readwise_import reprocess_connections'
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -l title -x
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -l label -x
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -l queue -x
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -l error-type -x -a 'transient paywall invalid permanent'
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -l since -x
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -l until -x
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -l stale
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -l due
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -l dry-run
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -l wait
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -l reason -x
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from delete' -l status -s s -x -a 'pending processing paused completed failed cancelled active done'
complete -c jobctl -n '__fish_seen_subcommand_from delete' -l type -s t -x -a 'command detect_connections export_documents import_document obsidian_export obsidian_sync process_document readwise_import reprocess_connections'
complete -c jobctl -n '__fish_seen_subcommand_from delete' -l title -x
complete -c jobctl -n '__fish_seen_subcommand_from delete' -l label -x
complete -c jobctl -n '__fish_seen_subcommand_from delete' -l queue -x
complete -c jobctl -n '__fish_seen_subcommand_from delete' -l error-type -x -a 'transient paywall invalid permanent'
complete -c jobctl -n '__fish_seen_subcommand_from delete' -l since -x
complete -c jobctl -n '__fish_seen_subcommand_from delete' -l until -x
complete -c jobctl -n '__fish_seen_subcommand_from delete' -l stale
complete -c jobctl -n '__fish_seen_subcommand_from delete' -l due
complete -c jobctl -n '__fish_seen_subcommand_from delete' -l dry-run
complete -c jobctl -n '__fish_seen_subcommand_from delete' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from verify' -l status -s s -x -a 'pending processing paused completed failed cancelled active done'
complete -c jobctl -n '__fish_seen_subcommand_from verify' -l type -s t -x -a 'command detect_connections export_documents import_document obsidian_export obsidian_sync process_document readwise_import reprocess_connections'
complete -c jobctl -n '__fish_seen_subcommand_from verify' -l title -x
complete -c jobctl -n '__fish_seen_subcommand_from verify' -l label -x
complete -c jobctl -n '__fish_seen_subcommand_from verify' -l queue -x
complete -c jobctl -n '__fish_seen_subcommand_from verify' -l error-type -x -a 'transient paywall invalid permanent'
complete -c jobctl -n '__fish_seen_subcommand_from verify' -l since -x
complete -c jobctl -n '__fish_seen_subcommand_from verify' -l until -x
complete -c jobctl -n '__fish_seen_subcommand_from verify' -l stale
complete -c jobctl -n '__fish_seen_subcommand_from verify' -l due
complete -c jobctl -n '__fish_seen_subcommand_from verify' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from worker' -a drain
complete -c jobctl -n '__fish_seen_subcommand_from worker' -a list
complete -c jobctl -n '__fish_seen_subcommand_from worker' -a run
complete -c jobctl -n '__fish_seen_subcommand_from worker; and __fish_seen_subcommand_from drain' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from worker; and __fish_seen_subcommand_from list' -l all
complete -c jobctl -n '__fish_seen_subcommand_from worker; and __fish_seen_subcommand_from list' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from worker; and __fish_seen_subcommand_from run' -l concurrency -s c -x
complete -c jobctl -n '__fish_seen_subcommand_from worker; and __fish_seen_subcommand_from run' -l queue -x
complete -c jobctl -n '__fish_seen_subcommand_from worker; and __fish_seen_subcommand_from run' -l type -x -a 'command detect_connections export_documents import_document obsidian_export obsidian_sync process_document readwise_import reprocess_connections'
complete -c jobctl -n '__fish_seen_subcommand_from worker; and __fish_seen_subcommand_from run' -l drain
complete -c jobctl -n '__fish_seen_subcommand_from worker; and __fish_seen_subcommand_from run' -l once
complete -c jobctl -n '__fish_seen_subcommand_from worker; and __fish_seen_subcommand_from run' -l max-jobs -x
complete -c jobctl -n '__fish_seen_subcommand_from worker; and __fish_seen_subcommand_from run' -l poll -x
complete -c jobctl -n '__fish_seen_subcommand_from worker; and __fish_seen_subcommand_from run' -l no-listen
complete -c jobctl -n '__fish_seen_subcommand_from worker; and __fish_seen_subcommand_from run' -l grace -x
complete -c jobctl -n '__fish_seen_subcommand_from worker; and __fish_seen_subcommand_from run' -l name -x
complete -c jobctl -n '__fish_seen_subcommand_from worker; and __fish_seen_subcommand_from run' -l input-root -rF
complete -c jobctl -n '__fish_seen_subcommand_from worker; and __fish_seen_subcommand_from run' -l allow-commands
complete -c jobctl -n '__fish_seen_subcommand_from worker; and __fish_seen_subcommand_from run' -l metrics -x
complete -c jobctl -n '__fish_seen_subcommand_from worker; and __fish_seen_subcommand_from run' -l log-format -x -a 'text json'
complete -c jobctl -n '__fish_seen_subcommand_from worker; and __fish_seen_subcommand_from run' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from queue' -a limit
complete -c jobctl -n '__fish_seen_subcommand_from queue' -a limits
complete -c jobctl -n '__fish_seen_subcommand_from queue' -a list
complete -c jobctl -n '__fish_seen_subcommand_from queue' -a pause
complete -c jobctl -n '__fish_seen_subcommand_from queue' -a resume
complete -c jobctl -n '__fish_seen_subcommand_from queue; and __fish_seen_subcommand_from limit' -l type -x -a 'command detect_connections export_documents import_document obsidian_export obsidian_sync process_document readwise_import reprocess_connections'
complete -c jobctl -n '__fish_seen_subcommand_from queue; and __fish_seen_subcommand_from limit' -l running -x
complete -c jobctl -n '__fish_seen_subcommand_from queue; and __fish_seen_subcommand_from limit' -l rate -x
complete -c jobctl -n '__fish_seen_subcommand_from queue; and __fish_seen_subcommand_from limit' -l weight -x
complete -c jobctl -n '__fish_seen_subcommand_from queue; and __fish_seen_subcommand_from limit' -l none
complete -c jobctl -n '__fish_seen_subcommand_from queue; and __fish_seen_subcommand_from limit' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from queue; and __fish_seen_subcommand_from limits' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from queue; and __fish_seen_subcommand_from list' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from queue; and __fish_seen_subcommand_from pause' -l type -x -a 'command detect_connections export_documents import_document obsidian_export obsidian_sync process_document readwise_import reprocess_connections'
complete -c jobctl -n '__fish_seen_subcommand_from queue; and __fish_seen_subcommand_from pause' -l reason -x
complete -c jobctl -n '__fish_seen_subcommand_from queue; and __fish_seen_subcommand_from pause' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from queue; and __fish_seen_subcommand_from resume' -l type -x -a 'command detect_connections export_documents import_document obsidian_export obsidian_sync process_document readwise_import reprocess_connections'
complete -c jobctl -n '__fish_seen_subcommand_from queue; and __fish_seen_subcommand_from resume' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from schedule' -a add
complete -c jobctl -n '__fish_seen_subcommand_from schedule' -a list
complete -c jobctl -n '__fish_seen_subcommand_from schedule' -a pause
complete -c jobctl -n '__fish_seen_subcommand_from schedule' -a remove
complete -c jobctl -n '__fish_seen_subcommand_from schedule' -a resume
complete -c jobctl -n '__fish_seen_subcommand_from schedule' -a run-now
complete -c jobctl -n '__fish_seen_subcommand_from schedule' -a show
complete -c jobctl -n '__fish_seen_subcommand_from schedule; and __fish_seen_subcommand_from add' -l cron -x
complete -c jobctl -n '__fish_seen_subcommand_from schedule; and __fish_seen_subcommand_from add' -l every -x
complete -c jobctl -n '__fish_seen_subcommand_from schedule; and __fish_seen_subcommand_from add' -l tz -x
complete -c jobctl -n '__fish_seen_subcommand_from schedule; and __fish_seen_subcommand_from add' -l catch-up -x -a 'skip latest all'
complete -c jobctl -n '__fish_seen_subcommand_from schedule; and __fish_seen_subcommand_from add' -l overlap -x -a 'skip queue'
complete -c jobctl -n '__fish_seen_subcommand_from schedule; and __fish_seen_subcommand_from add' -l payload -x
complete -c jobctl -n '__fish_seen_subcommand_from schedule; and __fish_seen_subcommand_from add' -l set -x
complete -c jobctl -n '__fish_seen_subcommand_from schedule; and __fish_seen_subcommand_from add' -l title -x
complete -c jobctl -n '__fish_seen_subcommand_from schedule; and __fish_seen_subcommand_from add' -l queue -x
complete -c jobctl -n '__fish_seen_subcommand_from schedule; and __fish_seen_subcommand_from add' -l priority -x -a 'lowest low normal high highest'
complete -c jobctl -n '__fish_seen_subcommand_from schedule; and __fish_seen_subcommand_from add' -l max-retries -x
complete -c jobctl -n '__fish_seen_subcommand_from schedule; and __fish_seen_subcommand_from add' -l label -x
complete -c jobctl -n '__fish_seen_subcommand_from schedule; and __fish_seen_subcommand_from add' -l expires -x
complete -c jobctl -n '__fish_seen_subcommand_from schedule; and __fish_seen_subcommand_from add' -l job-timeout -x
complete -c jobctl -n '__fish_seen_subcommand_from schedule; and __fish_seen_subcommand_from add' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from schedule; and __fish_seen_subcommand_from list' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from schedule; and __fish_seen_subcommand_from pause' -l reason -x
complete -c jobctl -n '__fish_seen_subcommand_from schedule; and __fish_seen_subcommand_from pause' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from schedule; and __fish_seen_subcommand_from remove' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from schedule; and __fish_seen_subcommand_from resume' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from schedule; and __fish_seen_subcommand_from run-now' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from schedule; and __fish_seen_subcommand_from show' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from types' -a command
complete -c jobctl -n '__fish_seen_subcommand_from types' -a detect_connections
complete -c jobctl -n '__fish_seen_subcommand_from types' -a export_documents
complete -c jobctl -n '__fish_seen_subcommand_from types' -a import_document
complete -c jobctl -n '__fish_seen_subcommand_from types' -a obsidian_export
complete -c jobctl -n '__fish_seen_subcommand_from types' -a obsidian_sync
complete -c jobctl -n '__fish_seen_subcommand_from types' -a process_document
complete -c jobctl -n '__fish_seen_subcommand_from types' -a readwise_import
complete -c jobctl -n '__fish_seen_subcommand_from types' -a reprocess_connections
complete -c jobctl -n '__fish_seen_subcommand_from types' -l into -x
complete -c jobctl -n '__fish_seen_subcommand_from types' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from stats' -l since -x
complete -c jobctl -n '__fish_seen_subcommand_from stats' -l type -s t -x -a 'command detect_connections export_documents import_document obsidian_export obsidian_sync process_document readwise_import reprocess_connections'
complete -c jobctl -n '__fish_seen_subcommand_from stats' -l queue -x
complete -c jobctl -n '__fish_seen_subcommand_from stats' -l html -x
complete -c jobctl -n '__fish_seen_subcommand_from stats' -l fail-over -x
complete -c jobctl -n '__fish_seen_subcommand_from stats' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from metrics' -l serve -x
complete -c jobctl -n '__fish_seen_subcommand_from metrics' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from search' -l count -s k -x
complete -c jobctl -n '__fish_seen_subcommand_from search' -l document -x
complete -c jobctl -n '__fish_seen_subcommand_from search' -l type -x -a 'command detect_connections export_documents import_document obsidian_export obsidian_sync process_document readwise_import reprocess_connections'
complete -c jobctl -n '__fish_seen_subcommand_from search' -l language -x
complete -c jobctl -n '__fish_seen_subcommand_from search' -l since -x
complete -c jobctl -n '__fish_seen_subcommand_from search' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from connections' -l validate
complete -c jobctl -n '__fish_seen_subcommand_from connections' -l reject -x
complete -c jobctl -n '__fish_seen_subcommand_from connections' -l star
complete -c jobctl -n '__fish_seen_subcommand_from connections' -l id -x
complete -c jobctl -n '__fish_seen_subcommand_from connections' -l note -x
complete -c jobctl -n '__fish_seen_subcommand_from connections' -l limit -s n -x
complete -c jobctl -n '__fish_seen_subcommand_from connections' -l restore -x
complete -c jobctl -n '__fish_seen_subcommand_from connections' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from review' -l accept -x
complete -c jobctl -n '__fish_seen_subcommand_from review' -l reject -x
complete -c jobctl -n '__fish_seen_subcommand_from review' -l waiting
complete -c jobctl -n '__fish_seen_subcommand_from review' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from db' -a check
complete -c jobctl -n '__fish_seen_subcommand_from db' -a current
complete -c jobctl -n '__fish_seen_subcommand_from db' -a downgrade
complete -c jobctl -n '__fish_seen_subcommand_from db' -a dump
complete -c jobctl -n '__fish_seen_subcommand_from db' -a load
complete -c jobctl -n '__fish_seen_subcommand_from db' -a roles
complete -c jobctl -n '__fish_seen_subcommand_from db' -a sql
complete -c jobctl -n '__fish_seen_subcommand_from db' -a start
complete -c jobctl -n '__fish_seen_subcommand_from db' -a status
complete -c jobctl -n '__fish_seen_subcommand_from db' -a stop
complete -c jobctl -n '__fish_seen_subcommand_from db' -a storage
complete -c jobctl -n '__fish_seen_subcommand_from db' -a upgrade
complete -c jobctl -n '__fish_seen_subcommand_from db; and __fish_seen_subcommand_from check' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from db; and __fish_seen_subcommand_from current' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from db; and __fish_seen_subcommand_from downgrade' -l force
complete -c jobctl -n '__fish_seen_subcommand_from db; and __fish_seen_subcommand_from downgrade' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from db; and __fish_seen_subcommand_from dump' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from db; and __fish_seen_subcommand_from load' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from db; and __fish_seen_subcommand_from roles' -l prefix -x
complete -c jobctl -n '__fish_seen_subcommand_from db; and __fish_seen_subcommand_from roles' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from db; and __fish_seen_subcommand_from sql' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from db; and __fish_seen_subcommand_from start' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from db; and __fish_seen_subcommand_from status' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from db; and __fish_seen_subcommand_from stop' -l force
complete -c jobctl -n '__fish_seen_subcommand_from db; and __fish_seen_subcommand_from stop' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from db; and __fish_seen_subcommand_from storage' -l adopt
complete -c jobctl -n '__fish_seen_subcommand_from db; and __fish_seen_subcommand_from storage' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from db; and __fish_seen_subcommand_from upgrade' -l force
complete -c jobctl -n '__fish_seen_subcommand_from db; and __fish_seen_subcommand_from upgrade' -l dry-run
complete -c jobctl -n '__fish_seen_subcommand_from db; and __fish_seen_subcommand_from upgrade' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from doctor' -l document -x
complete -c jobctl -n '__fish_seen_subcommand_from doctor' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from config' -a show
complete -c jobctl -n '__fish_seen_subcommand_from config; and __fish_seen_subcommand_from show' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from prune' -l jobs-older -x
complete -c jobctl -n '__fish_seen_subcommand_from prune' -l older -x
complete -c jobctl -n '__fish_seen_subcommand_from prune' -l results-older -x
complete -c jobctl -n '__fish_seen_subcommand_from prune' -l dry-run
complete -c jobctl -n '__fish_seen_subcommand_from prune' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from torture' -l seconds -x
complete -c jobctl -n '__fish_seen_subcommand_from torture' -l min-faults -x
complete -c jobctl -n '__fish_seen_subcommand_from torture' -l min-completed -x
complete -c jobctl -n '__fish_seen_subcommand_from torture' -l workers -x
complete -c jobctl -n '__fish_seen_subcommand_from torture' -l seed -x
complete -c jobctl -n '__fish_seen_subcommand_from torture' -l rate -x
complete -c jobctl -n '__fish_seen_subcommand_from torture' -l fault -x
complete -c jobctl -n '__fish_seen_subcommand_from torture' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from completion' -a bash
complete -c jobctl -n '__fish_seen_subcommand_from completion' -a zsh
complete -c jobctl -n '__fish_seen_subcommand_from completion' -a fish
complete -c jobctl -n '__fish_seen_subcommand_from completion' -a man
complete -c jobctl -n '__fish_seen_subcommand_from completion' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from help' -a submit
complete -c jobctl -n '__fish_seen_subcommand_from help' -a list
complete -c jobctl -n '__fish_seen_subcommand_from help' -a show
complete -c jobctl -n '__fish_seen_subcommand_from help' -a why
complete -c jobctl -n '__fish_seen_subcommand_from help' -a watch
complete -c jobctl -n '__fish_seen_subcommand_from help' -a wait
complete -c jobctl -n '__fish_seen_subcommand_from help' -a result
complete -c jobctl -n '__fish_seen_subcommand_from help' -a logs
complete -c jobctl -n '__fish_seen_subcommand_from help' -a pause
complete -c jobctl -n '__fish_seen_subcommand_from help' -a resume
complete -c jobctl -n '__fish_seen_subcommand_from help' -a retry
complete -c jobctl -n '__fish_seen_subcommand_from help' -a restart
complete -c jobctl -n '__fish_seen_subcommand_from help' -a edit
complete -c jobctl -n '__fish_seen_subcommand_from help' -a cancel
complete -c jobctl -n '__fish_seen_subcommand_from help' -a delete
complete -c jobctl -n '__fish_seen_subcommand_from help' -a verify
complete -c jobctl -n '__fish_seen_subcommand_from help' -a worker
complete -c jobctl -n '__fish_seen_subcommand_from help' -a queue
complete -c jobctl -n '__fish_seen_subcommand_from help' -a schedule
complete -c jobctl -n '__fish_seen_subcommand_from help' -a types
complete -c jobctl -n '__fish_seen_subcommand_from help' -a stats
complete -c jobctl -n '__fish_seen_subcommand_from help' -a metrics
complete -c jobctl -n '__fish_seen_subcommand_from help' -a search
complete -c jobctl -n '__fish_seen_subcommand_from help' -a connections
complete -c jobctl -n '__fish_seen_subcommand_from help' -a review
complete -c jobctl -n '__fish_seen_subcommand_from help' -a db
complete -c jobctl -n '__fish_seen_subcommand_from help' -a doctor
complete -c jobctl -n '__fish_seen_subcommand_from help' -a config
complete -c jobctl -n '__fish_seen_subcommand_from help' -a prune
complete -c jobctl -n '__fish_seen_subcommand_from help' -a torture
complete -c jobctl -n '__fish_seen_subcommand_from help' -a completion
complete -c jobctl -n '__fish_seen_subcommand_from help' -a help
complete -c jobctl -n '__fish_seen_subcommand_from help' -a version
complete -c jobctl -n '__fish_seen_subcommand_from help' -a exit-codes
complete -c jobctl -n '__fish_seen_subcommand_from help' -a json
complete -c jobctl -n '__fish_seen_subcommand_from help' -a selectors
complete -c jobctl -n '__fish_seen_subcommand_from help' -a settings
complete -c jobctl -n '__fish_seen_subcommand_from help' -l help -s h
complete -c jobctl -n '__fish_seen_subcommand_from version' -l help -s h

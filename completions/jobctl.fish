# fish completion of jobctl; made by: jobctl completion fish
function __jobctl_ids
    set -l file $HOME/.cache/jobctl/ids
    set -q XDG_CACHE_HOME; and set file $XDG_CACHE_HOME/jobctl/ids
    set -q JOBCTL_HOME; and set file $JOBCTL_HOME/cache/ids
    test -r $file; or return
    while read -d \t id verbs title
        if test -z "$argv[1]"; or string match -q "*,$argv[1],*" ",$verbs,"
            printf '%s\t%s\n' $id $title
        end
    end < $file
end
complete -c jobctl -f
complete -c jobctl -n __fish_use_subcommand -a submit -d 'Create a job; a file name alone processes that document.'
complete -c jobctl -n __fish_use_subcommand -a list -d 'Show jobs as a table.'
complete -c jobctl -n __fish_use_subcommand -a show -d 'Show everything about a job, and what can be done with it.'
complete -c jobctl -n __fish_use_subcommand -a why -d 'Say why a job is where it is.'
complete -c jobctl -n __fish_use_subcommand -a watch -d 'Follow jobs live.'
complete -c jobctl -n __fish_use_subcommand -a wait -d 'Block until jobs have ended; return their outcome.'
complete -c jobctl -n __fish_use_subcommand -a logs -d 'Show what a jobs handler logged.'
complete -c jobctl -n __fish_use_subcommand -a pause -d 'Pause jobs at their next safe point.'
complete -c jobctl -n __fish_use_subcommand -a resume -d 'Continue paused jobs from their checkpoint.'
complete -c jobctl -n __fish_use_subcommand -a retry -d 'Try failed or cancelled jobs again; --due is the sweep for cron.'
complete -c jobctl -n __fish_use_subcommand -a restart -d 'Run ended jobs again from the first stage.'
complete -c jobctl -n __fish_use_subcommand -a cancel -d 'End jobs.'
complete -c jobctl -n __fish_use_subcommand -a delete -d 'Remove ended jobs; what they made stays.'
complete -c jobctl -n __fish_use_subcommand -a verify -d 'Check the bytes of checkpoints.'
complete -c jobctl -n __fish_use_subcommand -a worker -d 'Run and look after workers.'
complete -c jobctl -n __fish_use_subcommand -a queue -d 'Hold and release whole queues.'
complete -c jobctl -n __fish_use_subcommand -a search -d 'Find passages in processed documents.'
complete -c jobctl -n __fish_use_subcommand -a connections -d 'Show and judge connections between passages.'
complete -c jobctl -n __fish_use_subcommand -a review -d 'Decide what an import could not: places, lost anchors.'
complete -c jobctl -n __fish_use_subcommand -a types -d 'Show job types with their input and stages.'
complete -c jobctl -n __fish_use_subcommand -a stats -d 'Show counts, times and retries.'
complete -c jobctl -n __fish_use_subcommand -a db -d 'Start, stop, upgrade and check the database.'
complete -c jobctl -n __fish_use_subcommand -a torture -d 'Kill everything at random and check that nothing is lost.'
complete -c jobctl -n __fish_use_subcommand -a prune -d 'Remove old checkpoints, and bytes that nothing refers to.'
complete -c jobctl -n __fish_use_subcommand -a doctor -d 'Check that everything is in order.'
complete -c jobctl -n __fish_use_subcommand -a config -d 'Show settings and where each comes from.'
complete -c jobctl -n __fish_use_subcommand -a completion -d 'Print the completion script of a shell.'
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
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l after
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l at
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l color
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l config
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l db
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l delay
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l dry-run
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l fields
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l file
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l help
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l json
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l key
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l label
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l max-retries
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l on-conflict
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l output
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l payload
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l priority
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l queue
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l quiet
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l run
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l set
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l time
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l timeout
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l title
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l verbose
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l wait
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l watch
complete -c jobctl -n '__fish_seen_subcommand_from submit' -l yes
complete -c jobctl -n '__fish_seen_subcommand_from list' -l color
complete -c jobctl -n '__fish_seen_subcommand_from list' -l config
complete -c jobctl -n '__fish_seen_subcommand_from list' -l db
complete -c jobctl -n '__fish_seen_subcommand_from list' -l due
complete -c jobctl -n '__fish_seen_subcommand_from list' -l error-type
complete -c jobctl -n '__fish_seen_subcommand_from list' -l fields
complete -c jobctl -n '__fish_seen_subcommand_from list' -l help
complete -c jobctl -n '__fish_seen_subcommand_from list' -l json
complete -c jobctl -n '__fish_seen_subcommand_from list' -l label
complete -c jobctl -n '__fish_seen_subcommand_from list' -l limit
complete -c jobctl -n '__fish_seen_subcommand_from list' -l output
complete -c jobctl -n '__fish_seen_subcommand_from list' -l queue
complete -c jobctl -n '__fish_seen_subcommand_from list' -l quiet
complete -c jobctl -n '__fish_seen_subcommand_from list' -l since
complete -c jobctl -n '__fish_seen_subcommand_from list' -l sort
complete -c jobctl -n '__fish_seen_subcommand_from list' -l stale
complete -c jobctl -n '__fish_seen_subcommand_from list' -l status
complete -c jobctl -n '__fish_seen_subcommand_from list' -l time
complete -c jobctl -n '__fish_seen_subcommand_from list' -l title
complete -c jobctl -n '__fish_seen_subcommand_from list' -l type
complete -c jobctl -n '__fish_seen_subcommand_from list' -l until
complete -c jobctl -n '__fish_seen_subcommand_from list' -l verbose
complete -c jobctl -n '__fish_seen_subcommand_from list' -l watch
complete -c jobctl -n '__fish_seen_subcommand_from list' -l yes
complete -c jobctl -n '__fish_seen_subcommand_from show' -l color
complete -c jobctl -n '__fish_seen_subcommand_from show' -l config
complete -c jobctl -n '__fish_seen_subcommand_from show' -l db
complete -c jobctl -n '__fish_seen_subcommand_from show' -l events
complete -c jobctl -n '__fish_seen_subcommand_from show' -l fields
complete -c jobctl -n '__fish_seen_subcommand_from show' -l help
complete -c jobctl -n '__fish_seen_subcommand_from show' -l json
complete -c jobctl -n '__fish_seen_subcommand_from show' -l output
complete -c jobctl -n '__fish_seen_subcommand_from show' -l payload
complete -c jobctl -n '__fish_seen_subcommand_from show' -l quiet
complete -c jobctl -n '__fish_seen_subcommand_from show' -l result
complete -c jobctl -n '__fish_seen_subcommand_from show' -l time
complete -c jobctl -n '__fish_seen_subcommand_from show' -l trace
complete -c jobctl -n '__fish_seen_subcommand_from show' -l verbose
complete -c jobctl -n '__fish_seen_subcommand_from show' -l yes
complete -c jobctl -n '__fish_seen_subcommand_from why' -l color
complete -c jobctl -n '__fish_seen_subcommand_from why' -l config
complete -c jobctl -n '__fish_seen_subcommand_from why' -l db
complete -c jobctl -n '__fish_seen_subcommand_from why' -l fields
complete -c jobctl -n '__fish_seen_subcommand_from why' -l help
complete -c jobctl -n '__fish_seen_subcommand_from why' -l json
complete -c jobctl -n '__fish_seen_subcommand_from why' -l output
complete -c jobctl -n '__fish_seen_subcommand_from why' -l quiet
complete -c jobctl -n '__fish_seen_subcommand_from why' -l time
complete -c jobctl -n '__fish_seen_subcommand_from why' -l verbose
complete -c jobctl -n '__fish_seen_subcommand_from why' -l yes
complete -c jobctl -n '__fish_seen_subcommand_from watch' -l color
complete -c jobctl -n '__fish_seen_subcommand_from watch' -l config
complete -c jobctl -n '__fish_seen_subcommand_from watch' -l db
complete -c jobctl -n '__fish_seen_subcommand_from watch' -l due
complete -c jobctl -n '__fish_seen_subcommand_from watch' -l error-type
complete -c jobctl -n '__fish_seen_subcommand_from watch' -l fields
complete -c jobctl -n '__fish_seen_subcommand_from watch' -l help
complete -c jobctl -n '__fish_seen_subcommand_from watch' -l json
complete -c jobctl -n '__fish_seen_subcommand_from watch' -l label
complete -c jobctl -n '__fish_seen_subcommand_from watch' -l output
complete -c jobctl -n '__fish_seen_subcommand_from watch' -l plain
complete -c jobctl -n '__fish_seen_subcommand_from watch' -l queue
complete -c jobctl -n '__fish_seen_subcommand_from watch' -l quiet
complete -c jobctl -n '__fish_seen_subcommand_from watch' -l since
complete -c jobctl -n '__fish_seen_subcommand_from watch' -l stale
complete -c jobctl -n '__fish_seen_subcommand_from watch' -l status
complete -c jobctl -n '__fish_seen_subcommand_from watch' -l time
complete -c jobctl -n '__fish_seen_subcommand_from watch' -l timeout
complete -c jobctl -n '__fish_seen_subcommand_from watch' -l title
complete -c jobctl -n '__fish_seen_subcommand_from watch' -l type
complete -c jobctl -n '__fish_seen_subcommand_from watch' -l until
complete -c jobctl -n '__fish_seen_subcommand_from watch' -l verbose
complete -c jobctl -n '__fish_seen_subcommand_from watch' -l yes
complete -c jobctl -n '__fish_seen_subcommand_from wait' -l any
complete -c jobctl -n '__fish_seen_subcommand_from wait' -l color
complete -c jobctl -n '__fish_seen_subcommand_from wait' -l config
complete -c jobctl -n '__fish_seen_subcommand_from wait' -l db
complete -c jobctl -n '__fish_seen_subcommand_from wait' -l due
complete -c jobctl -n '__fish_seen_subcommand_from wait' -l error-type
complete -c jobctl -n '__fish_seen_subcommand_from wait' -l fields
complete -c jobctl -n '__fish_seen_subcommand_from wait' -l for
complete -c jobctl -n '__fish_seen_subcommand_from wait' -l help
complete -c jobctl -n '__fish_seen_subcommand_from wait' -l json
complete -c jobctl -n '__fish_seen_subcommand_from wait' -l label
complete -c jobctl -n '__fish_seen_subcommand_from wait' -l output
complete -c jobctl -n '__fish_seen_subcommand_from wait' -l queue
complete -c jobctl -n '__fish_seen_subcommand_from wait' -l quiet
complete -c jobctl -n '__fish_seen_subcommand_from wait' -l since
complete -c jobctl -n '__fish_seen_subcommand_from wait' -l stale
complete -c jobctl -n '__fish_seen_subcommand_from wait' -l status
complete -c jobctl -n '__fish_seen_subcommand_from wait' -l time
complete -c jobctl -n '__fish_seen_subcommand_from wait' -l timeout
complete -c jobctl -n '__fish_seen_subcommand_from wait' -l title
complete -c jobctl -n '__fish_seen_subcommand_from wait' -l type
complete -c jobctl -n '__fish_seen_subcommand_from wait' -l until
complete -c jobctl -n '__fish_seen_subcommand_from wait' -l verbose
complete -c jobctl -n '__fish_seen_subcommand_from wait' -l yes
complete -c jobctl -n '__fish_seen_subcommand_from logs' -l attempt
complete -c jobctl -n '__fish_seen_subcommand_from logs' -l color
complete -c jobctl -n '__fish_seen_subcommand_from logs' -l config
complete -c jobctl -n '__fish_seen_subcommand_from logs' -l db
complete -c jobctl -n '__fish_seen_subcommand_from logs' -l fields
complete -c jobctl -n '__fish_seen_subcommand_from logs' -l follow
complete -c jobctl -n '__fish_seen_subcommand_from logs' -l help
complete -c jobctl -n '__fish_seen_subcommand_from logs' -l json
complete -c jobctl -n '__fish_seen_subcommand_from logs' -l output
complete -c jobctl -n '__fish_seen_subcommand_from logs' -l quiet
complete -c jobctl -n '__fish_seen_subcommand_from logs' -l raw
complete -c jobctl -n '__fish_seen_subcommand_from logs' -l stage
complete -c jobctl -n '__fish_seen_subcommand_from logs' -l tail
complete -c jobctl -n '__fish_seen_subcommand_from logs' -l time
complete -c jobctl -n '__fish_seen_subcommand_from logs' -l verbose
complete -c jobctl -n '__fish_seen_subcommand_from logs' -l yes
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l color
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l config
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l db
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l dry-run
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l due
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l error-type
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l fields
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l help
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l json
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l label
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l output
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l queue
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l quiet
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l reason
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l since
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l stale
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l status
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l time
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l timeout
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l title
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l type
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l until
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l verbose
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l wait
complete -c jobctl -n '__fish_seen_subcommand_from pause' -l yes
complete -c jobctl -n '__fish_seen_subcommand_from resume' -l color
complete -c jobctl -n '__fish_seen_subcommand_from resume' -l config
complete -c jobctl -n '__fish_seen_subcommand_from resume' -l db
complete -c jobctl -n '__fish_seen_subcommand_from resume' -l dry-run
complete -c jobctl -n '__fish_seen_subcommand_from resume' -l due
complete -c jobctl -n '__fish_seen_subcommand_from resume' -l error-type
complete -c jobctl -n '__fish_seen_subcommand_from resume' -l fields
complete -c jobctl -n '__fish_seen_subcommand_from resume' -l from-start
complete -c jobctl -n '__fish_seen_subcommand_from resume' -l help
complete -c jobctl -n '__fish_seen_subcommand_from resume' -l json
complete -c jobctl -n '__fish_seen_subcommand_from resume' -l label
complete -c jobctl -n '__fish_seen_subcommand_from resume' -l output
complete -c jobctl -n '__fish_seen_subcommand_from resume' -l queue
complete -c jobctl -n '__fish_seen_subcommand_from resume' -l quiet
complete -c jobctl -n '__fish_seen_subcommand_from resume' -l since
complete -c jobctl -n '__fish_seen_subcommand_from resume' -l stale
complete -c jobctl -n '__fish_seen_subcommand_from resume' -l status
complete -c jobctl -n '__fish_seen_subcommand_from resume' -l time
complete -c jobctl -n '__fish_seen_subcommand_from resume' -l timeout
complete -c jobctl -n '__fish_seen_subcommand_from resume' -l title
complete -c jobctl -n '__fish_seen_subcommand_from resume' -l type
complete -c jobctl -n '__fish_seen_subcommand_from resume' -l until
complete -c jobctl -n '__fish_seen_subcommand_from resume' -l verbose
complete -c jobctl -n '__fish_seen_subcommand_from resume' -l yes
complete -c jobctl -n '__fish_seen_subcommand_from retry' -l color
complete -c jobctl -n '__fish_seen_subcommand_from retry' -l config
complete -c jobctl -n '__fish_seen_subcommand_from retry' -l db
complete -c jobctl -n '__fish_seen_subcommand_from retry' -l dry-run
complete -c jobctl -n '__fish_seen_subcommand_from retry' -l due
complete -c jobctl -n '__fish_seen_subcommand_from retry' -l error-type
complete -c jobctl -n '__fish_seen_subcommand_from retry' -l fields
complete -c jobctl -n '__fish_seen_subcommand_from retry' -l help
complete -c jobctl -n '__fish_seen_subcommand_from retry' -l json
complete -c jobctl -n '__fish_seen_subcommand_from retry' -l label
complete -c jobctl -n '__fish_seen_subcommand_from retry' -l limit
complete -c jobctl -n '__fish_seen_subcommand_from retry' -l lock
complete -c jobctl -n '__fish_seen_subcommand_from retry' -l output
complete -c jobctl -n '__fish_seen_subcommand_from retry' -l queue
complete -c jobctl -n '__fish_seen_subcommand_from retry' -l quiet
complete -c jobctl -n '__fish_seen_subcommand_from retry' -l since
complete -c jobctl -n '__fish_seen_subcommand_from retry' -l stale
complete -c jobctl -n '__fish_seen_subcommand_from retry' -l status
complete -c jobctl -n '__fish_seen_subcommand_from retry' -l time
complete -c jobctl -n '__fish_seen_subcommand_from retry' -l timeout
complete -c jobctl -n '__fish_seen_subcommand_from retry' -l title
complete -c jobctl -n '__fish_seen_subcommand_from retry' -l type
complete -c jobctl -n '__fish_seen_subcommand_from retry' -l until
complete -c jobctl -n '__fish_seen_subcommand_from retry' -l verbose
complete -c jobctl -n '__fish_seen_subcommand_from retry' -l yes
complete -c jobctl -n '__fish_seen_subcommand_from restart' -l color
complete -c jobctl -n '__fish_seen_subcommand_from restart' -l config
complete -c jobctl -n '__fish_seen_subcommand_from restart' -l db
complete -c jobctl -n '__fish_seen_subcommand_from restart' -l dry-run
complete -c jobctl -n '__fish_seen_subcommand_from restart' -l due
complete -c jobctl -n '__fish_seen_subcommand_from restart' -l error-type
complete -c jobctl -n '__fish_seen_subcommand_from restart' -l fields
complete -c jobctl -n '__fish_seen_subcommand_from restart' -l help
complete -c jobctl -n '__fish_seen_subcommand_from restart' -l json
complete -c jobctl -n '__fish_seen_subcommand_from restart' -l label
complete -c jobctl -n '__fish_seen_subcommand_from restart' -l output
complete -c jobctl -n '__fish_seen_subcommand_from restart' -l queue
complete -c jobctl -n '__fish_seen_subcommand_from restart' -l quiet
complete -c jobctl -n '__fish_seen_subcommand_from restart' -l since
complete -c jobctl -n '__fish_seen_subcommand_from restart' -l stale
complete -c jobctl -n '__fish_seen_subcommand_from restart' -l status
complete -c jobctl -n '__fish_seen_subcommand_from restart' -l time
complete -c jobctl -n '__fish_seen_subcommand_from restart' -l timeout
complete -c jobctl -n '__fish_seen_subcommand_from restart' -l title
complete -c jobctl -n '__fish_seen_subcommand_from restart' -l type
complete -c jobctl -n '__fish_seen_subcommand_from restart' -l until
complete -c jobctl -n '__fish_seen_subcommand_from restart' -l verbose
complete -c jobctl -n '__fish_seen_subcommand_from restart' -l yes
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -l color
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -l config
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -l db
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -l dry-run
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -l due
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -l error-type
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -l fields
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -l help
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -l json
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -l label
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -l output
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -l queue
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -l quiet
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -l reason
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -l since
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -l stale
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -l status
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -l time
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -l timeout
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -l title
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -l type
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -l until
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -l verbose
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -l wait
complete -c jobctl -n '__fish_seen_subcommand_from cancel' -l yes
complete -c jobctl -n '__fish_seen_subcommand_from delete' -l color
complete -c jobctl -n '__fish_seen_subcommand_from delete' -l config
complete -c jobctl -n '__fish_seen_subcommand_from delete' -l db
complete -c jobctl -n '__fish_seen_subcommand_from delete' -l dry-run
complete -c jobctl -n '__fish_seen_subcommand_from delete' -l due
complete -c jobctl -n '__fish_seen_subcommand_from delete' -l error-type
complete -c jobctl -n '__fish_seen_subcommand_from delete' -l fields
complete -c jobctl -n '__fish_seen_subcommand_from delete' -l help
complete -c jobctl -n '__fish_seen_subcommand_from delete' -l json
complete -c jobctl -n '__fish_seen_subcommand_from delete' -l label
complete -c jobctl -n '__fish_seen_subcommand_from delete' -l output
complete -c jobctl -n '__fish_seen_subcommand_from delete' -l queue
complete -c jobctl -n '__fish_seen_subcommand_from delete' -l quiet
complete -c jobctl -n '__fish_seen_subcommand_from delete' -l since
complete -c jobctl -n '__fish_seen_subcommand_from delete' -l stale
complete -c jobctl -n '__fish_seen_subcommand_from delete' -l status
complete -c jobctl -n '__fish_seen_subcommand_from delete' -l time
complete -c jobctl -n '__fish_seen_subcommand_from delete' -l timeout
complete -c jobctl -n '__fish_seen_subcommand_from delete' -l title
complete -c jobctl -n '__fish_seen_subcommand_from delete' -l type
complete -c jobctl -n '__fish_seen_subcommand_from delete' -l until
complete -c jobctl -n '__fish_seen_subcommand_from delete' -l verbose
complete -c jobctl -n '__fish_seen_subcommand_from delete' -l yes
complete -c jobctl -n '__fish_seen_subcommand_from verify' -l color
complete -c jobctl -n '__fish_seen_subcommand_from verify' -l config
complete -c jobctl -n '__fish_seen_subcommand_from verify' -l db
complete -c jobctl -n '__fish_seen_subcommand_from verify' -l fields
complete -c jobctl -n '__fish_seen_subcommand_from verify' -l help
complete -c jobctl -n '__fish_seen_subcommand_from verify' -l json
complete -c jobctl -n '__fish_seen_subcommand_from verify' -l output
complete -c jobctl -n '__fish_seen_subcommand_from verify' -l quiet
complete -c jobctl -n '__fish_seen_subcommand_from verify' -l time
complete -c jobctl -n '__fish_seen_subcommand_from verify' -l verbose
complete -c jobctl -n '__fish_seen_subcommand_from verify' -l yes
complete -c jobctl -n '__fish_seen_subcommand_from worker' -a drain
complete -c jobctl -n '__fish_seen_subcommand_from worker' -a list
complete -c jobctl -n '__fish_seen_subcommand_from worker' -a run
complete -c jobctl -n '__fish_seen_subcommand_from queue' -a list
complete -c jobctl -n '__fish_seen_subcommand_from queue' -a pause
complete -c jobctl -n '__fish_seen_subcommand_from queue' -a resume
complete -c jobctl -n '__fish_seen_subcommand_from search' -l color
complete -c jobctl -n '__fish_seen_subcommand_from search' -l config
complete -c jobctl -n '__fish_seen_subcommand_from search' -l count
complete -c jobctl -n '__fish_seen_subcommand_from search' -l db
complete -c jobctl -n '__fish_seen_subcommand_from search' -l document
complete -c jobctl -n '__fish_seen_subcommand_from search' -l fields
complete -c jobctl -n '__fish_seen_subcommand_from search' -l help
complete -c jobctl -n '__fish_seen_subcommand_from search' -l json
complete -c jobctl -n '__fish_seen_subcommand_from search' -l output
complete -c jobctl -n '__fish_seen_subcommand_from search' -l quiet
complete -c jobctl -n '__fish_seen_subcommand_from search' -l time
complete -c jobctl -n '__fish_seen_subcommand_from search' -l verbose
complete -c jobctl -n '__fish_seen_subcommand_from search' -l yes
complete -c jobctl -n '__fish_seen_subcommand_from connections' -l color
complete -c jobctl -n '__fish_seen_subcommand_from connections' -l config
complete -c jobctl -n '__fish_seen_subcommand_from connections' -l db
complete -c jobctl -n '__fish_seen_subcommand_from connections' -l fields
complete -c jobctl -n '__fish_seen_subcommand_from connections' -l help
complete -c jobctl -n '__fish_seen_subcommand_from connections' -l id
complete -c jobctl -n '__fish_seen_subcommand_from connections' -l json
complete -c jobctl -n '__fish_seen_subcommand_from connections' -l limit
complete -c jobctl -n '__fish_seen_subcommand_from connections' -l note
complete -c jobctl -n '__fish_seen_subcommand_from connections' -l output
complete -c jobctl -n '__fish_seen_subcommand_from connections' -l quiet
complete -c jobctl -n '__fish_seen_subcommand_from connections' -l reject
complete -c jobctl -n '__fish_seen_subcommand_from connections' -l restore
complete -c jobctl -n '__fish_seen_subcommand_from connections' -l star
complete -c jobctl -n '__fish_seen_subcommand_from connections' -l time
complete -c jobctl -n '__fish_seen_subcommand_from connections' -l validate
complete -c jobctl -n '__fish_seen_subcommand_from connections' -l verbose
complete -c jobctl -n '__fish_seen_subcommand_from connections' -l yes
complete -c jobctl -n '__fish_seen_subcommand_from review' -l accept
complete -c jobctl -n '__fish_seen_subcommand_from review' -l color
complete -c jobctl -n '__fish_seen_subcommand_from review' -l config
complete -c jobctl -n '__fish_seen_subcommand_from review' -l db
complete -c jobctl -n '__fish_seen_subcommand_from review' -l fields
complete -c jobctl -n '__fish_seen_subcommand_from review' -l help
complete -c jobctl -n '__fish_seen_subcommand_from review' -l json
complete -c jobctl -n '__fish_seen_subcommand_from review' -l output
complete -c jobctl -n '__fish_seen_subcommand_from review' -l quiet
complete -c jobctl -n '__fish_seen_subcommand_from review' -l reject
complete -c jobctl -n '__fish_seen_subcommand_from review' -l time
complete -c jobctl -n '__fish_seen_subcommand_from review' -l verbose
complete -c jobctl -n '__fish_seen_subcommand_from review' -l waiting
complete -c jobctl -n '__fish_seen_subcommand_from review' -l yes
complete -c jobctl -n '__fish_seen_subcommand_from types' -l color
complete -c jobctl -n '__fish_seen_subcommand_from types' -l config
complete -c jobctl -n '__fish_seen_subcommand_from types' -l db
complete -c jobctl -n '__fish_seen_subcommand_from types' -l fields
complete -c jobctl -n '__fish_seen_subcommand_from types' -l help
complete -c jobctl -n '__fish_seen_subcommand_from types' -l json
complete -c jobctl -n '__fish_seen_subcommand_from types' -l output
complete -c jobctl -n '__fish_seen_subcommand_from types' -l quiet
complete -c jobctl -n '__fish_seen_subcommand_from types' -l time
complete -c jobctl -n '__fish_seen_subcommand_from types' -l verbose
complete -c jobctl -n '__fish_seen_subcommand_from types' -l yes
complete -c jobctl -n '__fish_seen_subcommand_from stats' -l color
complete -c jobctl -n '__fish_seen_subcommand_from stats' -l config
complete -c jobctl -n '__fish_seen_subcommand_from stats' -l db
complete -c jobctl -n '__fish_seen_subcommand_from stats' -l fail-over
complete -c jobctl -n '__fish_seen_subcommand_from stats' -l fields
complete -c jobctl -n '__fish_seen_subcommand_from stats' -l help
complete -c jobctl -n '__fish_seen_subcommand_from stats' -l json
complete -c jobctl -n '__fish_seen_subcommand_from stats' -l output
complete -c jobctl -n '__fish_seen_subcommand_from stats' -l quiet
complete -c jobctl -n '__fish_seen_subcommand_from stats' -l since
complete -c jobctl -n '__fish_seen_subcommand_from stats' -l time
complete -c jobctl -n '__fish_seen_subcommand_from stats' -l verbose
complete -c jobctl -n '__fish_seen_subcommand_from stats' -l yes
complete -c jobctl -n '__fish_seen_subcommand_from db' -a check
complete -c jobctl -n '__fish_seen_subcommand_from db' -a current
complete -c jobctl -n '__fish_seen_subcommand_from db' -a downgrade
complete -c jobctl -n '__fish_seen_subcommand_from db' -a sql
complete -c jobctl -n '__fish_seen_subcommand_from db' -a start
complete -c jobctl -n '__fish_seen_subcommand_from db' -a status
complete -c jobctl -n '__fish_seen_subcommand_from db' -a stop
complete -c jobctl -n '__fish_seen_subcommand_from db' -a upgrade
complete -c jobctl -n '__fish_seen_subcommand_from torture' -l color
complete -c jobctl -n '__fish_seen_subcommand_from torture' -l config
complete -c jobctl -n '__fish_seen_subcommand_from torture' -l db
complete -c jobctl -n '__fish_seen_subcommand_from torture' -l fault
complete -c jobctl -n '__fish_seen_subcommand_from torture' -l fields
complete -c jobctl -n '__fish_seen_subcommand_from torture' -l help
complete -c jobctl -n '__fish_seen_subcommand_from torture' -l json
complete -c jobctl -n '__fish_seen_subcommand_from torture' -l output
complete -c jobctl -n '__fish_seen_subcommand_from torture' -l quiet
complete -c jobctl -n '__fish_seen_subcommand_from torture' -l rate
complete -c jobctl -n '__fish_seen_subcommand_from torture' -l seconds
complete -c jobctl -n '__fish_seen_subcommand_from torture' -l seed
complete -c jobctl -n '__fish_seen_subcommand_from torture' -l time
complete -c jobctl -n '__fish_seen_subcommand_from torture' -l verbose
complete -c jobctl -n '__fish_seen_subcommand_from torture' -l workers
complete -c jobctl -n '__fish_seen_subcommand_from torture' -l yes
complete -c jobctl -n '__fish_seen_subcommand_from prune' -l color
complete -c jobctl -n '__fish_seen_subcommand_from prune' -l config
complete -c jobctl -n '__fish_seen_subcommand_from prune' -l db
complete -c jobctl -n '__fish_seen_subcommand_from prune' -l dry-run
complete -c jobctl -n '__fish_seen_subcommand_from prune' -l fields
complete -c jobctl -n '__fish_seen_subcommand_from prune' -l help
complete -c jobctl -n '__fish_seen_subcommand_from prune' -l json
complete -c jobctl -n '__fish_seen_subcommand_from prune' -l older
complete -c jobctl -n '__fish_seen_subcommand_from prune' -l output
complete -c jobctl -n '__fish_seen_subcommand_from prune' -l quiet
complete -c jobctl -n '__fish_seen_subcommand_from prune' -l time
complete -c jobctl -n '__fish_seen_subcommand_from prune' -l verbose
complete -c jobctl -n '__fish_seen_subcommand_from prune' -l yes
complete -c jobctl -n '__fish_seen_subcommand_from doctor' -l color
complete -c jobctl -n '__fish_seen_subcommand_from doctor' -l config
complete -c jobctl -n '__fish_seen_subcommand_from doctor' -l db
complete -c jobctl -n '__fish_seen_subcommand_from doctor' -l fields
complete -c jobctl -n '__fish_seen_subcommand_from doctor' -l help
complete -c jobctl -n '__fish_seen_subcommand_from doctor' -l json
complete -c jobctl -n '__fish_seen_subcommand_from doctor' -l output
complete -c jobctl -n '__fish_seen_subcommand_from doctor' -l quiet
complete -c jobctl -n '__fish_seen_subcommand_from doctor' -l time
complete -c jobctl -n '__fish_seen_subcommand_from doctor' -l verbose
complete -c jobctl -n '__fish_seen_subcommand_from doctor' -l yes
complete -c jobctl -n '__fish_seen_subcommand_from config' -a show
complete -c jobctl -n '__fish_seen_subcommand_from completion' -l color
complete -c jobctl -n '__fish_seen_subcommand_from completion' -l config
complete -c jobctl -n '__fish_seen_subcommand_from completion' -l db
complete -c jobctl -n '__fish_seen_subcommand_from completion' -l fields
complete -c jobctl -n '__fish_seen_subcommand_from completion' -l help
complete -c jobctl -n '__fish_seen_subcommand_from completion' -l json
complete -c jobctl -n '__fish_seen_subcommand_from completion' -l output
complete -c jobctl -n '__fish_seen_subcommand_from completion' -l quiet
complete -c jobctl -n '__fish_seen_subcommand_from completion' -l time
complete -c jobctl -n '__fish_seen_subcommand_from completion' -l verbose
complete -c jobctl -n '__fish_seen_subcommand_from completion' -l yes
complete -c jobctl -n '__fish_seen_subcommand_from version' -l color
complete -c jobctl -n '__fish_seen_subcommand_from version' -l config
complete -c jobctl -n '__fish_seen_subcommand_from version' -l db
complete -c jobctl -n '__fish_seen_subcommand_from version' -l fields
complete -c jobctl -n '__fish_seen_subcommand_from version' -l help
complete -c jobctl -n '__fish_seen_subcommand_from version' -l json
complete -c jobctl -n '__fish_seen_subcommand_from version' -l output
complete -c jobctl -n '__fish_seen_subcommand_from version' -l quiet
complete -c jobctl -n '__fish_seen_subcommand_from version' -l time
complete -c jobctl -n '__fish_seen_subcommand_from version' -l verbose
complete -c jobctl -n '__fish_seen_subcommand_from version' -l yes

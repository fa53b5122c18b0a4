# Completion of ipclab for bash. Sourced from ~/.bashrc, or put as "ipclab" where bash-completion looks.

# The names of the labs. A clone's launcher would build first: its program is asked instead.
_ipclab_labs() {
    local program start=''
    program=$(type -P -- "$1") || return
    read -r -N 2 start <"$program" 2>/dev/null
    [ "$start" = '#!' ] && program=$(dirname -- "$(readlink -f -- "$program")")/build/release/bin/ipclab
    "$program" list 2>/dev/null | awk '/^  / { print $1 }'
}

_ipclab_reply() { # WORD...: those that begin with what was typed
    local IFS=$'\n'
    mapfile -t COMPREPLY < <(compgen -W "$*" -- "$cur")
}

_ipclab_files() { # [PATTERN]: folders, and files that match
    local IFS=$'\n'
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <({ compgen -d -- "$cur"; compgen -f -X "!${1-*}" -- "$cur"; } | sort -u)
}

_ipclab() {
    local cur=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]} i
    COMPREPLY=()
    if [ "$COMP_CWORD" = 1 ]; then
        _ipclab_reply list run trace view explore replay grade verify progress reset export import doctor \
            --ascii --help --version
        return
    fi
    if [ "$command" = trace ]; then
        for ((i = 2; i < COMP_CWORD; i++)); do
            [ "${COMP_WORDS[i]}" = -- ] || continue
            if [ $((i + 1)) = "$COMP_CWORD" ]; then
                mapfile -t COMPREPLY < <(compgen -c -- "$cur")
            else
                _ipclab_files
            fi
            return
        done
    fi
    case $previous in
    -o | --report | --schedule) _ipclab_files; return ;;
    --keep) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return ;;
    --variant) _ipclab_reply broken healthy; return ;;
    --time) _ipclab_reply any fair; return ;;
    --faults) _ipclab_reply short signal small error kill none; return ;;
    --knob | --budget | --status | --timeout | --payload | --hints | --seed | --runs | --workers) return ;;
    esac
    case $command:$cur in
    run:-*) _ipclab_reply --variant --knob --schedule --text --summary --json -o --verify --help ;;
    trace:-*) _ipclab_reply -o --text --json --report --quiet --timeout --payload --controlled --schedule --verify --help -- ;;
    view:-*) _ipclab_reply --summary --text --json --ascii --help ;;
    explore:-*) _ipclab_reply --budget --seed --time --status --faults --keep-going --variant -o --help ;;
    replay:-*) _ipclab_reply --text --summary --json --lenient -o --help ;;
    grade:-*) _ipclab_reply --hints --json --seed --keep --help ;;
    verify:-*) _ipclab_reply --runs --workers --json --help ;;
    progress:*) _ipclab_reply --json --help ;;
    reset:-*) _ipclab_reply --all --yes --help ;;
    *:-*) _ipclab_reply --help ;;
    run:* | reset:*) _ipclab_reply $(_ipclab_labs "$1") ;;
    grade:* | verify:*)
        _ipclab_files '*.c'
        local files=("${COMPREPLY[@]}")
        _ipclab_reply $(_ipclab_labs "$1")
        COMPREPLY+=("${files[@]}")
        ;;
    explore:*)
        _ipclab_files
        local found=("${COMPREPLY[@]}")
        _ipclab_reply $(_ipclab_labs "$1")
        COMPREPLY+=("${found[@]}")
        ;;
    view:* | replay:* | export:* | import:*) _ipclab_files ;;
    esac
}

complete -F _ipclab ipclab

# Completion of ipclab for fish. Put into ~/.config/fish/completions.

# The names of the labs. A clone's launcher would build first: its program is asked instead.
function __ipclab_labs
    set -l program (command -s (commandline -opc)[1])
    or return
    if test (head -c 2 $program) = '#!'
        set program (dirname (realpath $program))/build/release/bin/ipclab
    end
    $program list 2>/dev/null | awk '/^  / { print $1 }'
end

complete -c ipclab -f
complete -c ipclab -n __fish_use_subcommand -l ascii -d 'no glyphs outside ASCII'
complete -c ipclab -n __fish_use_subcommand -l version -d 'print the version'
complete -c ipclab -l help -d 'tell more'

complete -c ipclab -n __fish_use_subcommand -a list -d 'list the labs'
complete -c ipclab -n __fish_use_subcommand -a run -d 'run a lab\'s programs and watch them, or print what they did'
complete -c ipclab -n __fish_use_subcommand -a trace -d 'run any command and explain what its processes did'
complete -c ipclab -n __fish_use_subcommand -a view -d 'look at a recording'
complete -c ipclab -n __fish_use_subcommand -a explore -d 'run it in many orders and with faults: can it fail?'
complete -c ipclab -n __fish_use_subcommand -a replay -d 'show the very run that a schedule gives'
complete -c ipclab -n __fish_use_subcommand -a grade -d 'judge a solution by what it does'
complete -c ipclab -n __fish_use_subcommand -a verify -d 'prove graders'
complete -c ipclab -n __fish_use_subcommand -a progress -d 'what you have done, lab by lab'
complete -c ipclab -n __fish_use_subcommand -a reset -d 'forget what you have done; a backup is kept'
complete -c ipclab -n __fish_use_subcommand -a export -d 'write your progress to a file'
complete -c ipclab -n __fish_use_subcommand -a import -d 'merge a file that export wrote, or a backup'
complete -c ipclab -n __fish_use_subcommand -a doctor -d 'tell what this machine allows'

complete -c ipclab -n '__fish_seen_subcommand_from run' -l variant -x -a 'broken healthy' -d 'which program'
complete -c ipclab -n '__fish_seen_subcommand_from run' -l knob -x -d 'NAME=VALUE: turn a knob'
complete -c ipclab -n '__fish_seen_subcommand_from run' -l schedule -rF -d 'in the order that a file gives'
complete -c ipclab -n '__fish_seen_subcommand_from run' -l text -d 'print every event'
complete -c ipclab -n '__fish_seen_subcommand_from run' -l summary -d 'print how it ended'
complete -c ipclab -n '__fish_seen_subcommand_from run' -l json -d 'print everything as JSON'
complete -c ipclab -n '__fish_seen_subcommand_from run' -s o -rF -d 'keep the recording'
complete -c ipclab -n '__fish_seen_subcommand_from run' -l verify -d 'compare with the kernel'
complete -c ipclab -n '__fish_seen_subcommand_from trace' -s o -rF -d 'keep the recording'
complete -c ipclab -n '__fish_seen_subcommand_from trace' -l text -d 'print every event, too'
complete -c ipclab -n '__fish_seen_subcommand_from trace' -l json -d 'print everything as JSON'
complete -c ipclab -n '__fish_seen_subcommand_from trace' -l report -rF -d 'print to a file'
complete -c ipclab -n '__fish_seen_subcommand_from trace' -l quiet -d 'print nothing'
complete -c ipclab -n '__fish_seen_subcommand_from trace' -l timeout -x -d 'end the run after so many seconds'
complete -c ipclab -n '__fish_seen_subcommand_from trace' -l payload -x -d 'bytes kept of each call'
complete -c ipclab -n '__fish_seen_subcommand_from trace' -l controlled -d 'one process moves at a time'
complete -c ipclab -n '__fish_seen_subcommand_from trace' -l schedule -rF -d 'in the order that a file gives'
complete -c ipclab -n '__fish_seen_subcommand_from trace' -l verify -d 'compare with the kernel'
complete -c ipclab -n '__fish_seen_subcommand_from view' -l summary -d 'print how it ended'
complete -c ipclab -n '__fish_seen_subcommand_from view' -l text -d 'the same, and every event'
complete -c ipclab -n '__fish_seen_subcommand_from view' -l json -d 'everything as JSON'
complete -c ipclab -n '__fish_seen_subcommand_from view' -l ascii -d 'no glyphs outside ASCII'
complete -c ipclab -n '__fish_seen_subcommand_from explore' -l budget -x -d 'so many runs, or seconds as in 10s'
complete -c ipclab -n '__fish_seen_subcommand_from explore' -l seed -x -d 'random orders from here on'
complete -c ipclab -n '__fish_seen_subcommand_from explore' -l time -x -a 'any fair' -d 'when sleeps are over'
complete -c ipclab -n '__fish_seen_subcommand_from explore' -l status -x -d 'exit status of a good run'
complete -c ipclab -n '__fish_seen_subcommand_from explore' -l faults -x -a 'short signal small error kill none' -d 'what may happen to calls'
complete -c ipclab -n '__fish_seen_subcommand_from explore' -l keep-going -d 'go on after a failure'
complete -c ipclab -n '__fish_seen_subcommand_from explore' -l variant -x -a 'broken healthy' -d 'of a lab'
complete -c ipclab -n '__fish_seen_subcommand_from explore' -s o -rF -d 'where to write the schedule'
complete -c ipclab -n '__fish_seen_subcommand_from replay' -l text -d 'print every event'
complete -c ipclab -n '__fish_seen_subcommand_from replay' -l summary -d 'print how it ended'
complete -c ipclab -n '__fish_seen_subcommand_from replay' -l json -d 'print everything as JSON'
complete -c ipclab -n '__fish_seen_subcommand_from replay' -l lenient -d 'leave steps out that are not to be had'
complete -c ipclab -n '__fish_seen_subcommand_from replay' -s o -rF -d 'keep the recording'
complete -c ipclab -n '__fish_seen_subcommand_from grade' -l hints -x -d 'show so many hints'
complete -c ipclab -n '__fish_seen_subcommand_from grade' -l json -d 'print the verdict as JSON'
complete -c ipclab -n '__fish_seen_subcommand_from grade' -l seed -x -d 'the same random data again'
complete -c ipclab -n '__fish_seen_subcommand_from grade' -l keep -rF -d 'keep the recordings in a folder'
complete -c ipclab -n '__fish_seen_subcommand_from verify' -l runs -x -d 'grade so many times'
complete -c ipclab -n '__fish_seen_subcommand_from verify' -l workers -x -d 'programs at once'
complete -c ipclab -n '__fish_seen_subcommand_from verify' -l json -d 'one object a line'
complete -c ipclab -n '__fish_seen_subcommand_from progress' -l json -d 'as JSON'
complete -c ipclab -n '__fish_seen_subcommand_from reset' -l all -d 'all labs'
complete -c ipclab -n '__fish_seen_subcommand_from reset' -l yes -d 'do not ask'

complete -c ipclab -n '__fish_seen_subcommand_from run reset grade verify explore' -a '(__ipclab_labs)'
complete -c ipclab -n '__fish_seen_subcommand_from view export import trace grade verify explore replay' -F

local C = "P.1"

-- Whether C has set its variable: it writes the file right after.
local function has_set(run)
    return run:first { op = "write", proc = C, ret = 4 } ~= nil
end

-- Whether P came out of its loop, and whether C had ended by then.
local function left_its_loop(run)
    return run:first { op = "wait", proc = "P" }
end

local function had_ended(run, moment)
    local exit = run:first { kind = "exit", proc = C }
    return exit ~= nil and exit.seq < moment.seq
end

return lab {
    title = "fork copies, it does not share",
    part = "1-processes",
    summary = "After a fork there are two of every variable. See a parent wait for a change that cannot come, "
        .. "what the two do share, and who of them is first.",
    minutes = 20,
    covers = { "fork", "wait", "copied memory", "shared file offset", "process_vm_readv" },
    actors = {
        { name = "P", role = "forks, and wants to know C's answer" },
        { name = "P.1", role = "C: sets the variable `answer` to 42, and ends" },
    },
    variants = {
        healthy = { program = "healthy.c", text = "P waits for C's end and reads a file that both have open" },
        broken = { program = "broken.c", text = "P waits until its own variable changes" },
        order = { program = "order.c", text = "50 forks: who writes first?" },
        peek = { program = "peek.c", text = "P has the kernel show it C's memory" },
    },
    knobs = {
        { name = "work", text = "how long P is busy after the fork, in thousand turns", values = { 0, 100, 1000 },
            default = 0 },
    },
    prediction = {
        question = "P forks C. C sets the global variable `answer` to 42 and ends. P runs: while (answer == 0) ; "
            .. "What happens to P?",
        variant = "broken",
        knobs = { work = 0 },
        options = {
            {
                id = "shared",
                text = "It goes on at once: `answer` is global.",
                holds = function(run)
                    local wait = left_its_loop(run)
                    return wait ~= nil and not had_ended(run, wait)
                end,
                why = "Global means: for all functions of one process. C is another process, with a copy.",
            },
            {
                id = "merged",
                text = "It goes on when C has ended and its changes come back.",
                holds = function(run)
                    local wait = left_its_loop(run)
                    return wait ~= nil and had_ended(run, wait)
                end,
                why = "Nothing comes back but an exit status. C's memory is thrown away when it ends.",
            },
            {
                id = "crash",
                text = "It is killed: two processes write to one address.",
                holds = function(run) return run:ended().signal == "SIGSEGV" end,
                why = "It is the same address in two address spaces: the number is equal, the memory is not.",
            },
            {
                id = "copied",
                text = "It loops for ever: C has changed its own copy.",
                holds = function(run)
                    return run:ended().how == "spin" and has_set(run) and left_its_loop(run) == nil
                end,
                why = "fork() copied the memory. From then on nobody but P itself can change P's variable.",
            },
        },
    },
    watch = {
        "the descriptor of the file in P and in C, and the offset that C's write leaves for both",
        "in the broken program: P makes no call any more after the fork, and never sleeps",
        "in the order variant: which of the two writes comes first, round by round, as you turn `work` up",
        "in the peek variant: process_vm_readv() = 4, four bytes of C's memory",
    },
    expects = { healthy = {}, broken = { "spin" }, order = {}, peek = {} },
    limit = 3,
}

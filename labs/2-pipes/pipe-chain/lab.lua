local function fate(run, name)
    return run:final():proc(name)
end

-- Whether the run ended by itself, all stages with it.
local function has_ended(run)
    return run:ended().how == "ended"
end

return lab {
    title = "A pipeline is a set of closes",
    part = "2-pipes",
    summary = "To connect standard output with standard input takes one line. What makes a pipeline end is the rest: "
        .. "each end that somebody still holds keeps its neighbours waiting, downstream or upstream.",
    minutes = 25,
    covers = { "pipe", "dup2", "fork", "close", "end of file", "SIGPIPE", "pipeline" },
    actors = {
        { name = "P", role = "makes pipes and stages, collects the stages" },
        { name = "P.1", role = "gen: writes lines" },
        { name = "P.2", role = "filter: passes them on in capitals" },
        { name = "P.3", role = "drain: reads them all; or take: reads one line" },
    },
    variants = {
        healthy = { program = "healthy.c", text = "gen | filter | drain: P closes all ends" },
        broken = { program = "broken.c", text = "gen | filter | drain: P keeps the write end of pipe 2" },
        collapse = { program = "collapse.c", text = "gen | filter | take 1: P closes all ends" },
        stuck = { program = "stuck.c", text = "gen | filter | take 1: P keeps the read end of pipe 1" },
    },
    knobs = {
        { name = "lines", text = "lines that gen writes", values = { 3, 60 }, default = 60 },
    },
    prediction = {
        question = "gen has 60 lines of 4096 bytes, take wants one. gen, filter and take are connected as they should "
            .. "be, and P still holds the read end of pipe 1. take has read its line and gone. What becomes of gen?",
        variant = "stuck",
        knobs = { lines = 60 },
        options = {
            {
                id = "sigpipe",
                text = "It is killed by SIGPIPE: its reader has gone.",
                holds = function(run) return fate(run, "P.1").signal == "SIGPIPE" end,
                why = "Its reader has gone, but a read end is left. The kernel counts ends.",
            },
            {
                id = "finishes",
                text = "It writes all its lines and ends.",
                holds = function(run) return has_ended(run) and fate(run, "P.1").exit == 0 end,
                why = "60 lines do not fit into a pipe that nobody empties.",
            },
            {
                id = "never-starts",
                text = "It was never connected: P holds the end that filter needs.",
                holds = function(run) return not run:first { op = "read", proc = "P.2", fd = 0 } end,
                why = "Ends can be shared. filter has read from its copy.",
            },
            {
                id = "sleeps",
                text = "It fills the pipe and sleeps for ever.",
                holds = function(run) return run:ended().how == "deadlock" end,
                why = "P could read, as far as the kernel knows. So gen waits for P, and P waits for gen.",
            },
        },
    },
    watch = {
        "r: and w: beside both pipes, while P closes one end after the other",
        "the order in which the stages end: from the left by end of file, or from the right by SIGPIPE",
        "when all sleep: which process holds an end that it never uses?",
    },
    expects = { healthy = {}, broken = { "never-eof" }, collapse = {}, stuck = { "deadlock" } },
}

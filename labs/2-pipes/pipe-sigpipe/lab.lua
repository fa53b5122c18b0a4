-- W's writes for which there was no reader.
local function refused(run)
    return run:count { op = "write", proc = "P.4", errno = "EPIPE" }
end

local function fate(run)
    return run:final():proc("P.4")
end

return lab {
    title = "You die before errno",
    part = "2-pipes",
    summary = "A write to a pipe without readers fails with EPIPE, and hardly any program ever sees it: SIGPIPE comes "
        .. "first and kills. See a writer that checks every result die all the same, and one that lives on.",
    minutes = 20,
    covers = { "pipe", "write", "SIGPIPE", "EPIPE", "signal disposition" },
    actors = {
        { name = "P", role = "starts all others and collects them" },
        { name = "P.1", role = "C0: reads all lines" },
        { name = "P.2", role = "C1: fails after a few lines" },
        { name = "P.3", role = "C2: reads all lines" },
        { name = "P.4", role = "W: sends four lines to each reader" },
    },
    variants = {
        healthy = { program = "healthy.c", text = "W ignores SIGPIPE and handles EPIPE" },
        broken = { program = "broken.c", text = "W handles EPIPE only" },
        unheeded = { program = "unheeded.c", text = "W ignores SIGPIPE, and EPIPE as well" },
    },
    knobs = {
        { name = "leaves", text = "lines after which C1 fails (5: never)", values = { 0, 1, 3, 5 }, default = 1 },
    },
    prediction = {
        question = "C1 has gone; nobody can read its pipe any more. W checks what every write() returns. What does W "
            .. "learn from its next write() to C1?",
        variant = "broken",
        knobs = { leaves = 1 },
        options = {
            {
                id = "fits",
                text = "Nothing: the line goes into the pipe, which has plenty of room.",
                holds = function(run) return refused(run) == 0 and fate(run).exit ~= nil end,
                why = "Without a read end the bytes could never be read. The kernel does not take them.",
            },
            {
                id = "sleeps",
                text = "Nothing: it sleeps until there is a reader again.",
                holds = function(run) return run:ended().how ~= "ended" end,
                why = "The last read end has been closed, and there is no way to get another one.",
            },
            {
                id = "epipe",
                text = "That it failed: write() returns -1, errno is EPIPE, and W goes on with the others.",
                holds = function(run) return refused(run) > 0 and fate(run).exit ~= nil end,
                why = "That is what the kernel's call came to, but W was not there any more to see it.",
            },
            {
                id = "dies",
                text = "Nothing: W is killed before write() returns.",
                holds = function(run) return fate(run).signal == "SIGPIPE" end,
                why = "SIGPIPE comes with EPIPE, and its default action is to terminate. No line of W runs after that.",
            },
        },
    },
    watch = {
        "r: beside pipe 2, when C1 has left: no reader",
        "W's write to pipe 2: EPIPE, then the signal, then nothing more of W",
        "C0 and C2 in the broken program: how many lines they got, and how they learned that it was over",
    },
    expects = { healthy = {}, broken = { "sigpipe-death" }, unheeded = { "epipe-ignored" } },
}

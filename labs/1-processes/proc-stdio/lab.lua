-- How often a line came out, over all processes.
local function times(run, wanted)
    local count = 0
    for _, write in ipairs(run:events { op = "write", fd = 1 }) do
        for line in write.data:gmatch("[^\n]*\n") do
            if line == wanted .. "\n" then
                count = count + 1
            end
        end
    end
    return count
end

-- Whether it had come out when P forked.
local function was_sent_before_the_fork(run)
    local fork = run:first { op = "fork", proc = "P" }
    return run:first { op = "write", fd = 1, seq_to = fork.seq } ~= nil
end

return lab {
    title = "Bytes in a FILE are nowhere yet",
    part = "1-processes",
    summary = "printf() does not write: it fills a buffer, which is memory of your process. See it copied by fork, "
        .. "waited for in vain, thrown away, and given back to a file that others read.",
    minutes = 25,
    covers = { "stdio buffers", "fflush", "fork", "exit and _exit", "file offset" },
    actors = {
        { name = "P", role = "prints, reads and forks" },
        { name = "P.1", role = "C: prints a line of its own, or answers, or does nothing at all" },
    },
    variants = {
        healthy = { program = "healthy.c", text = "P empties its buffer before it forks" },
        broken = { program = "broken.c", text = "P forks with lines in its buffer" },
        waiting = { program = "waiting.c", text = "P waits for an answer, with the question in its buffer" },
        lost = { program = "lost.c", text = "P ends by _exit(), with lines in its buffer" },
        reread = { program = "reread.c", text = "P reads a file; children that read nothing end by exit()" },
    },
    knobs = {
        { name = "lines", text = "how many lines P prints, asks or reads", values = { 1, 3, 500 }, default = 3 },
    },
    prediction = {
        question = "Output goes into a pipe. P runs printf(\"line 1\\n\") and then forks C. Each of them prints a line "
            .. "of its own and calls exit(0). How often does \"line 1\" come out?",
        variant = "broken",
        knobs = { lines = 1 },
        options = {
            {
                id = "once",
                text = "Once: printf() had written it before the fork.",
                holds = function(run) return was_sent_before_the_fork(run) end,
                why = "The line end sends it only if the output is a terminal. Into a pipe or a file, "
                    .. "stdio writes when its buffer is full.",
            },
            {
                id = "parent",
                text = "Once: it was in P's buffer, and C starts with an empty one.",
                holds = function(run)
                    return times(run, "line 1") == 1 and not was_sent_before_the_fork(run)
                end,
                why = "The buffer is memory like any other. fork() copies it with what is in it.",
            },
            {
                id = "twice",
                text = "Twice: C's exit(0) writes it, and P's exit(0) writes it.",
                holds = function(run) return times(run, "line 1") == 2 end,
                why = "Two processes, two copies of the buffer, two calls of exit(), which writes out what is there.",
            },
            {
                id = "never",
                text = "Not at all: nobody called fflush().",
                holds = function(run) return times(run, "line 1") == 0 end,
                why = "exit(3) flushes all streams. _exit(2), or a signal that kills, does not.",
            },
        },
    },
    watch = {
        "where the write() calls are: not at the printf(), but at fflush(), at a full buffer, at exit()",
        "in the broken program: the first bytes of the two writes, C's and P's",
        "in the waiting variant: both asleep in read(), and no byte has ever been in the first pipe",
        "in the reread variant: lseek() in the children, which read nothing",
    },
    expects = { healthy = {}, broken = { "stdio-duplicated" }, waiting = { "deadlock" }, lost = {}, reread = {} },
}

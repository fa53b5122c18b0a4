local function how(run)
    return run:ended().how
end

-- Whether the reader's last read has returned 0.
local function has_seen_eof(run)
    local read = run:last { op = "read", proc = "P.1" }
    return read ~= nil and read.ret == 0
end

-- Whether C has fallen asleep in read() before anything was written.
local function has_slept_first(run)
    local asleep = run:first { kind = "blocked", proc = "P.1" }
    local write = run:first { op = "write", proc = "P" }
    return asleep ~= nil and (write == nil or write.exit_seq == nil or write.exit_seq > asleep.seq)
end

return lab {
    title = "EOF is a count reaching zero",
    part = "2-pipes",
    summary = "A reader sees end of file when the last write end of its pipe has been closed, wherever it is. "
        .. "Watch the count, and find the process that keeps it above zero: it may be the reader itself.",
    minutes = 20,
    covers = { "pipe", "fork", "close", "end of file", "inherited descriptors" },
    actors = {
        { name = "P", role = "writes, closes its write end, waits" },
        { name = "P.1", role = "C: reads until end of file" },
    },
    variants = {
        healthy = { program = "healthy.c", text = "C closes its copy of the write end before it reads" },
        broken = { program = "broken.c", text = "C keeps its copy of the write end" },
        sibling = { program = "sibling.c", text = "a second child has inherited the first one's write end" },
    },
    knobs = {
        { name = "bytes", text = "how much P writes", values = { 0, 30, 5000 }, default = 30 },
    },
    prediction = {
        question = "P writes 30 bytes and closes its write end. C has read them all and still holds a copy of the "
            .. "write end. What does C's next read() do?",
        variant = "broken",
        knobs = { bytes = 30 },
        options = {
            {
                id = "zero",
                text = "It returns 0: the writer has closed the pipe.",
                holds = function(run) return has_seen_eof(run) and how(run) == "ended" end,
                why = "There is no \"the writer\". The kernel counts open write ends, and one is left.",
            },
            {
                id = "error",
                text = "It fails: nobody will write any more.",
                holds = function(run)
                    local read = run:last { op = "read", proc = "P.1" }
                    return read ~= nil and read.ret == -1
                end,
                why = "As long as a write end is open somewhere, somebody could still write.",
            },
            {
                id = "sleeps",
                text = "It sleeps for ever: C could still write, so C waits for C.",
                holds = function(run) return how(run) == "never-eof" end,
                why = "The last write end is C's own, and C is asleep. Nobody is left who could close it.",
            },
        },
    },
    goals = {
        {
            title = "Make C wait for an end of file that cannot come",
            reached = "never-eof",
            variants = { "broken", "sibling" },
        },
        { title = "Let C fall asleep in read() before P has written a byte", reached = has_slept_first },
    },
    watch = {
        "the number of write ends, w, beside the pipe: 1 after pipe(), 2 after fork(), then down",
        "the read() that sleeps, and the line under it: which process could wake it",
        "in the sibling variant: fd numbers that the second child has and never uses",
    },
    expects = { healthy = {}, broken = { "never-eof" }, sibling = { "never-eof" } },
}

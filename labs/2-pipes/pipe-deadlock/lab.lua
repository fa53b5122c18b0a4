local function has_short_write(run)
    return run:first {
        op = "write",
        where = function(ev) return ev.ret and ev.ret > 0 and ev.ret < ev.size end,
    } ~= nil
end

return lab {
    title = "Two full buffers make a cycle",
    part = "2-pipes",
    summary = "Two processes swap messages over two pipes, and all is well until a message is one byte larger than "
        .. "a pipe. See the circle in which each sleeps until the other reads: a deadlock without any lock.",
    minutes = 25,
    covers = { "pipe", "pipe capacity", "blocking write", "deadlock", "poll" },
    actors = {
        { name = "P", role = "swaps one message with C" },
        { name = "P.1", role = "C: the other side" },
    },
    variants = {
        healthy = { program = "healthy.c", text = "C reads first, then writes" },
        broken = { program = "broken.c", text = "both write first" },
        looking = { program = "looking.c", text = "C reads first if P has written already, else writes first" },
        reading = { program = "reading.c", text = "both read first" },
    },
    knobs = {
        { name = "bytes", text = "size of each message", values = { 4096, 65536, 65537, 200000 }, default = 65537 },
    },
    prediction = {
        question = "Both write 65537 bytes and then read. A pipe holds 16 pages of 4096 bytes, 65536. What happens?",
        variant = "broken",
        knobs = { bytes = 65537 },
        options = {
            {
                id = "works",
                text = "All is well: a pipe is a queue, and there are no locks here.",
                holds = function(run) return run:ended().how == "ended" and not has_short_write(run) end,
                why = "A pipe is a queue with a limit. A write that does not fit waits, and waiting is all it takes.",
            },
            {
                id = "short",
                text = "write() takes 65536 bytes and says so; the rest is written after the read.",
                holds = function(run) return has_short_write(run) end,
                why = "Only a non-blocking write, or one that a signal interrupts, takes less than it was given.",
            },
            {
                id = "circle",
                text = "Each sleeps in write() until the other reads: for ever.",
                holds = function(run) return run:ended().how == "deadlock" end,
                why = "Both pipes are full, and the only process that could make room in each is asleep itself.",
            },
        },
    },
    goals = {
        {
            title = "Make both block: neither can ever move again",
            reached = "deadlock",
            variants = { "broken", "looking", "reading" },
        },
        {
            title = "Let them swap their messages all the same",
            reached = "ended-well",
            variants = { "looking", "healthy" },
        },
    },
    watch = {
        "the gauges of both pipes: how full they are when both processes sleep",
        "who could wake each of them: the circle P -> C -> P",
        "the same program with 65536 bytes, and the reading variant with any size",
    },
    expects = { healthy = {}, broken = { "deadlock" }, reading = { "deadlock" } },
}

-- How many records went into the pipe as a whole.
local function taken(run)
    return run:count {
        op = "write",
        proc = "P",
        object = run:first { op = "pipe", proc = "P" }.object,
        where = function(ev) return ev.ret and ev.ret > 0 and ev.ret == ev.size end,
    }
end

return lab {
    title = "Sixteen slots, not 65536 bytes",
    part = "2-pipes",
    summary = "A pipe is not a queue of unlimited length, and not one of 64 KiB either. It has sixteen slots of a "
        .. "page. See a pipe that is half empty by its bytes and full all the same, with its writer asleep.",
    minutes = 20,
    covers = { "pipe", "pipe capacity", "back-pressure", "blocking write", "O_NONBLOCK", "EAGAIN" },
    actors = {
        { name = "P", role = "writes records that make up 65536 bytes" },
        { name = "P.1", role = "C: reads them when it is told to (not in measure)" },
    },
    variants = {
        healthy = { program = "healthy.c", text = "C reads while P writes" },
        broken = { program = "broken.c", text = "C reads when P has written everything" },
        measure = { program = "measure.c", text = "nobody reads: how many records fit?" },
    },
    knobs = {
        { name = "bytes", text = "size of each record", values = { 512, 2048, 2049, 4096, 4097 }, default = 2049 },
    },
    prediction = {
        question = "A new pipe has a capacity of 65536 bytes. P writes records of 2049 bytes, and nobody reads. "
            .. "How many records go in?",
        variant = "measure",
        knobs = { bytes = 2049 },
        options = {
            {
                id = "all",
                text = "Any number: a pipe is a queue.",
                holds = function(run) return taken(run) > 32 end,
                why = "Where would the kernel keep them? A pipe is a fixed number of slots.",
            },
            {
                id = "bytes",
                text = "31: that is how often 2049 goes into 65536.",
                holds = function(run) return taken(run) == 31 end,
                why = "The capacity counts pages, not bytes: a record never starts in a page that cannot take its end.",
            },
            {
                id = "none",
                text = "32, the last one not quite: the pipe takes what fits.",
                holds = function(run) return taken(run) == 32 end,
                why = "Up to PIPE_BUF bytes (4096) go in together or not at all.",
            },
            {
                id = "slots",
                text = "16.",
                holds = function(run) return taken(run) == 16 end,
                why = "There are 16 slots of one page, and two records of 2049 bytes do not fit into one page.",
            },
        },
    },
    watch = {
        "the gauge of pipe 1 in the broken program: how full is it when P falls asleep?",
        "measure, with each size in turn: records, and bytes",
        "in the healthy program, who sleeps while the pipe is full, and who wakes it",
    },
    expects = { healthy = {}, broken = { "deadlock" }, measure = {} },
}

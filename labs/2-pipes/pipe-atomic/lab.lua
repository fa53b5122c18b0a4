local RECORDS = 32

-- What P read from the pipe of records, as one string, and the size of a record.
local function stream(run)
    local pipe = run:first { op = "pipe", proc = "P" }
    local parts, size = {}, run:first { op = "write", proc = "P.1", object = pipe.object }.size
    for _, ev in ipairs(run:events { op = "read", proc = "P", object = pipe.object }) do
        if ev.ret and ev.ret > 0 then
            parts[#parts + 1] = ev.data
        end
    end
    return table.concat(parts), size
end

-- How many records, cut out of the stream by their size, are not all of one letter.
local function torn(run)
    local bytes, size = stream(run)
    local count = 0
    for at = 1, #bytes, size do
        local record = bytes:sub(at, at + size - 1)
        count = count + (record == record:sub(1, 1):rep(size) and 0 or 1)
    end
    return count
end

return lab {
    title = "4096 is a contract, 4097 is a race",
    part = "2-pipes",
    summary = "Several processes write records into one pipe. Up to PIPE_BUF bytes a write stays in one piece, always; "
        .. "one byte more and others may come in between. See whose bytes are whose.",
    minutes = 20,
    covers = { "pipe", "write", "PIPE_BUF", "atomicity", "race", "mutual exclusion" },
    actors = {
        { name = "P", role = "reads, and counts the torn records" },
        { name = "P.1", role = "A: writes eight records" },
        { name = "P.2", role = "B: the same, in its own letter" },
        { name = "P.3", role = "C: the same" },
        { name = "P.4", role = "D: the same" },
    },
    variants = {
        healthy = { program = "healthy.c", text = "only who has the token writes" },
        broken = { program = "broken.c", text = "everybody writes when he likes" },
    },
    knobs = {
        { name = "bytes", text = "size of each record", values = { 1000, 4096, 4097, 10000 }, default = 4097 },
    },
    prediction = {
        question = "Four writers, 32 records of 4097 bytes, each sent by one write(), which never returns less than it "
            .. "was asked for. How many records does P find torn, with other letters inside?",
        variant = "broken",
        knobs = { bytes = 4097 },
        options = {
            {
                id = "none",
                text = "None: one write() is one piece.",
                holds = function(run) return torn(run) == 0 end,
                why = "write() returns when all is in the pipe. What else went in meanwhile is another question.",
            },
            {
                id = "two",
                text = "One or two: it is a rare accident.",
                holds = function(run) return torn(run) == 1 or torn(run) == 2 end,
                why = "A write that does not fit sleeps, and while it sleeps the others are on.",
            },
            {
                id = "many",
                text = "Many.",
                holds = function(run) return torn(run) > 2 and torn(run) <= RECORDS end,
                why = "The pipe here has one slot of 4096 bytes. Each writer falls asleep with one byte in its hand, "
                    .. "and a torn record shifts all that follow.",
            },
        },
    },
    watch = {
        "the bytes of pipe 1 in colours: who wrote what P reads",
        "a write() of 4097 bytes from its entry to its return: what happens in between?",
        "the same with 4096 bytes, and the token in the healthy program",
    },
    expects = { healthy = {}, broken = {} },
}

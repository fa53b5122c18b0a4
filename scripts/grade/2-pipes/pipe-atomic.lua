-- pipe-atomic: each record leaves in one piece, and is read in whatever pieces it comes.
--
-- The writers share a pipe of one slot. The pump empties it, and acts only when every process is asleep
-- (feed="when-quiet"): at each byte that it gets from standard input it is certain who sleeps in a write. What the
-- pump reads is the order of all bytes; what next_record() brings, P writes as {result, digest} into a pipe.
local learner = require "learner"
local spec = require "spec"

local LENGTH, LENGTH_SIZE, REPORT, REPORT_SIZE, REPORTS_FD = "<I4", 4, "<i4I4", 8, 4
local FIRST_LETTER, LETTERS = ("a"):byte(), 26
local P = "P"

local function record(who, k, largest)
    local large = largest - (who * 5 + k) % largest
    local size = (who + k) % 2 == 1 and large > 3000 and 3000 or large
    local bytes = {}
    for i = 0, size - 1 do
        bytes[i + 1] = string.char(FIRST_LETTER + (who * 5 + k * 3 + i + i // 89) % LETTERS)
    end
    return table.concat(bytes)
end

-- { writers = names, pump = name, log = the pipe that they share }
local function cast_of(run)
    local names, count = learner.children(run), spec.number(run, "writers")
    local cast = { writers = {}, pump = names[count + 1] }
    for i = 1, math.min(count, #names) do
        cast.writers[i] = names[i]
    end
    local pipes = run:events { op = "pipe", proc = P }
    cast.log = pipes[2] and pipes[2].object
    cast.token = pipes[4] and pipes[4].object
    return cast
end

local function check_frame(run)
    local wanted, count = spec.number(run, "writers") + 1, run:count { op = "fork" }
    if count ~= wanted then
        fail {
            rule = count < wanted and "no-writers" or nil,
            text = ("There are %d processes besides P, not %d writers and a pump."):format(count, wanted - 1),
            events = { run:last { op = "fork" } },
            next = "main() makes the processes; log_record() and next_record() make none.",
        }
    end
end

local function check_one_call(run)
    local cast = cast_of(run)
    for w, name in ipairs(cast.writers) do
        local writes = run:events { op = "write", proc = name, object = cast.log }
        local at = 1
        for k = 0, spec.number(run, "records") - 1 do
            local size, ev = #record(w - 1, k, spec.number(run, "largest")) + LENGTH_SIZE, writes[at]
            while ev and ev.errno == "EINTR" do
                at = at + 1
                ev = writes[at]
            end
            if ev and ev.exit_seq and ev.size ~= size then
                fail {
                    text = ("%s writes a record of %d bytes and its length, %d together, by %s. Between this call and "
                        .. "the next, anybody may write."):format(name, size - LENGTH_SIZE, size, learner.call(ev)),
                    events = { ev, writes[at + 1] },
                    proc = name,
                    object = cast.log,
                    next = "What is to stay together must be given to the kernel together.",
                }
            end
            at = at + 1
        end
    end
end

local function check_alone(run)
    local cast = cast_of(run)
    for _, step in ipairs(run:events { op = "read", proc = cast.pump, fd = 0 }) do
        local inside = {}
        for _, name in ipairs(step.exit_seq and cast.writers or {}) do
            local call = run:at(step.exit_seq - 1):proc(name).blocked
            if call and call.op == "write" and call.object == cast.log then
                inside[#inside + 1] = { name = name, call = call }
            end
        end
        if #inside > 1 then
            fail {
                text = ("%s and %s are both in the middle of a write to the same pipe, of %d and %d bytes. Whoever is "
                    .. "woken first comes in between."):format(inside[1].name, inside[2].name, inside[1].call.size,
                    inside[2].call.size),
                events = { inside[1].call, inside[2].call },
                proc = inside[2].name,
                object = cast.log,
                seq = step.exit_seq - 1,
                next = "Had both of them taken the token? A read() that returns -1 has taken nothing.",
            }
        end
    end
end

-- The records on the log, in the order of their bytes: each must be one that a writer was to write next.
local function log_of(run)
    local cast, parts = cast_of(run), {}
    for _, ev in ipairs(run:events { op = "read", proc = cast.pump, object = cast.log }) do
        parts[#parts + 1] = ev.ret and ev.ret > 0 and ev.data or ""
    end
    local bytes, list, at, next_of = table.concat(parts), {}, 1, {}
    while at <= #bytes do
        local found = nil
        for w = 0, #cast.writers - 1 do
            local k = next_of[w] or 0
            local wanted = k < spec.number(run, "records") and record(w, k, spec.number(run, "largest"))
            local framed = wanted and string.pack(LENGTH, #wanted) .. wanted
            local there = framed and bytes:sub(at, at + #framed - 1)
            if framed and (there == framed or #there < #framed and framed:sub(1, #there) == there) then
                found, next_of[w] = { bytes = wanted, is_whole = there == framed, size = #framed }, k + 1
                break
            end
        end
        if not found then
            return list, bytes, at - 1
        end
        list[#list + 1] = found
        at = at + found.size
    end
    return list, bytes, nil
end

local function check_whole(run)
    local list, bytes, wrong = log_of(run)
    local wanted = spec.number(run, "writers") * spec.number(run, "records")
    if wrong or run:ended().how == "ended" and not spec.has(run, "cut") and #list ~= wanted then
        local short = run:first { op = "write", object = cast_of(run).log, where = function(ev)
            return ev.errno == "EINTR" or ev.ret and ev.ret > 0 and ev.ret < ev.size
        end }
        fail {
            text = ("After %d of %d records and %d of %d bytes, what is in the pipe is no record that anybody was to "
                .. "write next%s."):format(#list, wanted, wrong or #bytes, #bytes,
                short and ("; a call that was cut short: " .. short.proc .. ", " .. learner.call(short)) or ""),
            events = { short },
            object = cast_of(run).log,
            next = "A write that a signal interrupts has written a part, or nothing. The rest is still to be written.",
        }
    end
end

local function check_ends(run)
    local how = run:ended().how
    if how ~= "ended" then
        local finding = run:findings(how)[1] or {}
        fail {
            text = (finding.text or "The run did not end: " .. how) .. ".",
            events = finding.events,
            proc = finding.proc,
            object = finding.object,
            next = "Who has the token, and what does he wait for? " .. (finding.next or ""),
        }
    end
end

local function check_token(run)
    local cast = cast_of(run)
    local exit = learner.exit(run, P)
    local state = exit and cast.token and run:at(exit.seq - 1)
    local fill = state and state:object(cast.token).total_in - state:object(cast.token).total_out
    if fill and fill ~= 1 and not spec.has(run, "cut") then
        fail {
            text = ("When all have finished there are %d bytes in the pipe of the token; there was one."):format(fill),
            events = { run:last { op = "write", object = cast.token } },
            object = cast.token,
            next = "Who takes the token gives it back, once.",
        }
    end
end

local function digest(bytes)
    local sum = 2166136261
    for i = 1, #bytes do
        sum = ((sum ~ bytes:byte(i)) * 16777619) & 0xffffffff
    end
    return sum
end

local function check_reader(run)
    local list, _, wrong = log_of(run)
    if wrong or not learner.exit(run, P) then
        return
    end
    local reports = run:events { op = "write", proc = P, fd = REPORTS_FD, size = REPORT_SIZE }
    for i = 1, #list + 1 do
        local one, ev = list[i], reports[i]
        local result, sum = 0, 0
        if ev then
            result, sum = string.unpack(REPORT, ev.data)
        end
        local is_cut = one and not one.is_whole
        local wanted = is_cut and -1 or one and #one.bytes or 0
        if not ev or result ~= wanted or wanted > 0 and sum ~= digest(one.bytes) then
            local read = run:last { op = "read", proc = P, seq_to = ev and ev.seq }
            fail {
                rule = is_cut and "cut-unreported" or nil,
                text = ("next_record() returned %s for record %d. It should be %d%s. Its last call was %s."):format(
                    ev and result or "nothing", i - 1, wanted, is_cut and ": the file ends in the middle of it"
                        or wanted == 0 and ": the end of the file" or ", with its bytes",
                    read and learner.call(read) or "none"),
                events = { read, ev },
                proc = P,
                next = "read() brings what is there: perhaps a part of the record, perhaps a part of its length.",
            }
        end
        if result <= 0 then
            return
        end
    end
end

local function runs(random)
    local function run(name, steps, ...)
        return { name = name, args = { "writers=3", ... }, stdin = steps, feed = "when-quiet", limit = 6 }
    end
    return {
        run("small records", "xxs", "records=5", "largest=" .. random(2000, 3000)),
        run("at the limit", "xsx", "records=3", "largest=4092"),
        run("large records", "xxxxxxxx", "records=4", "largest=" .. random(9000, 12000)),
        run("interrupted", "sxsxsxsxxs", "records=4", "largest=" .. random(9000, 12000)),
        run("one byte too many", "xxxxxx", "records=4", "largest=4093"),
        run("byte by byte", ("x"):rep(30), "records=2", "largest=" .. random(20, 40), "sip=1"),
        run("by threes", ("x"):rep(20) .. "s", "records=2", "largest=" .. random(20, 40), "sip=3"),
        run("cut off", ("x"):rep(8), "records=2", "largest=" .. random(30, 40), "sip=7", "cut"),
        run("cut off in a length", "xx", "records=2", "largest=" .. random(30, 40), "sip=1", "cut"),
    }
end

return grader {
    title = "4096 is a contract, 4097 is a race",
    exercise = "2-pipes/pipe-atomic",
    starter_fails = "two-writes",
    runs = runs,
    checks = {
        {
            id = "frame",
            title = "no other process, no thread",
            points = 5,
            rule = "not-alone",
            why = "Who writes and who reads is main()'s affair.",
            hints = { "Who makes the writers?", "What would a helper do?", "Take the fork() out." },
            check = check_frame,
        },
        {
            id = "one call",
            title = "a small record leaves in one call, with its length",
            points = 25,
            rule = "two-writes",
            why = "Up to PIPE_BUF bytes of one call stay together. Two calls are two, however small they are.",
            hints = {
                "Where could another writer's record begin?",
                "Which bytes does the kernel know to belong together?",
                "Copy length and bytes into one array, or give both to writev().",
            },
            on = { "small records", "at the limit", "byte by byte", "by threes" },
            check = check_one_call,
        },
        {
            id = "alone",
            title = "with large records, one writer at a time",
            points = 20,
            rule = "no-token",
            why = "A call of more than PIPE_BUF bytes sleeps in the middle. A small record in that gap tears it: so "
                .. "the small ones need the token, too.",
            hints = {
                "Who may write while another one is in the middle of a large record?",
                "Which of your records goes in without the token?",
                "while (read(log->token[0], &token, 1) != 1) only EINTR may go round.",
            },
            on = { "large records", "interrupted", "one byte too many" },
            check = check_alone,
        },
        {
            id = "whole",
            title = "all records are in the pipe, whole",
            points = 15,
            rule = "torn",
            why = "A write() that a signal interrupts returns early.",
            hints = {
                "What does write() return, and what if that is less than you asked for?",
                "The token is still yours: go on.",
                "Loop until all bytes are written.",
            },
            check = check_whole,
        },
        {
            id = "ends",
            title = "everybody ends",
            points = 5,
            rule = "stuck",
            why = "A token that is not given back stops all the others.",
            hints = {
                "Who sleeps, and where?",
                "Where is the token?",
                "Put it back on each way out.",
            },
            check = check_ends,
        },
        {
            id = "token",
            title = "the token is there when all have finished",
            points = 5,
            rule = "token-lost",
            why = "Two tokens are as bad as none.",
            hints = { "How often is it taken, and given back?", "Is it given back by who did not take it?",
                "One write() of one byte for each read() of one." },
            check = check_token,
        },
        {
            id = "reader",
            title = "records are read in whatever pieces they come",
            points = 20,
            rule = "one-read",
            why = "A pipe is a stream of bytes: it knows nothing of your records. Even four bytes of a length can come "
                .. "one by one.",
            hints = {
                "How many bytes does read() bring at most, and how many at least?",
                "When is a length complete?",
                "A function that reads exactly n bytes, used for the length and for the record.",
            },
            check = check_reader,
        },
        {
            id = "clock",
            title = "nothing is left to the clock",
            points = 5,
            rule = "sleep",
            why = "The rest of a record comes when it comes.",
            hints = { "Which call has a time limit?", "read() sleeps until there is something.", "Take it out." },
            check = learner.forbid_clock,
        },
    },
}

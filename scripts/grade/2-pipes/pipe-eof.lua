-- pipe-eof: each consumer gets its end of file, and takes nothing else for it.
--
-- finish() writes {index, sum} into a pipe, so what a consumer found is an event. Whose pipe is whose: a
-- consumer's pipe is the one that it reads last. It may read others before, at which it waits for its turn.
local learner = require "learner"

local REPORT, REPORT_SIZE = "<i8i8", 16
local MAIN_GAVE_UP = 2 -- its exit status when start_consumers() returns -1

local function expected(run)
    local sums, sizes = {}, {}
    for index, text in run.stdin:gmatch("(%d+) ([^\n]*\n)") do
        index = tonumber(index)
        sizes[index] = (sizes[index] or 0) + #text
        for i = 1, #text do
            sums[index] = (sums[index] or 0) + text:byte(i)
        end
    end
    return sums, sizes
end

local function wanted(run)
    for _, arg in ipairs(run.args) do
        local count = arg:match("^consumers=(%d+)$")
        if count then
            return tonumber(count)
        end
    end
end

-- A consumer: { name, object (its pipe), first (its first call that can wait for the pipe), reads, report,
-- index, sum }.
local function consumers_of(run)
    local final = run:final()
    local list, by_object = {}, {}
    local function is_pipe(ev)
        return ev.object and final:object(ev.object).kind == "pipe"
    end
    for _, name in ipairs(learner.children(run)) do
        local last = run:last { op = "read", proc = name, where = is_pipe }
        local report = run:last { op = "write", proc = name, size = REPORT_SIZE, ret = REPORT_SIZE }
        local one = { name = name, object = last and last.object }
        if report then
            one.report, one.index, one.sum = report, string.unpack(REPORT, report.data)
        end
        if last then
            one.reads = run:events { op = "read", proc = name, object = last.object }
            local read = one.reads[1]
            local other = run:last { op = "read", proc = name, seq_to = read.seq - 1, where = is_pipe }
            local poll = run:first { op = "poll", proc = name, seq_from = other and other.seq, seq_to = read.seq }
            one.first = poll or read
            by_object[last.object] = one
        end
        list[#list + 1] = one
    end
    return list, by_object
end

local function pipe_name(run, id)
    return run:final():object(id).name
end

-- Where a process got a descriptor from, in words, and the event.
local function origin(run, proc, made_by)
    local event = run:first { id = made_by }
    if not event then
        return "which it has had from the start", nil
    end
    local fork = run:first { op = "fork", child = proc }
    if event.proc ~= proc or event.kind == "start" then
        return "inherited at the fork" .. (fork and fork.line and (" of line " .. fork.line) or ""), fork
    end
    return "from " .. learner.call(event), event
end

-- The descriptors by which `proc` holds a pipe at a moment.
local function holds(run, seq, object, proc)
    local list = {}
    for _, fd in ipairs(run:at(seq):fds(proc)) do
        if fd.object == object then
            list[#list + 1] = fd
        end
    end
    return list
end

-- `what` says when, who and which end; `so` what comes of it.
local function fail_hold(run, event, proc, fd, what, so)
    local from, cause = origin(run, proc, fd.event)
    fail {
        text = ("%s: fd %d, %s. %s"):format(what, fd.fd, from, so),
        events = { event, cause },
        proc = proc,
        object = fd.object,
        seq = event.seq,
        next = ("Open the descriptors of %s at this moment. Where could it have closed fd %d?"):format(proc, fd.fd),
    }
end

local function check_consumers(run)
    local P = learner.name(run)
    local list = consumers_of(run)
    local count, owner = wanted(run), {}
    if #list < count then
        fail { text = ("%s started %d processes for %d consumers."):format(P, #list, count), proc = P }
    end
    for _, one in ipairs(list) do
        if one.report and not one.first then
            fail {
                text = ("%s reports a sum, but has never read a pipe."):format(one.name),
                events = { one.report },
                proc = one.name,
            }
        end
        local exit = learner.exit(run, one.name)
        if exit and exit.status.exit ~= 0 and one.report then
            fail {
                text = ("%s reported its sum and ended with exit status %s: %s takes it for a failure."):format(
                    one.name, exit.status.exit or exit.status.signal, P),
                events = { one.report, exit },
                proc = one.name,
                next = "finish() reports and ends the process; nothing else is to be done there.",
            }
        end
        if exit and exit.status.exit == 0 and not one.report then
            fail {
                text = ("%s, a child of %s, ended without reporting a sum."):format(one.name, P),
                events = { exit },
                proc = one.name,
            }
        end
        if one.object and owner[one.object] then
            fail {
                rule = "shared-pipe",
                text = ("%s and %s read the same pipe, %s: each byte goes to whoever comes first."):format(
                    owner[one.object].name, one.name, pipe_name(run, one.object)),
                events = { owner[one.object].first, one.first },
                object = one.object,
            }
        end
        if one.object then
            owner[one.object] = one
        end
    end
end

-- After the last line, main() waits for child[0], child[1], ... by their numbers.
local function check_children(run)
    local P = learner.name(run)
    local by_index, fork = {}, run:last { op = "fork", proc = P }
    for _, one in ipairs(consumers_of(run)) do
        by_index[one.index or "nobody"] = one
    end
    local waits = run:events { op = "wait", proc = P, func = "main", seq_from = fork and fork.seq }
    for i, wait in ipairs(waits) do
        local one = by_index[i - 1]
        if one and wait.target ~= one.name then
            fail {
                text = ("main() waits for child[%d], and the number there is %d: %s. Consumer %d is %s."):format(
                    i - 1, wait.pid, wait.target and ("that is " .. wait.target) or "the number of no process",
                    i - 1, one.name),
                events = { wait, run:first { op = "fork", child = one.name } },
                proc = P,
                next = "fork() returns the child's number to P: keep it in child[i].",
            }
        end
    end
end

local function check_failure(run)
    local P = learner.name(run)
    local failed = run:first { op = { "pipe", "fork" }, proc = P, ret = -1 }
    local exit = learner.exit(run, P)
    if failed and (not exit or exit.status.exit ~= MAIN_GAVE_UP) then
        fail {
            text = ("%s, but start_consumers() did not return -1."):format(learner.call(failed)),
            events = { failed, exit },
            proc = P,
            next = "Both pipe() and fork() return -1 when it cannot be done.",
        }
    end
end

local function check_own(run)
    for _, one in ipairs(consumers_of(run)) do
        for _, fd in ipairs(one.first and holds(run, one.first.seq, one.object, one.name) or {}) do
            if fd.write then
                fail_hold(run, one.first, one.name, fd,
                    ("When %s starts to read %s, it holds a write end of this pipe itself"):format(one.name,
                        pipe_name(run, one.object)),
                    "It waits for itself to close it.")
            end
        end
    end
end

-- What each consumer holds of other consumers' pipes when it starts to read: calls found(one, fd, other).
local function each_foreign(run, found)
    local list, by_object = consumers_of(run)
    for _, one in ipairs(list) do
        for _, fd in ipairs(one.first and run:at(one.first.seq):fds(one.name) or {}) do
            local other = by_object[fd.object]
            if other and other ~= one then
                found(one, fd, other)
            end
        end
    end
end

local function check_siblings(run)
    each_foreign(run, function(one, fd, other)
        if fd.write then
            fail_hold(run, one.first, one.name, fd,
                ("When %s starts to read, it also holds a write end of %s, which %s reads"):format(one.name,
                    pipe_name(run, fd.object), other.name),
                ("%s will see no end of file as long as %s has it."):format(other.name, one.name))
        end
    end)
end

local function check_read_ends(run)
    local P = learner.name(run)
    each_foreign(run, function(one, fd, other)
        if fd.read then
            fail_hold(run, one.first, one.name, fd,
                ("When %s starts to read, it also holds a read end of %s, which %s reads"):format(one.name,
                    pipe_name(run, fd.object), other.name),
                ("If %s dies, %s will not learn of it."):format(other.name, P))
        end
    end)
    for _, one in ipairs(consumers_of(run)) do
        local write = one.object and run:first { op = "write", proc = P, object = one.object }
        for _, fd in ipairs(write and holds(run, write.seq, one.object, P) or {}) do
            if fd.read then
                fail_hold(run, write, P, fd,
                    ("When %s feeds %s, it also holds a read end of %s"):format(P, one.name,
                        pipe_name(run, one.object)),
                    ("If %s dies, the write will sleep for ever instead of failing with EPIPE."):format(one.name))
            end
        end
    end
end

local function check_parent(run)
    local P = learner.name(run)
    for _, one in ipairs(consumers_of(run)) do
        local write = one.object and run:first { op = "write", proc = P, object = one.object }
        local ends = {}
        for _, fd in ipairs(write and holds(run, write.seq, one.object, P) or {}) do
            if fd.write then
                ends[#ends + 1] = fd
            end
        end
        if #ends > 1 then
            fail_hold(run, write, P, ends[1],
                ("When %s feeds %s, it holds %d write ends of %s"):format(P, one.name, #ends,
                    pipe_name(run, one.object)),
                "It will close one of them; the other stays.")
        end
    end
end

local function check_ends(run)
    local how = run:ended().how
    if how == "ended" then
        return
    end
    local finding = run:findings(how)[1]
    fail {
        rule = how,
        text = (finding and finding.text or "The run did not end: " .. how) .. "." .. learner.legend(run),
        events = finding and finding.events,
        proc = finding and finding.proc,
        object = finding and finding.object,
        next = finding and finding.next,
    }
end

-- How a consumer left off reading. Only a read that returned 0 is the end.
local WRONG_ENDS = {
    { rule = "closed-too-early",
        is = function(read) return read.errno == "EBADF" end,
        text = "%s could not read its pipe: %s. The descriptor was closed, or cannot be read from." },
    { rule = "eintr-as-eof",
        is = function(read, poll) return (poll or read).errno == "EINTR" end,
        text = "A signal interrupted %s in %s, and it never read again. EINTR is not the end of the file." },
    { rule = "hangup-as-eof",
        is = function(_, poll) return poll ~= nil end,
        text = "%s looked at its pipe with %s and stopped reading. Bytes may be left when the writer has hung up." },
    { rule = "short-read-as-eof",
        is = function(read) return read.ret and read.ret > 0 end,
        text = "%s stopped after %s. A read that brings less than was asked for is not the end of the file." },
}

local function check_real_end(run)
    if learner.was_spinning(run) then
        return -- and was killed
    end
    for _, one in ipairs(consumers_of(run)) do
        local failed = not one.first and run:first { op = "read", proc = one.name, errno = "EBADF" }
        if failed then
            fail {
                rule = "closed-too-early",
                text = ("%s has nothing to read from: %s."):format(one.name, learner.call(failed)),
                events = { failed },
                proc = one.name,
                next = "Who closed this descriptor, and did the child get a copy before?",
            }
        end
        local read = one.reads and one.reads[#one.reads]
        if read and read.ret and read.ret ~= 0 and learner.exit(run, one.name) then
            local poll = run:last { op = "poll", proc = one.name, seq_from = read.seq }
            for _, wrong in ipairs(WRONG_ENDS) do
                if wrong.is(read, poll) then
                    fail {
                        rule = wrong.rule,
                        text = wrong.text:format(one.name, learner.call(poll or read)),
                        events = { poll or read },
                        proc = one.name,
                        object = one.object,
                        next = "Only a read() that returns 0 is the end of the file.",
                    }
                end
            end
        end
    end
end

local function check_sums(run)
    if learner.was_spinning(run) then
        return
    end
    local sums, sizes = expected(run)
    local has_reported = {}
    for _, one in ipairs(consumers_of(run)) do
        local bytes = 0
        for _, read in ipairs(one.reads or {}) do
            bytes = bytes + math.max(read.ret or 0, 0)
        end
        local sum, size = sums[one.index] or 0, sizes[one.index] or 0
        has_reported[one.index or "nobody"] = true
        if one.report and (one.sum ~= sum or bytes ~= size) then
            fail {
                text = ("%s, consumer %d, read %d of %d bytes and found the sum %d; it is %d."):format(one.name,
                    one.index, bytes, size, one.sum, sum),
                events = { one.report },
                proc = one.name,
                object = one.object,
            }
        end
    end
    local P = learner.name(run)
    for index = 0, wanted(run) - 1 do
        if learner.exit(run, P) and not has_reported[index] then
            fail {
                text = ("%s has ended, and consumer %d has reported no sum."):format(P, index),
                events = { learner.exit(run, P) },
                proc = P,
            }
        end
    end
end

-- Lines for all consumers: single bytes, a few, and a long one; any byte but the end of a line.
local function lines(random, consumers, longest)
    local list = {}
    local function add(index, size)
        local bytes = {}
        for i = 1, size do
            local byte = random(1, 255)
            bytes[i] = string.char(byte == 10 and 11 or byte)
        end
        list[#list + 1] = index .. " " .. table.concat(bytes) .. "\n"
    end
    for index = 0, consumers - 1 do
        add(index, random(1, 3))
        add(index, random(longest - 200, longest))
        add(index, random(20, 60))
    end
    add(0, random(20, 60))
    return table.concat(list)
end

local function runs(random)
    local function spec(name, consumers, partner, habit)
        local args = { "consumers=" .. consumers }
        if habit then
            table.insert(args, 1, habit)
        end
        return { name = name, args = args, partner = partner, limit = 15,
            stdin = lines(random, consumers, partner and 400 or 5000) }
    end
    local no_pipe, no_process = spec("no more pipes", 4), spec("no more processes", 4, "dribble")
    no_pipe.files = random(7, 9) -- main has 5 open, and each consumer takes 2, of which 1 stays
    no_pipe.limit = 4 -- whoever tries again and again gets nowhere
    no_process.processes = random(3, 5) -- the partner, P, some consumers, and that is all
    return {
        spec("one consumer", 1),
        spec("several consumers", random(3, 4)),
        spec("little by little", 2, "dribble"),
        spec("all at the end", random(1, 2), "dribble", "late"),
        no_pipe,
        no_process,
        { name = "any order", args = { "consumers=2" }, limit = 15, stdin = lines(random, 2, 6), orders = 25,
            faults = { "short", "error" } },
    }
end

local USUAL = { "one consumer", "several consumers", "little by little", "all at the end" }

return grader {
    title = "EOF is a count reaching zero",
    exercise = "2-pipes/pipe-eof",
    starter_fails = "own-write-end",
    partners = { "dribble" },
    runs = runs,
    checks = {
        {
            id = "consumers",
            title = "n consumers, each a process of its own with a pipe of its own",
            points = 10,
            rule = "no-consumers",
            why = "A pipe has one stream of bytes: whoever shares it competes for them.",
            hints = {
                "One pipe() and one fork() for each consumer.",
                "Consumer i is a child of P: P waits for it.",
                "In the child: finish(i, consume(read end of pipe i)).",
            },
            on = USUAL,
            check = check_consumers,
        },
        {
            id = "own",
            title = "a consumer holds no write end of its own pipe",
            points = 15,
            rule = "own-write-end",
            why = "read() returns 0 when no write end is left anywhere. One that the reader holds itself counts.",
            hints = {
                "fork() copied every descriptor: what does the child hold?",
                "It reads only. What does it need the write end for?",
                "close(p[1]) in the child, before consume().",
            },
            on = USUAL,
            check = check_own,
        },
        {
            id = "siblings",
            title = "a consumer holds no write end of another one's pipe",
            points = 15,
            rule = "sibling-write-end",
            why = "The second child inherits what the parent holds of the first one's pipe, "
                .. "and keeps the first one waiting.",
            hints = {
                "What does P hold when it forks the second child?",
                "feed[0] is open in P at that moment, so the child has a copy of it.",
                "In child i: close feed[0] ... feed[i - 1].",
            },
            on = USUAL,
            check = check_siblings,
        },
        {
            id = "parent",
            title = "P holds one write end of each pipe",
            points = 10,
            rule = "parent-write-copy",
            why = "close() takes one descriptor away; the pipe's write side closes with the last.",
            hints = {
                "How many descriptors of P write into this pipe?",
                "dup() makes one more.",
                "feed[i] = p[1] is all that P needs to keep.",
            },
            on = USUAL,
            check = check_parent,
        },
        {
            id = "read ends",
            title = "nobody but the consumer holds a read end",
            points = 10,
            rule = "extra-read-end",
            why = "A writer gets EPIPE when no read end is left. With one forgotten, it sleeps for ever instead.",
            hints = {
                "P only writes: which end can it close?",
                "Pipes made before a fork are inherited with both ends.",
                "close(p[0]) in P, after the fork.",
            },
            on = USUAL,
            check = check_read_ends,
        },
        {
            id = "children",
            title = "child[i] is the process of consumer i",
            points = 5,
            rule = "wrong-child",
            why = "Whoever waits for a child waits by its number; a wrong one means another child, or nobody.",
            hints = {
                "What does fork() return in P?",
                "main() hands child[i] to waitpid(): 0 and -1 mean any child there.",
                "switch (child[i] = fork()) ...",
            },
            on = USUAL,
            check = check_children,
        },
        {
            id = "ends",
            title = "every consumer ends",
            points = 5,
            rule = "never-eof",
            why = "A reader waits as long as anybody could still write.",
            hints = {
                "Who holds a write end of the pipe that is being read?",
                "The finding names the process and the descriptor.",
                "Look at the descriptors at the moment when the run got stuck.",
            },
            on = USUAL,
            check = check_ends,
        },
        {
            id = "real end",
            title = "only read() = 0 is taken for the end",
            points = 10,
            rule = "short-read-as-eof",
            why = "Bytes come as they come: a few at a time, after a signal, or after the writer has gone.",
            hints = {
                "What are the possible results of read(), and what does each mean?",
                "-1 with EINTR: nothing has happened to the pipe.",
                "while ((n = read(...)) != 0) { if (n == -1 && errno == EINTR) continue; ... }",
            },
            on = USUAL,
            check = check_real_end,
        },
        {
            id = "sums",
            title = "every byte is counted",
            points = 5,
            rule = "wrong-sum",
            why = "A consumer that ends early is worse than one that hangs: nobody notices.",
            hints = {
                "Add up exactly n bytes of each read.",
                "Bytes are unsigned here.",
                "for (ssize_t i = 0; i < n; i++) sum += bytes[i];",
            },
            on = USUAL,
            check = check_sums,
        },
        {
            id = "failure",
            title = "-1 when a pipe or a process could not be made",
            points = 5,
            rule = "failure-ignored",
            why = "What pipe() left in p after it failed is not a pipe, and -1 is not a process: it means all of them.",
            hints = {
                "Which of your calls can fail?",
                "Look at the results of pipe() and fork() before you use what they made.",
                "if (pipe(p) == -1) return -1; and a case -1 of the switch.",
            },
            on = { "no more pipes", "no more processes" },
            check = check_failure,
        },
        {
            id = "spin",
            title = "waiting costs no processor time",
            points = 5,
            rule = "busy-wait",
            why = "A blocked read() is free; a loop of failing ones takes a processor.",
            hints = {
                "What does your loop do while the pipe is empty?",
                "A read() without O_NONBLOCK sleeps until there is something.",
                "With O_NONBLOCK: poll() with -1 after each EAGAIN.",
            },
            on = { "little by little" },
            check = learner.forbid_spinning,
        },
        {
            id = "clock",
            title = "nothing is left to the clock",
            points = 5,
            rule = "sleep",
            why = "Silence is not the end: the writer may only be slow.",
            hints = {
                "Which call of yours has a time limit?",
                "A sleeping read() wakes up by itself when there is something, or nobody left to write.",
                "poll(..., -1) waits without a limit.",
            },
            on = USUAL,
            check = learner.forbid_clock,
        },
    },
}

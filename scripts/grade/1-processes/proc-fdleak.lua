-- proc-fdleak: what is open in the new program, what has changed in the caller, and what it was told.
--
-- P writes "go" into a pipe before spawn_clean() and "done" after it, and a report {returned, error, answered}
-- at the end. What is open where at each of these moments is in the state.
local learner = require "learner"
local standing = require "standing"

local REPORT, REPORT_SIZE = "<i4i4i4", 12
local ANSWER = 6
local ERRORS = { [2] = "ENOENT", [11] = "EAGAIN", [13] = "EACCES" }

local function argument(run, name)
    for _, arg in ipairs(run.args) do
        local value = arg:match("^" .. name .. "=(.*)$")
        if value then
            return tonumber(value) or value
        end
    end
end

local function table_of(state, name)
    local fds = {}
    for _, fd in ipairs(state:fds(name)) do
        fds[fd.fd] = fd
    end
    return fds
end

-- Everything that the checks ask about a run.
local function facts_of(run)
    local P = learner.name(run)
    local facts = { P = P, exit = learner.exit(run, P) }
    facts.go = run:first { op = "write", proc = P, size = 2, data = "go" }
    facts.done = run:first { op = "write", proc = P, size = 4, data = "done" }
    facts.before = facts.go and table_of(run:at(facts.go.exit_seq), P) or {}
    local report = run:first { op = "write", proc = P, size = REPORT_SIZE, ret = REPORT_SIZE }
    if report then
        facts.report = report
        facts.returned, facts.error, facts.answered = string.unpack(REPORT, report.data)
    end
    facts.exec = run:first { kind = "exec", where = function(ev) return ev.proc ~= P and ev.proc ~= "P" end }
    facts.fork = run:first { op = "fork", proc = P, where = function(ev) return ev.child ~= nil end }
    return facts
end

local function object_name(run, seq, id)
    return run:at(seq):object(id).name
end

local function made_at(run, fd)
    local event = fd.event and run:first { where = function(ev) return ev.id == fd.event end }
    return event and event.line and (", opened at line " .. event.line) or ""
end

-- ---- the new program ----

local function check_started(run)
    local facts = facts_of(run)
    if not facts.exec then
        fail {
            text = facts.P .. " has started no program.",
            events = { facts.fork, facts.exit },
            proc = facts.P,
        }
    end
    local parent = facts.exec.proc:match("^(.*)%.%d+$")
    if parent ~= facts.P then
        fail {
            text = ("The program runs in %s, which is not a child of %s: it cannot be waited for."):format(
                facts.exec.proc, facts.P),
            events = { facts.exec },
            proc = facts.exec.proc,
        }
    end
    local fork = run:first { op = "fork", proc = facts.P, child = facts.exec.proc }
    if facts.report and facts.returned ~= fork.ret then
        fail {
            rule = "wrong-number",
            text = ("The program runs in %s, process %d, and spawn_clean() returned %d."):format(facts.exec.proc,
                fork.ret, facts.returned),
            events = { fork, facts.exec, facts.report },
            proc = facts.P,
        }
    end
end

local STANDARD = { [0] = "standard input", [1] = "standard output", [2] = "standard error" }

local function check_standard(run)
    local facts = facts_of(run)
    local has = facts.exec and table_of(run:at(facts.exec.seq), facts.exec.proc) or {}
    local wanted = { [0] = argument(run, "in"), [1] = argument(run, "out"), [2] = 2 }
    for fd = 0, facts.exec and 2 or -1 do
        local own, given = has[fd], facts.before[wanted[fd]]
        local last = run:last { proc = facts.exec.proc, op = { "dup", "close", "close-range", "fd-flags" },
            seq_to = facts.exec.seq }
        if not own then
            fail {
                rule = "lost-standard",
                text = ("The program has no %s: descriptor %d is closed. In %s it was to be %d."):format(
                    STANDARD[fd], fd, facts.P, wanted[fd]),
                events = { last, facts.exec },
                proc = facts.exec.proc,
                next = "dup2(x, x) changes nothing: a descriptor that is close-on-exec stays so, and is closed. "
                    .. "And close(in) closes the copy, if the copy is in.",
            }
        elseif given and own.object ~= given.object then
            fail {
                text = ("The program's %s is %s. It should be %s, %s's descriptor %d."):format(STANDARD[fd],
                    object_name(run, facts.exec.seq, own.object), object_name(run, facts.exec.seq, given.object),
                    facts.P, wanted[fd]),
                events = { last, facts.exec },
                proc = facts.exec.proc,
                object = given.object,
                next = "dup2() closes what was at its second number: was that still needed?",
            }
        end
    end
end

local function check_clean(run)
    local facts = facts_of(run)
    local list, first = {}, nil
    for _, fd in ipairs(facts.exec and run:at(facts.exec.seq):fds(facts.exec.proc) or {}) do
        if fd.fd > 2 then
            first = first or fd
            list[#list + 1] = ("%d (%s%s)"):format(fd.fd, object_name(run, facts.exec.seq, fd.object),
                made_at(run, fd))
        end
    end
    if first then
        fail {
            text = ("The program was started with more than 0, 1 and 2: %s."):format(table.concat(list, ", ", 1,
                math.min(#list, 4))),
            events = { facts.fork, facts.exec },
            proc = facts.exec.proc,
            object = first.object,
            next = "Which number is the highest that a descriptor can have? Which call closes all from 3 on, or "
                .. "marks them to be closed at exec?",
        }
    end
end

-- ---- the caller ----

-- Between "go" and "done": a descriptor that another thread's child would inherit.
local function check_moments(run)
    local facts = facts_of(run)
    local calls = facts.go and run:events { kind = "call", proc = facts.P, seq_from = facts.go.exit_seq,
        seq_to = facts.done and facts.done.seq } or {}
    for _, call in ipairs(calls) do
        for _, fd in ipairs(call.exit_seq and run:at(call.exit_seq):fds(facts.P) or {}) do
            if not facts.before[fd.fd] and not fd.cloexec then
                fail {
                    text = ("After %s, %s has descriptor %d open, and it is not close-on-exec.%s"):format(
                        learner.call(call), facts.P, fd.fd,
                        run:first { op = "fd-flags", proc = facts.P, fd = fd.fd, seq_from = call.seq }
                        and " It is marked later: in between, another thread may fork and exec." or ""),
                    events = { call },
                    proc = facts.P,
                    object = fd.object,
                    next = "Which call makes it close-on-exec from the first moment?",
                }
            end
        end
    end
end

local function check_caller(run)
    local facts = facts_of(run)
    if not facts.done then
        return
    end
    local now = table_of(run:at(facts.done.seq), facts.P)
    for number, was in pairs(facts.before) do
        local is = now[number]
        if not is or is.object ~= was.object or is.cloexec ~= was.cloexec then
            fail {
                text = ("When spawn_clean() has returned, descriptor %d of %s %s."):format(number, facts.P,
                    not is and "is closed" or is.object ~= was.object and "is another one"
                    or is.cloexec and "is close-on-exec, and was not" or "is not close-on-exec any more"),
                events = { run:last { proc = facts.P, op = { "close", "close-range", "dup", "fd-flags" },
                    seq_to = facts.done.seq } },
                proc = facts.P,
                object = was.object,
                next = "They are the caller's. What is to happen in the child must be done in the child.",
            }
        end
    end
    for number, is in pairs(now) do
        if not facts.before[number] then
            fail {
                rule = "left-open",
                text = ("When spawn_clean() has returned, %s has one descriptor more: %d (%s%s)."):format(facts.P,
                    number, object_name(run, facts.done.seq, is.object), made_at(run, is)),
                events = { is.event },
                proc = facts.P,
                object = is.object,
                next = "What spawn_clean() opens, it closes, on each way out.",
            }
        end
    end
end

-- ---- failures ----

local function name_of(code)
    return ERRORS[code] or tostring(code)
end

local function check_failure(run)
    local facts = facts_of(run)
    local expected = ({ ["no such program"] = 2, ["not a program"] = 13, ["no process"] = 11 })[run.name]
    local call = run:last { op = run.name == "no process" and "fork" or "exec", ret = -1 }
    local child = call and call.proc or facts.P
    local left = facts.done and run:at(facts.done.seq):children(facts.P) or {}
    if run.name == "no process" and not call then
        return -- this machine does not limit the number of processes
    end
    if facts.report and facts.returned ~= -1 then
        fail {
            text = ("%s failed in %s (%s), and spawn_clean() returned %d, as if the program ran."):format(
                call and call.call or "execve", child, call and call.errno or "?", facts.returned),
            events = { call, facts.report },
            proc = facts.P,
            next = "The exec fails in the child. A pipe that is closed by a successful exec can carry the errno.",
        }
    elseif facts.report and #left > 0 then
        fail {
            rule = "zombie",
            text = ("spawn_clean() returned -1, and %s is left: %s."):format(left[1],
                run:at(facts.done.seq):proc(left[1]).state == "zombie" and "a zombie" or "it has not even ended"),
            events = { run:first { kind = "exit", proc = left[1] }, facts.report },
            proc = left[1],
            next = "The caller gets no number, so it cannot wait for it.",
        }
    elseif facts.report and facts.error ~= expected then
        fail {
            rule = "wrong-errno",
            text = ("spawn_clean() returned -1 with errno %s. %s had failed in %s with %s."):format(
                name_of(facts.error), call and call.call or "The call", child, name_of(expected)),
            events = { call, facts.report },
            proc = facts.P,
            next = "errno is a variable of the process in which the call failed. How does it come over?",
        }
    elseif not facts.report then
        fail {
            text = ("%s failed in %s, and %s never came back from spawn_clean()."):format(
                call and call.call or "The start", child, facts.P),
            events = { call },
            proc = facts.P,
        }
    end
end

-- What a child does between fork and exec, or its end.
local function check_quiet(run)
    local facts = facts_of(run)
    for _, child in ipairs(learner.children(run)) do
        local bye = run:first { op = "write", proc = child, data = "bye" }
        local text = run:first {
            op = "write", proc = child,
            where = function(ev) return ev.data ~= nil and ev.data:find("waiting in a buffer", 1, true) ~= nil end,
        }
        if bye or text then
            fail {
                text = ("%s could not start the program, and did the caller's last things: %s."):format(child,
                    bye and "it ran what the caller gave to atexit()" or "it wrote what the caller had printed"),
                events = { run:last { op = "exec", proc = child }, bye or text },
                proc = child,
                next = "exit(3) does all that. What does _exit(2) do?",
            }
        end
    end
    if facts.done and not facts.fork and run.name ~= "no process" then
        fail { text = facts.P .. " has not even tried: it made no child.", events = { facts.done }, proc = facts.P }
    end
end

-- ---- the end ----

local function check_answer(run)
    local facts = facts_of(run)
    if facts.exit and facts.answered ~= ANSWER then
        fail {
            text = ("The program gave back %d of %d bytes."):format(facts.answered or 0, ANSWER),
            events = { facts.exec, facts.report },
            proc = facts.P,
        }
    end
end

-- ---- the runs ----

local function runs(random)
    local function spec(name, give, more)
        local one = { name = name, args = { "in=" .. give[1], "out=" .. give[2] }, limit = 10 }
        for key, value in pairs(more or {}) do
            one[key] = value
        end
        return one
    end
    local low, high = random(6, 12), random(13, 20)
    local usual = { low, high }
    local very_high = spec("very high", usual, { files = 2048 })
    table.insert(very_high.args, "high=" .. random(1400, 1600))
    local missing, folder = spec("no such program", usual), spec("not a program", usual)
    table.insert(missing.args, "program=/nowhere/helper")
    table.insert(folder.args, "program=/usr")
    return {
        spec("usual", usual),
        spec("in place", { 0, 1 }),
        spec("swapped", { 1, 0 }),
        spec("output in place of input", { low, 0 }),
        spec("input in place of output", { 1, high }),
        very_high,
        missing,
        folder,
        spec("no process", usual, { processes = 1 }),
    }
end

local WORKS = { "usual", "in place", "swapped", "output in place of input", "input in place of output", "very high" }
local FAILS = { "no such program", "not a program", "no process" }

return grader {
    title = "A descriptor you forgot keeps a promise open",
    exercise = "1-processes/proc-fdleak",
    starter_fails = "leak",
    runs = runs,
    checks = {
        {
            id = "started",
            title = "the program runs in a child of the caller",
            points = 10,
            rule = "not-started",
            why = "The caller must be able to wait for it.",
            hints = {
                "Which call replaces the program of a process?",
                "fork(), then execv() in the child.",
                "if (pid == 0) { ...; execv(argv[0], argv); ... }",
            },
            on = WORKS,
            check = check_started,
        },
        {
            id = "standard",
            title = "0, 1 and 2 are what they should be",
            points = 20,
            rule = "wrong-standard",
            why = "A program finds its input and output by these numbers, and nothing else.",
            hints = {
                "Which numbers may `in` and `out` have? Write down what dup2(in, 0); dup2(out, 1) does for each.",
                "If out is 0, dup2(in, 0) closes it: move it out of the way first. If in is 0 already, dup2() does "
                    .. "nothing at all, and FD_CLOEXEC stays.",
                "Copy both with fcntl(fd, F_DUPFD_CLOEXEC, 3), then dup2() the copies to 0 and 1.",
            },
            on = WORKS,
            check = check_standard,
        },
        {
            id = "clean",
            title = "nothing else is open in the program",
            points = 20,
            rule = "leak",
            why = "What a program does not know of, it never closes: ports stay taken, readers wait.",
            hints = {
                "Which descriptors does the child have, and which of them does it need?",
                "A loop up to 255 is not enough: numbers can be far higher.",
                "close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) in the child",
            },
            on = WORKS,
            check = check_clean,
        },
        {
            id = "moments",
            title = "what it opens is close-on-exec from the first moment",
            points = 10,
            rule = "flagged-later",
            why = "Between open and fcntl() another thread may fork and exec; its program has the descriptor for good.",
            hints = {
                "Which descriptors do you open in the caller, and how are they marked?",
                "pipe() and then fcntl() are two steps.",
                "pipe2(p, O_CLOEXEC)",
            },
            check = check_moments,
        },
        {
            id = "caller",
            title = "the caller's descriptors stay as they were",
            points = 10,
            rule = "caller-changed",
            why = "They are not yours.",
            hints = {
                "What did you close, mark or open in the caller?",
                "In the child you can do what you like: it has copies.",
                "close() both ends of your own pipe in the caller, and nothing else.",
            },
            check = check_caller,
        },
        {
            id = "failure",
            title = "a start that failed is told, with its errno, and leaves no child",
            points = 10,
            rule = "failure-hidden",
            why = "Otherwise the caller talks to nobody, and finds out much later.",
            hints = {
                "Where does execv() fail, and who has to know?",
                "A pipe with O_CLOEXEC: end of file says that the exec worked; bytes say that it did not.",
                "Child: write(p[1], &errno, sizeof errno); _exit(127). Caller: close(p[1]), read(p[0], ...), waitpid()",
            },
            on = FAILS,
            check = check_failure,
        },
        {
            id = "quiet",
            title = "a child that could not start the program just ends",
            points = 5,
            rule = "exit-in-the-child",
            why = "It is a copy of the caller, with its buffers and its last wishes.",
            hints = {
                "How does the child end when execv() has returned?",
                "exit() runs handlers and writes buffers: the caller's.",
                "_exit(127)",
            },
            on = FAILS,
            check = check_quiet,
        },
        {
            id = "answer",
            title = "the helper answers",
            points = 5,
            rule = "no-answer",
            why = "It reads what the caller sends and sends it back: with the right 0 and 1 that works.",
            hints = {
                "What are 0 and 1 in the helper?",
                "Has it been told that there are no more bytes?",
                "Look at its descriptors at its first read().",
            },
            on = WORKS,
            check = check_answer,
        },
        {
            id = "ends",
            title = "it comes back at once",
            points = 5,
            rule = "never-eof",
            why = "Whoever waits for the end of file of its own pipe must not hold the other end.",
            hints = {
                "Who sleeps, in which call?",
                "Who holds a write end of the pipe that is being read?",
                "close(p[1]) in the caller, before read().",
            },
            check = standing.ends,
        },
        {
            id = "clock",
            title = "nothing is left to the clock",
            points = 5,
            rule = "sleep",
            why = "That nothing has failed yet does not mean that it worked.",
            hints = {
                "Which call of yours has a time limit?",
                "The exec itself can be waited for: it closes what is close-on-exec.",
                "read() of a pipe with O_CLOEXEC",
            },
            check = learner.forbid_clock,
        },
    },
}
